use std::{
    ffi::OsString,
    process::{Command, ExitCode, ExitStatus},
};

use credstack_core::values::FrameName;
use zeroize::Zeroizing;

use super::serve;
use crate::{
    aws_config,
    context::Context,
    endpoint::Endpoint,
    export::Exports,
    failure::{Failure, Kind},
    hardening,
    keys::{self, Keys},
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
/// Ends with the program's exit status; with 125 if credstack fails, 126 if the program cannot be
/// run, 127 if there is none.
///
/// Examples:
///   credstack exec -- aws sts get-caller-identity
///   credstack exec --frame root -- terraform plan
///   credstack exec --via profile -- code .
///   credstack exec --via endpoint -- terraform apply
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Exec {
    /// Which frame: current, root, a position, or an id such as c7
    #[arg(long, value_name = "FRAME", default_value = "current")]
    frame: FrameName,
    /// How the identity is handed over
    #[arg(long, value_name = "WAY")]
    via: Option<Via>,
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

impl Exec {
    pub fn run(&self, context: &Context) -> Result<ExitCode, Failure> {
        self.exec(context).map_err(|failure| failure.exits_with(125))
    }

    fn exec(&self, context: &Context) -> Result<ExitCode, Failure> {
        let say = |way: &str| context.output.explain(&format!("handing the identity over by {way}"));
        if self.via == Some(Via::Profile) {
            say("profile");
            return self.become_program(&self.profile(context)?);
        }
        let keys = keys::find(context, &context.reader()?, self.frame)?;
        let can_be_served = keys.expires_at.is_some() && !keys.set.is_long_term();
        let may_be_outlived = keys.expires_at.is_some_and(|at| at.as_second() - context.now.as_second() <= 3600);
        match self.via {
            Some(Via::Endpoint) if !can_be_served => {
                Err(Failure::usage("these keys cannot be served: clients of an endpoint ask for a token and an expiration")
                    .next_step("use --via env, or push a session on top of them"))
            }
            None if !(can_be_served && may_be_outlived) => {
                say("env");
                self.become_program(&Exports::of_keys(&keys))
            }
            Some(Via::Env) => {
                say("env");
                self.become_program(&Exports::of_keys(&keys))
            }
            _ => {
                say("endpoint");
                self.serve_program(context, &keys)
            }
        }
    }

    /// The program with its environment, ready to be run.
    fn command(&self, exports: &Exports) -> Result<Command, Failure> {
        let (program, arguments) = self.command.split_first().ok_or_else(|| Failure::usage("there is no program to run"))?;
        let mut command = Command::new(program);
        command.args(arguments);
        for name in &exports.unset {
            command.env_remove(name);
        }
        command.envs(exports.set.iter().map(|(name, value)| (name, value.as_str())));
        hardening::soften();
        Ok(command)
    }

    fn become_program(&self, exports: &Exports) -> Result<ExitCode, Failure> {
        replace(self.command(exports)?).map_err(|error| self.not_run(&error))
    }

    /// Runs the program beside an endpoint that ends with it.
    fn serve_program(&self, context: &Context, keys: &Keys) -> Result<ExitCode, Failure> {
        let runtime = serve::runtime()?;
        let endpoint = runtime.block_on(Endpoint::listen(context.clone(), self.frame))?;
        let exports = Exports::only(endpoint.variables(context), keys.region.as_deref());
        let mut command = self.command(&exports)?;
        let serving = std::thread::Builder::new().name("endpoint".into()).spawn(move || runtime.block_on(endpoint.serve()));
        serving.map_err(|error| Failure::internal(format!("the endpoint cannot be started: {error}")))?;
        // Before there is a program: a signal that comes at once is not lost, and does not end us alone.
        let pass_on = catch_signals()?;
        let mut child = command.spawn().map_err(|error| self.not_run(&error))?;
        pass_on(&child)?;
        let status = child.wait().map_err(|error| Failure::internal(format!("the program is lost: {error}")))?;
        Ok(exit_code(status))
    }

    fn not_run(&self, error: &std::io::Error) -> Failure {
        let (code, kind) = match error.kind() {
            std::io::ErrorKind::NotFound => (127, Kind::Nothing),
            _ => (126, Kind::Usage),
        };
        let program = self.command.first().map(|program| program.display().to_string()).unwrap_or_default();
        Failure::new(kind, format!("{program} cannot be run: {error}"))
            .next_step("check its name, its path and its permissions")
            .exits_with(code)
    }

    fn profile(&self, context: &Context) -> Result<Exports, Failure> {
        if self.frame != FrameName::Current {
            return Err(Failure::usage("--via profile follows the stack: it cannot be another frame than the current one")
                .next_step("use --via env"));
        }
        let text = aws_config::read(&context.aws_config_file)?;
        let name = aws_config::profile_of(&text, &context.stack).ok_or_else(|| {
            Failure::new(
                Kind::Nothing,
                format!("{} has no profile for stack {}", context.aws_config_file.display(), context.stack),
            )
            .next_step(format!("write it with `credstack --stack {} setup profile --name NAME`", context.stack))
        })?;
        Ok(Exports::only(vec![("AWS_PROFILE", Zeroizing::new(name))], None))
    }
}

/// Becomes the program. Comes back only if that fails.
#[cfg(unix)]
fn replace(mut command: Command) -> std::io::Result<ExitCode> {
    Err(std::os::unix::process::CommandExt::exec(&mut command))
}

/// Elsewhere a process cannot become another: it is waited for.
#[cfg(not(unix))]
fn replace(mut command: Command) -> std::io::Result<ExitCode> {
    command.status().map(exit_code)
}

/// The program's own exit status; 128 and the signal's number where one ended it, as a shell has it.
fn exit_code(status: ExitStatus) -> ExitCode {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return ExitCode::from(128_u8.saturating_add(u8::try_from(signal).unwrap_or(127)));
    }
    ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// What ends or wakes us is meant for the program, once it is there. What a terminal sends it sends to both of us.
#[cfg(unix)]
fn catch_signals() -> Result<impl FnOnce(&std::process::Child) -> Result<(), Failure>, Failure> {
    use rustix::process::{Pid, Signal, kill_process};
    use signal_hook::{
        consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2},
        iterator::Signals,
    };
    let unusable = |error: std::io::Error| Failure::internal(format!("signals cannot be passed on: {error}"));
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2]).map_err(unusable)?;
    let mut pass = move |child: Pid| {
        for signal in signals.forever() {
            let meant = match signal {
                SIGHUP => Signal::HUP,
                SIGTERM => Signal::TERM,
                SIGUSR1 => Signal::USR1,
                SIGUSR2 => Signal::USR2,
                _ => continue,
            };
            // It may have ended by itself.
            let _ended = kill_process(child, meant);
        }
    };
    Ok(move |child: &std::process::Child| {
        let child = Pid::from_child(child);
        std::thread::Builder::new().name("signals".into()).spawn(move || pass(child)).map(drop).map_err(unusable)
    })
}

/// Elsewhere there are none.
#[cfg(not(unix))]
fn catch_signals() -> Result<impl FnOnce(&std::process::Child) -> Result<(), Failure>, Failure> {
    Ok(|_: &std::process::Child| Ok(()))
}
