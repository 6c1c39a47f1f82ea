//! One thread sees every signal that is caught. It is started by the first to need it and never ends: once a handler is
//! installed, signal-hook can't give the default action back, and a signal that no one listens to would do nothing.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::net::UnixStream,
    process::Child,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use rustix::{
    process::{Pid, Signal as Number, getpgrp, getsid, kill_process},
    termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr},
};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2},
    iterator::{Handle, SignalsInfo, exfiltrator::WithOrigin},
    low_level::{emulate_default_handler, siginfo::Cause},
};
use tokio::sync::oneshot;

use crate::{failure::Failure, terminal::is_in_foreground};

/// The signals that end a program whose terminal or user wants it gone.
const ENDING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

static STATE: Mutex<State> = Mutex::new(State { role: Role::Free, prompt: None, listening: None });

struct State {
    role: Role,
    /// The question that is being asked with the echo off.
    prompt: Option<Prompt>,
    listening: Option<Handle>,
}

/// What a signal does that comes now.
enum Role {
    /// What it does to any program: there is nothing to do before.
    Free,
    /// It waits for the program that is about to run.
    Held(Vec<Number>),
    /// It goes to the program that runs.
    PassedOn(Pid),
    /// The first is told to the task that waits for it; a second one does what it does to any program.
    Awaited(Option<oneshot::Sender<i32>>),
}

/// A question on the terminal.
struct Prompt {
    terminal: File,
    question: String,
    shown: Termios,
    silent: Termios,
    is_silent: bool,
    /// A lock that is given up while this process is stopped.
    lock: Option<Arc<File>>,
    /// Ends the wait for an answer.
    wake: UnixStream,
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// From here on these signals are seen. One that is ignored stays so, as `nohup` wants it.
    fn listen(&mut self, signals: &[i32]) -> io::Result<()> {
        let signals = not_ignored(signals);
        if let Some(handle) = &self.listening {
            return signals.into_iter().try_for_each(|signal| handle.add_signal(signal));
        }
        let mut arriving = SignalsInfo::<WithOrigin>::new(signals)?;
        self.listening = Some(arriving.handle());
        let watch = move || {
            for origin in arriving.forever() {
                // The terminal sends these to the program that we run as well.
                let for_both = matches!(origin.signal, SIGINT | SIGQUIT) && origin.cause == Cause::Kernel;
                arrived(origin.signal, for_both);
            }
        };
        thread::Builder::new().name("signals".into()).spawn(watch).map(drop)
    }
}

fn not_ignored(all: &[i32]) -> Vec<i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    // Only Linux tells.
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    all.iter().copied().filter(|signal| mask & (1 << (signal - 1)) == 0).collect()
}

fn arrived(number: i32, for_both: bool) {
    let mut state = state();
    if let Some(prompt) = &mut state.prompt {
        prompt.pause();
    }
    let has_default_action = state.role.has_default_action(number, for_both);
    drop(state);
    if has_default_action && !(number == SIGTSTP && is_orphaned()) {
        // It ends this process, or stops it and comes back when it goes on.
        let _ended_or_stopped = emulate_default_handler(number);
    }
    if let Some(prompt) = &mut self::state().prompt {
        match ENDING.contains(&number) || !is_in_foreground(&prompt.terminal) {
            true => prompt.cancel(),
            false => prompt.resume(),
        }
    }
}

/// Whether no shell could continue this process if it stopped; the system ignores SIGTSTP then.
fn is_orphaned() -> bool {
    getsid(None).is_ok_and(|session| session == getpgrp())
}

impl Role {
    /// Takes a signal, if it is for this.
    fn has_default_action(&mut self, number: i32, for_both: bool) -> bool {
        match (self, Number::from_named_raw(number)) {
            _ if number == SIGTSTP => true,
            (Role::Held(waiting), Some(signal)) => {
                waiting.push(signal);
                false
            }
            (Role::PassedOn(_), _) if for_both => false,
            (Role::PassedOn(child), Some(signal)) => {
                send(*child, signal);
                false
            }
            (Role::Awaited(waits), _) if number != SIGQUIT => waits.take().is_none_or(|waits| waits.send(number).is_err()),
            _ => true,
        }
    }
}

fn send(child: Pid, signal: Number) {
    // It may have ended by itself.
    let _ended = kill_process(child, signal);
}

impl Prompt {
    /// Gives the terminal back as it was. In the background that would stop this process.
    fn show(&mut self) {
        if self.is_silent && is_in_foreground(&self.terminal) {
            // If that fails now it fails later too.
            let _as_it_was = tcsetattr(&self.terminal, OptionalActions::Now, &self.shown);
            self.is_silent = false;
        }
    }

    fn pause(&mut self) {
        self.show();
        if let Some(lock) = &self.lock {
            let _unlocked = lock.unlock();
        }
    }

    /// Turns the echo off before the question is there: what is typed at once is not shown either.
    fn ask(&mut self) -> io::Result<()> {
        tcsetattr(&self.terminal, OptionalActions::Flush, &self.silent)?;
        self.is_silent = true;
        self.terminal.write_all(self.question.as_bytes())
    }

    /// Asks again.
    fn resume(&mut self) {
        if let Some(lock) = &self.lock {
            // Another process may ask now: then two do.
            let _locked = lock.try_lock();
        }
        if self.ask().is_err() {
            self.cancel();
        }
    }

    fn cancel(&mut self) {
        // It may be answered already.
        let _woken = self.wake.write_all(b"!");
    }
}

/// The terminal shows nothing of what is typed as long as this lives, and asks a question. A signal finds the terminal as it
/// was; after a stop it is silent again, and the question asked again.
pub struct HiddenInput {
    woken: UnixStream,
}

impl HiddenInput {
    /// Asks. `lock` is given up while this process is stopped.
    pub fn ask(terminal: &File, question: &str, lock: Option<Arc<File>>) -> io::Result<HiddenInput> {
        let shown = tcgetattr(terminal)?;
        let mut silent = shown.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        silent.local_modes.insert(LocalModes::ECHONL);
        let (wake, woken) = UnixStream::pair()?;
        let (terminal, question) = (terminal.try_clone()?, question.to_owned());
        let mut prompt = Prompt { terminal, question, shown, silent, is_silent: false, lock, wake };
        let mut state = state();
        state.listen(&[SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP])?;
        let asked = prompt.ask();
        // What it changed before it failed is taken back.
        state.prompt = Some(prompt);
        drop(state);
        let hidden = HiddenInput { woken };
        asked.map(|()| hidden)
    }

    /// Readable once there will be no answer.
    pub fn cancelled(&self) -> &UnixStream {
        &self.woken
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        if let Some(mut prompt) = state().prompt.take() {
            prompt.show();
        }
    }
}

/// What ends this process from here on, so that something can be done before that.
pub struct End(oneshot::Receiver<i32>);

impl End {
    /// From here on signals wait.
    pub fn catch() -> Result<End, Failure> {
        let (sender, receiver) = oneshot::channel();
        let mut state = state();
        state.role = Role::Awaited(Some(sender));
        let unusable = |error: io::Error| Failure::internal(format!("signals cannot be waited for: {error}"));
        state.listen(&[SIGHUP, SIGINT, SIGTERM]).map_err(unusable)?;
        Ok(End(receiver))
    }

    /// Waits for it.
    pub async fn wait(self) -> Signal {
        match self.0.await {
            Ok(signal) => Signal(signal),
            Err(_) => std::future::pending().await,
        }
    }
}

/// A signal that came.
pub struct Signal(i32);

impl Signal {
    /// Ends this process as if nothing had waited for it.
    pub fn end(self) {
        let _ended = emulate_default_handler(self.0);
    }
}

/// Signals that are meant for a program, once it runs.
#[derive(Clone)]
pub struct Signals(());

impl Signals {
    /// From here on signals are seen. They do what they do to any program until they are held or passed on.
    pub fn catch() -> Result<Signals, Failure> {
        let all = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];
        let unusable = |error: io::Error| Failure::internal(format!("signals cannot be passed on: {error}"));
        state().listen(&all).map_err(unusable)?;
        Ok(Signals(()))
    }

    /// From here on a signal waits for the program: there is something that must not be left behind.
    pub fn hold(&self) {
        let role = &mut state().role;
        if !matches!(role, Role::Held(_)) {
            *role = Role::Held(Vec::new());
        }
    }

    /// There is a program now.
    pub fn pass_on(&self, child: &Child) {
        let child = Pid::from_child(child);
        if let Role::Held(waiting) = std::mem::replace(&mut state().role, Role::PassedOn(child)) {
            waiting.into_iter().for_each(|signal| send(child, signal));
        }
    }
}
