//! The program that is run: this process becomes it, or waits for it and passes signals on.

use std::process::{Command, ExitCode, ExitStatus};

pub use crate::signals::Signals;
use crate::{failure::Failure, hardening};

/// Becomes the program. Comes back only if that fails.
#[cfg(unix)]
pub fn replace(mut command: Command) -> std::io::Result<ExitCode> {
    hardening::soften();
    Err(std::os::unix::process::CommandExt::exec(&mut command))
}

/// Elsewhere a process cannot become another: it is waited for.
#[cfg(not(unix))]
pub fn replace(mut command: Command) -> std::io::Result<ExitCode> {
    command.status().map(exit_code)
}

/// What is known once the program could not be started.
pub type NotRun = std::io::Error;

/// Runs the program and waits for it. What is meant for it and comes to this process is passed on.
pub fn wait_for(mut command: Command, signals: &Signals) -> Result<Result<ExitCode, NotRun>, Failure> {
    // Before there is a program: a signal that comes at once is not lost, and does not end us alone.
    signals.hold();
    hardening::soften();
    let spawned = command.spawn();
    hardening::tighten()?;
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return Ok(Err(error)),
    };
    signals.pass_on(&child);
    let status = child.wait().map_err(|error| Failure::internal(format!("the program is lost: {error}")));
    // What comes now finds nobody, and what is left to do is done.
    signals.hold();
    Ok(Ok(exit_code(status?)))
}

/// The program's own exit status; 128 and the signal's number where one ended it, as a shell has it.
fn exit_code(status: ExitStatus) -> ExitCode {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return ExitCode::from(128_u8.saturating_add(u8::try_from(signal).unwrap_or(127)));
    }
    ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
