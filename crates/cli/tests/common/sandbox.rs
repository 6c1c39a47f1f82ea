//! The sandbox, started for one test and surely ended.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use super::{http, programs, recorder::Recorder};

/// A set of temporary credentials that the sandbox gave to whoever asked through [`Sandbox::url`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Issued {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: String,
}

/// `credstack-sandbox` on a free port, with a recorder before it.
pub struct Sandbox {
    // Its standard input is open as long as this lives: the sandbox ends when it closes.
    child: Child,
    direct: String,
    recorder: Recorder,
}

impl Sandbox {
    /// Starts it with further arguments.
    pub fn start(arguments: &[&str]) -> Sandbox {
        let mut child = Command::new(programs::sandbox())
            .arg("--exit-with-parent")
            .args(arguments)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the sandbox starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let direct = line.trim_end().to_owned();
        let address = direct.strip_prefix("http://").unwrap_or_else(|| panic!("no ready line, but {line:?}"));
        let recorder = Recorder::start(address.parse().unwrap());
        Sandbox { child, recorder, direct }
    }

    /// The endpoint for the program; what is answered there is recorded.
    pub fn url(&self) -> String {
        self.recorder.url()
    }

    /// Where it listens itself, for a relay of the test's own.
    pub fn address(&self) -> std::net::SocketAddr {
        self.direct.strip_prefix("http://").and_then(|address| address.parse().ok()).expect("an address with a port")
    }

    /// Replaces all faults; `{}` switches them off.
    pub fn faults(&self, faults: Value) {
        let answer = http::put(&format!("{}/_sandbox/faults", self.direct), &faults.to_string());
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// The calls so far, oldest first.
    pub fn calls(&self) -> Vec<Value> {
        serde_json::from_str(&http::get(&format!("{}/_sandbox/calls", self.direct)).body).unwrap()
    }

    /// The actions of the calls so far.
    pub fn actions(&self) -> Vec<String> {
        self.calls().iter().map(|call| call["action"].as_str().unwrap().to_owned()).collect()
    }

    /// Forgets the calls.
    pub fn forget_calls(&self) {
        http::delete(&format!("{}/_sandbox/calls", self.direct));
    }

    /// Ends every session now.
    pub fn end_sessions(&self) {
        http::delete(&format!("{}/_sandbox/sessions", self.direct));
    }

    /// A code of an MFA device that will be accepted.
    pub fn totp(&self, serial: &str) -> String {
        let answer = http::get(&format!("{}/_sandbox/totp?serial={serial}", self.direct));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body.trim_end().to_owned()
    }

    /// What EC2 says when it refuses the owner of a key to do something, with an encoded message.
    pub fn denied(&self, access_key_id: &str, action: &str, region: &str) -> String {
        let resource = format!("arn:aws:ec2:{region}:111122223333:instance/i-0a");
        let question = format!("access_key_id={access_key_id}&action={action}&resource={resource}&aws:RequestedRegion={region}");
        let answer = http::get(&format!("{}/_sandbox/denied?{question}", self.direct));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    /// What it issued so far, in no particular order across connections. An answer that was cut counts as far as it went.
    pub fn issued(&self) -> Vec<Issued> {
        let answers = self.recorder.answers();
        answers.iter().flat_map(|answer| issued_in(&String::from_utf8_lossy(answer))).collect()
    }

    /// The session with this access key id.
    pub fn issued_as(&self, access_key_id: &str) -> Issued {
        let found = self.issued().into_iter().find(|issued| issued.access_key_id == access_key_id);
        found.unwrap_or_else(|| panic!("the sandbox issued no {access_key_id}"))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn issued_in(answer: &str) -> Vec<Issued> {
    let element = |text: &str, name: &str| -> String {
        let start = text.split_once(&format!("<{name}>")).map_or("", |(_, rest)| rest);
        start.split('<').next().unwrap_or_default().to_owned()
    };
    let blocks = answer.split("<Credentials>").skip(1).map(|block| block.split("</Credentials>").next().unwrap_or_default());
    blocks
        .map(|block| Issued {
            access_key_id: element(block, "AccessKeyId"),
            secret_access_key: element(block, "SecretAccessKey"),
            session_token: element(block, "SessionToken"),
        })
        .collect()
}
