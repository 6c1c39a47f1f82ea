//! A command line of ours in an AWS configuration file, which every client runs in its own way: botocore splits it as a shell
//! does and runs no shell; Go, Java, JavaScript and Rust give it to `sh -c`; .NET loses every backslash before it does, so that
//! what stands for a quote within quotes is a syntax error; Go takes off quotes that begin and end the whole value; some take ` #`
//! and ` ;` for a comment.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder},
    io,
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::{context::Context, failure::Failure};

/// A state directory as one word that no client has to be told to leave alone: its path in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateToken(pub PathBuf);

impl StateToken {
    /// The word.
    pub fn text(&self) -> Option<String> {
        #[cfg(unix)]
        let bytes = Some(std::os::unix::ffi::OsStrExt::as_bytes(self.0.as_os_str()));
        #[cfg(not(unix))]
        let bytes = self.0.to_str().map(str::as_bytes);
        bytes.map(hex::encode)
    }
}

impl FromStr for StateToken {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<StateToken, &'static str> {
        let wrong = "expected a path in hexadecimal digits, as `credstack setup profile` writes it";
        let bytes = hex::decode(text).map_err(|_| wrong)?;
        #[cfg(unix)]
        let path: OsString = std::os::unix::ffi::OsStringExt::from_vec(bytes);
        #[cfg(not(unix))]
        let path: OsString = String::from_utf8(bytes).map_err(|_| wrong)?.into();
        let path = PathBuf::from(path);
        if path.is_absolute() { Ok(StateToken(path)) } else { Err(wrong) }
    }
}

/// A command line that every client runs alike.
pub struct CommandLine {
    text: String,
    /// A link with a plain path that has to stand in for the program's own.
    link: Option<(PathBuf, PathBuf)>,
}

impl CommandLine {
    /// This program with these words, which need no quotes, for the state directory in use. It ends in a word without quotes.
    pub fn of(context: &Context, words: &[&str]) -> Result<CommandLine, Failure> {
        let program = context.our_program().ok_or_else(|| Failure::internal("the path of this program is not known"))?;
        let state = context.place.path();
        let unusable = || {
            Failure::usage(format!("{} cannot be written into an AWS configuration file", state.display()))
                .next_step("use another state directory")
        };
        let state = StateToken(state.to_owned()).text().ok_or_else(unusable)?;
        let (program, link) = match word(&program) {
            Some(word) => (word, None),
            None => {
                let link = plain_link(context).ok_or_else(|| {
                    Failure::usage(format!(
                        "{} cannot be written into an AWS configuration file for every client",
                        program.display()
                    ))
                    .next_step("put it under a path without quotes, backslashes, #, ;, % and control characters")
                })?;
                (word(&link).unwrap_or_default(), Some((link, program)))
            }
        };
        let text = [&[program.as_str()], words, &["--state", &state]].concat().join(" ");
        Ok(CommandLine { text, link })
    }

    /// The line.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Makes what the line needs beside itself.
    pub fn make(&self) -> Result<(), Failure> {
        let Some((link, program)) = &self.link else { return Ok(()) };
        point(link, program).map_err(|error| {
            Failure::usage(format!("{} cannot be made, which stands for {}: {error}", link.display(), program.display()))
                .next_step("put credstack under a path without quotes, backslashes, #, ;, % and control characters")
        })
    }
}

/// A path as one word: as it is, or between single quotes, where they are read alike.
fn word(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/_.+@:,=-".contains(c) || (cfg!(windows) && c == '\\');
    if text.chars().all(is_plain) {
        return Some(text.to_owned());
    }
    // `cmd /c` takes a line that begins with a quote apart.
    let breaks = |c: char| c.is_control() || "'\\#;%".contains(c);
    (!cfg!(windows) && !text.chars().any(breaks)).then(|| format!("'{text}'"))
}

/// Where a link may stand for a program whose own path no quotes can hold.
fn plain_link(context: &Context) -> Option<PathBuf> {
    let places = [context.home.join(".local/share/credstack/bin"), context.place.path().join("bin")];
    places.into_iter().map(|place| place.join("credstack")).find(|path| cfg!(unix) && word(path).is_some())
}

#[cfg(unix)]
fn point(link: &Path, program: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, symlink};
    if fs::read_link(link).is_ok_and(|there| there == program) {
        return Ok(());
    }
    let directory = link.parent().unwrap_or(Path::new("/"));
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    // A client that runs it meanwhile finds the old one or the new one.
    let temporary = directory.join(format!(".credstack-{}", std::process::id()));
    symlink(program, &temporary)?;
    fs::rename(&temporary, link)
}

#[cfg(not(unix))]
fn point(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_directory_is_one_plain_word_whatever_its_path() {
        for path in ["/srv/state", "/x/it's", "/x/back\\slash", "/x/a b\"$(touch x)`;#%", "/x/é\n"] {
            let token = StateToken(path.into()).text().unwrap();
            assert!(token.bytes().all(|byte| byte.is_ascii_hexdigit()));
            assert_eq!(token.parse::<StateToken>().unwrap(), StateToken(path.into()));
        }
        for bad in ["", "2f7", "zz", &hex::encode("relative/path")] {
            assert!(bad.parse::<StateToken>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_program_needs_no_quotes_or_only_those_that_all_clients_understand() {
        assert_eq!(word(Path::new("/usr/bin/credstack")).as_deref(), Some("/usr/bin/credstack"));
        assert_eq!(word(Path::new("/opt/my $tools/credstack")).as_deref(), Some("'/opt/my $tools/credstack'"));
        for bad in ["/it's/credstack", "/back\\slash/credstack", "/a #b/credstack", "/a;b/c", "/50%/c", "/a\nb"] {
            assert_eq!(word(Path::new(bad)), None, "{bad}");
        }
    }
}
