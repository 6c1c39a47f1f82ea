//! The real binary, driven by real clients: boto3 and the AWS CLI v1.
//!
//! They are in the Python environment that `CREDSTACK_TEST_VENV` names; without it the tests fail, they do not skip.

#![allow(clippy::unwrap_used, reason = "all of this is tests; Clippy's own exception ends at helper functions")]

mod server;
mod venv;

use server::{Server, program};

const ALICE: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "AKIAFAKEALICE0000001"), ("AWS_SECRET_ACCESS_KEY", "fake+alice+secret/for+the+sandbox+000001")];
const SERIAL: &str = "arn:aws:iam::111122223333:mfa/alice";

#[test]
fn boto3_walks_a_chain() {
    let server = Server::start(&["-v"]);
    let printed = venv::script("chain.py", &server.url);
    let secrets: Vec<&str> = printed.split_whitespace().collect();
    assert_eq!(secrets.len(), 6, "a secret key and a session token for each of three hops");
    let calls = server.get("/_sandbox/calls");
    let log = server.stop();
    assert!(log.contains("AssumeRole by arn:aws:sts::111122223333:assumed-role/Developer/me: ok"), "{log}");
    for secret in secrets.into_iter().chain(["fake+alice+secret"]) {
        assert!(!log.contains(secret), "a secret is in the log");
        assert!(!calls.contains(secret), "a secret is in the list of calls");
    }
}

#[test]
fn boto3_is_authenticated() {
    venv::script("authentication.py", &Server::start(&[]).url);
}

#[test]
fn boto3_looks_things_up() {
    let server = Server::start(&["-v"]);
    let token = venv::script("lookups.py", &server.url);
    let calls = server.get("/_sandbox/calls");
    let log = server.stop();
    assert!(log.contains("GetWebIdentityToken by arn:aws:iam::111122223333:user/alice: ok"), "{log}");
    assert!(token.trim().len() > 400 && !log.contains(token.trim()) && !calls.contains(token.trim()), "a token is a secret");
}

#[test]
fn boto3_comes_by_identity_providers_and_as_a_root() {
    let server = Server::start(&["-v"]);
    let tokens = venv::script("federation.py", &server.url);
    let calls = server.get("/_sandbox/calls");
    let log = server.stop();
    assert!(log.contains("AssumeRoleWithSAML by nobody: ok"), "{log}");
    for token in tokens.split_whitespace() {
        assert!(token.len() > 100 && !log.contains(token) && !calls.contains(token), "a token is a secret");
    }
}

#[test]
fn boto3_sees_sessions_expire() {
    venv::script("expiry.py", &Server::start(&[]).url);
}

#[test]
fn boto3_meets_faults() {
    venv::script("faults.py", &Server::start(&[]).url);
}

#[test]
fn boto3_uses_mfa() {
    venv::script("mfa.py", &Server::start(&[]).url);
}

#[test]
fn the_aws_cli_assumes_a_role() {
    let server = Server::start(&[]);
    let text = venv::aws(
        &server.url,
        &ALICE,
        &[
            "assume-role",
            "--role-arn=arn:aws:iam::444455556666:role/Partner",
            "--role-session-name=cli",
            "--external-id=sandbox-external-id",
            "--tags=Key=cost,Value=a b+c",
        ],
    );
    let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answer["AssumedRoleUser"]["Arn"], "arn:aws:sts::444455556666:assumed-role/Partner/cli");
    let field = |name: &str| answer["Credentials"][name].as_str().unwrap().to_owned();
    let (id, secret, token) = (field("AccessKeyId"), field("SecretAccessKey"), field("SessionToken"));
    let session = [("AWS_ACCESS_KEY_ID", &*id), ("AWS_SECRET_ACCESS_KEY", &*secret), ("AWS_SESSION_TOKEN", &*token)];
    assert!(venv::aws(&server.url, &session, &["get-caller-identity"]).contains("assumed-role/Partner/cli"));
}

#[test]
fn the_aws_cli_gets_a_session_with_a_code_of_the_totp_command() {
    let server = Server::start(&[]);
    let (_, present) = program(&["totp", SERIAL]);
    let code = format!("--token-code={}", present.trim());
    let serial = format!("--serial-number={SERIAL}");
    assert!(venv::aws(&server.url, &ALICE, &["get-session-token", &serial, &code]).contains("ASIASANDBOX"));
    assert!(venv::aws_error(&server.url, &ALICE, &["get-session-token", &serial, &code]).contains("one time pass code"));
    let (_, next) = program(&["totp", SERIAL, "--next"]);
    assert_ne!(present, next);
    let (ok, _) = program(&["totp", "arn:aws:iam::111122223333:mfa/nobody"]);
    assert!(!ok);
}

#[test]
fn a_world_of_ones_own() {
    let (ok, text) = program(&["--print-world"]);
    assert!(ok && text.contains("session_token_bytes = 460"));
    let file = std::env::temp_dir().join(format!("credstack-sandbox-world-{}.toml", std::process::id()));
    std::fs::write(&file, text.replace("session_token_bytes = 460", "session_token_bytes = 4000")).unwrap();
    let server = Server::start(&["--world", file.to_str().unwrap(), "--lifetime-seconds", "1"]);
    let answer = venv::aws(&server.url, &ALICE, &["get-session-token"]);
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["Credentials"]["SessionToken"].as_str().unwrap().len(), 4000);
    std::fs::write(&file, text.replace("Bool =", "Boole =")).unwrap();
    let (ok, message) = program(&["--world", file.to_str().unwrap()]);
    std::fs::remove_file(&file).unwrap();
    assert!(!ok && message.contains("Unknown condition operator Boole"), "{message}");
}

#[test]
fn only_this_machine_is_answered() {
    let server = Server::start(&[]);
    assert!(server.get("/_sandbox/faults").contains("\"throttle\": 0"));
    for (host, status) in
        [("127.0.0.1", "200"), ("localhost:1", "200"), ("evil.example", "403"), ("127.0.0.1.evil.example", "403")]
    {
        let answer = server.raw(&format!("GET /_sandbox/calls HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{host}: {answer}");
    }
    assert!(server.get("/_sandbox/typo").starts_with("HTTP/1.1 404"));
    assert!(server.get("/_sandbox/calls").ends_with("[]\n"), "none of this was a call to STS");
    // Another address of the same interface: the server is not bound to all of them.
    #[cfg(target_os = "linux")]
    assert!(std::net::TcpStream::connect(server.url.trim_start_matches("http://").replace("127.0.0.1", "127.0.0.2")).is_err());
}

#[test]
fn it_ends_with_its_parent_or_a_signal() {
    let mut server = Server::start(&[]);
    server.close_stdin();
    assert!(server.wait().success());
    #[cfg(unix)]
    {
        let mut server = Server::start(&[]);
        let pid = server.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(!server.wait().success(), "ended by the signal");
    }
}
