//! Home directories with another identity in them, bob's, where a client could take it for the one that was asked for.

use std::path::PathBuf;

use serde_json::json;

use crate::common::{BOB_KEY, BOB_SECRET, TestEnvironment, answering::answering};

/// A home, and what stands in its shells' environment.
pub struct Home {
    pub name: &'static str,
    pub path: PathBuf,
    pub variables: Vec<(&'static str, String)>,
}

/// The most telling ones.
pub const BOUNDED: [&str; 3] = ["keys in both files", "process in [default]", "AWS_PROFILE of another"];
/// All of them.
pub const ALL: [&str; 6] =
    ["empty", "keys in [default]", "process in [default]", "SSO in [default]", "AWS_PROFILE of another", "keys in both files"];

/// Where the sign-in of session `corp` is kept: by the SHA-1 of its name.
const SIGN_IN: &str = "sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
/// Another region than the frame's.
const REGION: &str = "region = us-west-2\n";

/// Makes one. Its region is another, too.
pub fn make(env: &TestEnvironment, name: &'static str) -> Home {
    let path = env.scratch(&format!("home {name}").replace([' ', '[', ']'], "-"));
    let keys = format!("aws_access_key_id = {BOB_KEY}\naws_secret_access_key = {BOB_SECRET}\n");
    let write = |file: &str, text: &str| env.write(&path.join(".aws").join(file), text);
    env.learn(BOB_SECRET);
    let mut variables = Vec::new();
    match name {
        "empty" => std::fs::create_dir_all(&path).unwrap(),
        "keys in [default]" => write("credentials", &format!("[default]\n{keys}")),
        "process in [default]" => {
            let given = json!({ "Version": 1, "AccessKeyId": BOB_KEY, "SecretAccessKey": BOB_SECRET });
            env.write(&path.join("bob.json"), &given.to_string());
            let process = format!("cat {}", path.join("bob.json").display());
            write("config", &format!("[default]\n{REGION}credential_process = {process}\n"));
        }
        "SSO in [default]" => {
            let sso = "sso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Bob\n";
            let session = "[sso-session corp]\nsso_start_url = https://example.com/start\nsso_region = us-west-2\n";
            write("config", &format!("[default]\n{REGION}{sso}\n{session}"));
            write(
                SIGN_IN,
                r#"{"accessToken":"fake-sso-token","expiresAt":"2099-01-01T00:00:00Z","region":"us-west-2","startUrl":"https://example.com/start"}"#,
            );
            let role = json!({ "accessKeyId": BOB_KEY, "secretAccessKey": BOB_SECRET, "sessionToken": "fake", "expiration": 4_070_908_800_000_u64 });
            let portal = answering("200 OK", move |_| json!({ "roleCredentials": role }).to_string());
            variables.push(("AWS_ENDPOINT_URL_SSO", portal));
        }
        "AWS_PROFILE of another" => {
            write("config", &format!("[profile bob]\n{REGION}"));
            write("credentials", &format!("[bob]\n{keys}"));
            variables.push(("AWS_PROFILE", "bob".to_owned()));
        }
        "keys in both files" => {
            write("config", &format!("[default]\n{REGION}{keys}"));
            write("credentials", &format!("[default]\n{keys}\n[bob]\n{keys}"));
        }
        other => panic!("{other}"),
    }
    Home { name, path, variables }
}
