use std::{
    fs::{File, TryLockError},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{StackError, StateDirectory};
use crate::private_files::private_file;

/// How long a command waits for another one's change before it gives up.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How long for another one's renewal, in which STS is asked, once for each link of a chain.
pub(super) const RENEWAL_PATIENCE: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(4);

/// The one exclusive lock around every change. The system releases it when the process ends, however it ends, so that
/// whatever is unsettled when it is taken was left by a dead process.
pub(super) struct Lock {
    file: Arc<File>,
}

impl Lock {
    /// Takes the lock, making the state directory if it is not there. `command` tells others who holds it; they are
    /// waited for as long as `patience` says.
    pub(super) fn take(place: &StateDirectory, command: &str, patience: Duration) -> Result<Lock, StackError> {
        Lock::take_at(place, place.lock(), command, patience)
    }

    /// Takes the lock of renewal, which is held while STS is asked.
    pub(super) fn take_for_renewal(place: &StateDirectory, command: &str, patience: Duration) -> Result<Lock, StackError> {
        Lock::take_at(place, place.renewal_lock(), command, patience)
    }

    /// Takes the lock of a question about one device, if no other process asks.
    pub(super) fn take_for_question(place: &StateDirectory, device: &str, command: &str) -> Result<Lock, StackError> {
        Lock::take_at(place, place.question_lock(device), command, Duration::ZERO)
    }

    fn take_at(place: &StateDirectory, path: PathBuf, command: &str, patience: Duration) -> Result<Lock, StackError> {
        place.make()?;
        let unusable = |error: std::io::Error| StackError::Place { path: path.clone(), reason: error.to_string() };
        let mut file = private_file(&path).map_err(unusable)?;
        let deadline = Instant::now() + patience;
        loop {
            match file.try_lock() {
                Ok(()) if is_still_at(&file, &path) => break,
                // A purge removed it while this process waited: whoever comes now locks another file.
                Ok(()) => {
                    place.make()?;
                    file = private_file(&path).map_err(unusable)?;
                }
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(POLL),
                Err(TryLockError::WouldBlock) => return Err(StackError::Busy { holder: holder(&mut file) }),
                Err(TryLockError::Error(error)) => return Err(unusable(error)),
            }
        }
        let sign = format!("process {}, `credstack {command}`\n", std::process::id());
        file.set_len(0).and_then(|()| file.write_all(sign.as_bytes())).map_err(unusable)?;
        Ok(Lock { file: Arc::new(file) })
    }

    /// The file that is locked.
    pub(super) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }
}

#[cfg(unix)]
pub(super) fn is_still_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Elsewhere a file that is open cannot be removed.
#[cfg(not(unix))]
pub(super) fn is_still_at(_file: &File, _path: &Path) -> bool {
    true
}

/// What the holder wrote about itself.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.take(200).read_to_string(&mut text));
    match (read, text.trim()) {
        (Ok(_), sign) if !sign.is_empty() => sign.to_owned(),
        _ => "an unknown process".to_owned(),
    }
}
