//! The AWS configuration file of somebody who has an odd one: nothing of it is lost, and what cannot be kept is refused.

use std::{
    fs,
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
    path::PathBuf,
    process::Command,
};

use crate::common::{Output, TestEnvironment, environment::path, programs};

fn file(env: &TestEnvironment) -> PathBuf {
    env.home().join(".aws/config")
}

/// Bounded, because it once waited for ever.
fn setup(env: &TestEnvironment, arguments: &[&str]) -> Output {
    let mut command = Command::new("/usr/bin/timeout");
    command.arg("20").arg(programs::credstack()).args(["setup", "profile"]).args(arguments);
    env.prepare(&mut command);
    env.run(command)
}

#[test]
fn what_is_no_file_is_refused_and_not_waited_for() {
    let mut env = TestEnvironment::new();
    env.aws_config("");
    fs::remove_file(file(&env)).unwrap();
    assert!(Command::new("mkfifo").arg(file(&env)).status().unwrap().success());
    for command in [&["setup", "profile"][..], &["exec", "--via", "profile", "--", "true"], &["shell-sync", "bash"]] {
        let mut bounded = Command::new("/usr/bin/timeout");
        bounded.arg("20").arg(programs::credstack()).args(command);
        env.prepare(&mut bounded);
        let output = env.run(bounded);
        assert_ne!(output.code, Some(124), "{command:?} waits");
        assert!(command[0] == "shell-sync" || output.stderr.contains("is not a file"), "{command:?}: {}", output.stderr);
    }
    assert!(fs::metadata(file(&env)).unwrap().file_type().is_fifo());
    fs::remove_file(file(&env)).unwrap();
    fs::create_dir(file(&env)).unwrap();
    setup(&env, &[]).exits(2).says("is not a file");
    // Only shown: a device of this machine is nothing to try a write on.
    env.set("AWS_CONFIG_FILE", "/dev/zero");
    setup(&env, &["--dry-run"]).exits(2).says("is not a file");
    env.set("AWS_CONFIG_FILE", "/dev/null");
    setup(&env, &["--dry-run"]).ok();
    env.set("AWS_CONFIG_FILE", path(&env.scratch("config")));
    env.set("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    setup(&env, &[]).ok();
}

#[test]
fn a_file_of_two_names_and_one_that_is_read_only_are_left_alone() {
    let env = TestEnvironment::new();
    env.aws_config("[default]\n");
    let other = env.scratch("dotfiles");
    fs::hard_link(file(&env), &other).unwrap();
    setup(&env, &[]).exits(2).says("is one file under several names").says("nothing was changed");
    assert_eq!(fs::metadata(&other).unwrap().nlink(), 2);
    fs::remove_file(&other).unwrap();
    fs::set_permissions(file(&env), fs::Permissions::from_mode(0o400)).unwrap();
    setup(&env, &[]).exits(2).says("is read-only").says("chmod u+w");
    assert_eq!(fs::read_to_string(file(&env)).unwrap(), "[default]\n");
    fs::set_permissions(file(&env), fs::Permissions::from_mode(0o600)).unwrap();
    setup(&env, &[]).ok();
}

#[test]
fn bytes_that_are_no_text_and_line_endings_stay() {
    let env = TestEnvironment::new();
    let before = b"[default]\r\n# caf\xe9\r\nregion = eu-west-3";
    env.aws_config("");
    fs::write(file(&env), before).unwrap();
    assert!(setup(&env, &["--dry-run"]).ok().stdout.contains("+[profile credstack]"));
    setup(&env, &[]).ok();
    let after = fs::read(file(&env)).unwrap();
    assert!(after.starts_with(before));
    let block = std::str::from_utf8(&after[before.len()..]).unwrap();
    assert_eq!(block.matches("\r\n").count(), block.matches('\n').count(), "{block:?}");
    setup(&env, &[]).ok().says("is as it should be");
    setup(&env, &["--remove"]).ok();
    assert_eq!(fs::read(file(&env)).unwrap(), before);
}

#[test]
fn two_blocks_of_one_name_are_left_alone() {
    let env = TestEnvironment::new();
    setup(&env, &[]).ok();
    let twice = fs::read_to_string(file(&env)).unwrap().repeat(2);
    env.aws_config(&twice);
    for arguments in [&[][..], &["--remove"]] {
        setup(&env, arguments).exits(2).says("there is more than one block of profile credstack");
        assert_eq!(fs::read_to_string(file(&env)).unwrap(), twice);
    }
}

#[test]
fn the_profile_has_the_region_that_is_in_force_and_keeps_it() {
    let mut env = TestEnvironment::new();
    let text = |env: &TestEnvironment| fs::read_to_string(file(env)).unwrap();
    setup(&env, &[]).ok().says("its region is eu-west-1, from AWS_REGION");
    let first = text(&env);
    assert!(first.contains("\nregion = eu-west-1\n"), "{first}");
    env.set("AWS_REGION", "eu-west-2");
    setup(&env, &[]).ok().says("is as it should be");
    assert_eq!(text(&env), first, "another shell does not change it");
    setup(&env, &["--region", "eu-central-1"]).ok().says_not("its region is");
    assert!(text(&env).contains("\nregion = eu-central-1\n") && !text(&env).contains("eu-west-1"));

    env.unset("AWS_REGION");
    setup(&env, &["--name", "none"]).ok().says("it has no region").says("--region");
    env.aws_config(&format!("[default]\nregion = eu-west-3\n\n{}", text(&env)));
    setup(&env, &["--name", "third"]).ok().says("its region is eu-west-3, from profile default");
    env.set("AWS_DEFAULT_REGION", "us-west-2");
    setup(&env, &["--name", "fourth"]).ok().says("its region is us-west-2, from AWS_DEFAULT_REGION");
    env.set("AWS_REGION", "no region]");
    setup(&env, &["--name", "fifth"]).exits(2).says("AWS_REGION: expected a region");
    setup(&env, &["--name", "fourth", "--remove"]).ok();
}
