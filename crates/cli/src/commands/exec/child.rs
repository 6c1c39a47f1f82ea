//! The program that is run: this process becomes it, or waits for it and passes signals on.

use std::process::{Child, Command, ExitCode, ExitStatus};

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
pub fn wait_for(mut command: Command) -> Result<Result<ExitCode, NotRun>, Failure> {
    // Before there is a program: a signal that comes at once is not lost, and does not end us alone.
    let pass_on = catch_signals()?;
    hardening::soften();
    let spawned = command.spawn();
    hardening::tighten()?;
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return Ok(Err(error)),
    };
    pass_on(&child)?;
    let status = child.wait().map_err(|error| Failure::internal(format!("the program is lost: {error}")))?;
    Ok(Ok(exit_code(status)))
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
fn catch_signals() -> Result<impl FnOnce(&Child) -> Result<(), Failure>, Failure> {
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
    Ok(move |child: &Child| {
        let child = Pid::from_child(child);
        std::thread::Builder::new().name("signals".into()).spawn(move || pass(child)).map(drop).map_err(unusable)
    })
}

/// Elsewhere there are none.
#[cfg(not(unix))]
fn catch_signals() -> Result<impl FnOnce(&Child) -> Result<(), Failure>, Failure> {
    Ok(|_: &Child| Ok(()))
}
