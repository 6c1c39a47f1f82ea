//! `exec` with a session of the program's own: narrower than the frame, and erased when the program ends.

use serde_json::json;

use crate::{
    common::{ALICE_MFA, TestEnvironment, environment::path, programs},
    handout::{handed_out, keys},
};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const ELSEWHERE: &str = "arn:aws:iam::444455556666:role/ReadOnly";
/// Allows nothing but to ask who one is, which needs no permission.
const NOTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;

/// What the program sees of STS as the child of `exec`: its own state directory, and nothing but what it was handed.
fn child(env: &TestEnvironment, options: &[&str], arguments: &[&str]) -> crate::common::Output {
    let (program, other, key) = (programs::credstack(), env.scratch("other"), env.scratch("other.key"));
    env.plain(["--state-dir", path(&other), "setup", "--store", "vault", "--key-file", path(&key)]).ok();
    let exec = [&["exec"], options, &["--", path(&program), "--state-dir", path(&other), "--json"], arguments].concat();
    handed_out(env, &exec)
}

#[track_caller]
fn arn(output: crate::common::Output) -> String {
    output.ok().json()["arn"].as_str().unwrap().to_owned()
}

#[track_caller]
fn nothing_is_left(env: &TestEnvironment, files: usize) {
    assert_eq!(env.held(), [""; 0]);
    assert_eq!(env.vault_files().len(), files);
    let mut events = env.events();
    let used = events.iter().rposition(|event| event == "used-by").unwrap();
    assert_eq!(events[used + 1..], ["forgotten", "erased"]);
    events.retain(|event| event != "used-by");
    assert_eq!(events[events.len() - 4..], ["acquired", "held", "forgotten", "erased"]);
}

#[test]
fn a_role_is_asked_for_again_with_the_policy_added() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let files = env.vault_files().len();
    let role = arn(child(&env, &[], &["whoami"]));
    child(&env, &[], &["--stack", "new", "push", "assume", ELSEWHERE, "--no-use"]).ok();
    for options in [&["--read-only"][..], &["--policy", NOTHING], &["--read-only", "--via", "env"]] {
        assert_eq!(arn(child(&env, options, &["whoami"])), role, "{options:?}: the same role and session");
        nothing_is_left(&env, files);
        child(&env, options, &["--stack", "new", "push", "assume", ELSEWHERE]).exits(4).says("AccessDenied");
    }
    let acquired = env.json(["history"])["events"].as_array().unwrap().iter().find(|event| event["event"] == "acquired").cloned();
    let acquired = acquired.unwrap();
    assert_eq!((&acquired["parent"], &acquired["detail"]["note"]), (&json!("c1"), &json!("exec credstack")));
    assert_eq!(acquired["detail"]["request"]["policy_arns"], json!(["arn:aws:iam::aws:policy/ReadOnlyAccess"]));
    assert_eq!(env.frames(), ["c2", "c1"], "the stack is as it was");
}

#[test]
fn a_stored_session_that_was_asked_for_in_just_this_way_is_taken_and_stays() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let read_only = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let push = ["push", "assume", DEVELOPER, "--from", "root", "--policy-arn", read_only, "--no-use"];
    let stored = env.json(push)["credential"].clone();
    for (options, calls) in [(&["--read-only"][..], 0), (&["--read-only", "--ttl", "20m"], 1), (&["--read-only", "--fresh"], 1)] {
        env.sandbox.forget_calls();
        child(&env, options, &["whoami"]).ok();
        let asked = env.sandbox.actions().iter().filter(|action| *action == "AssumeRole").count();
        assert_eq!(asked, calls, "{options:?}");
        assert_eq!(env.held(), [stored.as_str().unwrap()], "{options:?}: it is not the program's own");
    }
}

#[test]
fn a_users_keys_become_a_federated_user_and_a_session_does_by_the_keys_behind_it() {
    let env = TestEnvironment::new();
    let federated = "arn:aws:sts::111122223333:federated-user/";
    assert!(arn(child(&env, &["--read-only"], &["whoami"])).starts_with(federated), "keys that are stored nowhere");
    // The key check alone.
    nothing_is_left(&env, 1);
    env.push_session();
    let files = env.vault_files().len();
    for options in [&["--read-only"][..], &["--read-only", "--frame", "root"]] {
        assert!(arn(child(&env, options, &["whoami"])).starts_with(federated), "{options:?}");
        nothing_is_left(&env, files);
    }
    let shorter = arn(child(&env, &["--ttl", "15m", "--frame", "root"], &["whoami"]));
    assert_eq!(shorter, "arn:aws:iam::111122223333:user/alice", "a session, and no other identity");
    nothing_is_left(&env, files);
    child(&env, &["--ttl", "15m"], &["whoami"]).exits(125).says("an MFA code").says("give --mfa-code");
    let code = env.sandbox.totp(ALICE_MFA);
    env.learn(&code);
    assert_eq!(arn(child(&env, &["--ttl", "15m", "--mfa-code", &code], &["whoami"])), shorter);
}

#[test]
fn what_would_widen_or_cannot_be_asked_for_is_refused() {
    let mut env = TestEnvironment::new();
    env.json(["push", "assume", DEVELOPER, "--policy", NOTHING]);
    let refused = |options: &[&str]| child(&env, options, &["whoami"]).exits(125);
    for options in [&["--read-only"][..], &["--policy", NOTHING], &["--policy-arn", "arn:aws:iam::aws:policy/ReadOnlyAccess"]] {
        refused(options).says("session policies are a union, so another one would widen it");
    }
    refused(&["--ttl", "5m"]).says("--ttl 5m: a role session lasts 15m to 12h").says("use --ttl 15m");
    refused(&["--ttl", "15m", "--via", "profile"]).says("a profile renews what expires");
    refused(&["--policy", "-"]).says("stdin is the program's");
    refused(&["--mfa-code", "123456"]).says("no MFA device was named");
    child(&env, &["--read-only", "--policy", NOTHING], &["whoami"]).exits(2).says("cannot be used with");
    child(&env, &["--ttl", "15m"], &["whoami"]).ok();
    env.json(["push", "federation", "bob", "--yes", "--from", "root"]);
    child(&env, &["--read-only"], &["whoami"]).exits(125).says("may do nothing: a policy would widen that");
    let shell = keys(&env, &["--frame", "c2"]);
    let text = |name: &str| shell[name].as_str().unwrap().to_owned();
    env.use_keys(&text("AccessKeyId"), &text("SecretAccessKey"), Some(&text("SessionToken")));
    env.json(["--stack", "imported", "push", "import", "--env"]);
    env.set("CREDSTACK_STACK", "imported");
    child(&env, &["--read-only"], &["whoami"]).exits(125).says("credstack did not ask STS for it, and cannot ask again");
    assert_eq!(env.held(), [""; 0]);
}

#[test]
fn what_signed_it_has_to_be_there_still() {
    let env = TestEnvironment::new();
    env.push_session();
    env.session_lifetime(Some(3600));
    env.push_role(DEVELOPER);
    env.plain(["drop", "--all", "--yes"]).ok();
    child(&env, &["--read-only"], &["whoami"]).exits(125).says("c3").says("cannot be asked for again").says("c2");
}

#[test]
fn the_session_goes_however_the_program_ends() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let files = env.vault_files().len();
    for via in ["env", "endpoint"] {
        let exec = |program: &[&str]| handed_out(&env, &[&["exec", "--via", via, "--read-only", "--"], program].concat());
        exec(&["sh", "-c", "exit 42"]).exits(42);
        nothing_is_left(&env, files);
        exec(&["sh", "-c", "kill -KILL $$"]).exits(128 + 9);
        nothing_is_left(&env, files);
        let passed =
            exec(&["sh", "-c", "trap 'echo got it; exit 7' TERM; kill -TERM $PPID; for i in $(seq 100); do sleep 0.1; done"]);
        assert_eq!(passed.exits(7).stdout, "got it\n");
        nothing_is_left(&env, files);
        // There, and no program.
        exec(&[path(&env.key_file())]).exits(126);
        nothing_is_left(&env, files);
        let (events, calls) = (env.events(), env.sandbox.calls().len());
        exec(&["no-such-program"]).exits(127);
        assert_eq!((env.events(), env.sandbox.calls().len()), (events, calls), "nothing is asked for what is not there");
    }
    let private = handed_out(&env, &["exec", "--via", "env", "--read-only", "--", "sh", "-c", "umask"]).ok().stdout;
    let mut plain = std::process::Command::new("sh");
    plain.args(["-c", "umask"]);
    assert_eq!(private, String::from_utf8(plain.output().unwrap().stdout).unwrap(), "its umask is its own");
}

#[test]
fn what_sts_refuses_is_written_down_and_nothing_runs() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let unknown = ["exec", "--policy-arn", "arn:aws:iam::aws:policy/NoSuchPolicy", "--", "echo", "ran"];
    let output = handed_out(&env, &unknown).exits(125).says("STS refused AssumeRole");
    assert_eq!(output.stdout, "");
    assert_eq!(env.events().last().unwrap(), "refused");
}

/// A signal may come at any time: before there is a session it ends credstack, and after that nothing is left.
#[test]
fn a_signal_while_it_starts_leaves_no_session() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    for via in ["env", "endpoint"] {
        for step in 0..24 {
            // Whoever runs the tests may ignore signals, which credstack would keep so.
            let mut command = std::process::Command::new("env");
            command.arg("--default-signal").arg(programs::credstack());
            env.prepare(command.args(["exec", "--via", via, "--read-only", "--", "sleep", "20"]));
            let mut child = command.stderr(std::process::Stdio::null()).spawn().unwrap();
            std::thread::sleep(std::time::Duration::from_millis(4 * step));
            let signal =
                [rustix::process::Signal::TERM, rustix::process::Signal::HUP, rustix::process::Signal::INT][step as usize % 3];
            rustix::process::kill_process(rustix::process::Pid::from_child(&child), signal).unwrap();
            assert!(!child.wait().unwrap().success(), "{via} {step}");
        }
    }
    assert_eq!(env.held(), [""; 0]);
}

#[test]
fn signals_reach_the_program_as_they_would_without_us() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let program = path(&programs::credstack()).to_owned();
    for options in ["--via endpoint", "--via env --read-only"] {
        let exec = format!("'{program}' exec {options} -- sh -c");
        let run = |script: &str| {
            let mut shell = std::process::Command::new("timeout");
            env.prepare(shell.args(["20", "sh", "-c", script]));
            crate::common::Output::new(script.to_owned(), shell.output().unwrap())
        };
        let ignored = run(&format!("trap '' HUP; exec {exec} 'kill -HUP $$; echo alive'")).ok();
        assert_eq!(ignored.stdout, "alive\n", "{options}: what was ignored stays so");
        for signal in ["INT", "QUIT", "TERM", "HUP"] {
            let wait = "for i in $(seq 100); do sleep 0.1; done";
            let script = format!("exec {exec} 'trap \"echo got it; exit 7\" {signal}; kill -{signal} $PPID; {wait}'");
            assert_eq!(run(&script).exits(7).stdout, "got it\n", "{options} {signal}");
        }
    }
}
