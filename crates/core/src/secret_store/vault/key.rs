use std::{
    fmt,
    io::{self, Read},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use zeroize::Zeroizing;

use super::{Result, SecretStoreError, file};
use crate::secret_store::{KeyCommandFailure, KeySource};

/// The key that everything in a vault is sealed under.
pub(super) struct Key(Zeroizing<[u8; 32]>);

/// 64 hexadecimal digits, and the end of the line that they stand on.
const LONGEST: usize = 66;

impl Key {
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn parse(text: &[u8], from: &str) -> Result<Key> {
        let line = text.strip_suffix(b"\n").map_or(text, |line| line.strip_suffix(b"\r").unwrap_or(line));
        let mut key = Key(Zeroizing::default());
        match hex::decode_to_slice(line, &mut *key.0) {
            Ok(()) => Ok(key),
            Err(_) => Err(SecretStoreError::KeyMalformed { from: from.to_owned() }),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(** redacted **)")
    }
}

pub(super) fn read(source: &KeySource, bound: Duration) -> Result<Key> {
    match source {
        KeySource::File(path) => {
            let text =
                file::read_ours(path, LONGEST as u64)?.ok_or_else(|| SecretStoreError::KeyMissing { path: path.clone() })?;
            Key::parse(&text, &path.display().to_string())
        }
        KeySource::Command(command) => {
            let program = command.first().map(String::as_str).unwrap_or_default();
            let text =
                run(command, bound).map_err(|failure| SecretStoreError::KeyCommand { program: program.to_owned(), failure })?;
            Key::parse(&text, program)
        }
    }
}

pub(super) fn create_file(path: &Path) -> Result<()> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    file::create_directory(directory)?;
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *key).map_err(|_| SecretStoreError::NoRandomness)?;
    let mut text = Zeroizing::new([b'\n'; 65]);
    // Cannot fail: the lengths are right.
    hex::encode_to_slice(*key, &mut text[..64]).map_err(|_| SecretStoreError::NoRandomness)?;
    if file::write_new(directory, path, &*text)? { Ok(()) } else { Err(SecretStoreError::KeyExists { path: path.to_owned() }) }
}

/// Runs a key command and gives what it printed.
fn run(command: &[String], bound: Duration) -> std::result::Result<Zeroizing<Vec<u8>>, KeyCommandFailure> {
    let deadline = Instant::now() + bound;
    let (program, arguments) = command.split_first().ok_or(KeyCommandFailure::Empty)?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(KeyCommandFailure::NotRun)?;
    let text = child.stdout.take().map(|stdout| read_bounded(stdout, bound));
    let result = match text {
        Some(Ok(text)) if text.len() > LONGEST => Err(KeyCommandFailure::TooMuch),
        Some(Ok(text)) => wait(&mut child, deadline, bound).map(|()| text),
        Some(Err(failure)) => Err(failure),
        None => Err(KeyCommandFailure::NotRun(io::ErrorKind::BrokenPipe.into())),
    };
    if result.is_err() {
        // It may have ended already.
        let _ = child.kill();
        let _ = child.wait();
    }
    result
}

/// Reads to the end, or a little more than a key, or until `bound` is over: in a thread, which is left behind when a
/// grandchild keeps the pipe open.
fn read_bounded(stdout: ChildStdout, bound: Duration) -> std::result::Result<Zeroizing<Vec<u8>>, KeyCommandFailure> {
    let (answer, answered) = mpsc::channel();
    let read = move || {
        let mut text = Zeroizing::new(Vec::with_capacity(LONGEST + 2));
        let read = stdout.take(LONGEST as u64 + 1).read_to_end(&mut text);
        let _ = answer.send(read.map(|_| text));
    };
    thread::Builder::new().name("key-command".into()).spawn(read).map_err(KeyCommandFailure::NotRun)?;
    match answered.recv_timeout(bound) {
        Ok(text) => text.map_err(KeyCommandFailure::NotRun),
        Err(_) => Err(KeyCommandFailure::TooSlow(bound)),
    }
}

fn wait(child: &mut Child, deadline: Instant, bound: Duration) -> std::result::Result<(), KeyCommandFailure> {
    loop {
        match child.try_wait().map_err(KeyCommandFailure::NotRun)? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(KeyCommandFailure::Failed(status)),
            None if Instant::now() >= deadline => return Err(KeyCommandFailure::TooSlow(bound)),
            None => thread::sleep(Duration::from_millis(2)),
        }
    }
}
