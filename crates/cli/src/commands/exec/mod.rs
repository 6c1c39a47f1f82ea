//! `exec`: a program under an identity, or under a session that is narrower than it.

mod child;
mod handover;
mod narrow;

use std::{
    ffi::OsString,
    path::Path,
    process::{Command, ExitCode},
};

use child::Signals;
pub use child::replace;
use credstack_core::values::{Entry, FrameName};
use handover::Handover;
pub use handover::profile_of;
use narrow::Narrow;
use serde_json::json;

use super::{
    push::inputs,
    serve::{self, Served},
};
use crate::{
    context::Context,
    endpoint::{Endpoint, Protocol},
    export::Exports,
    failure::{Failure, Kind},
    marker::{self, Told},
    used_by,
};

/// Run a program under an identity
///
/// The program has the frame that is current when it starts, or the one that is named, as long as it
/// runs: a later push or pop doesn't touch it. It sees exactly one source of credentials. Variables
/// that would be another are taken out of its environment, and where the default profile of the AWS
/// configuration would give credentials, the program gets two files in its place that give none.
/// Named profiles work inside as they do outside. With --follow it follows the stack instead.
///
/// Ways to hand the identity over: `env` puts the keys into its environment, where they can't be
/// renewed. `endpoint` serves them on loopback as long as the program runs, and renews them;
/// `profile` sets AWS_PROFILE to a profile that asks credstack, renews them too, and puts no secret
/// anywhere. The default is env. With --follow, and where less than 15 minutes are left and a renewal
/// that needs no person failed, it is endpoint.
///
/// Least privilege, for scripts and agents: with --read-only, --policy, --policy-arn or --ttl the
/// program runs under a session of its own, which is erased when it ends. What gave the frame is
/// asked again of what signed it, with the session policy added; the long-term keys of a user give
/// a federated user. It is refused where it would widen what the session may do. It narrows what
/// the program is handed: a program that runs as you can still run credstack itself.
///
/// credstack becomes the program, or waits for it and passes signals on where it has to serve it
/// meanwhile; terminal, stdin and exit status are the program's own. Ends with the program's exit
/// status; with 125 if credstack fails, 126 if the program cannot be run, 127 if there is none; with 2
/// if exec's own options are wrong.
///
/// Examples:
///   credstack exec -- aws sts get-caller-identity
///   credstack exec --frame root -- terraform plan
///   credstack exec --via profile -- code .
///   credstack exec --via endpoint -- terraform apply
///   credstack exec --follow -- my-server
///   credstack exec --read-only -- terraform plan
///   credstack exec --policy agent.json --ttl 15m -- my-agent
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Exec {
    /// Which frame: current, root, a position, or an id such as c7 [default: current; under exec, its frame]
    #[arg(long, value_name = "FRAME")]
    frame: Option<FrameName>,
    /// How the identity is handed over [default: env]
    #[arg(long, value_name = "WAY")]
    via: Option<Via>,
    /// Follow the stack: a push or pop changes what the program gets when it asks again
    #[arg(long, conflicts_with = "frame")]
    follow: bool,
    /// The program's region [default: AWS_REGION, AWS_DEFAULT_REGION, the frame's]
    #[arg(long, value_parser = inputs::region)]
    region: Option<String>,
    #[command(flatten)]
    narrow: Narrow,
    /// The program and its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true)]
    command: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Via {
    /// The keys, in its environment
    Env,
    /// A profile that asks credstack
    Profile,
    /// An endpoint on loopback, as long as it runs
    Endpoint,
}

impl Exec {
    pub fn run(&self, context: &Context) -> Result<ExitCode, Failure> {
        self.exec(context).map_err(|failure| failure.exits_with(125))
    }

    fn exec(&self, context: &Context) -> Result<ExitCode, Failure> {
        self.find_program(context)?;
        if !self.narrow.is_asked() {
            let asked = if self.follow { FrameName::Current } else { context.frame(self.frame)? };
            let handover = self.handover(context, asked)?;
            return match handover.via {
                Via::Endpoint => self.serve_program(context, handover, &Signals::catch()?),
                Via::Env | Via::Profile => {
                    used_by::record(context, [handover.used]);
                    let command = self.command(context, &handover.exports, handover.told)?;
                    child::replace(command).map_err(|error| self.not_run(&error))
                }
            };
        }
        self.check_narrowed()?;
        let signals = Signals::catch()?;
        let session = self.narrow.acquire(context, context.frame(self.frame)?, &self.program(), &signals)?;
        let context = &Context { renews: !self.narrow.is_limited(), ..context.clone() };
        let done = self.handover(context, FrameName::Credential(session.id)).and_then(|handover| match handover.via {
            Via::Endpoint => self.serve_program(context, handover, &signals),
            Via::Env | Via::Profile => {
                used_by::record(context, [handover.used]);
                let command = self.command(context, &handover.exports, handover.told)?;
                child::wait_for(command, &signals)?.map_err(|error| self.not_run(&error))
            }
        });
        narrow::erase(context, &session);
        done
    }

    /// What can't be handed out so that it stays a session of the program's own.
    fn check_narrowed(&self) -> Result<(), Failure> {
        if self.follow {
            return Err(Failure::usage("--follow follows the stack: it can't be a session of the program's own")
                .next_step("leave --follow out"));
        }
        if self.via == Some(Via::Profile) && self.narrow.is_limited() {
            return Err(Failure::usage("--ttl with --via profile: a profile renews what expires, and would last longer")
                .next_step("use --via env or --via endpoint"));
        }
        Ok(())
    }

    /// Sees that there is a program, before anything is asked for it and written down: what is none may be a mistake with a
    /// secret in it, such as `NAME=value`.
    fn find_program(&self, context: &Context) -> Result<(), Failure> {
        let program = self.command.first().map(Path::new).unwrap_or(Path::new(""));
        let is_there = match context.variable("PATH") {
            // Other systems look in other places, and under other names.
            _ if cfg!(not(unix)) => true,
            _ if program.as_os_str().is_empty() => false,
            _ if program.as_os_str().as_encoded_bytes().contains(&b'/') => program.exists(),
            Some(path) => std::env::split_paths(&path).any(|directory| directory.join(program).exists()),
            None => true,
        };
        let missing = || self.not_run(&std::io::Error::new(std::io::ErrorKind::NotFound, "there is no such file"));
        if is_there { Ok(()) } else { Err(missing()) }
    }

    /// What the log says of it.
    fn used(&self, context: &Context, whose: &Entry, frame: FrameName, via: Via) -> Entry {
        let more = [("program", json!(self.program())), ("mode", used_by::name(&via))];
        used_by::entry(context, whose, frame, "exec", more)
    }

    /// The program's name, and nothing of its path or arguments.
    fn program(&self) -> String {
        let name = self.command.first().map(Path::new).and_then(Path::file_name).unwrap_or_default();
        name.to_string_lossy().chars().take(100).collect()
    }

    /// The program with its environment, ready to be run.
    fn command(&self, context: &Context, exports: &Exports, told: Told) -> Result<Command, Failure> {
        let (program, arguments) = self.command.split_first().ok_or_else(|| Failure::usage("there is no program to run"))?;
        let mut command = Command::new(program);
        command.args(arguments);
        for name in &exports.unset {
            command.env_remove(name);
        }
        command.envs(exports.set.iter().map(|(name, value)| (name, value.as_str())));
        for (name, value) in marker::variables(context, told) {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        Ok(command)
    }

    /// Runs the program beside an endpoint that ends with it.
    fn serve_program(&self, context: &Context, handover: Handover, signals: &Signals) -> Result<ExitCode, Failure> {
        let Handover { asked, frame, whose, exports, told, used, .. } = handover;
        let runtime = serve::runtime()?;
        let endpoint = runtime.block_on(Endpoint::listen(context.clone(), frame, Protocol::Container))?;
        let exports = endpoint.variables(context).into_iter().fold(exports, Exports::with);
        let served = Served::begin(context, &endpoint, whose, asked, Some(used));
        let serving = std::thread::Builder::new().name("endpoint".into()).spawn(move || runtime.block_on(endpoint.serve()));
        serving.map_err(|error| Failure::internal(format!("the endpoint cannot be started: {error}")))?;
        let done = self.command(context, &exports, told).and_then(|command| child::wait_for(command, signals));
        served.end(context);
        done?.map_err(|error| self.not_run(&error))
    }

    fn not_run(&self, error: &std::io::Error) -> Failure {
        let (code, kind) = match error.kind() {
            std::io::ErrorKind::NotFound => (127, Kind::Nothing),
            _ => (126, Kind::Usage),
        };
        let program = self.command.first().map(|program| program.display().to_string()).filter(|program| !program.is_empty());
        let program = program.unwrap_or_else(|| "a program without a name".to_owned());
        Failure::new(kind, format!("{program} cannot be run: {error}"))
            .next_step("check its name, its path and its permissions")
            .exits_with(code)
    }
}
