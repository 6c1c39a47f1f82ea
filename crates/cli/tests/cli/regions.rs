//! Which region a program gets: `--region`, what the user set for the command, the frame's, the shell's at the push.

use std::process::Command;

use crate::common::{ALICE_KEY, ALICE_SECRET, Output, TestEnvironment, environment::path, programs};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const SHOW: &str = "echo $AWS_REGION $AWS_DEFAULT_REGION $CREDSTACK_REGION";

/// What a command prints, which may be secrets.
fn handed_out(env: &TestEnvironment, arguments: &[&str]) -> Output {
    let mut command = Command::new(programs::credstack());
    command.args(arguments);
    env.prepare(&mut command);
    Output::new(arguments.join(" "), command.output().unwrap())
}

/// What a program under `exec` sees.
fn program(env: &TestEnvironment, arguments: &[&str], script: &str) -> String {
    let shell = ["--", "sh", "-c", script];
    handed_out(env, &[&["exec"], arguments, &shell].concat()).ok().stdout.trim_end().to_owned()
}

/// The regions among the lines of `env` or `serve`.
fn lines(output: &Output) -> Vec<&str> {
    output.stdout.lines().filter(|line| line.contains("REGION")).collect()
}

fn with_profile_t() -> TestEnvironment {
    let mut env = TestEnvironment::new();
    env.no_keys();
    env.unset("AWS_REGION");
    env.aws_config(&format!(
        "[default]\nregion = us-west-2\n[profile t]\nregion = eu-central-1\naws_access_key_id = {ALICE_KEY}\n\
         aws_secret_access_key = {ALICE_SECRET}\n"
    ));
    env.set("AWS_PROFILE", "t");
    env
}

#[test]
fn an_ambient_profiles_own_region_goes_with_its_keys() {
    let mut env = with_profile_t();
    let both = "eu-central-1 eu-central-1 eu-central-1";
    assert_eq!(program(&env, &["--via", "env"], SHOW), both);
    let written = handed_out(&env, &["env"]).ok();
    assert_eq!(
        lines(&written),
        ["export AWS_REGION='eu-central-1'", "export AWS_DEFAULT_REGION='eu-central-1'", "unset CREDSTACK_REGION"]
    );
    // The environment's keys have the region of the profile in force too, as for the AWS CLI.
    env.use_keys(ALICE_KEY, ALICE_SECRET, None);
    assert_eq!(program(&env, &["--via", "env"], SHOW), both);
    env.no_keys();
    // Covered, it is that profile still, whatever is in force meanwhile.
    env.push_role(DEVELOPER);
    env.unset("AWS_PROFILE");
    assert_eq!(program(&env, &["--frame", "root", "--via", "env"], SHOW), both);
    env.set("AWS_REGION", "ap-south-1");
    let users = "ap-south-1 ap-south-1";
    assert_eq!(program(&env, &["--frame", "root", "--via", "env"], SHOW), users);
}

#[test]
fn an_endpoint_and_the_console_have_the_ambient_profiles_region_too() {
    let mut env = with_profile_t();
    env.json(["push", "session"]);
    let session = env.sandbox.issued().pop().unwrap();
    env.unset("AWS_PROFILE");
    env.plain(["clear", "--yes"]).ok();
    env.no_keys();
    env.aws_config(&format!(
        "[default]\nregion = us-west-2\n[profile t]\nregion = eu-central-1\ncredential_process = cat {}\n",
        path(&env.home().join("process.json"))
    ));
    let until = jiff::Timestamp::now() + std::time::Duration::from_secs(7200);
    let keys = serde_json::json!({
        "Version": 1, "AccessKeyId": session.access_key_id, "SecretAccessKey": session.secret_access_key,
        "SessionToken": session.session_token, "Expiration": until.to_string(),
    });
    env.write(&env.home().join("process.json"), &keys.to_string());
    env.set("AWS_PROFILE", "t");
    assert_eq!(program(&env, &["--via", "endpoint"], SHOW), "eu-central-1 eu-central-1 eu-central-1");
    let served = handed_out(&env, &["serve", "--ttl", "1"]).ok();
    assert!(lines(&served).contains(&"export AWS_REGION='eu-central-1'"), "{}", served.stdout);
}

#[test]
fn what_the_user_sets_for_a_command_beats_the_frames_region() {
    let mut env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.no_keys();
    env.set("AWS_REGION", "us-west-1");
    // Without the companion: it is the user's in the program too.
    let users = "us-west-1 us-west-1";
    assert_eq!(program(&env, &["--via", "env"], SHOW), users);
    assert_eq!(program(&env, &["--via", "endpoint"], SHOW), users);
    env.set("CREDSTACK_SIGNIN_ENDPOINT", &format!("{}/federation", env.sandbox.url()));
    assert!(handed_out(&env, &["console"]).ok().stdout.contains("us-west-1.console.aws.amazon.com"));
    env.unset("AWS_REGION");
    env.set("AWS_DEFAULT_REGION", "us-east-2");
    assert_eq!(program(&env, &["--via", "env"], SHOW), "us-east-2 us-east-2");
    // The command's own counts before everything.
    let written = handed_out(&env, &["env", "--region", "sa-east-1"]).ok();
    assert_eq!(lines(&written)[..2], ["export AWS_REGION='sa-east-1'", "export AWS_DEFAULT_REGION='sa-east-1'"]);
    handed_out(&env, &["env", "--region", "Frankfurt!"]).exits(2);
    // What credstack exported is not the user's: its companion has the same value.
    env.set("AWS_REGION", "ap-south-1");
    env.set("AWS_DEFAULT_REGION", "ap-south-1");
    env.set("CREDSTACK_REGION", "ap-south-1");
    assert_eq!(program(&env, &["--via", "env"], SHOW), "eu-west-1 eu-west-1 eu-west-1");
    env.set("AWS_DEFAULT_REGION", "us-east-2");
    assert_eq!(program(&env, &["--via", "env"], SHOW), "us-east-2 us-east-2");
}

#[test]
fn a_frame_without_a_region_gets_none_of_another_one() {
    let mut env = TestEnvironment::new();
    for (name, value) in [("AWS_REGION", "ap-south-1"), ("AWS_DEFAULT_REGION", "ap-south-1"), ("CREDSTACK_REGION", "ap-south-1")]
    {
        env.set(name, value);
    }
    assert_eq!(program(&env, &["--via", "env"], "env | grep -c REGION; true"), "0");
}
