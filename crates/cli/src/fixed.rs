//! Sources outside the stack that a program is pinned to: a profile, an instance's role. A frame that is one has no credential
//! id, so what it is is written down, and named by its hash: a later push or pop can't change what the name means.

use std::path::Path;

use credstack_core::{
    ambient,
    aws_files::{self, File, Texts},
    stack::Reader,
    values::{Ambient, AwsFiles, CredentialSet, Entry, FixedSource, FrameName, Signer, SourceId},
};
use sha2::{Digest, Sha256};

use crate::{
    aws_config,
    context::Context,
    failure::{Failure, Kind},
    our_files,
    signing::{self, Signing},
};

impl Context {
    /// The AWS configuration that counts here: where it is, and the profile where none is named.
    pub fn aws_files(&self) -> AwsFiles {
        // It is looked for from other directories too.
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        AwsFiles {
            config: absolute(&self.aws_config_file),
            credentials: absolute(&self.aws_credentials_file),
            profile: self.aws("AWS_PROFILE").map(str::to_owned),
        }
    }
}

/// The frame that a program is pinned to whose keys were found just now: its credential set, else what it was found to be.
pub fn pin(context: &Context, whose: &Entry) -> Result<FrameName, Failure> {
    if let Some(id) = whose.credential {
        return Ok(FrameName::Credential(id));
    }
    let reference = whose.detail.get("ambient").cloned().and_then(|it| serde_json::from_value::<Ambient>(it).ok());
    let reference = reference.unwrap_or_default();
    // What only this environment has is known by its key.
    let access_key_id = whose.access_key_id.clone().filter(|_| reference.profile.is_none());
    write(context, &FixedSource { reference, keys_only: false, access_key_id, files: context.aws_files() }).map(FrameName::Source)
}

/// Its name.
pub fn id(source: &FixedSource) -> Result<SourceId, Failure> {
    text(source).map(|text| name(&text))
}

fn text(source: &FixedSource) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(source).map_err(|_| {
        Failure::usage("the path of an AWS configuration file is not text").next_step("set AWS_CONFIG_FILE to another path")
    })
}

/// Writes a source down. Its name.
pub fn write(context: &Context, source: &FixedSource) -> Result<SourceId, Failure> {
    let text = text(source)?;
    let id = name(&text);
    let mut failed = None;
    for base in our_files::bases(context) {
        let path = base.join(id.to_string());
        match our_files::private_directory(&base).and_then(|()| our_files::read_only(&path, &text)) {
            Ok(()) => {
                our_files::touch(&path, context.now);
                return Ok(id);
            }
            Err(error) => failed = failed.or(Some((path, error))),
        }
    }
    Err(match failed {
        Some((path, error)) => Failure::usage(format!("{} can't be written: {error}", path.display()))
            .next_step("make it writable, or give another --state-dir"),
        None => Failure::internal("there is no place for files of credstack's"),
    })
}

/// Reads a source that was written down. It is what its name says, or nothing.
pub fn read(context: &Context, id: SourceId) -> Result<FixedSource, Failure> {
    for base in our_files::bases(context) {
        let path = base.join(id.to_string());
        if let Some(text) = std::fs::read(&path).ok().filter(|text| name(text) == id)
            && let Ok(source) = serde_json::from_slice(&text)
        {
            our_files::touch(&path, context.now);
            return Ok(source);
        }
    }
    Err(Failure::new(Kind::Nothing, format!("{id} isn't in the state directory any more"))
        .next_step("start the program again with `credstack exec`"))
}

fn name(text: &[u8]) -> SourceId {
    let hash = Sha256::digest(text);
    let mut id = [0; 8];
    id.copy_from_slice(&hash[..8]);
    SourceId(id)
}

/// Finds the identity of a source.
pub fn signing(context: &Context, reader: &Reader, id: SourceId) -> Result<Signing, Failure> {
    let source = read(context, id)?;
    let here = Context {
        aws_config_file: source.files.config.clone(),
        aws_credentials_file: source.files.credentials.clone(),
        files: Some(source.files.clone()),
        ..context.during(signing::UnderWay::Source(id))
    };
    // A client that runs this has the files of ours that name it.
    if let Some(file) = context.variable("AWS_CONFIG_FILE") {
        our_files::touch_of(Path::new(&file), context.now);
    }
    if source.keys_only {
        return of_keys(&here, &source);
    }
    if let Some(key) = &source.access_key_id {
        return of_environment(&here, reader, &source, key);
    }
    signing::from_ambient(&here, reader, source.reference)
}

/// A source that only the environment has: the keys there are it, as long as they are the same.
fn of_environment(context: &Context, reader: &Reader, source: &FixedSource, key: &str) -> Result<Signing, Failure> {
    let found = ambient::environment_keys(|name| context.aws(name).map(str::to_owned))?;
    let is_it = |set: &CredentialSet| set.access_key_id == key;
    if !found.is_some_and(|keys| is_it(&keys.set)) {
        return Err(Failure::new(
            Kind::Nothing,
            format!("the keys that this program was given ({key}) aren't in its environment"),
        )
        .next_step("start it again with `credstack exec`, or name a frame"));
    }
    let mut signing = signing::from_environment(context, reader)?;
    if source.reference.provider.as_deref() != Some("Environment") {
        signing.who.signer = Signer::Ambient(source.reference.clone());
    }
    Ok(signing)
}

/// A profile's static keys, as the AWS CLI takes them.
fn of_keys(context: &Context, source: &FixedSource) -> Result<Signing, Failure> {
    let text = |path: &Path| {
        let bytes = aws_config::read(path)?;
        String::from_utf8(bytes).map_err(|_| Failure::usage(format!("{} isn't UTF-8", path.display())).next_step("correct it"))
    };
    let (config, credentials) = (text(&context.aws_config_file)?, text(&context.aws_credentials_file)?);
    let profile = source.reference.profile.as_deref().unwrap_or("default");
    let found = aws_files::keys(Texts { config: &config, credentials: &credentials }, profile).map_err(|trouble| {
        let file = match trouble.file {
            File::Config => &context.aws_config_file,
            File::Credentials => &context.aws_credentials_file,
        };
        Failure::usage(format!("{}, line {}: {}", file.display(), trouble.line, trouble.what)).next_step("correct it")
    })?;
    let set = found.ok_or_else(|| {
        Failure::new(
            Kind::Nothing,
            format!("profile {profile} has no access key with its secret in {} any more", context.aws_credentials_file.display()),
        )
        .next_step("put them back, or start the program again with `credstack exec`")
    })?;
    signing::check_set(&set)?;
    let reference = Ambient { provider: Some("ProfileFile".to_owned()), ..source.reference.clone() };
    Ok(Signing { set, expires_at: None, who: signing::foreseen(&reference), beside: Default::default() })
}
