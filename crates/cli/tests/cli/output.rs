//! How output looks and where it goes: quiet, colours, pipes, and text that would drive a terminal.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    process::Stdio,
};

use crate::common::{TestEnvironment, terminal::Terminal};

/// Red, a bell, a C1 control sequence, right-to-left override, an isolate, a line break.
const HOSTILE: &str = "a\u{1b}[31m\u{7}\u{9b}2J\u{202e}b\u{2066}\r\nc";

#[test]
fn quiet_leaves_data_and_errors_only() {
    let env = TestEnvironment::new();
    for command in [&["push", "session"][..], &["save"], &["pop"], &["push", "session", "--from", "root", "--no-use"]] {
        let output = env.plain([&["--quiet"], command].concat()).ok();
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""), "{command:?}");
    }
    assert!(env.plain(["-q", "list"]).ok().stdout.contains("c2"));
    env.plain(["-q", "use", "c99"]).exits(3).says("error: there is no credential set c99").says("next:");
}

#[test]
fn colours_come_where_they_are_asked_for_and_carry_no_meaning_alone() {
    let env = TestEnvironment::new();
    let error = |arguments: &[&str]| env.plain([arguments, &["use", "c99"]].concat()).exits(3).stderr;
    let (plain, coloured) = (error(&[]), error(&["--color", "always"]));
    assert!(!plain.contains('\u{1b}') && coloured.contains('\u{1b}'), "{coloured:?}");
    assert_eq!(error(&["--color", "never"]), plain);
    let on_terminal = |arguments: &[&str], variable: Option<(&str, &str)>| {
        let mut command = arguments.to_vec();
        command.extend(["use", "c99"]);
        let terminal = Terminal::start_in(&env, &command, variable);
        terminal.finish().1
    };
    assert!(on_terminal(&[], None).contains('\u{1b}'));
    assert!(!on_terminal(&[], Some(("NO_COLOR", "1"))).contains('\u{1b}'));
    assert!(!on_terminal(&["--color", "never"], None).contains('\u{1b}'));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let env = TestEnvironment::new();
    for _ in 0..60 {
        env.credstack(["save"]).ok();
    }
    for command in [&["history"][..], &["list"], &["completions", "bash"], &["--help"], &["--json", "history"], &["--version"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = env.command(command).stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        let output = env.keep(format!("{command:?}"), output).ok();
        assert_eq!(output.stderr, "", "{command:?}");
    }
    let mut closed = env.command(["use", "c99"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = closed.stderr(writer).stdout(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(3), "nobody hears the error, its code stays");
}

#[test]
fn a_result_that_cannot_be_written_is_told_from_a_change_that_was_not_made() {
    let env = TestEnvironment::new();
    for command in [&["push", "assume", "Developer"][..], &["save"], &["pop"], &["clear", "--yes"]] {
        let full = fs::File::create("/dev/full").unwrap();
        let mut program = env.command([&["--json"], command].concat());
        let output = program.stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        let error = env.keep(format!("{command:?}"), output).exits(1).error();
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with("the change was made, but stdout cannot be written"), "{command:?}: {error}");
    }
    assert_eq!(env.events().last().unwrap(), "erased");
}

#[test]
fn verbose_says_who_signs_where() {
    let env = TestEnvironment::new();
    let output = env.plain(["-v", "push", "assume", "Developer"]).ok();
    output.says("signing with AKIAFAKEALICE0000001 in eu-west-1").says("granted by http://127.0.0.1").says("request ");
    env.plain(["push", "session", "--from", "root"]).ok().says_not("signing with");
}

#[test]
fn the_version_is_data() {
    let env = TestEnvironment::without_store();
    assert_eq!(env.plain(["--version"]).ok().stdout, format!("credstack {}\n", env!("CARGO_PKG_VERSION")));
}

#[track_caller]
fn harmless(text: &str) {
    for hostile in ['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\u{2066}', '\r'] {
        assert!(!text.contains(hostile), "{hostile:?} reaches the terminal: {text:?}");
    }
}

#[test]
fn labels_and_notes_cannot_drive_a_terminal() {
    let env = TestEnvironment::new();
    env.json(["push", "session", "--label", HOSTILE, "--note", HOSTILE]);
    env.json(["push", "assume", "Developer", "--session-name", "me"]);
    for command in [&["list"][..], &["history"], &["stacks"], &["pop"], &["whoami"]] {
        let output = env.plain(command).ok();
        harmless(&output.stdout);
        harmless(&output.stderr);
    }
    assert!(env.plain(["list"]).stdout.contains("a\\u{1b}[31m\\u{7}\\u{9b}2J\\u{202e}b\\u{2066}\\u{d}\\u{a}c"));
    for command in [&["list"][..], &["history"], &["stacks"]] {
        harmless(&env.plain([&["--json"], command].concat()).ok().stdout);
    }
    assert_eq!(env.list()["frames"][0]["label"], HOSTILE, "JSON gives it back as it was");
}

#[test]
fn arguments_that_are_repeated_cannot_drive_a_terminal() {
    let env = TestEnvironment::new();
    let role = format!("arn:aws:iam::111122223333:role/{HOSTILE}");
    let missing = format!("/nowhere/{HOSTILE}");
    for command in [
        &["push", "assume", &role][..],
        &["push", "assume", "Developer", "--session-name", HOSTILE],
        &["push", "assume", "Developer", "--policy", &missing],
        &["push", "assume", "Developer", "--tag", HOSTILE],
        &["push", "assume", "Developer", "--region", HOSTILE],
        &["push", "session", "--profile", HOSTILE],
        &["--stack", HOSTILE, "list"],
        &["use", HOSTILE],
        &[HOSTILE],
        &["--state-dir", &missing, "push", "session"],
    ] {
        for json in [&[][..], &["--json"]] {
            let output = env.plain([json, command].concat());
            assert_ne!(output.code, Some(0), "{}", output.command);
            harmless(&output.stdout);
            harmless(&output.stderr);
        }
    }
}

/// A server that gives every request the same answer.
fn answer_always(status: &str, body: String) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/xml\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    std::thread::spawn(move || {
        for mut client in listener.incoming().filter_map(Result::ok) {
            let mut reader = BufReader::new(client.try_clone().unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            // Whoever hangs up early has seen enough.
            let _ = reader.take(length).read_to_end(&mut Vec::new());
            let _ = client.write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn what_a_server_says_cannot_drive_a_terminal() {
    let mut env = TestEnvironment::new();
    let raw = "a\u{9b}2J\u{202e}b\u{2066}&#27;[31m&#7;";
    let refusal = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{raw}</Code><Message>{raw}</Message></Error><RequestId>{raw}</RequestId></ErrorResponse>"
    );
    let identity = format!(
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/{raw}</Arn><UserId>{raw}</UserId>\
         <Account>{raw}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    );
    for (status, body) in
        [("403 Forbidden", refusal), ("200 OK", identity), ("200 OK", raw.to_owned()), ("302 Found", raw.to_owned())]
    {
        env.set("AWS_ENDPOINT_URL_STS", &answer_always(status, body));
        for command in [
            &["whoami"][..],
            &["--json", "whoami"],
            &["push", "assume", "Developer"],
            &["push", "import", "--env"],
            &["list"],
            &["history"],
        ] {
            let output = env.credstack(command);
            harmless(&output.stdout);
            harmless(&output.stderr);
        }
    }
}

/// What a prompt shows costs no secret store and no network, and never has a control character of somebody else's.
#[test]
fn prompt_says_who_how_long_and_how_deep() {
    let mut env = TestEnvironment::new();
    let prompt = |env: &TestEnvironment, arguments: &[&str]| env.plain([&["prompt"], arguments].concat()).ok().stdout;
    assert_eq!(prompt(&env, &[]), "", "nothing where there is only what the shell brought");
    env.configuration("[prompt]\nproduction = [\"4444*\", \"*live*\"]\n");
    env.json(["push", "assume", "arn:aws:iam::111122223333:role/Developer"]);
    fs::rename(env.key_file(), env.scratch("away")).unwrap();
    env.set("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
    let shown = prompt(&env, &["--color", "never"]);
    assert!(["111122223333/Developer 59m +1", "111122223333/Developer 1h +1"].contains(&shown.as_str()), "{shown}");
    let (plain, bash) = (prompt(&env, &[]), prompt(&env, &["--shell", "bash"]));
    assert!(plain.starts_with("\u{1b}[36m111122223333/") && plain.ends_with("\u{1b}[39m"), "{plain:?}");
    assert!(bash.starts_with("\u{1}\u{1b}[36m\u{2}1111") && bash.ends_with("\u{1}\u{1b}[39m\u{2}"), "{bash:?}");
    assert!(prompt(&env, &["--shell", "zsh"]).starts_with("%{\u{1b}[36m%}1111"));
    env.set("NO_COLOR", "1");
    assert!(prompt(&env, &[]).starts_with("111122223333/Developer "));
    env.unset("NO_COLOR");
    fs::rename(env.scratch("away"), env.key_file()).unwrap();
    let url = env.sandbox.url();
    env.set("AWS_ENDPOINT_URL_STS", &url);
    env.json(["push", "assume", "arn:aws:iam::444455556666:role/ReadOnly"]);
    assert!(prompt(&env, &[]).contains("\u{1b}[31m"), "the account is production");
    env.json(["--stack", "live-1", "push", "session", "--from", "c1"]);
    let live = prompt(&env, &["--stack", "live-1"]);
    assert!(live.contains("\u{1b}[31m") && live.contains("live-1 111122223333/alice 1"), "{live:?}");
    assert_eq!(prompt(&env, &["--stack", "nowhere"]), "");
}
