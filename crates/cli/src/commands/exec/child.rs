//! The program that is run: this process becomes it, or waits for it and passes signals on.

use std::process::{Command, ExitCode, ExitStatus};

pub use signals::Signals;

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

#[cfg(unix)]
mod signals {
    use std::{
        process::Child,
        sync::{Arc, Mutex, MutexGuard, PoisonError},
    };

    use rustix::process::{Pid, Signal, kill_process};
    use signal_hook::{
        consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2},
        iterator::{SignalsInfo, exfiltrator::WithOrigin},
        low_level::{emulate_default_handler, siginfo::Cause},
    };

    use crate::{failure::Failure, signals::not_ignored};

    /// What ends or wakes us is meant for the program, once it is there.
    #[derive(Clone)]
    pub struct Signals(Arc<Mutex<State>>);

    /// What a signal does that comes now.
    enum State {
        /// What it does to any program: nothing is there that has to be kept.
        Free,
        /// It waits for the program.
        Held(Vec<Signal>),
        /// It goes to the program.
        Running(Pid),
    }

    impl Signals {
        /// From here on signals are seen. One that was ignored stays so, here and in the program, as `nohup` wants it.
        pub fn catch() -> Result<Signals, Failure> {
            let all = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];
            let unusable = |error: std::io::Error| Failure::internal(format!("signals cannot be passed on: {error}"));
            let mut arriving = SignalsInfo::<WithOrigin>::new(not_ignored(&all)).map_err(unusable)?;
            let signals = Signals(Arc::new(Mutex::new(State::Free)));
            let shared = signals.clone();
            let watch = move || {
                for origin in arriving.forever() {
                    // What a terminal sends it sends to both of us.
                    let for_both = matches!(origin.signal, SIGINT | SIGQUIT) && origin.cause == Cause::Kernel;
                    shared.arrived(origin.signal, for_both);
                }
            };
            std::thread::Builder::new().name("signals".into()).spawn(watch).map_err(unusable)?;
            Ok(signals)
        }

        /// From here on a signal waits for the program: there is something that must not be left behind.
        pub fn hold(&self) {
            let mut state = self.state();
            if !matches!(*state, State::Held(_)) {
                *state = State::Held(Vec::new());
            }
        }

        /// There is a program now.
        pub(super) fn pass_on(&self, child: &Child) {
            let child = Pid::from_child(child);
            if let State::Held(waiting) = std::mem::replace(&mut *self.state(), State::Running(child)) {
                waiting.into_iter().for_each(|signal| send(child, signal));
            }
        }

        fn arrived(&self, number: i32, for_both: bool) {
            let Some(signal) = Signal::from_named_raw(number) else { return };
            let mut state = self.state();
            match &mut *state {
                State::Free => {
                    drop(state);
                    // It ends us, unless that is impossible; then we go on.
                    let _ended = emulate_default_handler(number);
                }
                State::Held(waiting) => waiting.push(signal),
                State::Running(_) if for_both => {}
                State::Running(child) => send(*child, signal),
            }
        }

        fn state(&self) -> MutexGuard<'_, State> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    fn send(child: Pid, signal: Signal) {
        // It may have ended by itself.
        let _ended = kill_process(child, signal);
    }
}

#[cfg(not(unix))]
mod signals {
    use std::process::Child;

    use crate::failure::Failure;

    /// Here there are none.
    #[derive(Clone)]
    pub struct Signals;

    impl Signals {
        /// Nothing is caught.
        pub fn catch() -> Result<Signals, Failure> {
            Ok(Signals)
        }

        /// Nothing waits.
        pub fn hold(&self) {}

        pub(super) fn pass_on(&self, _child: &Child) {}
    }
}
