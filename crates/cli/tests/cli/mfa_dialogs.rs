//! Codes asked for in a dialog, where there is a display and no terminal. The pinentry is a script that speaks its protocol.

use std::{os::unix::fs::PermissionsExt, path::PathBuf};

use serde_json::json;

use crate::{
    common::{ALICE_MFA, Output, TestEnvironment, environment::path, terminal::Terminal},
    handout::handed_out,
    renewal::wait_until_expired,
};

const PUSH: [&str; 4] = ["push", "session", "--mfa-serial", ALICE_MFA];

/// A machine with a display, and a pinentry on the PATH that writes down what it is told.
struct Desktop {
    env: TestEnvironment,
}

impl Desktop {
    fn new() -> Desktop {
        let mut env = TestEnvironment::new();
        let bin = env.scratch("bin");
        env.set("PATH", &format!("{}:/usr/bin:/bin", path(&bin)));
        env.set("DISPLAY", ":99");
        env.set("PINENTRY_USER_DATA", "from-the-environment");
        let desktop = Desktop { env };
        desktop.program("bin/pinentry", "");
        desktop.answers("echo \"D $(curl -sf --noproxy '*' \"$1\")\"; echo OK");
        desktop
    }

    /// Writes a pinentry; `prelude` is shell that runs first.
    fn program(&self, name: &str, prelude: &str) -> PathBuf {
        let (program, url) = (self.env.scratch(name), format!("{}/_sandbox/totp?serial={ALICE_MFA}", self.env.sandbox.url()));
        let [told, answer] = ["told", "answer"].map(|name| path(&self.env.scratch(name)).to_owned());
        self.env.write(
            &program,
            &format!(
                "#!/bin/sh\n{prelude}\necho 'OK Pleased to meet you'\necho \"DATA $PINENTRY_USER_DATA\" >>'{told}'\nwhile read -r line; do\n\
                 echo \"$line\" >>'{told}'\ncase $line in\nGETPIN) sh '{answer}' '{url}';;\nBYE) echo OK; exit;;\n*) echo OK;;\nesac\ndone\n"
            ),
        );
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        program
    }

    /// What a person does when asked: shell that prints the answer.
    fn answers(&self, script: &str) {
        self.env.write(&self.env.scratch("answer"), script);
    }

    fn dismisses(&self) {
        self.answers("echo 'ERR 83886179 Operation cancelled <Pinentry>'");
    }

    /// What it was told since the last time.
    fn told(&self) -> Vec<String> {
        let told = self.env.scratch("told");
        let text = std::fs::read_to_string(&told).unwrap_or_default();
        let _none = std::fs::remove_file(&told);
        text.lines().map(str::to_owned).collect()
    }

    #[track_caller]
    fn was_asked(&self, times: usize) -> Vec<String> {
        let told = self.told();
        assert_eq!(told.iter().filter(|line| *line == "GETPIN").count(), times, "{told:#?}");
        told
    }

    fn push(&self) -> Output {
        self.env.plain(PUSH)
    }
}

#[test]
fn without_a_terminal_a_code_is_asked_for_in_a_dialog() {
    let mut desktop = Desktop::new();
    desktop.push().ok();
    let told = desktop.was_asked(1);
    let description = format!("SETDESC MFA code for {ALICE_MFA}, which GetSessionToken takes");
    for line in ["SETTITLE credstack", &description, "SETTIMEOUT 60", "DATA from-the-environment"] {
        assert!(told.iter().any(|it| it == line), "{line}: {told:#?}");
    }
    // Once more after a wrong one, and the dialog says so.
    desktop.answers("echo 'D 000000'; echo OK");
    desktop.env.plain([&PUSH[..], &["--from", "root"]].concat()).exits(4).says("wait for the next one");
    let told = desktop.was_asked(2);
    assert_eq!(told.iter().filter(|line| line.starts_with("SETERROR STS did not take that one")).count(), 1);
    // Neither where nobody is to be asked, nor where there is no display, nor where there is a terminal.
    let root = [&PUSH[..], &["--from", "root"]].concat();
    desktop.env.plain([&root[..], &["--no-input"]].concat()).exits(2).says("nobody is there to ask");
    let mut terminal = Terminal::start(&desktop.env, &root);
    terminal.expect("MFA code for").type_control('c');
    terminal.finish();
    desktop.env.unset("DISPLAY");
    desktop.env.plain(&root).exits(2).says("nobody is there to ask");
    desktop.was_asked(0);
}

#[test]
fn a_dialog_that_is_dismissed_or_broken_is_an_error() {
    let desktop = Desktop::new();
    desktop.dismisses();
    for _ in 0..2 {
        desktop.push().exits(2).says("no MFA code for").says("the dialog was dismissed");
        desktop.was_asked(1);
    }
    assert!(desktop.env.sandbox.actions().is_empty());
    desktop.answers("echo 'ERR 83886340 No display <Pinentry>'");
    desktop.push().exits(2).says("pinentry failed with error 260");
    desktop.answers("echo nonsense");
    desktop.push().exits(2).says("did not answer as a pinentry does");
    let other = desktop.program("other pinentry", "exec echo nothing");
    desktop.env.configuration(&format!("[mfa]\npinentry = {}\n", json!(path(&other))));
    desktop.push().exits(2).says("other pinentry did not answer");
    desktop.program("other pinentry", "");
    desktop.answers("echo 'D 12345'; echo OK");
    desktop.push().exits(2).says("must be six digits");
    desktop.env.configuration("[mfa]\npinentry = \"no-such-pinentry\"\n");
    desktop.push().exits(2).says("nobody is there to ask");
    assert!(desktop.env.sandbox.actions().is_empty());
}

#[test]
fn what_runs_by_itself_opens_one_dialog_and_none_for_a_minute_after_it_was_dismissed() {
    let desktop = Desktop::new();
    let env = &desktop.env;
    env.session_lifetime(Some(1));
    desktop.push().ok();
    env.push_role("arn:aws:iam::111122223333:role/Developer");
    wait_until_expired(env);
    env.session_lifetime(None);
    desktop.was_asked(1);
    desktop.dismisses();
    let ask = || handed_out(env, &["credential-process"]).exits(5);
    let said = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        asking.into_iter().map(|it| it.join().unwrap().stderr).collect::<Vec<_>>()
    });
    desktop.was_asked(1);
    assert_eq!(said.iter().filter(|said| said.contains("the dialog was dismissed")).count(), 1, "{said:#?}");
    assert_eq!(said.iter().filter(|said| said.contains("less than a minute ago")).count(), 3, "{said:#?}");
    // Whoever wants it is asked at once.
    env.plain(["refresh"]).exits(2).says("the dialog was dismissed");
    desktop.was_asked(1);
    desktop.answers("echo \"D $(curl -sf --noproxy '*' \"$1\")\"; echo OK");
    ask();
    desktop.was_asked(0);
    env.plain(["refresh"]).ok();
    desktop.was_asked(1);
    handed_out(env, &["credential-process"]).ok();
    desktop.was_asked(0);
}
