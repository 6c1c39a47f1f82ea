//! Account-based endpoints: which account's host a client of DynamoDB asks. No request leaves this machine.

use std::process::Command;

use crate::{
    common::{TestEnvironment, environment::path, programs},
    server::program,
};

const SCRIPT: &str = "
import os, urllib.parse, boto3
from botocore.config import Config

def stop(request, **_):
    print(urllib.parse.urlparse(request.url).hostname, flush=True)
    os._exit(0)

client = boto3.client('dynamodb', config=Config(account_id_endpoint_mode='required'))
client.meta.events.register('before-send.dynamodb.*', stop)
client.list_tables()
";

#[test]
fn a_required_account_endpoint_is_the_frames_account_in_every_way() {
    let mut env = TestEnvironment::new();
    env.push_role("arn:aws:iam::111122223333:role/Developer");
    env.push_role("arn:aws:iam::444455556666:role/ReadOnly");
    env.no_keys();
    env.set("AWS_ACCOUNT_ID", "999999999999");
    env.plain(["setup", "profile"]).ok();
    let script = env.scratch("dynamodb.py");
    env.write(&script, SCRIPT);
    let asked = |arguments: &[&str], profile: Option<&str>| {
        let (credstack, python) = (programs::credstack(), program("python"));
        let words = [arguments, &[path(&python), path(&script)]].concat();
        let mut command = if arguments.is_empty() { Command::new(words[0]) } else { Command::new(&credstack) };
        command.args(if arguments.is_empty() { &words[1..] } else { &words[..] });
        env.prepare(&mut command);
        command.envs(profile.map(|profile| ("AWS_PROFILE", profile)));
        env.run(command).ok().stdout.trim_end().to_owned()
    };
    let right = "444455556666.ddb.eu-west-1.amazonaws.com";
    for via in ["env", "endpoint", "profile"] {
        assert_eq!(asked(&["exec", "--via", via, "--"], None), right, "{via}");
    }
    assert_eq!(asked(&[], Some("credstack")), right, "by the profile");
}
