//! The AWS configuration of a program that runs under `exec`: two files in the state directory, in the place of the user's.
//! They hold no secret, so nothing has to be cleaned up.

mod place;

use std::{cell::RefCell, collections::BTreeMap, io, path::Path};

use credstack_core::{
    aws_files::{self, File, Handed, Rendering, Texts, Trouble},
    values::{Ambient, FixedSource, FrameName, SourceId},
};
pub use place::{bases, originals, private_directory, read_only, remove, touch, touch_of};

use crate::{
    aws_config::{self, CommandLine},
    context::Context,
    failure::Failure,
    fixed, profile, signing,
};

/// The variables that name them.
pub const VARIABLES: [&str; 2] = ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"];

/// What a program is given.
pub struct Wanted<'a> {
    /// Whether AWS_PROFILE is to name a profile in them, in every home; else they are there only where the default profile
    /// would give credentials.
    pub handed: Option<Handing>,
    /// The profile that the frame came from.
    pub profile_of_frame: Option<&'a str>,
    /// The region that goes with the frame.
    pub region: Option<&'a str>,
}

/// The profile that AWS_PROFILE is to name.
#[derive(Clone, Copy)]
pub enum Handing {
    /// It gives nothing, so that a client asks the endpoint.
    Inert,
    /// It asks credstack for this frame.
    Process(FrameName),
}

/// What the program's environment gets: `None` is taken away.
pub type Variables = Vec<(&'static str, Option<String>)>;

/// Refuses what would be waited for, or is no file at all.
pub fn check(context: &Context) -> Result<(), Failure> {
    [&context.aws_config_file, &context.aws_credentials_file]
        .into_iter()
        .filter(|path| is_other(path))
        .try_for_each(|path| aws_config::read(path).map(drop))
}

fn is_other(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file())
}

/// Whether the default profile of this home would give credentials to some client.
pub fn default_would_win(context: &Context) -> bool {
    let text = |path: &Path| aws_config::read(path).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match (text(&context.aws_config_file), text(&context.aws_credentials_file)) {
        (Some(config), Some(credentials)) => {
            aws_files::default_gives_credentials(Texts { config: &config, credentials: &credentials })
        }
        // What can't be read here may be read by another.
        _ => true,
    }
}

/// The variables that lead back to the user's own files, where this environment names files of ours.
pub fn users_own(context: &Context) -> Variables {
    if context.files.is_none() {
        return Vec::new();
    }
    let own = |name: &'static str, file: fn(place::Originals) -> Option<std::path::PathBuf>| {
        let ours = originals(Path::new(&context.variable(name)?))?;
        Some((name, file(ours).and_then(|path| path.to_str().map(str::to_owned))))
    };
    [own(VARIABLES[0], |ours| ours.config), own(VARIABLES[1], |ours| ours.credentials)].into_iter().flatten().collect()
}

/// Makes the files, and gives the variables with which a program finds them.
pub fn prepare(context: &Context, wanted: &Wanted<'_>) -> Result<Variables, Failure> {
    let is_needed = default_would_win(context);
    if wanted.handed.is_none() && !is_needed {
        return Ok(users_own(context));
    }
    let prepared = Text::render(context, wanted)?;
    match prepared.store(context) {
        Ok(variables) => Ok(variables),
        // The endpoint's variables alone are right where no profile comes before them.
        Err(_) if !is_needed && matches!(wanted.handed, Some(Handing::Inert)) => Ok(users_own(context)),
        Err(error) => Err(Failure::usage(format!(
            "{} can't be written ({error}), and without files there a program could be the default profile",
            context.place.path().display()
        ))
        .next_step("make it writable, set XDG_RUNTIME_DIR, or give another --state-dir")),
    }
}

/// What is in the files.
struct Text {
    config: String,
    record: Vec<u8>,
    /// The sources that its commands name.
    sources: BTreeMap<SourceId, FixedSource>,
    /// The name that AWS_PROFILE gets.
    handed: Option<String>,
    /// One of its command lines.
    sample: CommandLine,
}

impl Text {
    fn render(context: &Context, wanted: &Wanted<'_>) -> Result<Text, Failure> {
        let config = read(&context.aws_config_file, File::Config);
        let credentials = read(&context.aws_credentials_file, File::Credentials);
        let trouble = config.as_ref().err().or(credentials.as_ref().err()).copied();
        let (config, credentials) = (config.unwrap_or_default(), credentials.unwrap_or_default());
        let texts = Texts { config: &config, credentials: &credentials };
        let users = context.aws("AWS_PROFILE").filter(|profile| !signing::asks_us(context, profile));
        let handed = wanted.handed.map(|_| name(context, texts)).transpose()?;
        let command = match wanted.handed {
            Some(Handing::Process(frame)) => Some(command_line(context, frame)?.text().to_owned()),
            _ => None,
        };
        // Whether a line can be written, and what it needs beside itself, is the same for all of them.
        let sample = command_line(context, FrameName::Current)?;
        let sources = RefCell::new(BTreeMap::new());
        let stand_in = |profile: &str| {
            let reference = Ambient { profile: Some(profile.to_owned()), ..Ambient::default() };
            let source = FixedSource { reference, keys_only: true, access_key_id: None, files: context.aws_files() };
            let id = fixed::id(&source).unwrap_or(SourceId([0; 8]));
            sources.borrow_mut().insert(id, source);
            command_line(context, FrameName::Source(id)).map(|line| line.text().to_owned()).unwrap_or_default()
        };
        let rendering = Rendering {
            texts,
            about: &[about(context)],
            settings_of: users.unwrap_or("default"),
            endpoint_of: wanted.profile_of_frame.unwrap_or("default"),
            region: wanted.region,
            handed: handed.as_deref().map(|name| Handed { name, command: command.as_deref() }),
            stand_in: &stand_in,
        };
        let rendered = match trouble {
            Some(trouble) => Err(trouble),
            None => aws_files::render(&rendering),
        };
        let config = match rendered {
            Ok(text) => text,
            Err(trouble) => {
                let file = match trouble.file {
                    File::Config => &context.aws_config_file,
                    File::Credentials => &context.aws_credentials_file,
                };
                let line = if trouble.line == 0 { String::new() } else { format!(", line {}", trouble.line) };
                context.output.warn(&format!(
                    "{}{line}: {}; the program has no profiles of the AWS configuration, only the frame",
                    file.display(),
                    trouble.what
                ));
                aws_files::without_profiles(&rendering)
            }
        };
        let variable = |name: &str, own: fn(place::Originals) -> Option<std::path::PathBuf>| {
            let path = context.variable(name).map(std::path::PathBuf::from)?;
            match originals(&path) {
                Some(ours) => own(ours),
                // The program may be in another directory later.
                None => std::path::absolute(&path).ok().filter(|_| !path.starts_with("~")).or(Some(path)),
            }
        };
        let record = place::Originals {
            config: variable(VARIABLES[0], |ours| ours.config),
            credentials: variable(VARIABLES[1], |ours| ours.credentials),
            profile: context.aws("AWS_PROFILE").map(str::to_owned),
            handed: handed.clone(),
        };
        let record = serde_json::to_vec(&record).map_err(|_| {
            Failure::usage("the path of an AWS configuration file is not text").next_step("set AWS_CONFIG_FILE to another path")
        })?;
        Ok(Text { config, record, sources: sources.into_inner(), handed, sample })
    }

    fn store(&self, context: &Context) -> io::Result<Variables> {
        self.sample.make().map_err(|failure| io::Error::other(failure.message))?;
        let pair = place::store(context, self.config.as_bytes(), &self.record)?;
        for source in self.sources.values() {
            fixed::write(context, source).map_err(|failure| io::Error::other(failure.message))?;
        }
        let text = |name: &str| {
            let path = pair.join(name);
            path.to_str().map(str::to_owned).ok_or_else(|| io::Error::other("its path is not text"))
        };
        let mut variables = vec![(VARIABLES[0], Some(text(place::CONFIG)?)), (VARIABLES[1], Some(text(place::CREDENTIALS)?))];
        variables.extend(self.handed.clone().map(|name| ("AWS_PROFILE", Some(name))));
        Ok(variables)
    }
}

/// One of the user's files. One that can't be read is trouble, as a line that can't is.
fn read(path: &Path, file: File) -> Result<String, Trouble> {
    let trouble = |what| Trouble { file, line: 0, what };
    let bytes = aws_config::read(path).map_err(|_| trouble("it can't be read"))?;
    String::from_utf8(bytes).map_err(|_| trouble("it isn't UTF-8"))
}

/// The first line of the configuration file.
fn about(context: &Context) -> String {
    let (config, credentials) = (context.aws_config_file.display(), context.aws_credentials_file.display());
    let line = format!("Written by `credstack exec` for its programs, in the place of {config} and {credentials}: change those");
    line.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// The name of the profile that a program is handed: tools write it down, so it is the one that follows the stack outside.
fn name(context: &Context, texts: Texts<'_>) -> Result<String, Failure> {
    if let Some(name) = profile::find(context, texts.config.as_bytes()) {
        return Ok(name);
    }
    let is_free = |name: &&str| !matches!(aws_files::has_profile(texts, name), Ok(true));
    Ok(["credstack", "credstack-exec", "credstack-exec-1"].into_iter().find(is_free).unwrap_or("credstack").to_owned())
}

/// The line that asks credstack for a frame.
fn command_line(context: &Context, frame: FrameName) -> Result<CommandLine, Failure> {
    CommandLine::of(context, &["credential-process", "--frame", &frame.to_string()])
}
