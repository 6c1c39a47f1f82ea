//! `exec`: a program under an identity, or under a session that is narrower than it.

mod child;
mod narrow;

use std::{
    ffi::OsString,
    path::Path,
    process::{Command, ExitCode},
};

use child::Signals;
pub use child::replace;
use credstack_core::values::{Entry, FrameName};
use narrow::Narrow;
use serde_json::json;
use zeroize::Zeroizing;

use super::serve::{self, Served};
use crate::{
    context::Context,
    endpoint::{Endpoint, Protocol},
    export::Exports,
    failure::{Failure, Kind},
    fixed,
    keys::{self, Keys},
    marker::{self, Told},
    profile, used_by,
};

/// Run a program under an identity
///
/// The program sees exactly one source of credentials: every variable that would be another is
/// taken out of its environment. credstack becomes the program, or waits for it and passes signals
/// on where it has to serve it meanwhile; terminal, stdin and exit status are the program's own.
///
/// Ways to hand the identity over: `env` puts the keys into its environment, which is fixed as long
/// as it runs; `profile` sets AWS_PROFILE to the profile that `credstack setup profile` wrote for
/// the stack, which follows the stack and puts no secret anywhere; `endpoint` serves the keys on
/// loopback as long as the program runs, and follows the stack too. The default is env, and
/// endpoint where the keys expire within the hour: the program may outlive them. -v says which.
///
/// Least privilege, for scripts and agents: with --read-only, --policy, --policy-arn or --ttl the
/// program runs under a session of its own, which is erased when it ends. What gave the frame is
/// asked again of what signed it, with the session policy added; the long-term keys of a user give
/// a federated user. It is refused where it would widen what the session may do. It narrows what
/// the program is handed: a program that runs as you can still run credstack itself.
///
/// Ends with the program's exit status; with 125 if credstack fails, 126 if the program cannot be
/// run, 127 if there is none; with 2 if exec's own options are wrong.
///
/// Examples:
///   credstack exec -- aws sts get-caller-identity
///   credstack exec --frame root -- terraform plan
///   credstack exec --via profile -- code .
///   credstack exec --via endpoint -- terraform apply
///   credstack exec --read-only -- terraform plan
///   credstack exec --policy agent.json --ttl 15m -- my-agent
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Exec {
    /// Which frame: current, root, a position, or an id such as c7 [default: current; under exec, its frame]
    #[arg(long, value_name = "FRAME")]
    frame: Option<FrameName>,
    /// How the identity is handed over
    #[arg(long, value_name = "WAY")]
    via: Option<Via>,
    #[command(flatten)]
    narrow: Narrow,
    /// The program and its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true)]
    command: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Via {
    /// The keys, in its environment
    Env,
    /// A profile that follows the stack
    Profile,
    /// An endpoint on loopback, as long as it runs
    Endpoint,
}

/// What the program is told of its frame.
fn told(keys: &Keys, frame: FrameName, via: Via) -> Told {
    let name = keys.out.name.clone().unwrap_or_else(|| "ambient".to_owned());
    let via = match via {
        Via::Env => "env",
        Via::Profile => "profile",
        Via::Endpoint => "endpoint",
    };
    Told { frame: Some(frame), name: Some(name), arn: keys.whose.arn.clone(), via }
}

/// An identity, ready to be handed over.
enum Handover {
    /// By its environment alone: this process may become the program. The use is for the log.
    Environment(Exports, Told, Box<Entry>),
    /// By an endpoint that this process serves meanwhile: the keys as they are now, and the frame.
    Endpoint(Box<Keys>, FrameName),
}

impl Exec {
    pub fn run(&self, context: &Context) -> Result<ExitCode, Failure> {
        self.exec(context).map_err(|failure| failure.exits_with(125))
    }

    fn exec(&self, context: &Context) -> Result<ExitCode, Failure> {
        self.find_program(context)?;
        if !self.narrow.is_asked() {
            let asked = context.frame(self.frame)?;
            return match self.handover(context, asked)? {
                Handover::Environment(exports, told, used) => {
                    used_by::record(context, [*used]);
                    child::replace(self.command(context, &exports, told)?).map_err(|error| self.not_run(&error))
                }
                Handover::Endpoint(keys, frame) => self.serve_program(context, asked, frame, &keys, &Signals::catch()?),
            };
        }
        if self.via == Some(Via::Profile) {
            return Err(Failure::usage("--via profile follows the stack: it cannot be a narrowed session")
                .next_step("use --via env or --via endpoint"));
        }
        let signals = Signals::catch()?;
        let session = self.narrow.acquire(context, context.frame(self.frame)?, &self.program(), &signals)?;
        let frame = FrameName::Credential(session.id);
        let context = &Context { renews: !self.narrow.is_limited(), ..context.clone() };
        let done = self.handover(context, frame).and_then(|handover| match handover {
            Handover::Environment(exports, told, used) => {
                used_by::record(context, [*used]);
                child::wait_for(self.command(context, &exports, told)?, &signals)?.map_err(|error| self.not_run(&error))
            }
            Handover::Endpoint(keys, frame) => self.serve_program(context, frame, frame, &keys, &signals),
        });
        narrow::erase(context, &session);
        done
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

    /// Finds the identity, and chooses the way.
    fn handover(&self, context: &Context, frame: FrameName) -> Result<Handover, Failure> {
        let say = |way: &str| context.output.explain(&format!("handing the identity over by {way}"));
        if self.via == Some(Via::Profile) {
            say("profile");
            let exports = self.profile(context)?;
            let whose = used_by::whose_frame(context, &context.reader()?, frame);
            let told = Told { frame: None, name: None, arn: None, via: "profile" };
            return Ok(Handover::Environment(exports, told, self.used(context, &whose, frame, Via::Profile).into()));
        }
        let keys = keys::find(context, &context.reader()?, frame)?.in_region(context, None);
        let can_be_served = keys.out.can_be_served();
        let may_be_outlived = keys.out.expires_at.is_some_and(|at| at.as_second() - context.now.as_second() <= 3600);
        let via = self.via.unwrap_or(if can_be_served && may_be_outlived { Via::Endpoint } else { Via::Env });
        if via == Via::Env {
            say("env");
            let told = told(&keys, fixed::pin(context, &keys.whose)?, via);
            let used = self.used(context, &keys.whose, frame, via).into();
            return Ok(Handover::Environment(Exports::of_keys(&keys.out).marked(), told, used));
        }
        if !can_be_served {
            return Err(Failure::usage("these keys cannot be served: clients of an endpoint ask for a token and an expiration")
                .next_step("use --via env, or push a session on top of them"));
        }
        say("endpoint");
        // What is current later is another's.
        let frame = fixed::pin(context, &keys.whose)?;
        Ok(Handover::Endpoint(Box::new(keys), frame))
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
    fn serve_program(
        &self,
        context: &Context,
        asked: FrameName,
        frame: FrameName,
        keys: &Keys,
        signals: &Signals,
    ) -> Result<ExitCode, Failure> {
        let runtime = serve::runtime()?;
        let endpoint = runtime.block_on(Endpoint::listen(context.clone(), frame, Protocol::Container))?;
        let exports = endpoint.exports(context, keys.out.region.as_deref()).marked();
        let used = self.used(context, &keys.whose, asked, Via::Endpoint);
        let served = Served::begin(context, &endpoint, keys.whose.clone(), asked, Some(used));
        let serving = std::thread::Builder::new().name("endpoint".into()).spawn(move || runtime.block_on(endpoint.serve()));
        serving.map_err(|error| Failure::internal(format!("the endpoint cannot be started: {error}")))?;
        let told = told(keys, frame, Via::Endpoint);
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

    fn profile(&self, context: &Context) -> Result<Exports, Failure> {
        if context.frame(self.frame)? != FrameName::Current {
            return Err(Failure::usage("--via profile follows the stack: it cannot be another frame than the current one")
                .next_step("use --via env"));
        }
        let name = profile::handed_out(context)?.ok_or_else(|| {
            let file = context.aws_config_file.display();
            let name = if context.stack.is_default() { "" } else { " --name NAME" };
            Failure::new(Kind::Nothing, format!("{file} has no profile for stack {}", context.stack))
                .next_step(format!("write it with `credstack --stack {} setup profile{name}`", context.stack))
        })?;
        Ok(Exports::only(vec![("AWS_PROFILE", Zeroizing::new(name))], None))
    }
}
