//! The commands around the stack: doctor, setup, purge, stacks, forget, completions; the configuration.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use serde_json::json;

use crate::common::{TestEnvironment, environment::path, secrets, terminal::Terminal};

#[test]
fn doctor_is_content_before_the_first_change_and_after_some() {
    let env = TestEnvironment::without_store();
    assert!(env.plain(["doctor"]).ok().stdout.contains("none yet: the first change makes it"));
    env.credstack(["setup", "--store", "vault", "--key-file", path(&env.key_file())]).ok();
    env.push_role("Developer");
    let doctor = env.json(["doctor"]);
    let findings = doctor["findings"].as_array().unwrap();
    assert!(findings.iter().all(|finding| finding["ok"] == true), "{doctor}");
    assert!(env.plain(["doctor"]).ok().stdout.contains("2 of 2 are in the store"));
}

#[test]
fn doctor_names_what_is_missing_and_its_exit_code_is_the_worst() {
    let env = TestEnvironment::new();
    env.push_session();
    env.push_role("Developer");
    let vault = env.state().join("vault");
    let name = env.vault_files().into_iter().find(|name| name != "key-check").unwrap();
    fs::remove_file(vault.join(&name)).unwrap();
    let doctor = env.plain(["doctor"]).exits(6);
    assert_eq!(doctor.stdout.matches("PROBLEM").count(), 1, "{}", doctor.stdout);
    assert!(doctor.stdout.contains("the vault answers but has no item"), "{}", doctor.stdout);
    assert!(doctor.stderr.contains("doctor found 1 problem"));
    fs::rename(env.key_file(), env.scratch("away")).unwrap();
    let doctor = env.plain(["doctor"]).exits(6);
    assert!(doctor.stdout.contains("does not exist") && doctor.stdout.contains("put the key file back"), "{}", doctor.stdout);
    fs::write(env.key_file(), "5a".repeat(32)).unwrap();
    fs::set_permissions(env.key_file(), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(env.plain(["doctor"]).exits(6).stdout.contains("this key is not the key of the vault"));
    let object = env.plain(["--json", "doctor"]).exits(6);
    assert_eq!(object.error()["kind"], "secret-store");
    assert!(object.json()["findings"].as_array().unwrap().iter().any(|finding| finding["ok"] == false));
}

#[test]
fn setup_shows_chooses_once_and_is_strict_about_keys() {
    let env = TestEnvironment::without_store();
    assert_eq!(env.plain(["setup"]).ok().stdout, "no secret store is chosen yet\n");
    env.credstack(["setup", "--store", "vault"]).exits(2).says("the vault needs a key");
    env.credstack(["setup", "--store", "keyring", "--key-file", "x"]).exits(2).says("the keyring needs no key");
    env.credstack(["setup", "--key-file", "x"]).exits(2).says("--store");
    env.credstack(["setup", "--store", "vault", "--key-command", "cat 'x"]).exits(2).says("--key-command");
    env.credstack(["setup", "--store", "keyring"]).exits(6).says("no D-Bus session bus").says("choose the vault");
    assert_eq!(env.plain(["setup"]).ok().stdout, "no secret store is chosen yet\n");
    // A relative path is the one from here, and the file is made.
    env.plain(["setup", "--store", "vault", "--key-file", "vault.key"]).ok().says(path(&env.key_file()));
    assert_eq!(fs::read_to_string(env.key_file()).unwrap().trim().len(), 64);
    let key = fs::read(env.key_file()).unwrap();
    env.credstack(["setup", "--store", "vault", "--key-file", "vault.key"]).ok();
    assert_eq!(fs::read(env.key_file()).unwrap(), key, "a key is never overwritten");
    env.push_role("Developer");
    let other = ["setup", "--store", "vault", "--key-file", "other.key"];
    env.credstack(other).exits(6).says("this key is not the key of the vault");
    env.credstack(["setup", "--store", "keyring"]).exits(2).says("2 credential sets keep their secrets").says("--abandon");
    // The same key may come from elsewhere.
    fs::rename(env.key_file(), env.home().join("moved.key")).unwrap();
    env.credstack(["whoami"]).exits(6).says("does not exist");
    env.credstack(["setup", "--store", "vault", "--key-file", "moved.key"]).ok();
    env.credstack(["whoami"]).ok();
    env.credstack(["clear", "--yes"]).ok();
    env.credstack(other).ok();
    env.push_role("Developer");
}

#[test]
fn setup_takes_a_key_command_and_says_what_is_wrong_with_it() {
    let env = TestEnvironment::without_store();
    let key = env.scratch("key");
    env.write(&key, &format!("{}\n", "5a".repeat(32)));
    env.learn(&"5a".repeat(32));
    let setup = |command: &str| env.credstack(["setup", "--store", "vault", "--key-command", command]);
    setup("/nowhere/program").exits(6).says("/nowhere/program").says("could not be run");
    setup("false").exits(6).says("false").says("failed");
    setup("echo short").exits(6).says("is not a key: expected 64 hexadecimal digits").says_not("short");
    setup(&format!("cat '{}'", key.display())).ok().says("the vault, opened by the key command cat");
    env.push_role("Developer");
    fs::write(&key, "6b".repeat(32)).unwrap();
    env.credstack(["whoami"]).exits(6).says("this key is not the key of the vault");
}

#[test]
fn the_first_push_takes_the_configured_store() {
    let env = TestEnvironment::without_store();
    env.configuration(&format!("[store]\nkind = \"vault\"\nkey_file = \"{}\"\n", env.key_file().display()));
    env.push_role("Developer");
    assert_eq!(env.json(["setup"])["secret_store"]["store"], "vault");
    let env = TestEnvironment::without_store();
    env.configuration("[store]\nkind = \"vault\"\n");
    env.credstack(["push", "session"]).exits(2).says("needs either key_file or key_command");
}

#[test]
fn purge_erases_everything_of_ours_and_leaves_the_key() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    env.json(["push", "session", "--from", "root", "--no-use"]);
    env.configuration("region = \"eu-west-1\"\n");
    env.write(&env.state().join("notes"), "somebody's own file");
    let mut terminal = Terminal::start(&env, &["purge"]);
    terminal.expect("This erases every stored secret").expect("Go on? [y/N]").type_line("n");
    assert_eq!(terminal.finish().0.code(), Some(2));
    assert_eq!(env.frames().len(), 2);
    assert_eq!(env.json(["purge", "--yes"]), json!({"erased": 3}));
    let left = secrets::files(&env.state());
    assert_eq!(left, [env.state().join("notes")], "what is not ours stays");
    let configuration = |env: &TestEnvironment| env.home().join(".config/credstack/config.toml");
    assert!(env.key_file().exists() && configuration(&env).exists(), "it is for another state directory than this one");
    assert_eq!(env.frames(), ["ambient"]);

    let mut env = TestEnvironment::without_store();
    env.unset("CREDSTACK_STATE_DIR");
    env.configuration("region = \"eu-west-1\"\n");
    env.plain(["setup", "--store", "vault", "--key-file", "vault.key"]).ok();
    env.plain(["purge", "--yes"]).ok();
    assert!(env.key_file().exists() && !configuration(&env).exists());
    assert!(!env.home().join(".local/state/credstack").exists());

    let env = TestEnvironment::new();
    env.plain(["purge", "--yes"]).ok().says("erased 0 secrets");
    assert!(!env.state().exists());
    env.plain(["purge", "--yes"]).exits(3).says("there is nothing to purge in");
}

#[test]
fn stacks_are_made_by_a_push_listed_and_removed() {
    let env = TestEnvironment::new();
    env.credstack(["--stack", "work", "list"]).exits(3).says("there is no stack work");
    env.credstack(["--stack", "work", "pop"]).exits(3);
    env.json(["--stack", "work", "push", "session"]);
    let stacks = env.json(["stacks"]);
    let names: Vec<_> = stacks["stacks"].as_array().unwrap().iter().map(|stack| stack["name"].clone()).collect();
    assert_eq!(names, ["default", "work"]);
    assert_eq!((&stacks["stacks"][1]["depth"], &stacks["stacks"][1]["current"]["credential"]), (&2.into(), &"c2".into()));
    env.credstack(["stacks", "remove", "work"]).exits(2).says("this would erase c1");
    env.credstack(["stacks", "remove", "work", "--yes"]).ok().says("c1 left").says("c2 left");
    env.credstack(["stacks", "remove", "work", "--yes"]).exits(3);
    assert_eq!(env.json(["stacks"])["stacks"].as_array().unwrap().len(), 1);
    env.push_role("Developer");
    env.credstack(["stacks", "remove", "default", "--yes"]).ok();
    assert_eq!(env.frames(), ["ambient"], "removing default is clear");
}

#[test]
fn the_stack_is_named_by_the_option_or_the_variable() {
    let mut env = TestEnvironment::new();
    env.set("CREDSTACK_STACK", "work");
    env.json(["push", "session"]);
    assert_eq!(env.list()["stack"], "work");
    assert_eq!(env.json(["--stack", "default", "list"])["frames"].as_array().unwrap().len(), 1);
    env.set("CREDSTACK_STACK", "no/slash");
    env.credstack(["list"]).exits(2).says("CREDSTACK_STACK");
    env.set("CREDSTACK_STACK", "");
    assert_eq!(env.list()["stack"], "default");
    let elsewhere = env.scratch("elsewhere");
    env.credstack(["--state-dir", path(&elsewhere), "--stack", "work", "list"]).exits(3);
}

#[test]
fn completions_are_accepted_by_their_shells() {
    let env = TestEnvironment::without_store();
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let script = env.plain(["completions", shell]).ok().stdout;
        for word in ["push", "assume", "mfa-serial", "forget"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        let file = env.scratch(shell);
        fs::write(&file, script).unwrap();
        let mut command = Command::new(shell);
        command.arg(check).arg(&file);
        env.prepare(&mut command);
        env.run(command).ok();
    }
    for shell in ["powershell", "elvish"] {
        assert!(env.plain(["completions", shell]).ok().stdout.contains("credstack"));
    }
    env.credstack(["completions", "tcsh"]).exits(2);
}

#[test]
fn every_key_of_the_configuration_counts() {
    let mut env = TestEnvironment::new();
    env.unset("AWS_REGION");
    env.configuration(
        "region = \"eu-west-3\"\ncolor = \"always\"\n[duration]\nassume = \"2h\"\nsession = 1800\nfederation = \"1h30m\"\n",
    );
    let seconds = |action: &str| {
        let calls = env.sandbox.calls();
        let call = calls.iter().rfind(|call| call["action"] == action).unwrap();
        (call["parameters"]["DurationSeconds"].as_str().unwrap().to_owned(), call["region"].clone())
    };
    env.json(["push", "session"]);
    assert_eq!(seconds("GetSessionToken"), ("1800".into(), "eu-west-3".into()));
    env.json(["push", "federation", "reporter", "--yes", "--from", "root"]);
    assert_eq!(seconds("GetFederationToken").0, "5400");
    env.json(["push", "assume", "arn:aws:iam::111122223333:role/Developer", "--from", "root"]);
    assert_eq!(seconds("AssumeRole").0, "7200");
    env.json(["push", "assume", "arn:aws:iam::444455556666:role/ReadOnly"]);
    assert_eq!(seconds("AssumeRole").0, "3600", "a role session gets an hour");
    assert!(env.plain(["use", "c99"]).exits(3).stderr.contains('\u{1b}'), "colours were asked for");
}

#[test]
fn a_configuration_that_cannot_be_used_is_refused_with_its_path() {
    let mut env = TestEnvironment::new();
    let file = env.home().join(".config/credstack/config.toml");
    for wrong in
        ["regoin = \"x\"", "region = 5", "color = \"blue\"", "[duration]\nassume = \"soon\"", "[store]\nkind = \"file\"", "["]
    {
        env.configuration(wrong);
        env.credstack(["list"]).exits(2).says(path(&file));
        assert_eq!(env.plain(["--json", "list"]).exits(2).error()["kind"], "usage");
    }
    let elsewhere = env.scratch("elsewhere.toml");
    env.write(&elsewhere, "region = \"eu-west-3\"\n");
    env.set("CREDSTACK_CONFIG_FILE", path(&elsewhere));
    env.credstack(["list"]).ok();
}

#[test]
fn doctor_tries_the_store_also_where_nothing_is_in_it() {
    let env = TestEnvironment::new();
    fs::remove_file(env.key_file()).unwrap();
    let doctor = env.plain(["doctor"]).exits(6);
    assert!(doctor.stdout.contains("PROBLEM") && doctor.stdout.contains("does not exist"), "{}", doctor.stdout);
}

#[test]
fn purge_takes_nothing_that_is_somebody_elses() {
    let env = TestEnvironment::without_store();
    let strange = env.scratch("strange");
    fs::create_dir(&strange).unwrap();
    fs::set_permissions(&strange, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(strange.join("lock"), "mine").unwrap();
    env.credstack(["--state-dir", path(&strange), "purge", "--yes"]).exits(3).says("there is nothing to purge in");
    assert_eq!(fs::read_to_string(strange.join("lock")).unwrap(), "mine");
}
