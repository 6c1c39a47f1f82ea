use std::{ffi::OsString, process::Command};

use credstack_core::values::FrameName;
use zeroize::Zeroizing;

use crate::{
    aws_config,
    context::Context,
    export::Exports,
    failure::{Failure, Kind},
    hardening, keys,
};

/// Run a program under an identity
///
/// The program sees exactly one source of credentials: every variable that would be another is
/// taken out of its environment. credstack becomes the program, so signals, terminal, stdin and
/// exit status are its own.
///
/// Ways to hand the identity over: `env` puts the keys into its environment, which is fixed as long
/// as it runs; `profile` sets AWS_PROFILE to the profile that `credstack setup profile` wrote for
/// the stack, which follows the stack and puts no secret anywhere. The default is env.
///
/// Ends with the program's exit status; with 125 if credstack fails, 126 if the program cannot be
/// run, 127 if there is none.
///
/// Examples:
///   credstack exec -- aws sts get-caller-identity
///   credstack exec --frame root -- terraform plan
///   credstack exec --via profile -- code .
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Exec {
    /// Which frame: current, root, a position, or an id such as c7
    #[arg(long, value_name = "FRAME", default_value = "current")]
    frame: FrameName,
    /// How the identity is handed over
    #[arg(long, value_name = "WAY", default_value = "env")]
    via: Via,
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
}

impl Exec {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        self.become_program(context).map_err(|failure| failure.exits_with(125))
    }

    fn become_program(&self, context: &Context) -> Result<(), Failure> {
        let exports = match self.via {
            Via::Env => Exports::of_keys(&keys::find(context, &context.reader()?, self.frame)?),
            Via::Profile => self.profile(context)?,
        };
        context.output.explain(&format!("handing the identity over by {}", if self.via == Via::Env { "env" } else { "profile" }));
        let (program, arguments) = self.command.split_first().ok_or_else(|| Failure::usage("there is no program to run"))?;
        let mut command = Command::new(program);
        command.args(arguments);
        for name in &exports.unset {
            command.env_remove(name);
        }
        command.envs(exports.set.iter().map(|(name, value)| (name, value.as_str())));
        hardening::soften();
        let error = replace(command);
        let (code, kind) = match error.kind() {
            std::io::ErrorKind::NotFound => (127, Kind::Nothing),
            _ => (126, Kind::Usage),
        };
        Err(Failure::new(kind, format!("{} cannot be run: {error}", program.display()))
            .next_step("check its name, its path and its permissions")
            .exits_with(code))
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
fn replace(mut command: Command) -> std::io::Error {
    std::os::unix::process::CommandExt::exec(&mut command)
}

/// Elsewhere a process cannot become another: it is waited for.
#[cfg(not(unix))]
fn replace(mut command: Command) -> std::io::Error {
    match command.status() {
        #[allow(clippy::exit, reason = "the program's exit status is ours")]
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}
