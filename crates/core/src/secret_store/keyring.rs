#[cfg(any(target_os = "macos", windows))]
mod native;
#[cfg(any(windows, test))]
mod parts;
#[cfg(target_os = "linux")]
mod secret_service;
#[cfg(any(target_os = "macos", windows))]
use native as system;
#[cfg(target_os = "linux")]
use secret_service as system;

use std::{
    fmt,
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Patience, Result, SecretStoreError, payload::Payload};

/// Under which every item of ours is filed.
const SERVICE: &str = "credstack";

/// Named secrets in the operating system's keyring.
trait Entries {
    fn set(&self, name: &str, secret: &[u8]) -> Result<()>;
    /// `None` is a keyring that answers and has no such entry.
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>>;
    /// An entry that is not there is fine.
    fn delete(&self, name: &str) -> Result<()>;
}

/// The operating system's keyring: Secret Service, macOS Keychain or Windows Credential Manager.
///
/// It is called in a thread of its own, since the call may never return: a caller waits no longer than its
/// [`Patience`]. There is one connection for the life of this value, made by the first call.
pub struct Keyring {
    patience: Patience,
    connect: fn(bool) -> Result<Box<dyn Entries>>,
    line: Mutex<Line>,
}

/// The line to the thread that talks to the keyring.
#[derive(Default)]
struct Line {
    jobs: Option<mpsc::Sender<Job>>,
    /// For how long calls have now been in vain, one after the other: together they wait no longer than one may.
    in_vain: Duration,
    /// Whether it gave an answer to the last call.
    answered: bool,
    /// The answer that a caller stopped waiting for. While it is outstanding, another call could only wait behind it.
    outstanding: Option<mpsc::Receiver<()>>,
}

type Connection = Option<Box<dyn Entries>>;
type Job = Box<dyn FnOnce(&mut Connection) + Send>;

impl Keyring {
    /// A keyring that is not connected to yet.
    pub fn new(patience: Patience) -> Keyring {
        Keyring { patience, connect: system::connect, line: Mutex::default() }
    }

    /// A keyring that answers that it has no such item is set up and open.
    pub(super) fn ready(&self) -> Result<()> {
        self.call(Duration::MAX, |entries| entries.get(&Uuid::nil().to_string()).map(drop))
    }

    pub(super) fn put(&self, most: Duration, id: Uuid, payload: Payload) -> Result<()> {
        self.call(most, move |entries| {
            entries.set(&id.to_string(), &payload.0)?;
            let kept = entries.get(&id.to_string())?;
            if kept.as_ref() == Some(&payload.0) { Ok(()) } else { Err(SecretStoreError::NotKept { store: "keyring", id }) }
        })
    }

    pub(super) fn get(&self, most: Duration, id: Uuid) -> Result<Payload> {
        let found = self.call(most, move |entries| entries.get(&id.to_string()))?;
        found.map(Payload).ok_or(SecretStoreError::NoEntry { store: "keyring", id })
    }

    pub(super) fn erase(&self, id: Uuid) -> Result<()> {
        self.call(Duration::MAX, move |entries| entries.delete(&id.to_string()))
    }

    pub(super) fn is_open(&self) -> bool {
        self.line.lock().unwrap_or_else(PoisonError::into_inner).answered
    }

    /// Waits for as long as the patience is, and no longer than `most`.
    fn call<T: Send + 'static>(&self, most: Duration, job: impl FnOnce(&dyn Entries) -> Result<T> + Send + 'static) -> Result<T> {
        let bound = self.patience.bound().min(most);
        let (connect, may_prompt) = (self.connect, self.patience == Patience::PersonPresent);
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outstanding) = &line.outstanding {
            if outstanding.try_recv() == Err(mpsc::TryRecvError::Empty) {
                return Err(SecretStoreError::Frozen { waited: line.in_vain });
            }
            line.outstanding = None;
            line.in_vain = Duration::ZERO;
        }

        let started = Instant::now();
        let (answer, answered) = mpsc::channel();
        let (done, outstanding) = mpsc::channel();
        let job: Job = Box::new(move |connection| {
            // An error may mean that the connection is of no more use.
            let result = match connection.take().map_or_else(|| connect(may_prompt), Ok) {
                Ok(entries) => job(&*entries).inspect(|_| *connection = Some(entries)),
                Err(error) => Err(error),
            };
            let _ = answer.send(result);
            let _ = done.send(());
        });
        line.send(job)?;
        // What D-Bus calls no reply is either a timeout of 2 seconds or, at once, a connection that was closed.
        let result = match answered.recv_timeout(bound.saturating_sub(line.in_vain)) {
            Ok(Err(SecretStoreError::Frozen { .. })) if started.elapsed() < Duration::from_secs(1) => {
                Err(SecretStoreError::Closed)
            }
            Ok(result) => result,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                line.outstanding = Some(outstanding);
                Err(SecretStoreError::Frozen { waited: bound })
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                line.jobs = None;
                Err(SecretStoreError::KeyringFailed { what: "its library stopped unexpectedly".into() })
            }
        };
        line.answered = result.is_ok();
        if let Err(SecretStoreError::Frozen { .. }) = result {
            line.in_vain += started.elapsed();
            return Err(SecretStoreError::Frozen { waited: line.in_vain });
        }
        line.in_vain = Duration::ZERO;
        result
    }
}

impl Line {
    fn send(&mut self, job: Job) -> Result<()> {
        let not_started = |_| SecretStoreError::KeyringFailed { what: "no thread could be started for it".into() };
        let jobs = match self.jobs.take() {
            Some(jobs) => jobs,
            None => {
                let (jobs, waiting) = mpsc::channel::<Job>();
                let serve = move || {
                    let mut connection = None;
                    waiting.iter().for_each(|job| job(&mut connection));
                };
                thread::Builder::new().name("keyring".into()).spawn(serve).map_err(not_started)?;
                jobs
            }
        };
        // Without a receiver the job is dropped, and with it the caller's answer: that is where it is reported.
        let _ = jobs.send(job);
        self.jobs = Some(jobs);
        Ok(())
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("patience", &self.patience).finish_non_exhaustive()
    }
}

/// Operating systems without a keyring that we know.
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
mod system {
    pub fn connect(_: bool) -> super::Result<Box<dyn super::Entries>> {
        Err(super::SecretStoreError::Unsupported { store: "keyring" })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A keyring that keeps only the first byte, and whose library panics when asked to delete.
    struct Broken;

    impl Entries for Broken {
        fn set(&self, _: &str, _: &[u8]) -> Result<()> {
            Ok(())
        }

        fn get(&self, _: &str) -> Result<Option<Zeroizing<Vec<u8>>>> {
            Ok(Some(Zeroizing::new(b"{".to_vec())))
        }

        fn delete(&self, _: &str) -> Result<()> {
            panic!("as a library may")
        }
    }

    fn broken() -> Keyring {
        Keyring { connect: |_| Ok(Box::new(Broken)), ..Keyring::new(Patience::NobodyCanAnswer) }
    }

    #[test]
    fn what_was_not_kept_is_said() {
        let put = broken().put(Duration::MAX, Uuid::nil(), Payload(Zeroizing::new(b"{}".to_vec())));
        assert!(matches!(put, Err(SecretStoreError::NotKept { store: "keyring", .. })), "{put:?}");
    }

    #[test]
    fn a_panic_in_the_library_ends_the_call_and_not_the_next_one() {
        let keyring = broken();
        for _ in 0..2 {
            let erased = keyring.erase(Uuid::nil());
            assert!(matches!(erased, Err(SecretStoreError::KeyringFailed { .. })), "{erased:?}");
        }
        assert_eq!(keyring.get(Duration::MAX, Uuid::nil()).unwrap().0.as_slice(), b"{");
    }
    #[test]
    fn one_connection_serves_every_call() {
        static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);
        let connect = |_| {
            CONNECTIONS.fetch_add(1, Ordering::SeqCst);
            Ok(Box::new(Broken) as Box<dyn Entries>)
        };
        let keyring = Keyring { connect, ..Keyring::new(Patience::NobodyCanAnswer) };
        assert_eq!(CONNECTIONS.load(Ordering::SeqCst), 0, "opening connects to nothing");
        for _ in 0..3 {
            keyring.get(Duration::MAX, Uuid::nil()).unwrap();
        }
        assert_eq!(CONNECTIONS.load(Ordering::SeqCst), 1);
    }
}
