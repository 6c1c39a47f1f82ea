//! The five faults of aws.iam that must not come along, each by its number.

use serde_json::json;

use crate::common::{ALICE_KEY, ALICE_MFA, ALICE_SECRET, TestEnvironment, secrets};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const NOBODY: &str = "arn:aws:iam::111122223333:role/Nobody";

/// A refused or failed call pushed a frame and blanked the credentials that were live.
#[test]
fn fault_1_a_failure_changes_nothing_but_the_log() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let (list, files) = (env.list(), env.vault_files());
    let unchanged = |event: &str| {
        assert_eq!((env.list(), env.vault_files()), (list.clone(), files.clone()));
        assert_eq!(env.events().last().unwrap(), event);
        assert_eq!(env.json(["whoami"])["credential"], "c2");
    };
    for landing in [&[][..], &["--no-use"], &["--replace"]] {
        env.credstack([&["push", "assume", NOBODY], landing].concat()).exits(4).says("AccessDenied");
        unchanged("refused");
    }
    env.sandbox.faults(json!({"cut": 3}));
    env.credstack(["push", "assume", DEVELOPER]).exits(7);
    unchanged("failed");
    // STS answers, and the secret cannot be stored: the key of the vault is gone.
    env.sandbox.faults(json!({}));
    std::fs::rename(env.key_file(), env.scratch("away")).unwrap();
    env.credstack(["push", "assume", DEVELOPER]).exits(6).says("does not exist");
    std::fs::rename(env.scratch("away"), env.key_file()).unwrap();
    assert_eq!((env.list(), env.vault_files()), (list, files));
}

/// Variables that were unset came back as empty strings. Here an empty session token is captured as none at all; what a
/// shell's own variables look like after a pop is the shell hook's to test.
#[test]
fn fault_2_unset_and_empty_are_told_apart_from_a_value() {
    for token in [None, Some("")] {
        let mut env = TestEnvironment::new();
        env.use_keys(ALICE_KEY, ALICE_SECRET, token);
        env.push_role(DEVELOPER);
        env.credstack(["pop"]).ok();
        env.no_keys();
        // A token of no characters would be refused.
        env.credstack(["whoami"]).ok();
        let sent = env.sandbox.calls();
        assert!(sent.iter().all(|call| call["outcome"] == "ok"), "{sent:?}");
    }
}

/// One range of durations for every operation.
#[test]
fn fault_3_each_operation_has_its_own_range_of_durations() {
    let env = TestEnvironment::new();
    let federation = ["push", "federation", "reporter", "--yes"];
    for (push, seconds, limit) in [
        (&["push", "assume", DEVELOPER][..], "129600", "15m to 12h"),
        (&["push", "assume", DEVELOPER], "43201", "15m to 12h"),
        (&["push", "assume", DEVELOPER], "899", "15m to 12h"),
        (&["push", "session"], "129601", "15m to 36h"),
        (&["push", "session"], "899", "15m to 36h"),
        (&federation, "129601", "15m to 36h"),
    ] {
        env.credstack([push, &["--duration", seconds]].concat()).exits(2).says("--duration").says(limit);
    }
    assert!(env.sandbox.calls().is_empty());
    env.credstack(["push", "session", "--duration", "129600", "--no-use"]).ok();
    env.credstack([&federation[..], &["--duration", "36h", "--no-use"]].concat()).ok();
    env.credstack(["push", "assume", DEVELOPER, "--duration", "43200"]).ok();
    env.sandbox.forget_calls();
    let chained = env.credstack(["push", "assume", DEVELOPER, "--duration", "3601"]).exits(2);
    chained.says("a role session can assume a role for at most 1h").says("use --duration 1h or sign with --from root");
    assert!(env.sandbox.calls().is_empty());
}

/// The MFA code travelled in a URL.
#[test]
fn fault_4_an_mfa_code_is_in_no_url_log_or_message() {
    let env = TestEnvironment::new();
    let used = env.sandbox.totp(ALICE_MFA);
    let push = |code: &str| env.credstack(["push", "session", "--from", "root", "--mfa-serial", ALICE_MFA, "--mfa-code", code]);
    let outputs = [push(&used).ok(), push(&used).exits(4).says("MultiFactorAuthentication failed"), push("12345x").exits(2)];
    // Beside another digit it is a part of some other number.
    let shows = |text: &str, code: &str| {
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        text.match_indices(code)
            .any(|(at, _)| !digit(text[..at].chars().next_back()) && !digit(text[at + code.len()..].chars().next()))
    };
    for code in [used.as_str(), "12345x"] {
        for output in &outputs {
            assert!(!shows(&output.stdout, code) && !shows(&output.stderr, code), "{output:?}");
        }
        for file in secrets::files(&env.state()) {
            let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
            assert!(!shows(&text, code), "{}", file.display());
        }
    }
    assert!(env.sandbox.calls().iter().filter(|call| call["action"] == "GetSessionToken").count() == 2);
}

/// Region, profile and expiry were lost on save.
#[test]
fn fault_5_region_profile_and_expiry_are_part_of_the_frame() {
    let mut env = TestEnvironment::new();
    env.json(["push", "session", "--region", "us-west-2", "--duration", "20m"]);
    let session = env.list()["frames"][0].clone();
    assert_eq!(session["region"], "us-west-2");
    env.credstack(["save"]).ok();
    env.credstack(["push", "assume", DEVELOPER, "--region", "eu-central-1"]).ok();
    env.credstack(["pop", "--keep"]).ok();
    for frame in [0, 1, 2] {
        let frame = env.list()["frames"][frame].clone();
        assert_eq!((&frame["region"], &frame["expires_at"]), (&session["region"], &session["expires_at"]));
    }
    env.unset("AWS_REGION");
    env.credstack(["whoami"]).ok();
    assert_eq!(env.sandbox.calls().last().unwrap()["region"], "us-west-2", "the frame's region signs");

    // A profile comes back as that profile, with its region, whatever the shell says meanwhile.
    env.no_keys();
    env.aws_config(&format!(
        "[profile dev]\naws_access_key_id = {ALICE_KEY}\naws_secret_access_key = {ALICE_SECRET}\nregion = ap-south-1\n"
    ));
    env.set("AWS_PROFILE", "dev");
    env.set("CREDSTACK_STACK", "profile");
    env.push_role(DEVELOPER);
    env.unset("AWS_PROFILE");
    env.plain(["pop"]).ok().says("ambient (profile dev)");
    env.sandbox.forget_calls();
    env.credstack(["whoami"]).ok();
    assert_eq!(env.sandbox.calls()[0]["region"], "ap-south-1");
}
