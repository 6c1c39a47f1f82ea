//! `aws login`: the AWS CLI's cache of a console sign-in, as the SDK reads it. The session in it is one of the sandbox's.

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    common::{ALICE, TestEnvironment},
    handout::keys,
};

#[test]
fn what_aws_login_left_signs_and_can_be_imported() {
    let mut env = TestEnvironment::new();
    env.plain(["push", "session", "--no-use"]).ok();
    let session = keys(&env, &["--frame", "c1"]);
    env.plain(["forget", "c1"]).ok();
    env.no_keys();
    env.aws_config(&format!("[profile console]\nlogin_session = {ALICE}\nregion = eu-west-1\n"));
    let cached = json!({
        "accessToken": {
            "accessKeyId": session["AccessKeyId"],
            "secretAccessKey": session["SecretAccessKey"],
            "sessionToken": session["SessionToken"],
            "accountId": "111122223333",
            "expiresAt": session["Expiration"],
        },
        "tokenType": "urn:aws:params:oauth:token-type:access_token_sigv4",
        "refreshToken": "fake-refresh-token",
        "idToken": "fake",
        "clientId": "arn:aws:signin:::devtools/same-device",
        "dpopKey": "fake",
    });
    let name = hex(&Sha256::digest(ALICE.as_bytes()));
    env.write(&env.home().join(".aws/login/cache").join(format!("{name}.json")), &cached.to_string());

    env.plain(["push", "assume", "Developer", "--profile", "console"]).ok();
    assert!(env.json(["whoami"])["arn"].as_str().unwrap().contains("assumed-role/Developer"));
    // By its profile it is found again for a renewal.
    env.json(["refresh"]);
    env.plain(["push", "import", "--profile", "console"]).ok();
    assert_eq!(env.json(["whoami"])["arn"], ALICE);
    let frame = env.list()["frames"][0].clone();
    assert_eq!((&frame["kind"], &frame["expires_at"]), (&json!("imported"), &session["Expiration"]));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
