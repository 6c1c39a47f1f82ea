use std::io::Read;

use credstack_core::{
    ambient,
    sts::{Sts, StsError},
    values::{Acquired, CredentialSet, Identity, Kind, Signer, request::SignerKind},
};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Map;

use super::{common::Common, inputs, landing::push};
use crate::{
    context::Context,
    failure::{self, Failure},
    foresight,
    signer::{self, Choice},
    signing::{self, Signing, Who},
    store,
};

/// Bring credentials from elsewhere
///
/// From a profile, from this shell's environment, or as JSON on stdin in the form of
/// credential_process. Secrets are never taken from an argument. STS is asked who they are; refused
/// ones are not stored.
///
/// Examples:
///   credstack push import --profile dev
///   credstack push import --env
///   aws configure export-credentials | credstack push import
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Import {
    /// From a profile in ~/.aws/config
    #[arg(long, value_name = "PROFILE", conflicts_with = "env", value_parser = inputs::text, allow_hyphen_values = true)]
    profile: Option<String>,
    /// From this shell's AWS_ACCESS_KEY_ID and its companions
    #[arg(long)]
    env: bool,
    #[command(flatten)]
    common: Common,
}

/// The form of credential_process.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ProcessOutput {
    version: u8,
    access_key_id: String,
    secret_access_key: SecretString,
    session_token: Option<SecretString>,
    expiration: Option<Timestamp>,
}

impl Import {
    pub fn run(self, context: &Context) -> Result<(), Failure> {
        self.common.check()?;
        if self.common.dry_run {
            return foresight::show_import(context);
        }
        let (set, expires_at) = self.read(context)?;
        signing::check_set(&set)?;
        if set.access_key_id.len() < 16 {
            return Err(Failure::usage("the access key id is too short: AWS gives 16 characters or more")
                .next_step("check where these credentials come from"));
        }
        if let Some(at) = expires_at.filter(|at| *at <= context.now) {
            return Err(Failure::new(failure::Kind::Expired, format!("these credentials expired at {at}"))
                .next_step("get new ones where these came from"));
        }
        let reader = store::ensure(context)?;
        reader.require_store()?;
        let way = signing::recorded_way(&reader, &set)?;
        let signing = Signing {
            beside: Default::default(),
            set,
            expires_at,
            who: Who {
                identity: None,
                kind: SignerKind::Unknown,
                signer: Signer::None,
                region: None,
                profile: self.profile.clone(),
                is_untouched: false,
                inherited: Default::default(),
                way,
            },
        };
        let shell = signing::shell(context, &reader)?;
        let sts = signing.sts(context, self.common.region.as_deref())?;
        let identity = identify(context, &sts, &signing.set)?;
        let acquired = Acquired {
            // An STS that could not be asked may be another one than theirs.
            way: identity.as_ref().map(|_| sts.way().clone()),
            identity,
            kind: Kind::Imported,
            region: sts.configured_region().map(str::to_owned),
            issued_at: context.time(),
            expires_at,
            signer: Signer::None,
            request: None,
            label: self.common.label.clone(),
            note: self.common.note.clone(),
            profile: self.profile.clone(),
            set: signing.set,
        };
        push(context, &self.common, "push import", acquired, shell, Map::new())
    }

    fn read(&self, context: &Context) -> Result<(CredentialSet, Option<Timestamp>), Failure> {
        if let Some(profile) = &self.profile {
            let choice = Choice { profile: Some(profile), ..Choice::default() };
            let signing = signer::choose(context, &context.reader()?, &choice)?;
            return Ok((signing.set, signing.expires_at));
        }
        if self.env {
            let keys = ambient::environment_keys(|name| context.aws(name).map(str::to_owned))?;
            return keys.map(|keys| (keys.set, keys.expires_at)).ok_or_else(|| {
                Failure::new(failure::Kind::Nothing, "this shell's environment holds no AWS keys")
                    .next_step("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY first")
            });
        }
        from_stdin()
    }
}

fn from_stdin() -> Result<(CredentialSet, Option<Timestamp>), Failure> {
    use std::io::IsTerminal;
    let expected = r#"pipe {"Version":1,"AccessKeyId":…,"SecretAccessKey":…,"SessionToken":…,"Expiration":…} into it, or give --profile or --env"#;
    if std::io::stdin().is_terminal() {
        return Err(
            Failure::usage("there is nothing to import: stdin is a terminal, which would show what is typed").next_step(expected)
        );
    }
    let mut text = zeroize::Zeroizing::new(String::new());
    std::io::stdin()
        .lock()
        .take(64 * 1024)
        .read_to_string(&mut text)
        .map_err(|error| Failure::usage(format!("stdin cannot be read: {}", error.kind())).next_step(expected))?;
    // serde's messages may quote the input: only the place of the fault is told.
    let output: ProcessOutput = serde_json::from_str(&text).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Failure::usage(format!("stdin is not JSON in the form of credential_process ({place})")).next_step(expected)
    })?;
    if output.version != 1 {
        return Err(Failure::usage(format!("Version {} of credential_process is not known", output.version)).next_step(expected));
    }
    let set = CredentialSet {
        access_key_id: output.access_key_id,
        secret_access_key: output.secret_access_key,
        session_token: output.session_token,
    };
    Ok((set, output.expiration))
}

/// Who the credentials are. Refused ones are not worth storing; where STS cannot be reached, that is said and they are
/// stored without a name.
fn identify(context: &Context, sts: &Sts, set: &CredentialSet) -> Result<Option<Identity>, Failure> {
    match sts.caller_identity(set) {
        Ok(identity) => Ok(Some(identity)),
        Err(error @ StsError::Refused(_)) => Err(error.into()),
        Err(error) => {
            context.output.warn(&format!("who these credentials are is not known: {error}"));
            Ok(None)
        }
    }
}
