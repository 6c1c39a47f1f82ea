//! Programs that print a secret: a vault's key, a code of an MFA device.

use std::{
    io::{self, Read},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use zeroize::Zeroizing;

/// What became of such a program. Its output is never part of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandFailure {
    /// The command is an empty list.
    #[error("is empty")]
    Empty,
    /// It could not be run.
    #[error("could not be run: {0}")]
    NotRun(io::Error),
    /// It ended with a failure.
    #[error("failed: {0}")]
    Failed(ExitStatus),
    /// It ran too long, and was ended.
    #[error("did not finish within {} s and was ended", .0.as_secs_f32().ceil())]
    TooSlow(Duration),
    /// It printed more than the secret.
    #[error("printed too much")]
    TooMuch,
}

/// Runs a program, given with its arguments and without a shell, and gives what it printed: at most `longest` bytes. Its
/// stdin is empty, its stderr is ours; it may use the terminal,
/// where this process may.
///
/// # Errors
///
/// Where it cannot be run, fails, prints more, or takes longer than `bound`; it is ended then.
pub fn run(command: &[String], longest: usize, bound: Duration) -> Result<Zeroizing<Vec<u8>>, CommandFailure> {
    let deadline = Instant::now() + bound;
    let (program, arguments) = command.split_first().ok_or(CommandFailure::Empty)?;
    let mut started = Command::new(program);
    started.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    #[cfg(unix)]
    if is_in_background() {
        // The system stops the whole group of one that uses the terminal there: not us, who may hold a lock.
        std::os::unix::process::CommandExt::process_group(&mut started, 0);
    }
    let mut child = started.spawn().map_err(CommandFailure::NotRun)?;
    let text = child.stdout.take().map(|stdout| read_bounded(stdout, longest, bound));
    let result = match text {
        Some(Ok(text)) if text.len() > longest => Err(CommandFailure::TooMuch),
        Some(Ok(text)) => wait(&mut child, deadline, bound).map(|()| text),
        Some(Err(failure)) => Err(failure),
        None => Err(CommandFailure::NotRun(io::ErrorKind::BrokenPipe.into())),
    };
    if result.is_err() {
        // It may have ended already.
        let _ = child.kill();
        let _ = child.wait();
    }
    result
}

/// Whether another program has the terminal now.
#[cfg(unix)]
fn is_in_background() -> bool {
    let foreground = std::fs::File::open("/dev/tty").ok().and_then(|terminal| rustix::termios::tcgetpgrp(terminal).ok());
    foreground.is_some_and(|group| group != rustix::process::getpgrp())
}

/// Reads to the end, or a little more than is wanted, or until `bound` is over: in a thread, which is left behind when a
/// grandchild keeps the pipe open.
fn read_bounded(stdout: ChildStdout, longest: usize, bound: Duration) -> Result<Zeroizing<Vec<u8>>, CommandFailure> {
    let (answer, answered) = mpsc::channel();
    let read = move || {
        let mut text = Zeroizing::new(Vec::with_capacity(longest + 2));
        let read = stdout.take(longest as u64 + 1).read_to_end(&mut text);
        let _ = answer.send(read.map(|_| text));
    };
    thread::Builder::new().name("secret-command".into()).spawn(read).map_err(CommandFailure::NotRun)?;
    match answered.recv_timeout(bound) {
        Ok(text) => text.map_err(CommandFailure::NotRun),
        Err(_) => Err(CommandFailure::TooSlow(bound)),
    }
}

fn wait(child: &mut Child, deadline: Instant, bound: Duration) -> Result<(), CommandFailure> {
    loop {
        match child.try_wait().map_err(CommandFailure::NotRun)? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(CommandFailure::Failed(status)),
            None if Instant::now() >= deadline => return Err(CommandFailure::TooSlow(bound)),
            None => thread::sleep(Duration::from_millis(2)),
        }
    }
}
