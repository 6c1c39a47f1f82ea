//! Files that are ours alone, and the steps that make their names last.

use std::{fs, io, path::Path};

/// A file that is born 0600, and never one that a link points to.
pub(crate) fn private_file(path: &Path) -> io::Result<fs::File> {
    open(path, fs::OpenOptions::new().read(true).write(true).create(true).truncate(false))
}

/// The same, to which several processes may add: what each writes at once stands there in one piece.
pub(crate) fn private_file_to_append(path: &Path) -> io::Result<fs::File> {
    open(path, fs::OpenOptions::new().append(true).create(true))
}

/// One that must not be there yet.
pub(crate) fn new_private_file(path: &Path) -> io::Result<fs::File> {
    open(path, fs::OpenOptions::new().read(true).append(true).create_new(true))
}

/// One that must be there.
pub(crate) fn left_private_file(path: &Path) -> io::Result<fs::File> {
    open(path, fs::OpenOptions::new().read(true).write(true))
}

fn open(path: &Path, options: &mut fs::OpenOptions) -> io::Result<fs::File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32);
    }
    let file = options.open(path)?;
    match fault(&file.metadata()?) {
        Some(reason) => Err(io::Error::other(reason)),
        None => Ok(file),
    }
}

/// What is wrong with a file of ours, if anything is.
pub(crate) fn fault(metadata: &fs::Metadata) -> Option<String> {
    if !metadata.is_file() {
        return Some("it is a link or something else that is not a file".into());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Some("it belongs to another user".into());
        }
        if metadata.mode() & 0o077 != 0 {
            return Some(format!("others may open it (mode {:04o}, expected 0600)", metadata.mode() & 0o7777));
        }
    }
    None
}

/// Removes a file; that there is none is fine.
pub(crate) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// A new name is kept only once the directory it is in is.
#[cfg(unix)]
pub(crate) fn sync_directory_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |directory| fs::File::open(directory)?.sync_all())
}

/// Elsewhere a directory cannot be opened like a file.
#[cfg(not(unix))]
pub(crate) fn sync_directory_of(_path: &Path) -> io::Result<()> {
    Ok(())
}
