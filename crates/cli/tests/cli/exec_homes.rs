//! What a program under `exec` finds in a home whose own AWS configuration would make it somebody else.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::Path};

use crate::{
    common::{BOB_KEY, BOB_SECRET, Output, TestEnvironment},
    handout::handed_out,
};

const DEVELOPER: &str = "Developer";

/// Bob's keys, as a profile has them.
fn bobs() -> String {
    format!("aws_access_key_id = {BOB_KEY}\naws_secret_access_key = {BOB_SECRET}\n")
}

/// A home with two files, a role that is current, and no keys in the environment.
fn home(config: &str, credentials: &str) -> TestEnvironment {
    let mut env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.no_keys();
    env.learn(BOB_SECRET);
    env.aws_config(config);
    env.write(&env.home().join(".aws/credentials"), credentials);
    env
}

/// The variables that a program has.
fn variables(text: &str) -> BTreeMap<String, String> {
    text.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn inside(env: &TestEnvironment, arguments: &[&str]) -> BTreeMap<String, String> {
    variables(&handed_out(env, &[&["exec"], arguments, &["--", "env"]].concat()).ok().stdout)
}

/// The configuration file that a program has.
fn config(variables: &BTreeMap<String, String>) -> String {
    fs::read_to_string(&variables["AWS_CONFIG_FILE"]).unwrap()
}

/// What the process of a profile in it prints: run as most clients do.
fn process(env: &TestEnvironment, variables: &BTreeMap<String, String>, profile: &str) -> Output {
    let text = config(variables);
    let section = text.split(&format!("[profile {profile}]\n")).nth(1).unwrap().split("\n[").next().unwrap();
    let line = section.lines().find_map(|line| line.strip_prefix("credential_process = ")).unwrap();
    let mut command = std::process::Command::new("/bin/sh");
    env.prepare(&mut command);
    command.envs(variables.iter().filter(|(name, _)| name.starts_with("AWS_CONFIG") || name.starts_with("AWS_SHARED")));
    command.args(["-c", line]);
    let output = command.output().unwrap();
    // What it prints is for a client, and is a secret.
    Output::new(line.to_owned(), output)
}

#[test]
fn the_default_profile_gives_nothing_where_it_would_give_credentials() {
    let process = "[default]\nregion = us-west-2\ncredential_process = /bin/echo\n";
    let sso = "[default]\nsso_account_id = 111122223333\nsso_role_name = x\nsso_start_url = https://x\nsso_region = x\n";
    let role = "[default]\nrole_arn = arn:aws:iam::111122223333:role/x\nsource_profile = bob\n[profile bob]\nregion = x\n";
    for (own_config, own_credentials, wins) in [
        (String::new(), String::new(), false),
        ("[default]\nregion = us-west-2\n".to_owned(), String::new(), false),
        ("[default]\nregion = us-west-2\n".to_owned(), format!("[bob]\n{}", bobs()), false),
        (String::new(), format!("[default]\n{}", bobs()), true),
        (format!("[default]\n{}", bobs()), String::new(), true),
        (process.to_owned(), String::new(), true),
        (sso.to_owned(), String::new(), true),
        (role.to_owned(), format!("[bob]\n{}", bobs()), true),
        ("[default]\nlogin_session = x\n".to_owned(), String::new(), true),
    ] {
        let env = home(&own_config, &own_credentials);
        let by_env = inside(&env, &[]);
        assert_eq!(by_env.contains_key("AWS_CONFIG_FILE"), wins, "{own_config}{own_credentials}");
        assert_eq!(by_env.contains_key("AWS_SHARED_CREDENTIALS_FILE"), wins, "{own_config}{own_credentials}");
        assert!(!by_env.contains_key("AWS_PROFILE") && by_env["AWS_ACCESS_KEY_ID"].starts_with("ASIA"));
        assert!(by_env["CREDSTACK_VIA"] == "env" && by_env["CREDSTACK_FRAME"] == "c2");
        assert_eq!(by_env["CREDSTACK_NAME"], "111122223333/Developer");

        let by_endpoint = inside(&env, &["--via", "endpoint"]);
        assert_eq!(by_endpoint["AWS_PROFILE"], "credstack");
        let text = config(&by_endpoint);
        for secretive in ["aws_access_key_id", "aws_secret", "sso_", "login_session", "/bin/echo"] {
            assert!(!text.contains(secretive), "{text}");
        }
        assert!(
            text.contains("[default]\nregion = eu-west-1\n") && text.contains("[profile credstack]\nregion = eu-west-1\n"),
            "{text}"
        );
        assert_eq!(by_endpoint["AWS_SDK_LOAD_CONFIG"], "1");
        assert_eq!(by_endpoint["AWS_EC2_METADATA_DISABLED"], "true");
        assert!(by_endpoint["AWS_CONTAINER_CREDENTIALS_FULL_URI"].starts_with("http://127.0.0.1:"));
        assert_eq!(fs::read(&by_endpoint["AWS_SHARED_CREDENTIALS_FILE"]).unwrap(), b"");

        let by_profile = inside(&env, &["--via", "profile"]);
        assert_eq!((by_profile["AWS_PROFILE"].as_str(), by_profile["AWS_SDK_LOAD_CONFIG"].as_str()), ("credstack", "1"));
        assert!(!by_profile.contains_key("AWS_ACCESS_KEY_ID"));
        let given = process_keys(&env, &by_profile, "credstack");
        assert!(given.starts_with("ASIA"), "{given}");
        for file in [&by_profile["AWS_CONFIG_FILE"], &by_profile["AWS_SHARED_CREDENTIALS_FILE"]] {
            assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o400);
            assert!(Path::new(file).starts_with(env.state()));
        }
    }
}

/// The access key id that a profile's process gives.
fn process_keys(env: &TestEnvironment, variables: &BTreeMap<String, String>, profile: &str) -> String {
    process(env, variables, profile).ok().json()["AccessKeyId"].as_str().unwrap().to_owned()
}

#[test]
fn a_profile_pins_the_frame_and_follows_its_renewal_only() {
    let env = home("", &format!("[default]\n{}", bobs()));
    let variables = inside(&env, &["--via", "profile"]);
    let before = process_keys(&env, &variables, "credstack");
    env.plain(["refresh"]).ok();
    let renewed = process_keys(&env, &variables, "credstack");
    assert!(renewed != before && renewed.starts_with("ASIA"), "{renewed}");
    env.json(["push", "assume", "arn:aws:iam::444455556666:role/ReadOnly"]);
    assert_eq!(process_keys(&env, &variables, "credstack"), renewed);
    env.plain(["clear", "--yes"]).ok();
    process(&env, &variables, "credstack").exits(3).says("was erased");
    // An ambient frame is pinned as what it was.
    let root = inside(&env, &["--via", "profile", "--frame", "root"]);
    assert_eq!(process_keys(&env, &root, "credstack"), BOB_KEY, "the default profile, by its name");
}

#[test]
fn an_ambient_profile_stays_the_one_that_it_was() {
    let mut env = home(&format!("[profile t]\nregion = eu-central-1\n{}", bobs()), "");
    env.plain(["clear", "--yes"]).ok();
    env.plain(["--stack", "p", "push", "profile", "t"]).ok();
    env.unset("AWS_REGION");
    env.set("CREDSTACK_STACK", "p");
    let variables = inside(&env, &["--via", "profile", "--region", "eu-west-3"]);
    assert_eq!(variables["AWS_REGION"], "eu-west-3");
    let variables = inside(&env, &["--via", "profile"]);
    assert_eq!((variables["AWS_REGION"].as_str(), variables["AWS_DEFAULT_REGION"].as_str()), ("eu-central-1", "eu-central-1"));
    assert_eq!(process_keys(&env, &variables, "credstack"), BOB_KEY);
    env.plain(["push", "session", "--region", "eu-west-1"]).ok();
    assert_eq!(process_keys(&env, &variables, "credstack"), BOB_KEY, "another frame is current, and it is not asked");
}

#[test]
fn named_profiles_give_inside_what_they_give_outside() {
    let role = "role_arn = arn:aws:iam::111122223333:role/Developer\n";
    let own = format!(
        "[profile bob]\nregion = us-west-1\n[profile hub]\n{role}source_profile = hub\n[profile r]\n{role}source_profile = default\n"
    );
    let env = home(&own, &format!("[default]\n{0}[bob]\n{0}[hub]\n{0}", bobs()));
    let variables = inside(&env, &[]);
    let text = config(&variables);
    assert!(text.contains("[profile bob]\nregion = us-west-1\ncredential_process = "), "{text}");
    assert!(text.contains(&format!("[profile r]\n{role}source_profile = credstack-source-")), "{text}");
    for profile in ["bob", "credstack-source-1", "credstack-source-2"] {
        assert_eq!(process_keys(&env, &variables, profile), BOB_KEY, "{profile}");
    }
    // The keys are read where they are.
    env.write(&env.home().join(".aws/credentials"), "[default]\n");
    process(&env, &variables, "bob").exits(3).says("profile bob has no access key");
}

#[test]
fn credstack_inside_reads_the_users_own_files() {
    let mut env = home("[profile t]\nregion = eu-central-1\n", &format!("[default]\n{0}[t]\n{0}", bobs()));
    env.set("AWS_PROFILE", "t");
    let own = inside(&env, &["--via", "endpoint"]);
    for (name, value) in own.iter().filter(|(name, _)| name.starts_with("AWS_") || name.starts_with("CREDSTACK_")) {
        env.set(name, value);
    }
    for name in ["CREDSTACK_EXEC", "CREDSTACK_FRAME"] {
        env.unset(name);
    }
    // By name, and by what AWS_PROFILE was.
    env.plain(["push", "session", "--profile", "t"]).ok();
    env.plain(["--stack", "new", "push", "session"]).ok();
    let arn = env.json(["whoami"])["arn"].as_str().unwrap().to_owned();
    assert!(arn.ends_with(":user/bob"), "{arn}");
    // What is written goes into the user's own.
    env.plain(["setup", "profile", "--name", "mine"]).ok();
    assert!(fs::read_to_string(env.home().join(".aws/config")).unwrap().contains("[profile mine]"));
    // Within, the files are of the user's own again.
    let nested = inside(&env, &[]);
    assert!(config(&nested).contains("[profile mine]") && config(&nested).starts_with("# Written by"), "{}", config(&nested));
    assert!(
        config(&nested).contains("in the place of ") && config(&nested).contains("home/.aws/config and "),
        "{}",
        config(&nested)
    );
    fs::remove_file(env.home().join(".aws/credentials")).unwrap();
    assert!(!inside(&env, &[]).contains_key("AWS_CONFIG_FILE"), "the default profile gives nothing any more");
}

#[test]
fn a_configuration_that_cannot_be_read_is_said_and_gives_no_other_identity() {
    let env = home("[default]\nregion = x\n[default]\n", &format!("[default]\n{}", bobs()));
    let output = handed_out(&env, &["exec", "--", "env"]).ok().says("config, line 3: a section that is there already");
    let text = config(&variables(&output.stdout));
    assert!(text.ends_with("[default]\nregion = eu-west-1\n") && !text.contains(BOB_KEY), "{text}");
}

#[test]
fn what_was_changed_is_replaced_and_what_is_old_goes() {
    let env = home("[profile bob]\n", &format!("[default]\n{0}[bob]\n{0}", bobs()));
    let first = inside(&env, &[]);
    let before = config(&first);
    fs::set_permissions(&first["AWS_CONFIG_FILE"], fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&first["AWS_CONFIG_FILE"], "[default]\naws_access_key_id = AKIAFAKE000000000001\n").unwrap();
    assert_eq!(inside(&env, &[])["AWS_CONFIG_FILE"], first["AWS_CONFIG_FILE"]);
    assert_eq!(config(&first), before);
    let pair = Path::new(&first["AWS_CONFIG_FILE"]).parent().unwrap();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(91 * 24 * 60 * 60);
    let age = |path: &Path| fs::File::open(path).unwrap().set_modified(old).unwrap();
    age(&pair.join("originals.json"));
    // Its use makes it young again.
    process(&env, &first, "bob").ok();
    env.aws_config("[profile bob]\nregion = us-west-1\n");
    let second = inside(&env, &[]);
    assert!(second["AWS_CONFIG_FILE"] != first["AWS_CONFIG_FILE"] && pair.exists());
    age(&pair.join("originals.json"));
    inside(&env, &[]);
    assert!(!pair.exists() && Path::new(&second["AWS_CONFIG_FILE"]).exists());
}

#[test]
fn to_follow_the_stack_is_asked_for() {
    let env = home("", &format!("[default]\n{}", bobs()));
    let followed = handed_out(&env, &["exec", "--follow", "--", "env"]).ok().says("follows stack default by endpoint");
    let seen = variables(&followed.stdout);
    assert!(!seen.contains_key("CREDSTACK_FRAME") && seen["CREDSTACK_VIA"] == "endpoint" && seen["AWS_PROFILE"] == "credstack");
    env.plain(["exec", "--follow", "--via", "env", "--", "true"]).exits(125).says("stay as they are");
    env.plain(["exec", "--follow", "--frame", "root", "--", "true"]).exits(2);
    env.plain(["exec", "--follow", "--read-only", "--", "true"]).exits(125).says("can't be a session of the program's own");
    env.plain(["exec", "--follow", "--via", "profile", "--", "true"]).exits(125).says("has no profile for stack default");
    env.plain(["setup", "profile", "--name", "mine"]).ok();
    let seen = inside(&env, &["--follow", "--via", "profile"]);
    assert!(seen["AWS_PROFILE"] == "mine" && !seen.contains_key("AWS_CONFIG_FILE"));
    // The profile's name inside is the one that follows the stack outside.
    assert_eq!(inside(&env, &["--via", "profile"])["AWS_PROFILE"], "mine");
}

#[test]
fn keys_in_an_environment_are_said_to_end_and_short_ones_are_served() {
    let env = home("", "");
    env.plain(["exec", "--", "true"]).ok().says("true has these keys until ").says("--via endpoint renews them");
    assert_eq!(env.plain(["--quiet", "exec", "--", "true"]).ok().stderr, "");
    env.plain(["drop", "--yes", "--all"]).ok();
    env.session_lifetime(Some(300));
    let mut env = env;
    env.use_keys(BOB_KEY, BOB_SECRET, None);
    env.json(["--stack", "s", "push", "session"]);
    env.no_keys();
    env.plain(["--stack", "s", "drop", "--yes", "--all"]).ok();
    let served = handed_out(&env, &["--stack", "s", "exec", "--", "env"])
        .ok()
        .says("gets them by endpoint")
        .says("couldn't be renewed now");
    assert!(served.stdout.contains("AWS_CONTAINER_CREDENTIALS_FULL_URI") && served.stdout.contains("CREDSTACK_STACK=s\n"));
}

#[test]
fn where_nothing_can_be_written_exec_is_refused_where_the_default_profile_would_win() {
    let mut env = home("", &format!("[default]\n{}", bobs()));
    // A file in its place: the tests may run as a user who may write everywhere.
    env.write(&env.state().join("aws"), "");
    env.plain(["exec", "--", "true"]).exits(125).says("can't be written").says("could be the default profile");
    let session = env.scratch("run");
    fs::create_dir(&session).unwrap();
    env.set("XDG_RUNTIME_DIR", session.to_str().unwrap());
    assert!(inside(&env, &[])["AWS_CONFIG_FILE"].starts_with(session.to_str().unwrap()));
    env.unset("XDG_RUNTIME_DIR");
    fs::remove_file(env.home().join(".aws/credentials")).unwrap();
    env.plain(["exec", "--", "true"]).ok();
}

#[test]
fn serve_prints_the_files_only_where_the_default_profile_would_win() {
    for (credentials, arguments, files) in [
        (String::new(), &[][..], false),
        (format!("[default]\n{}", bobs()), &[], true),
        (format!("[default]\n{}", bobs()), &["--imds"], true),
        (format!("[default]\n{}", bobs()), &["--for", "container"], false),
    ] {
        let env = home("", &credentials);
        let served = handed_out(&env, &[&["serve", "--ttl", "1", "--region", "eu-west-3"], arguments].concat()).ok();
        let served = served.says("the endpoint follows stack default");
        let (has_config, has_profile) =
            (served.stdout.contains("AWS_CONFIG_FILE="), served.stdout.contains("AWS_PROFILE='credstack'"));
        assert_eq!((has_config, has_profile), (files, files), "{arguments:?} {}", served.stdout);
        assert!(served.stdout.contains("AWS_REGION='eu-west-3'"), "{}", served.stdout);
    }
}

#[test]
fn purge_takes_the_files_too() {
    let env = home("", &format!("[default]\n{}", bobs()));
    inside(&env, &[]);
    assert!(env.state().join("aws").exists());
    env.plain(["purge", "--yes"]).ok();
    assert!(!env.state().exists());
}
