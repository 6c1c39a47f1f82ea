//! Where they are: a directory for each pair, named by the hash of what is in it, with a record of the files that they stand
//! for.

use std::{
    fs::{self, DirBuilder},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::context::Context;

/// The directory of ours under the state directory.
const DIRECTORY: &str = "aws";
/// The two files, and the record beside them.
pub const CONFIG: &str = "config";
pub const CREDENTIALS: &str = "credentials";
pub const RECORD: &str = "originals.json";
/// How long files are kept that nobody uses.
const KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// What a pair of files stands for: what the environment said at the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Originals {
    /// AWS_CONFIG_FILE; `None`: it was not set.
    pub config: Option<PathBuf>,
    /// AWS_SHARED_CREDENTIALS_FILE; `None`: it was not set.
    pub credentials: Option<PathBuf>,
    /// AWS_PROFILE, of the user's own.
    pub profile: Option<String>,
    /// The profile that AWS_PROFILE names instead.
    pub handed: Option<String>,
}

impl Originals {
    /// What AWS_PROFILE means to credstack: what the program was given doesn't count, what it was set to since does.
    pub fn profile(&self, now: Option<String>) -> Option<String> {
        match now {
            None => self.profile.clone(),
            now if now == self.handed => self.profile.clone(),
            now => now,
        }
    }
}

/// What a file stands for, if it is one of ours. It is known by its place, whatever the state directory is now.
pub fn originals(file: &Path) -> Option<Originals> {
    let pair = file.parent()?;
    let is_ours = |name: &str| pair.parent().and_then(Path::file_name).is_some_and(|directory| directory == name);
    if !is_ours(DIRECTORY) {
        return None;
    }
    serde_json::from_slice(&fs::read(pair.join(RECORD)).ok()?).ok()
}

/// Where files of ours may be: in the state directory, else where it can't be written in the session's own directory.
pub fn bases(context: &Context) -> Vec<PathBuf> {
    let session = context.variable("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let session = session.map(|path| path.join("credstack").join(DIRECTORY));
    [context.place.path().join(DIRECTORY)].into_iter().chain(session).collect()
}

/// Makes a directory that is its owner's alone.
pub fn private_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Sees that a read-only file has this text: what differs is replaced, whole. A process with rights enough may have written
/// into it.
pub fn read_only(path: &Path, text: &[u8]) -> io::Result<()> {
    let is_plain = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    if is_plain && fs::read(path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(directory)?;
    file.write_all(text)?;
    #[cfg(unix)]
    file.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o400))?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Notes that a file is in use.
pub fn touch(path: &Path, now: Timestamp) {
    // If that can't be noted, another exec writes it again when it has gone.
    let _untouched = fs::File::open(path).and_then(|file| file.set_modified(now.into()));
}

/// The same of the pair that a file is of.
pub fn touch_of(file: &Path, now: Timestamp) {
    if originals(file).is_some()
        && let Some(pair) = file.parent()
    {
        touch(&pair.join(RECORD), now);
    }
}

/// Writes a pair and its record where that is possible. The pair's directory. What was long not used goes.
pub fn store(context: &Context, config: &[u8], record: &[u8]) -> io::Result<PathBuf> {
    let mut hash = Sha256::new();
    hash.update(config);
    hash.update([0]);
    hash.update(record);
    let name = hex::encode(&hash.finalize()[..16]);
    let mut failed = None;
    for base in bases(context) {
        let pair = base.join(&name);
        // botocore expands variables in AWS_CONFIG_FILE.
        if pair.as_os_str().as_encoded_bytes().contains(&b'$') {
            failed = failed.or_else(|| Some(io::Error::other("its path has a $, which the AWS CLI takes for a variable")));
            continue;
        }
        let written = private_directory(&pair).and_then(|()| {
            read_only(&pair.join(CONFIG), config)?;
            read_only(&pair.join(CREDENTIALS), b"")?;
            read_only(&pair.join(RECORD), record)
        });
        match written {
            Ok(()) => {
                touch(&pair.join(RECORD), context.now);
                prune(&base, context.now);
                return Ok(pair);
            }
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    Err(failed.unwrap_or_else(|| io::Error::other("there is no place for them")))
}

/// Takes away what was not used for long. It matters to no one if that fails.
fn prune(base: &Path, now: Timestamp) {
    let Ok(entries) = fs::read_dir(base) else { return };
    let limit = std::time::SystemTime::from(now).checked_sub(KEPT);
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let record = path.join(RECORD);
        let used = fs::metadata(if path.is_dir() { &record } else { &path }).and_then(|metadata| metadata.modified());
        if used.is_ok_and(|used| limit.is_some_and(|limit| used < limit)) {
            let _gone = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        }
    }
}

/// Removes all of them, and the state directory if that was all that was left in it.
pub fn remove(context: &Context) -> io::Result<()> {
    match fs::remove_dir_all(context.place.path().join(DIRECTORY)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        removed => removed?,
    }
    // Anything else in it stays.
    let _not_empty = fs::remove_dir(context.place.path());
    Ok(())
}
