//! The endpoint of `serve` and of `exec --via endpoint`, asked as any program on this machine could.

use std::process::Command;

use serde_json::Value;

use crate::{
    common::{TestEnvironment, programs},
    handout::{handed_out, keys, names},
};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";

/// What the endpoint answers to a request of these headers: its status line and body.
fn ask(port: &str, headers: &str) -> (String, Value) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    stream.write_all(format!("GET /credentials HTTP/1.1\r\nConnection: close\r\n{headers}\r\n").as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.lines().next().unwrap().split(' ').nth(1).unwrap().to_owned();
    assert!(!head.to_ascii_lowercase().contains("access-control"), "nothing is said to a browser: {head}");
    (status, serde_json::from_str(body).unwrap())
}

/// An endpoint, and what it printed.
struct Serving {
    child: std::process::Child,
    port: String,
    token: String,
}

impl Serving {
    fn start(env: &TestEnvironment, arguments: &[&str]) -> Serving {
        use std::io::{BufRead, BufReader};
        let mut command = Command::new(programs::credstack());
        command.args(["--json", "serve"]).args(arguments);
        env.prepare(&mut command);
        let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let printed: Value = serde_json::from_str(&line).unwrap();
        let text = |name: &str| printed["set"][name].as_str().unwrap().to_owned();
        let uri = text("AWS_CONTAINER_CREDENTIALS_FULL_URI");
        let port = uri.strip_prefix("http://127.0.0.1:").unwrap().strip_suffix("/credentials").unwrap().to_owned();
        Serving { child, port, token: text("AWS_CONTAINER_AUTHORIZATION_TOKEN") }
    }

    fn ask(&self, headers: &str) -> (String, Value) {
        ask(&self.port, &headers.replace("PORT", &self.port).replace("TOKEN", &self.token))
    }

    fn ask_rightly(&self) -> (String, Value) {
        self.ask("Host: 127.0.0.1:PORT\r\nAuthorization: TOKEN\r\n")
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
    assert_eq!(names(&body), ["AccessKeyId", "SecretAccessKey", "Token", "Expiration"]);
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
    // The default is what fits: a role session of an hour may be outlived, long-term keys cannot be served.
    handed_out(&env, &["-v", "exec", "--", "true"]).ok().says("handing the identity over by endpoint");
    handed_out(&env, &["-v", "exec", "--frame", "root", "--", "true"]).ok().says("handing the identity over by env");
    env.session_lifetime(Some(7200));
    env.plain(["pop"]).ok();
    env.push_role(DEVELOPER);
    handed_out(&env, &["-v", "exec", "--", "true"]).ok().says("handing the identity over by env");
}
