use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;
use zeroize::Zeroizing;

use super::{Result, SecretStoreError, io_error, sync_directory};

/// Before a file that is still being written.
const TEMPORARY: &str = ".writing-";
/// A sealed file is a little larger than the payload in it.
const LARGEST: u64 = crate::secret_store::payload::LIMIT as u64 + 1024;

/// A directory that is ours alone, and files in it that are.
#[derive(Debug)]
pub(super) struct Directory(PathBuf);

impl Directory {
    pub fn new(path: &Path) -> Directory {
        Directory(path.to_owned())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn path_of(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Makes it where it is missing.
    pub fn create(&self) -> Result<()> {
        if !self.exists()? {
            create_directory(&self.0)?;
            self.exists()?;
        }
        Ok(())
    }

    /// Whether it is there. One that is not ours alone is an error.
    pub fn exists(&self) -> Result<bool> {
        let metadata = match fs::symlink_metadata(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            metadata => metadata.map_err(io_error("read", &self.0))?,
        };
        ours_alone(&metadata, metadata.is_dir().then_some(()).ok_or("it is not a directory"), &self.0)?;
        Ok(true)
    }

    pub fn read(&self, path: &Path) -> Result<Option<Vec<u8>>> {
        // Sealed bytes need no wiping.
        Ok(read_ours(path, LARGEST)?.map(|mut bytes| std::mem::take(&mut *bytes)))
    }

    /// Writes it whole or not at all, over what was there.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let temporary = write_temporary(&self.0, bytes)?;
        temporary.persist(path).map_err(|error| io_error("written", path)(error.error))?;
        sync_directory(&self.0)
    }

    /// Writes it whole, and only if there is none: `false` says that there is.
    pub fn write_new(&self, path: &Path, bytes: &[u8]) -> Result<bool> {
        write_new(&self.0, path, bytes)
    }

    /// Removes it, if it is there.
    pub fn remove(&self, path: &Path) -> Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(io_error("removed", path)).and_then(|()| sync_directory(&self.0)),
        }
    }

    /// The names of what is in it, where they are text.
    pub fn names(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0).map_err(io_error("listed", &self.0))? {
            let entry = entry.map_err(io_error("listed", &self.0))?;
            names.extend(entry.file_name().into_string());
        }
        Ok(names)
    }

    /// Removes what killed writes left.
    pub fn sweep(&self) -> Result<()> {
        self.names()?.iter().filter(|name| name.starts_with(TEMPORARY)).try_for_each(|name| self.remove(&self.path_of(name)))
    }
}

/// Makes a directory, and those above it that are missing, for us alone.
pub(super) fn create_directory(path: &Path) -> Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io_error("created", path))
}

/// Writes a file in `directory` whole, and only if there is none: `false` says that there is.
pub(super) fn write_new(directory: &Path, path: &Path, bytes: &[u8]) -> Result<bool> {
    match write_temporary(directory, bytes)?.persist_noclobber(path) {
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(io_error("written", path)(error.error)),
        Ok(_) => sync_directory(directory).map(|()| true),
    }
}

fn write_temporary(directory: &Path, bytes: &[u8]) -> Result<tempfile::NamedTempFile> {
    // Born 0600: that is how tempfile opens.
    let mut file =
        tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory).map_err(io_error("written to", directory))?;
    let written = file.write_all(bytes).and_then(|()| file.as_file().sync_all());
    written.map_err(io_error("written to", directory))?;
    Ok(file)
}

/// Reads a file that is ours alone and no larger than `largest`; `None` if there is none.
pub(super) fn read_ours(path: &Path, largest: u64) -> Result<Option<Zeroizing<Vec<u8>>>> {
    // Not blocking, so that a pipe put in its place cannot stop us.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let unsafe_file = |why| SecretStoreError::Unsafe { path: path.to_owned(), why };
    let file = match OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err(unsafe_file("it is a symbolic link"));
        }
        file => file.map_err(io_error("opened", path))?,
    };
    let metadata = file.metadata().map_err(io_error("read", path))?;
    ours_alone(&metadata, metadata.is_file().then_some(()).ok_or("it is not a regular file"), path)?;
    if metadata.len() > largest {
        return Err(unsafe_file("it is too large"));
    }
    read_bounded(file, largest).map_err(io_error("read", path)).map(Some)
}

fn read_bounded(file: File, largest: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    // One more than is read at most: `read_to_end` then sees the end without growing the buffer.
    let mut bytes = Zeroizing::new(Vec::with_capacity(largest as usize + 1));
    file.take(largest).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn ours_alone(metadata: &Metadata, kind: std::result::Result<(), &'static str>, path: &Path) -> Result<()> {
    let checked = kind.and_then(|()| {
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            Err("it belongs to another user")
        } else if metadata.mode() & 0o077 != 0 {
            Err("other users have access to it")
        } else {
            Ok(())
        }
    });
    checked.map_err(|why| SecretStoreError::Unsafe { path: path.to_owned(), why })
}
