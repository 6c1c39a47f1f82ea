//! Uses of `credential-process`, counted by hour where the configuration wants it.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use serde_json::{Value, json};

use crate::{
    common::{BOB_KEY, BOB_SECRET, TestEnvironment},
    handout::keys,
};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";

/// The files of uses, by hour.
fn files(env: &TestEnvironment) -> Vec<PathBuf> {
    let all = fs::read_dir(env.state()).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = all.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("uses.")).collect();
    files.sort();
    files
}

/// Makes what was counted so far that of some hours before.
fn hours_pass(env: &TestEnvironment, hours: i64) {
    for path in files(env) {
        let hour: i64 = path.extension().unwrap().to_str().unwrap().parse().unwrap();
        fs::rename(&path, path.with_extension((hour - hours).to_string())).unwrap();
    }
}

fn told(env: &TestEnvironment) -> Vec<Value> {
    let events = env.json(["history", "--event", "used-by"])["events"].as_array().unwrap().clone();
    events.iter().map(|event| json!([event["credential"], event["detail"]["by"], event["detail"]["count"]])).collect()
}

#[test]
fn uses_are_counted_if_that_is_wanted_and_told_when_their_hour_is_over() {
    let mut env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    keys(&env, &[]);
    assert!(files(&env).is_empty(), "by itself nothing is counted");
    env.configuration("count_uses = true");
    for frame in ["current", "current", "root", "env", "c2"] {
        keys(&env, &["--frame", frame]);
    }
    env.use_keys(BOB_KEY, BOB_SECRET, None);
    keys(&env, &["--frame", "env"]);
    let counted = files(&env);
    assert!((1..=2).contains(&counted.len()), "{counted:?}");
    for path in &counted {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    env.plain(["save"]).ok();
    assert!(told(&env).is_empty(), "the hour that runs is not told");
    hours_pass(&env, 3);
    env.configuration("");
    env.plain(["save"]).ok();
    assert!(files(&env).is_empty());
    let mut events = told(&env);
    events.sort_by_key(Value::to_string);
    let told = [("c1", 2), ("c2", 3)].map(|(id, count)| json!([id, "credential-process", count]));
    assert_eq!(events, [&told[..], &[json!([null, "credential-process", 1])]].concat());
    let event = env.json(["history", "--event", "used-by", "--credential", "c2"])["events"][0].clone();
    assert!(event["detail"]["hour"].as_str().unwrap().ends_with(":00:00Z"));
    assert_eq!(event["arn"], env.list()["frames"][0]["arn"]);
    let shown = env.plain(["history"]).ok().stdout;
    assert!(shown.contains("credential-process, 3× in the hour from 20"), "{shown}");
    assert!(shown.contains("configuration say): credential-process, 1×"), "{shown}");
    env.plain(["audit", "verify"]).ok();
}

#[test]
fn keys_are_handed_out_where_nothing_can_be_counted_and_a_purge_takes_what_was() {
    let env = TestEnvironment::new();
    env.configuration("count_uses = true");
    keys(&env, &[]);
    let [counted] = &files(&env)[..] else { panic!("one file") };
    // A directory in its place, and in that of the next hour.
    let hour: i64 = counted.extension().unwrap().to_str().unwrap().parse().unwrap();
    fs::remove_file(counted).unwrap();
    for hour in [hour, hour + 1] {
        fs::create_dir(counted.with_extension(hour.to_string())).unwrap();
    }
    keys(&env, &[]);
    for hour in [hour, hour + 1] {
        fs::remove_dir(counted.with_extension(hour.to_string())).unwrap();
    }
    keys(&env, &[]);
    assert!(!files(&env).is_empty());
    env.plain(["purge", "--yes"]).ok();
    assert!(!env.state().exists());
    env.configuration("count_uses = 1");
    env.plain(["list"]).exits(2).says("expected a boolean");
}
