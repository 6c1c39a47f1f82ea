//! Whatever the keys and the region are, each format of `env` gives them byte for byte to what reads it, or refuses.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};

use crate::common::TestEnvironment;

const NAMES: [&str; 4] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"];

/// What a reader has in the end, by name.
type Read = BTreeMap<String, String>;

/// Pieces that mean something to one of the readers; a marker file is made where one of them is run.
const PIECES: [&str; 24] = [
    "$(touch${IFS}marker)",
    "`touch${IFS}marker`",
    "';touch${IFS}marker;'",
    "\";touch${IFS}marker;\"",
    "&touch marker&",
    "(touch marker)",
    "\\",
    "'",
    "\"",
    "$",
    "${HOME}",
    "%PATH%",
    "!x!",
    "^",
    "#",
    "=",
    "<<EOF",
    "\u{2018};\u{2019}",
    "\u{201b}",
    "\u{202e}",
    "\u{2028}",
    "\u{f600}\u{f6ff}",
    "é",
    " ",
];

/// Any text that no control character is in, mostly of pieces.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![prop::sample::select(PIECES.to_vec()).prop_map(str::to_owned), "[ -~]{0,4}", "\\PC{0,3}"];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

/// As a secret may be: what AWS never uses is refused where it comes in.
fn secret() -> impl Strategy<Value = String> {
    text().prop_map(|text| format!("fake{}", text.chars().filter(char::is_ascii_graphic).collect::<String>()))
}

/// A region with or without a control character.
fn region() -> impl Strategy<Value = String> {
    prop_oneof![8 => text(), 1 => (text(), "[\u{1}-\u{1f}\u{7f}-\u{9f}]", text()).prop_map(|(a, b, c)| a + &b + &c)]
}

/// A shell's answer to what it evaluates.
fn evaluated(env: &TestEnvironment, dir: &Path, shell: &str, text: &str) -> Read {
    let show = NAMES.map(|name| format!("\"${name}\"")).join(" ");
    let (options, evaluate): (&[&str], _) = match shell {
        "bash" => (&["--norc"], "eval \"$(cat)\""),
        "zsh" => (&["-f"], "eval \"$(cat)\""),
        _ => (&["--no-config"], "cat | source"),
    };
    let mut command = Command::new(shell);
    command.args(options).args(["-c", &format!("{evaluate}; printf '%s\\0' {show}")]);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", env.home()).current_dir(dir);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let shown = child.wait_with_output().unwrap().stdout;
    let values = shown.split(|byte| *byte == 0).map(|value| String::from_utf8_lossy(value).into_owned());
    NAMES.into_iter().map(str::to_owned).zip(values).collect()
}

/// Lines as a rule reads them: the name and the value.
fn lines(text: &str, rule: impl Fn(&str) -> Option<(String, String)>) -> Read {
    let one = |line: &str| rule(line).unwrap_or_else(|| panic!("not a line of this format"));
    text.split_terminator('\n').map(one).collect()
}

fn named(name: &str, value: impl Into<String>) -> Option<(String, String)> {
    Some((name.to_owned(), value.into()))
}

/// `$Env:NAME = '…'`: any of five quotes ends a literal, and two of them are the first one.
pub(crate) fn powershell(line: &str) -> Option<(String, String)> {
    let (name, literal) = line.strip_prefix("$Env:")?.split_once(" = '")?;
    let is_quote = |c: &char| "'\u{2018}\u{2019}\u{201a}\u{201b}".contains(*c);
    let (mut value, mut rest) = (String::new(), literal.chars().peekable());
    while let Some(c) = rest.next() {
        if is_quote(&c) && rest.next_if(is_quote).is_none() {
            return rest.next().is_none().then(|| (name.to_owned(), value));
        }
        value.push(c);
    }
    None
}

/// `set "NAME=…"`: percent and exclamation marks are expanded between quotes too, and a quote ends them.
pub(crate) fn windows_cmd(line: &str) -> Option<(String, String)> {
    let (name, value) = line.strip_prefix("set \"")?.strip_suffix('"')?.split_once('=')?;
    if value.contains(['%', '!', '"']) { None } else { named(name, value) }
}

/// python-dotenv: between single quotes `\\` and `\'` are escapes, and `${…}` is expanded after that. Others expand `$…` too.
pub(crate) fn dotenv(line: &str) -> Option<(String, String)> {
    let (name, quoted) = line.split_once('=')?;
    let inner = quoted.strip_prefix('\'')?.strip_suffix('\'')?;
    if inner.contains(['\'', '$']) || inner.ends_with('\\') { None } else { named(name, inner.replace("\\\\", "\\")) }
}

/// GitHub's runner: `NAME=value`, unless `<<` stands before the first `=`.
pub(crate) fn github(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once('=')?;
    if name.contains("<<") || line.contains('\r') { None } else { named(name, value) }
}

fn read_by(env: &TestEnvironment, dir: &Path, format: &str, text: &str) -> Vec<Read> {
    let shell = |shell| evaluated(env, dir, shell, text);
    let document = |pointer: &str, names: [&str; 4]| {
        let document: Value = serde_json::from_str(text).unwrap();
        let value = |name: &str| document.pointer(pointer).unwrap()[name].as_str().map(str::to_owned);
        NAMES.into_iter().zip(names).filter_map(|(name, own)| Some((name.to_owned(), value(own)?))).collect()
    };
    // What takes away is not what is looked at here.
    let sets = || text.lines().filter(|line| !line.starts_with("Remove-Item ")).collect::<Vec<_>>().join("\n");
    match format {
        "env" => vec![shell("bash"), shell("zsh")],
        // Readers that know no quotes, and shells.
        "env-no-export" | "docker" => vec![
            lines(text, |line| line.split_once('=').and_then(|(name, value)| named(name, value))),
            shell("bash"),
            shell("zsh"),
        ],
        "fish" => vec![shell("fish")],
        "powershell" => vec![lines(&sets(), powershell)],
        "windows-cmd" => vec![lines(text, windows_cmd)],
        "dotenv" => vec![lines(text, dotenv)],
        "github" => vec![lines(text, github)],
        "json" => vec![document("/set", NAMES)],
        "process" => vec![document("", ["AccessKeyId", "SecretAccessKey", "SessionToken", "Region"])],
        other => panic!("{other}"),
    }
}

const FORMATS: [&str; 10] =
    ["env", "env-no-export", "docker", "fish", "powershell", "windows-cmd", "dotenv", "github", "json", "process"];

#[test]
fn every_format_gives_hostile_values_byte_for_byte_or_refuses() {
    let mut env = TestEnvironment::new();
    env.no_keys();
    env.unset("AWS_REGION");
    let (dir, keys) = (env.scratch("here"), env.scratch("keys.json"));
    fs::create_dir(&dir).unwrap();
    env.aws_config(&format!("[profile hostile]\ncredential_process = cat '{}'\n", keys.display()));
    env.set("AWS_PROFILE", "hostile");
    let config = crate::common::seeded::seeded(60);
    let mut given = BTreeMap::<&str, usize>::new();
    let given_so_far = std::cell::RefCell::new(&mut given);
    let stacks = std::cell::Cell::new(0);
    let outcome = TestRunner::new(config).run(&(secret(), prop::option::of(secret()), region()), |(secret, token, region)| {
        let mut document = json!({"Version": 1, "AccessKeyId": "AKIAFAKEFAKEFAKEFAKE", "SecretAccessKey": secret});
        let mut expected = Read::from([(NAMES[0].into(), "AKIAFAKEFAKEFAKEFAKE".into()), (NAMES[1].into(), secret)]);
        if let Some(token) = token {
            document["SessionToken"] = json!(token);
            expected.insert(NAMES[2].into(), token);
        }
        if !region.is_empty() {
            expected.insert(NAMES[3].into(), region.clone());
        }
        env.write(&keys, &document.to_string());
        // Covered, the ambient frame keeps profile and region.
        let stack = format!("s{}", stacks.replace(stacks.get() + 1));
        let mut save = env.command(["--stack", &stack, "save"]);
        save.env("AWS_REGION", &region);
        env.run(save).ok();
        for format in FORMATS {
            let output = env.command(["--stack", &stack, "env", "--format", format]).current_dir(&dir).output().unwrap();
            let (text, said) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
            let controls = region.chars().any(char::is_control);
            if output.status.code() == Some(2) {
                let failing = [("env", "(exit 2)\n"), ("fish", "false\n")].into_iter().find(|(name, _)| *name == format);
                prop_assert_eq!(text, failing.map_or("", |(_, line)| line), "{}: refused, and printed", format);
                let careful = ["windows-cmd", "dotenv", "env-no-export", "docker"].contains(&format);
                prop_assert!(controls || careful, "{} need not refuse {:?}: {}", format, region, said);
                continue;
            }
            prop_assert!(output.status.success(), "{}: {}", format, said);
            *given_so_far.borrow_mut().entry(format).or_default() += 1;
            for read in read_by(&env, &dir, format, &text) {
                for name in NAMES.into_iter().filter(|name| format != "process" || *name != "AWS_REGION") {
                    let value = read.get(name).filter(|value| !value.is_empty());
                    prop_assert_eq!(value, expected.get(name), "{}: {}", format, name);
                }
            }
        }
        let here = fs::read_dir(&dir).unwrap().count();
        prop_assert_eq!(here, 0, "something was run");
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    // Those without quotes refuse nearly all of it.
    assert!(given.len() + 2 >= FORMATS.len(), "each gave something: {given:?}");
}

#[test]
fn labels_drive_neither_a_table_nor_a_prompt_and_stacks_have_harmless_names() {
    let env = TestEnvironment::new();
    let label =
        (text(), "[\u{1}-\u{1f}\u{7f}-\u{9f}\u{202a}-\u{202e}\u{2066}-\u{2069}]{1,4}", text()).prop_map(|(a, b, c)| a + &b + &c);
    let config = crate::common::seeded::seeded(20);
    let outcome = TestRunner::new(config).run(&label, |label| {
        let refused = env.plain(["--stack", &label, "list"]);
        prop_assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""));
        let mut shown = vec![refused.stderr];
        if label.chars().count() <= 100 {
            let pushed = env.plain(["push", "session", "--from", "env", &format!("--label={label}")]);
            prop_assert_eq!(pushed.code, Some(0), "{}", pushed.stderr);
            shown.extend([
                pushed.stderr,
                pushed.stdout,
                env.plain(["list"]).ok().stdout,
                env.plain(["list", "--json"]).ok().stdout,
            ]);
            for shell in ["bash", "zsh", "fish"] {
                shown.push(env.plain(["--color", "never", "prompt", "--shell", shell]).ok().stdout);
            }
        }
        for text in shown {
            let driving =
                |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'));
            prop_assert!(!text.contains(driving), "{:?}", text);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}
