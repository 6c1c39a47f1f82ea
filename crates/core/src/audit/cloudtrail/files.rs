//! The files: directories walked, compression taken off, bytes counted.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Seek},
    path::{Path, PathBuf},
};

use flate2::bufread::MultiGzDecoder;

use super::Source;

/// A file, or why there is none.
pub struct Found {
    /// Its name, for people.
    pub name: String,
    /// Whether somebody named it; else it was found in a directory.
    pub is_named: bool,
    /// Its content, as it lies there.
    pub file: io::Result<File>,
}

/// Hands over each file of the sources, in an order that is always the same. Directories are walked as they come: a year of a
/// trail is millions of files.
pub fn each(sources: &mut [Source], take: &mut dyn FnMut(Found)) {
    for source in sources {
        match source {
            Source::Kept { name, file } => {
                let file = file.try_clone().and_then(|mut file| file.rewind().map(|()| file));
                take(Found { name: name.clone(), is_named: true, file });
            }
            Source::Path(path) => walk(path, &mut |path, found| {
                let (is_named, file) = match found {
                    Ok(is_named) => (is_named, File::open(path)),
                    Err(error) => (true, Err(error)),
                };
                take(Found { name: path.display().to_string(), is_named, file });
            }),
        }
    }
}

/// How many bytes lie there.
pub fn size(sources: &[Source]) -> u64 {
    let mut sum = 0;
    for source in sources {
        match source {
            Source::Kept { file, .. } => sum += file.metadata().map_or(0, |metadata| metadata.len()),
            Source::Path(path) => walk(path, &mut |path, _| sum += path.metadata().map_or(0, |metadata| metadata.len())),
        }
    }
    sum
}

/// A file itself, else the files in a directory at any depth, by name: which of them are CloudTrail's is seen from their content. Links to directories are not followed.
fn walk(path: &Path, take: &mut dyn FnMut(&Path, io::Result<bool>)) {
    if !path.is_dir() {
        return take(path, Ok(true));
    }
    let mut left = vec![path.to_owned()];
    while let Some(next) = left.pop() {
        let is_directory = next.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) || next == path;
        if !is_directory {
            take(&next, Ok(false));
            continue;
        }
        match entries(&next) {
            Ok(entries) => left.extend(entries.into_iter().rev()),
            Err(error) => take(&next, Err(error)),
        }
    }
}

fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() || path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a file is named as those of a trail are: then it is one, also where it is damaged from its beginning.
pub fn has_name(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let path = path.strip_suffix(".gz").unwrap_or(&path);
    path.ends_with(".json") || path.ends_with(".jsonl")
}

/// What is in a file, decompressed where it is gzipped, whatever its name is. `progress` hears of each read.
pub fn content<'a>(file: impl Read + 'a, progress: &'a mut dyn FnMut(u64)) -> io::Result<Box<dyn Read + 'a>> {
    let mut bytes = BufReader::with_capacity(256 * 1024, Counted { file, progress });
    Ok(match bytes.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        true => Box::new(MultiGzDecoder::new(bytes)),
        false => Box::new(bytes),
    })
}

struct Counted<'a, R> {
    file: R,
    progress: &'a mut dyn FnMut(u64),
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        (self.progress)(count as u64);
        Ok(count)
    }
}
