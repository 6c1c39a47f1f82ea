//! What a command may know of the world. Long because nothing else may read it.

#![allow(clippy::disallowed_methods, reason = "the only reader of the environment, the clock and the home directory")]

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use credstack_core::{
    ambient,
    handout::RegionChoice,
    secret_store::Patience,
    stack::{Consent, Intents, Reader, Secrets, StackError, StateDirectory, Terms},
    sts::TimeOuts,
    values::{Actor, AwsFiles, StackName},
};
use etcetera::BaseStrategy;
use jiff::Timestamp;

use crate::{
    aws_config::StateToken,
    configuration::Configuration,
    export::{NO_PROFILE, REGION_COMPANION},
    failure::Failure,
    global::{ColorWhen, Global},
    marker::Marker,
    our_files,
    output::Output,
    pinentry::Pinentry,
    signing::UnderWay,
    terminal::Terminal,
};

/// How long a call may take whose answer can be done without.
const BRIEF: Duration = Duration::from_secs(3);

/// Everything that a command may know of the world around it. No other place reads the environment, the clock, the
/// home directory or the terminal.
#[derive(Clone)]
pub struct Context {
    /// The stack to work on.
    pub stack: StackName,
    /// The stack that a program finds which is started from here: CREDSTACK_STACK's, whatever `--stack` says.
    pub stack_of_variable: StackName,
    /// Where our files lie.
    pub place: StateDirectory,
    /// The same for a program that is started from here: the variable's, whatever the options say.
    pub place_of_variable: StateDirectory,
    /// What was said about these two on the command line, as options.
    pub given: Vec<OsString>,
    /// Whether our files and the configuration are where they usually are, and not where somebody put them this time.
    pub is_usual: bool,
    /// The home directory.
    pub home: PathBuf,
    /// The AWS configuration file: the user's own, where the environment names one of ours.
    pub aws_config_file: PathBuf,
    /// The shared credentials file.
    pub aws_credentials_file: PathBuf,
    /// These two and the profile that counts, where they are not what the environment says.
    pub files: Option<AwsFiles>,
    /// The configuration file's contents.
    pub configuration: Configuration,
    /// Where it is read from.
    pub configuration_path: PathBuf,
    /// Where results and messages go.
    pub output: Output,
    /// When to use colours.
    pub color: ColorWhen,
    /// Whether what runs out is asked for again.
    pub renews: bool,
    /// Whether somebody can do without what is asked for, so that no program is waited for long.
    pub is_brief: bool,
    /// Whom to ask.
    pub terminal: Terminal,
    /// Who shows a dialog where there is a display, and no terminal to ask on.
    pub pinentry: Option<Pinentry>,
    /// The secret store, opened when it is first needed.
    pub secrets: Secrets,
    /// The `exec` that this program runs under, if any.
    pub marker: Option<Marker>,
    /// What this process is finding the identity of.
    pub under_way: Vec<UnderWay>,
    /// The requests to STS that this process has under way.
    pub intents: Intents,
    /// The `AWS_*` variables of this shell.
    pub aws_environment: BTreeMap<String, String>,
    /// The time when the command began.
    pub now: Timestamp,
}

impl Context {
    /// Looks at the world once.
    pub fn new(mut global: Global) -> Result<Context, Failure> {
        // What a profile pins counts, whatever the variables of the client say.
        global.state_dir = global.state.take().map(|StateToken(path)| path).or(global.state_dir);
        let strategy = etcetera::choose_base_strategy()
            .map_err(|_| Failure::usage("there is no home directory").next_step("set HOME, or give --state-dir"))?;
        let configuration_path = match path_variable("CREDSTACK_CONFIG_FILE") {
            Some(path) => path,
            None => strategy.config_dir().join("credstack").join("config.toml"),
        };
        let configuration = Configuration::read(&configuration_path)?;
        let not_text = || Failure::usage("CREDSTACK_STACK is not text").next_step("unset it, or give --stack");
        let named = env::var_os("CREDSTACK_STACK").filter(|name| !name.is_empty());
        let named = named.map(|name| name.into_string().map_err(|_| not_text())).transpose();
        let given = given(&global)?;
        let named = named.and_then(|name| {
            name.map_or(Ok(StackName::default()), |name| {
                name.parse()
                    .map_err(|error| Failure::usage(format!("CREDSTACK_STACK is {error}")).next_step("unset it, or give --stack"))
            })
        });
        let (stack, stack_of_variable) = match (global.stack, named) {
            (Some(name), named) => (name, named.unwrap_or_default()),
            (None, named) => {
                let named = named?;
                (named.clone(), named)
            }
        };
        let state_variable = path_variable("CREDSTACK_STATE_DIR");
        let is_usual = global.state_dir.is_none() && state_variable.is_none() && path_variable("CREDSTACK_CONFIG_FILE").is_none();
        let absolute = |path: PathBuf| {
            std::path::absolute(&path).map(StateDirectory::new).map_err(|error| Failure::usage(format!("--state-dir: {error}")))
        };
        let usual = || strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join("credstack");
        let place_of_variable = absolute(state_variable.unwrap_or_else(usual))?;
        let place = global.state_dir.map_or_else(|| Ok(place_of_variable.clone()), absolute)?;
        let (config_variable, credentials_variable) =
            (path_variable("AWS_CONFIG_FILE"), path_variable("AWS_SHARED_CREDENTIALS_FILE"));
        // Under `exec` they may be files of ours, which stand for the user's.
        let originals = |file: &Option<PathBuf>| file.as_deref().and_then(our_files::originals);
        let (of_config, of_credentials) = (originals(&config_variable), originals(&credentials_variable));
        let config_variable = of_config.as_ref().map_or(config_variable, |originals| originals.config.clone());
        let credentials_variable = of_credentials.as_ref().map_or(credentials_variable, |it| it.credentials.clone());
        let aws_config_file = aws_file(config_variable, "config", strategy.home_dir());
        let aws_credentials_file = aws_file(credentials_variable, "credentials", strategy.home_dir());
        let profile = variable("AWS_PROFILE");
        let (has_none, profile) = (profile.as_deref() == Some(NO_PROFILE), profile.filter(|name| name != NO_PROFILE));
        let profile = match of_config.or(of_credentials) {
            Some(originals) => Some(originals.profile(profile)),
            // The SDK, which would read the variable itself, is told that there is none.
            None => has_none.then_some(None),
        };
        let (config, credentials) = (aws_config_file.clone(), aws_credentials_file.clone());
        let files = profile.map(|profile| AwsFiles { config, credentials, profile });
        let color = global.color.or(configuration.color).unwrap_or_default();
        let terminal = Terminal::new(global.no_input);
        let has_dialogs = !global.no_input && has_display();
        Ok(Context {
            stack,
            given,
            stack_of_variable,
            place,
            place_of_variable,
            under_way: Vec::new(),
            is_usual,
            aws_config_file,
            aws_credentials_file,
            files,
            home: strategy.home_dir().to_owned(),
            color: if variable("NO_COLOR").is_some() && color == ColorWhen::Auto { ColorWhen::Never } else { color },
            output: Output::new(color, global.json, global.quiet, global.verbose),
            secrets: Secrets::new(patience(terminal)),
            intents: Intents::default(),
            renews: true,
            is_brief: false,
            pinentry: has_dialogs.then(|| Pinentry::new(configuration.mfa.pinentry.as_deref())),
            terminal,
            marker: Marker::read(|name| env::var_os(name)),
            aws_environment: aws_environment()?,
            now: Timestamp::now(),
            configuration,
            configuration_path,
        })
    }

    /// The same at another time, for a command that goes on for long.
    pub fn at(&self, now: Timestamp) -> Context {
        Context { now, secrets: self.secrets.unopened(), ..self.clone() }
    }

    /// The same where nobody is asked for anything.
    pub fn unattended(&self) -> Context {
        Context { is_brief: true, ..self.unasked() }
    }

    /// The same where no person is asked, and what is asked for is needed.
    pub fn unasked(&self) -> Context {
        Context { terminal: Terminal::new(true), pinentry: None, ..self.clone() }
    }

    /// The same for what runs by itself, perhaps again and again.
    pub fn sparing(&self) -> Context {
        Context { pinentry: self.pinentry.as_ref().map(Pinentry::sparing), ..self.clone() }
    }

    /// How long a program may take that may take `most`.
    pub fn patience(&self, most: Duration) -> Duration {
        if self.is_brief { most.min(Duration::from_secs(10)) } else { most }
    }

    /// How long STS may take. Where what lives can be handed out instead, a program waits for this one.
    pub fn time_outs(&self) -> TimeOuts {
        match self.is_brief {
            true => TimeOuts { connect: BRIEF, read: BRIEF, operation: BRIEF },
            false => TimeOuts::default(),
        }
    }

    /// How long it may take to find an ambient identity.
    pub fn ambient_time_outs(&self) -> ambient::TimeOuts {
        let usual = ambient::TimeOuts::default();
        match self.is_brief {
            true => ambient::TimeOuts { chain: BRIEF, slow: self.patience(usual.slow) },
            false => usual,
        }
    }

    /// The stack that `--stack` names, for a command that shows what is on all of them.
    pub fn given_stack(&self) -> Option<&StackName> {
        self.given.iter().any(|option| option == "--stack").then_some(&self.stack)
    }

    /// Another variable, where a child needs to be told of it.
    pub fn variable(&self, name: &str) -> Option<String> {
        variable(name)
    }

    /// An `AWS_*` variable that is set and not empty; AWS_PROFILE as the user has it, not as a program is given it.
    pub fn aws(&self, name: &str) -> Option<&str> {
        if let ("AWS_PROFILE", Some(files)) = (name, &self.files) {
            return files.profile.as_deref();
        }
        self.aws_environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The region that the user set for this command, or in a shell that no hook covers. What credstack exported has a companion
    /// with the same value, and doesn't count.
    pub fn users_region(&self) -> Option<&str> {
        let ours = variable(REGION_COMPANION);
        let users = |region: &&str| ours.as_deref() != Some(*region);
        ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(|name| self.aws(name).filter(users))
    }

    /// The region for a program that gets `frames`'s keys: what `--region` says, the user's, the frame's.
    pub fn region_for(&self, asked: Option<&str>, frames: Option<&str>) -> Option<String> {
        let choice = RegionChoice { asked, users: self.users_region(), frames, at_push: None };
        choice.in_force().map(str::to_owned)
    }

    /// Whether the user said which region counts, by `--region` or by a variable.
    pub fn has_users_region(&self, asked: Option<&str>) -> bool {
        asked.is_some() || self.users_region().is_some()
    }

    /// What is there, without a lock.
    pub fn reader(&self) -> Result<Reader, StackError> {
        Reader::open(&self.place, self.secrets.clone())
    }

    /// The terms of a change that begins now. The time is read again: an STS call lies behind.
    pub fn terms(&self, command: &str, consent: Consent) -> Terms {
        let (secrets, intents) = (self.secrets.clone(), self.intents.clone());
        Terms { now: self.time(), actor: self.actor(), command: command.to_owned(), secrets, intents, consent }
    }

    /// Who runs this command.
    pub fn actor(&self) -> Actor {
        Actor {
            user: user(),
            host: host(),
            terminal: terminal_name(),
            process: std::process::id(),
            parent_process: parent_process(),
            version: env!("CARGO_PKG_VERSION").into(),
        }
    }

    /// The time now, which is later than [`Context::now`] when STS or a person was waited for.
    pub fn time(&self) -> Timestamp {
        Timestamp::now()
    }

    /// A name for role sessions that says who this is, in STS's characters: the user name and the host.
    pub fn session_name(&self) -> String {
        let name = format!("{}@{}", user(), host());
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        name.chars().map(|c| if allowed(c) { c } else { '-' }).take(64).collect()
    }

    /// The name of this machine.
    pub fn host(&self) -> String {
        host()
    }

    /// The path of this program.
    pub fn our_program(&self) -> Option<PathBuf> {
        env::current_exe().ok()
    }
}

/// The options that choose the stack and the state directory, for one who calls credstack again from elsewhere.
fn given(global: &Global) -> Result<Vec<OsString>, Failure> {
    let mut given = Vec::new();
    if let Some(stack) = &global.stack {
        given.extend(["--stack".into(), stack.to_string().into()]);
    }
    if let Some(state) = &global.state_dir {
        let state = std::path::absolute(state).map_err(|error| Failure::usage(format!("--state-dir: {error}")))?;
        given.extend(["--state-dir".into(), state.into()]);
    }
    Ok(given)
}

/// A file of AWS's, as every SDK finds it.
fn aws_file(variable: Option<PathBuf>, usual: &str, home: &Path) -> PathBuf {
    match variable {
        Some(path) => path.strip_prefix("~").map(|rest| home.join(rest)).unwrap_or(path),
        None => home.join(".aws").join(usual),
    }
}

/// Whether a window can be shown.
fn has_display() -> bool {
    let names = |name| variable(name).is_some();
    names("DISPLAY") || names("WAYLAND_DISPLAY") || cfg!(not(target_os = "linux"))
}

/// How long the secret store may take: a person may have to unlock it.
fn patience(terminal: Terminal) -> Patience {
    match terminal.is_there() {
        true if has_display() => Patience::PersonPresent,
        true if terminal.may_ask() => Patience::PersonAtTerminal,
        _ => Patience::NobodyCanAnswer,
    }
}

/// The `AWS_*` variables. One that says who somebody is or where to ask, and is not text, is refused: without it somebody else would
/// sign, or be asked.
fn aws_environment() -> Result<BTreeMap<String, String>, Failure> {
    const WHO: [&str; 8] = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_STS",
    ];
    let mut found = BTreeMap::new();
    for (name, value) in env::vars_os() {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) if name.starts_with("AWS_") => drop(found.insert(name, value)),
            Err(_) if WHO.contains(&name.as_str()) => {
                return Err(Failure::usage(format!("{name} is not text")).next_step("set it again, or unset it"));
            }
            _ => {}
        }
    }
    Ok(found)
}

/// A path need not be text.
fn path_variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn user() -> String {
    whoami::username().unwrap_or_else(|_| "unknown".into())
}

fn host() -> String {
    whoami::hostname().unwrap_or_else(|_| "unknown".into())
}

#[cfg(unix)]
fn terminal_name() -> Option<String> {
    let name = |fd| rustix::termios::ttyname(fd, Vec::new()).ok()?.into_string().ok();
    name(rustix::stdio::stdin()).or_else(|| name(rustix::stdio::stderr()))
}

#[cfg(not(unix))]
fn terminal_name() -> Option<String> {
    None
}

#[cfg(target_os = "linux")]
fn parent_process() -> Option<String> {
    let parent = rustix::process::getppid()?;
    let name = std::fs::read_to_string(format!("/proc/{}/comm", parent.as_raw_nonzero())).ok()?;
    Some(name.trim_end().to_owned())
}

/// Without `/proc`, and without a system call of its own, `ps` knows.
#[cfg(all(unix, not(target_os = "linux")))]
fn parent_process() -> Option<String> {
    let parent = rustix::process::getppid()?.as_raw_nonzero().to_string();
    let output = std::process::Command::new("/bin/ps").args(["-o", "comm=", "-p", &parent]).output().ok()?;
    // There it is the path, and a login shell's begins with a dash.
    let path = String::from_utf8(output.stdout).ok()?;
    let name = Path::new(path.trim()).file_name()?.to_str()?;
    Some(name.trim_start_matches('-').to_owned()).filter(|name| !name.is_empty())
}

#[cfg(not(unix))]
fn parent_process() -> Option<String> {
    None
}
