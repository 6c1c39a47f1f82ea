//! The file itself: read whole, and written whole or not at all.

use std::{
    fs::{self, Metadata},
    io::{self, Write},
    path::Path,
};

use crate::failure::Failure;

/// The file's bytes; a file that is not there has none.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    // How people say that there is none.
    if path == Path::new("/dev/null") {
        return Ok(Vec::new());
    }
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(unusable(path, &error)),
        // A pipe would be waited for, and a device need not end.
        Ok(metadata) if !metadata.is_file() => Err(not_a_file(path)),
        Ok(_) => fs::read(path).map_err(|error| unusable(path, &error)),
    }
}

/// Writes the file whole or not at all. A symbolic link is followed; mode and owner stay as they were.
pub fn write(path: &Path, text: &[u8]) -> Result<(), Failure> {
    // A link to where nothing is yet is followed as well.
    let dangling = || fs::read_link(path).ok().map(|link| path.parent().unwrap_or(Path::new(".")).join(link));
    let target = path.canonicalize().ok().or_else(dangling).unwrap_or_else(|| path.to_owned());
    let there = fs::metadata(&target).ok();
    if let Some(metadata) = &there {
        may_be_replaced(path, metadata)?;
    }
    replace(&target, text, there).map_err(|error| unusable(path, &error))
}

/// A new file takes the place of the old one: what that would break, or what its owner wanted to be left alone, is refused.
fn may_be_replaced(path: &Path, there: &Metadata) -> Result<(), Failure> {
    if !there.is_file() {
        return Err(not_a_file(path));
    }
    if there.permissions().readonly() {
        return Err(Failure::usage(format!("{} is read-only", path.display()))
            .next_step(format!("allow it with `chmod u+w {}`; nothing was changed", path.display())));
    }
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(there) > 1 {
        return Err(Failure::usage(format!("{} is one file under several names, which would be parted", path.display()))
            .next_step("make all but one of the hard links symbolic ones, or set AWS_CONFIG_FILE; nothing was changed"));
    }
    Ok(())
}

fn replace(target: &Path, text: &[u8], there: Option<Metadata>) -> io::Result<()> {
    // A bare name lies in the working directory.
    let directory = target.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let mut file = tempfile::Builder::new().prefix(".credstack-").tempfile_in(directory)?;
    file.write_all(text)?;
    if let Some(metadata) = there {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            std::os::unix::fs::fchown(file.as_file(), Some(metadata.uid()), Some(metadata.gid()))?;
        }
        file.as_file().set_permissions(metadata.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(target).map_err(|error| error.error)?;
    fs::File::open(directory)?.sync_all()
}

fn not_a_file(path: &Path) -> Failure {
    Failure::usage(format!("{} is not a file", path.display()))
        .next_step("check the path, or set AWS_CONFIG_FILE; nothing was changed")
}

fn unusable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("{} cannot be used: {error}", path.display()))
        .next_step("check the path and its permissions, or set AWS_CONFIG_FILE")
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::FileTypeExt;

    use super::*;

    #[test]
    fn what_is_no_file_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("config");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let failure = write(&pipe, b"[default]\n").err().unwrap();
        assert!(failure.message.contains("is not a file"), "{}", failure.message);
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    }
}
