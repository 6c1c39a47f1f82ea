//! The endpoint of `serve` and of `exec --via endpoint`, asked as any program on this machine could.

use std::process::Command;

use serde_json::Value;

use crate::{
    common::{TestEnvironment, programs},
    handout::{handed_out, keys, names},
};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";

/// What is answered to a request of this line and these headers: its status, headers and body.
fn ask(port: &str, request: &str, headers: &str) -> (String, String, String) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    stream.write_all(format!("{request} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n").as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.lines().next().unwrap().split(' ').nth(1).unwrap().to_owned();
    assert!(!head.to_ascii_lowercase().contains("access-control"), "nothing is said to a browser: {head}");
    (status, head.to_owned(), body.to_owned())
}

/// An endpoint, and what it printed.
pub(crate) struct Serving {
    child: std::process::Child,
    port: String,
    token: String,
    unset: Vec<String>,
}

impl Serving {
    pub(crate) fn start(env: &TestEnvironment, arguments: &[&str]) -> Serving {
        use std::io::{BufRead, BufReader};
        let mut command = Command::new(programs::credstack());
        command.args(["--json", "serve"]).args(arguments);
        env.prepare(&mut command);
        let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let printed: Value = serde_json::from_str(&line).unwrap();
        let set = |name: &str| printed["set"][name].as_str().unwrap_or_default().to_owned();
        let url = set("AWS_CONTAINER_CREDENTIALS_FULL_URI") + &set("AWS_EC2_METADATA_SERVICE_ENDPOINT");
        let port = url.strip_prefix("http://127.0.0.1:").unwrap().split('/').next().unwrap().to_owned();
        let unset = printed["unset"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        Serving { child, port, token: set("AWS_CONTAINER_AUTHORIZATION_TOKEN"), unset }
    }

    fn ask(&self, headers: &str) -> (String, Value) {
        let headers = headers.replace("PORT", &self.port).replace("TOKEN", &self.token);
        let (status, _, body) = ask(&self.port, "GET /credentials", &headers);
        (status, serde_json::from_str(&body).unwrap())
    }

    pub(crate) fn ask_rightly(&self) -> (String, Value) {
        self.ask("Host: 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\n")
    }

    /// A request for metadata.
    pub(crate) fn metadata(&self, request: &str, headers: &str) -> (String, String, String) {
        ask(&self.port, request, &format!("Host: 127.0.0.1:{}\r\n{headers}", self.port))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn the_endpoint_admits_nobody_without_its_token_and_follows_the_stack() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let current = keys(&env, &[]);
    let serving = Serving::start(&env, &[]);
    let (status, body) = serving.ask_rightly();
    assert_eq!(status, "200");
    assert_eq!(names(&body), ["AccessKeyId", "SecretAccessKey", "Token", "Expiration", "AccountId"]);
    for (here, there) in [("AccessKeyId", "AccessKeyId"), ("Token", "SessionToken"), ("Expiration", "Expiration")] {
        assert_eq!(body[here], current[there], "{here}");
    }
    for (headers, status, code) in [
        ("Host: 127.0.0.1:PORT\r\n", "401", "WrongToken"),
        ("Host: 127.0.0.1:PORT\r\nAuthorization: wrong\r\n", "401", "WrongToken"),
        ("Host: 127.0.0.1:PORT\r\nAuthorization: TOKENx\r\n", "401", "WrongToken"),
        ("Host: evil.example:PORT\r\nAuthorization: TOKEN\r\n", "403", "WrongHost"),
        ("Host: 127.0.0.1\r\nAuthorization: TOKEN\r\n", "403", "WrongHost"),
        ("Host: localhost:PORT\r\nOrigin: http://evil.example\r\nAuthorization: TOKEN\r\n", "403", "WrongOrigin"),
    ] {
        let (found, body) = serving.ask(headers);
        assert_eq!((found.as_str(), body["code"].as_str().unwrap()), (status, code), "{headers}");
        assert!(body.get("SecretAccessKey").is_none());
    }
    assert_eq!(serving.ask("Host: localhost:PORT\r\nAuthorization: TOKEN\r\n").0, "200");
    env.json(["push", "assume", "arn:aws:iam::444455556666:role/ReadOnly"]);
    assert_eq!(serving.ask_rightly().1["AccessKeyId"], keys(&env, &[])["AccessKeyId"], "it follows a push");
    env.plain(["pop"]).ok();
    env.plain(["pop"]).ok();
    let (status, body) = serving.ask_rightly();
    assert_eq!((status.as_str(), body["code"].as_str().unwrap()), ("400", "LongTermKeys"));
}

#[test]
fn metadata_is_served_on_request_to_whoever_fetches_a_token() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let current = keys(&env, &[]);
    let serving = Serving::start(&env, &["--imds"]);
    assert!(serving.unset.contains(&"AWS_EC2_METADATA_DISABLED".to_owned()));
    let ttl = "X-aws-ec2-metadata-token-ttl-seconds: 60\r\n";
    let (status, head, token) = serving.metadata("PUT /latest/api/token", ttl);
    assert_eq!(status, "200");
    assert!(head.contains("x-aws-ec2-metadata-token-ttl-seconds: 60"), "{head}");
    let token = format!("X-aws-ec2-metadata-token: {token}\r\n");
    let list = "GET /latest/meta-data/iam/security-credentials/";
    let (status, _, role) = serving.metadata(list, &token);
    assert_eq!((status.as_str(), role.as_str()), ("200", "credstack"));
    let (status, _, body) = serving.metadata(&format!("{list}{role}"), &token);
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, "200");
    assert_eq!(
        names(&body),
        ["Code", "LastUpdated", "Type", "AccessKeyId", "SecretAccessKey", "Token", "Expiration"],
        "in the form of an instance's"
    );
    for (here, there) in [("AccessKeyId", "AccessKeyId"), ("Token", "SessionToken"), ("Expiration", "Expiration")] {
        assert_eq!(body[here], current[there], "{here}");
    }
    let credentials = format!("{list}{role}");
    for (request, headers, status) in [
        ("PUT /latest/api/token", "", "400"),
        ("PUT /latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 0\r\n", "400"),
        ("PUT /latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 21601\r\n", "400"),
        ("PUT /latest/api/token", &format!("{ttl}X-Forwarded-For: 10.0.0.1\r\n"), "403"),
        ("PUT /latest/api/token", &format!("{ttl}Origin: http://evil.example\r\n"), "403"),
        (list, "", "401"),
        (&credentials, "", "401"),
        (&credentials, "X-aws-ec2-metadata-token: wrong\r\n", "401"),
        (&credentials, &format!("{token}Origin: http://evil.example\r\n"), "403"),
        ("GET /credentials", &token, "404"),
    ] {
        let (found, _, body) = serving.metadata(request, headers);
        assert_eq!(found, status, "{request} {headers}");
        assert!(!body.contains("SecretAccessKey"));
    }
    let (_, _, brief) = serving.metadata("PUT /latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 1\r\n");
    let brief = format!("X-aws-ec2-metadata-token: {brief}\r\n");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while serving.metadata(list, &brief).0 != "401" {
        assert!(std::time::Instant::now() < deadline, "a token ends");
    }
    assert_eq!(serving.metadata(list, &token).0, "200", "and no other with it");
    let rebound = ask(&serving.port, "PUT /latest/api/token", &format!("Host: evil.example:{}\r\n{ttl}", serving.port));
    assert_eq!(rebound.0, "403");
    env.plain(["pop"]).ok();
    let (status, _, body) = serving.metadata(&credentials, &token);
    // As an instance tells it: clients show code and message of that.
    assert_eq!(status, "200");
    let said: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((names(&said), &said["Code"]), (vec!["Code", "Message"], &"LongTermKeys".into()));
    handed_out(&env, &["serve", "--imds", "--ttl", "1"]).ok().says("every program and user of this machine");
}

#[test]
fn metadata_has_a_region_and_an_account_and_a_slash_more_does_no_harm() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.push_role("arn:aws:iam::444455556666:role/ReadOnly");
    let serving = Serving::start(&env, &["--imds"]);
    let ttl = "X-aws-ec2-metadata-token-ttl-seconds: 60\r\n";
    for slash in ["", "/"] {
        let (status, _, token) = serving.metadata(&format!("PUT {slash}/latest/api/token"), ttl);
        assert_eq!(status, "200");
        let token = format!("X-aws-ec2-metadata-token: {token}\r\n");
        let get = |path: &str| {
            let (status, _, body) = serving.metadata(&format!("GET {slash}/latest/{path}"), &token);
            assert_eq!(status, "200", "{slash} {path}");
            assert_eq!(serving.metadata(&format!("GET {slash}/latest/{path}"), "").0, "401", "{path} needs the token");
            body
        };
        assert_eq!(get("meta-data/iam/security-credentials"), "credstack");
        assert_eq!(get("meta-data/iam/security-credentials/"), "credstack");
        assert!(get("meta-data/iam/security-credentials/credstack").contains("\"Code\":\"Success\""));
        assert_eq!(get("meta-data/placement/region"), "eu-west-1");
        assert_eq!(get("meta-data/placement/availability-zone"), "eu-west-1a");
        let document: Value = serde_json::from_str(&get("dynamic/instance-identity/document")).unwrap();
        assert_eq!((&document["region"], &document["accountId"]), (&"eu-west-1".into(), &"444455556666".into()));
    }
    let elsewhere = Serving::start(&env, &["--imds", "--region", "sa-east-1"]);
    let token = elsewhere.metadata("PUT /latest/api/token", ttl).2;
    let token = format!("X-aws-ec2-metadata-token: {token}\r\n");
    assert_eq!(elsewhere.metadata("GET /latest/meta-data/placement/region", &token).2, "sa-east-1");
}

#[test]
fn serve_shows_no_token_on_a_terminal_and_ends_by_its_time() {
    use crate::common::terminal::Terminal;
    let env = TestEnvironment::new();
    let (status, shown) = Terminal::start(&env, &["serve"]).finish();
    assert_eq!(status.code(), Some(2), "{shown}");
    assert!(shown.contains("the token is a secret"), "{shown}");
    handed_out(&env, &["serve", "--ttl", "1"]).ok();
}

#[test]
fn exec_via_endpoint_passes_signals_on_and_ends_as_the_program_does() {
    let env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    let via = |script: &str| handed_out(&env, &["exec", "--via", "endpoint", "--", "sh", "-c", script]);
    let seen = via("env").ok().stdout;
    assert!(seen.contains("AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:") && seen.contains("NO_PROXY=127.0.0.1\n"));
    assert!(!seen.contains("AWS_ACCESS_KEY_ID") && !seen.contains("AWS_SESSION_TOKEN"), "no keys are in its environment");
    via("exit 42").exits(42);
    via("kill -TERM $$").exits(128 + 15);
    let passed = via("trap 'echo got it; exit 7' USR1; kill -USR1 $PPID; for i in $(seq 100); do sleep 0.1; done").exits(7);
    assert_eq!(passed.stdout, "got it\n");
    handed_out(&env, &["exec", "--via", "endpoint", "--", "no-such-program"]).exits(127);
    handed_out(&env, &["exec", "--via", "endpoint", "--frame", "root", "--", "true"]).exits(125).says("cannot be served");
    // The default is what every program understands.
    for frame in ["current", "root"] {
        handed_out(&env, &["-v", "exec", "--frame", frame, "--", "true"]).ok().says("handing the identity over by env");
    }
}

#[test]
fn serve_refuses_at_once_what_it_can_never_serve() {
    let mut env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    handed_out(&env, &["serve", "--frame", "root", "--ttl", "1"]).exits(2).says("long-term keys cannot be served");
    handed_out(&env, &["serve", "--frame", "c99", "--ttl", "1"]).exits(3);
    handed_out(&env, &["serve", "--ttl", "0"]).exits(2).says("at least a second");
    let served = handed_out(&env, &["serve", "--ttl", "1"]).ok().stdout;
    assert!(served.contains("AWS_DEFAULT_REGION='eu-west-1'"), "{served}");
    env.plain(["pop"]).ok();
    handed_out(&env, &["serve", "--ttl", "1"]).ok().says("nothing can be served now");
    env.push_role(DEVELOPER);
    for (theirs, ours) in [("*", "*"), ("a.example", "a.example,127.0.0.1")] {
        env.set("NO_PROXY", theirs);
        env.set("no_proxy", "b.example");
        let served = handed_out(&env, &["serve", "--ttl", "1"]).ok().stdout;
        assert!(served.contains(&format!("NO_PROXY='{ours}'\n")), "{served}");
        assert!(served.contains("no_proxy='b.example,127.0.0.1'"), "{served}");
    }
}
