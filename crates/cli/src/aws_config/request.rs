//! What a `credential_process` of the AWS configuration asks of credstack, if it runs credstack.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Parser;
use credstack_core::values::{FrameName, StackName};

use super::StateToken;
use crate::commands::{Arguments, Command};

/// What `credstack credential-process` is asked for; what is not there is the client's variables' business.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// `--stack`.
    pub stack: Option<StackName>,
    /// `--state`, or an earlier version's `--state-dir`.
    pub state: Option<PathBuf>,
    /// `--frame`.
    pub frame: Option<FrameName>,
}

/// What a `credential_process` runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Runs {
    /// Another program.
    Another,
    /// credstack, for this.
    Credstack(Request),
    /// credstack, in a way that is not read: another command, or within a script.
    CredstackSomehow,
}

/// Reads a command line. `our_exe` is the running program, which may have another name there. credstack counts only where it is
/// the program, and not as an argument of another.
pub fn runs(line: &str, our_exe: Option<&Path>) -> Runs {
    let commands = simple_commands(line);
    let mut found: Vec<Runs> = commands.iter().map(|command| runs_simple(command, our_exe)).collect();
    match (found.len(), found.pop()) {
        (1, Some(only)) => only,
        (_, Some(last)) if found.iter().chain([&last]).any(|it| *it != Runs::Another) => Runs::CredstackSomehow,
        _ => Runs::Another,
    }
}

/// What the words after the program ask for.
pub fn request(words: &[String]) -> Option<Request> {
    let arguments = Arguments::try_parse_from(std::iter::once("credstack").chain(words.iter().map(String::as_str))).ok()?;
    let (global, Command::CredentialProcess(command)) = arguments.split() else { return None };
    let state = global.state.map(|StateToken(path)| path).or(global.state_dir);
    Some(Request { stack: global.stack, state, frame: command.frame })
}

/// One command of a line, as words.
fn runs_simple(words: &[String], our_exe: Option<&Path>) -> Runs {
    let (mut rest, mut is_plain) = (words, true);
    while let [word, more @ ..] = rest {
        let name = program_name(word);
        if is_assignment(word) {
            is_plain = false;
            rest = more;
        } else if ["env", "exec", "command", "nohup", "time", "nice", "which"].contains(&name) {
            is_plain &= name == "exec" || name == "env";
            rest = more;
            while let [option, more @ ..] = rest
                && option.starts_with('-')
            {
                is_plain = false;
                let has_value = ["-u", "--unset", "-C", "--chdir", "-n"].contains(&option.as_str());
                rest = if has_value { more.get(1..).unwrap_or_default() } else { more };
            }
        } else {
            break;
        }
    }
    let [program, arguments @ ..] = rest else { return Runs::Another };
    let found = match is_credstack(program, our_exe) {
        true => request(arguments).map_or(Runs::CredstackSomehow, Runs::Credstack),
        false => script(program, arguments).map_or(Runs::Another, |script| runs(script, our_exe)),
    };
    if is_plain || found == Runs::Another { found } else { Runs::CredstackSomehow }
}

/// The script of `sh -c SCRIPT`.
fn script<'a>(program: &str, arguments: &'a [String]) -> Option<&'a str> {
    if !["sh", "bash", "dash", "ash", "ksh", "zsh", "fish"].contains(&program_name(program)) {
        return None;
    }
    let is_option = |word: &String| word.starts_with('-') && !word.starts_with("--") && word.contains('c');
    arguments.iter().skip_while(|word| !is_option(word)).nth(1).map(String::as_str)
}

fn program_name(word: &str) -> &str {
    word.rsplit(['/', '\\']).next().unwrap_or(word)
}

fn is_assignment(word: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    word.split_once('=').is_some_and(|(name, _)| is_name(name))
}

fn is_credstack(word: &str, our_exe: Option<&Path>) -> bool {
    let name = program_name(word);
    if name.eq_ignore_ascii_case("credstack") || name.eq_ignore_ascii_case("credstack.exe") {
        return true;
    }
    // Another name for the same file: a link, or a copy under development.
    let resolved = |path: &Path| fs::canonicalize(path).ok();
    word.contains(['/', '\\']) && our_exe.and_then(resolved).is_some_and(|ours| resolved(Path::new(word)) == Some(ours))
}

/// The commands of a line as a shell sees them, each as its words. Clients that run no shell see one; one too many does no harm.
fn simple_commands(line: &str) -> Vec<Vec<String>> {
    let (mut commands, mut command, mut quote) = (Vec::new(), String::new(), None);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let is_end = match (c, quote) {
            ('\'', Some('\'')) | ('"', Some('"')) => {
                quote = None;
                false
            }
            (_, Some('\'')) => false,
            ('\'' | '"', None) => {
                quote = Some(c);
                false
            }
            ('\\', _) => {
                command.push(c);
                command.extend(chars.next());
                continue;
            }
            // A substitution begins; its quotes are its own.
            ('`', _) | ('$', _) if c == '`' || chars.peek() == Some(&'(') => {
                quote = None;
                true
            }
            (';' | '|' | '&' | '(' | ')' | '{' | '}' | '\n', None) => true,
            _ => false,
        };
        if is_end {
            commands.push(std::mem::take(&mut command));
        } else {
            command.push(c);
        }
    }
    commands.push(command);
    commands.iter().map(|command| words(command)).filter(|words| !words.is_empty()).collect()
}

/// The words of one command; where a quote does not end, what stands between white space.
fn words(command: &str) -> Vec<String> {
    let plain = || command.split_whitespace().map(|word| word.trim_matches(['"', '\'']).to_owned()).collect();
    shell_words::split(command).unwrap_or_else(|_| plain())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credstack_counts_only_where_it_is_the_program() {
        for line in [
            "credstack",
            "credstack get",
            "/usr/local/bin/credstack exec -- tool",
            "credstack.exe get",
            r#""C:\Program Files\Credstack\CREDSTACK.EXE" get"#,
            r#"sh -c "credstack get""#,
            "sh -c 'exec credstack get'",
            "env AWS_REGION=eu-west-1 credstack credential-process --frame c7",
            "CREDSTACK_STACK=x credstack credential-process",
            r#"bash -lc "cd / && FOO=1 ./bin/credstack credential-process | cat""#,
            "$(which credstack)",
            "\"$(command -v credstack)\" get",
            "\"/opt/my tools/credstack\" get",
            "env -u AWS_PROFILE -i credstack get",
            "${HOME}/bin/credstack get",
            "credstack credential-process --frame nonsense!",
        ] {
            assert_eq!(runs(line, None), Runs::CredstackSomehow, "{line}");
        }
        for line in [
            "",
            "/x/get --item credstack",
            "/x/get --item=/usr/bin/credstack --frame c7",
            "sh -c 'pass show \"$0\"' credstack",
            "/x/get --url https://a/b?x=1&y=2",
            "aws-vault exec work --json",
            "/home/alice/credstack/bin/vault-get",
            "credstack-sandbox",
            "my-credstack",
            "cat credstack.json",
            "tool --name=credstack",
        ] {
            assert_eq!(runs(line, None), Runs::Another, "{line}");
        }
    }

    #[test]
    fn what_a_line_of_ours_asks_for_is_read() {
        let state = StateToken("/srv/it's".into()).text().unwrap();
        let asked = |stack: Option<&str>, state: Option<&str>, frame: Option<&str>| {
            let stack = stack.map(|it| it.parse().unwrap());
            let frame = frame.map(|it| it.parse().unwrap());
            Runs::Credstack(Request { stack, state: state.map(PathBuf::from), frame })
        };
        for (line, expected) in [
            ("credstack credential-process".to_owned(), asked(None, None, None)),
            (
                format!("'/opt/my $tools/credstack' credential-process --frame c7 --state {state}"),
                asked(None, Some("/srv/it's"), Some("c7")),
            ),
            (
                format!("/bin/credstack credential-process --frame source-0123456789abcdef --state {state}"),
                asked(None, Some("/srv/it's"), Some("source-0123456789abcdef")),
            ),
            ("credstack --stack work credential-process".to_owned(), asked(Some("work"), None, None)),
            ("credstack credential-process --stack=work --no-input".to_owned(), asked(Some("work"), None, None)),
            (
                "credstack credential-process --stack work --state-dir '/srv/a b'".to_owned(),
                asked(Some("work"), Some("/srv/a b"), None),
            ),
            ("sh -c 'exec credstack credential-process --frame root'".to_owned(), asked(None, None, Some("root"))),
            ("/usr/bin/env credstack credential-process --frame 1".to_owned(), asked(None, None, Some("1"))),
        ] {
            assert_eq!(runs(&line, None), expected, "{line}");
        }
    }
}
