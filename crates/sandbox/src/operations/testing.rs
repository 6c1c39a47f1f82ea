//! Calls operations on the built-in world, without HTTP.

use jiff::Timestamp;

use super::{Call, find};
use crate::{
    caller::{Caller, Kind},
    messages::Messages,
    mfa::Devices,
    sessions::Sessions,
    wire::{Parameters, Refusal},
    world::{BUILT_IN, World},
};

/// A world and its state, at a fixed time.
pub struct Bench {
    pub world: World,
    pub sessions: Sessions,
    pub messages: Messages,
    pub devices: Devices,
    pub now: Timestamp,
}

/// A session that an operation made.
pub struct Made {
    pub answer: String,
    pub caller: Caller,
    pub seconds: i64,
}

impl Bench {
    pub fn new() -> Bench {
        Bench::with("", "")
    }

    /// The built-in world with one change.
    pub fn with(from: &str, to: &str) -> Bench {
        assert!(BUILT_IN.contains(from), "{from}");
        let world = World::parse(&BUILT_IN.replacen(from, to, 1)).unwrap();
        let now = "2026-11-22T07:00:00Z".parse().unwrap();
        Bench { world, sessions: Sessions::default(), messages: Messages::default(), devices: Devices::default(), now }
    }

    pub fn user(name: &str) -> Caller {
        let kind = Kind::User { arn: format!("arn:aws:iam::111122223333:user/{name}") };
        Caller { kind, session: None }
    }

    pub fn root() -> Caller {
        Caller { kind: Kind::Root { account: "111122223333".into() }, session: None }
    }

    pub fn fresh_code(&self) -> String {
        let (_, device) = self.world.device("arn:aws:iam::111122223333:mfa/alice").unwrap();
        self.devices.fresh_code(device, self.now).unwrap()
    }

    pub fn call(&mut self, action: &str, caller: &Caller, parameters: &[(&str, &str)]) -> Result<String, Refusal> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let parameters = Parameters::parse(body.as_bytes());
        find(action)?(&mut Call {
            world: &self.world,
            sessions: &mut self.sessions,
            messages: &self.messages,
            devices: &mut self.devices,
            caller,
            parameters: &parameters,
            now: self.now,
            lifetime: None,
            request_id: "request",
            region: "eu-west-1",
        })
    }

    pub fn session(&mut self, action: &str, caller: &Caller, parameters: &[(&str, &str)]) -> Made {
        let answer = self.call(action, caller, parameters).unwrap_or_else(|refusal| panic!("{refusal:?}"));
        let id = answer.split("<AccessKeyId>").nth(1).unwrap().split('<').next().unwrap();
        let (issued, caller) = self.sessions.find(id).unwrap();
        Made { seconds: issued.expiration.as_second() - self.now.as_second(), caller: caller.clone(), answer }
    }

    pub fn refusal(&mut self, action: &str, caller: &Caller, parameters: &[(&str, &str)]) -> Refusal {
        self.call(action, caller, parameters).unwrap_err()
    }

    pub fn assume(&mut self, caller: &Caller, role: &str, more: &[(&str, &str)]) -> Made {
        let arn = format!("arn:aws:iam::{role}");
        self.session("AssumeRole", caller, &[&[("RoleArn", arn.as_str()), ("RoleSessionName", "me")], more].concat())
    }

    pub fn refuse_assume(&mut self, caller: &Caller, role: &str, more: &[(&str, &str)]) -> Refusal {
        let arn = format!("arn:aws:iam::{role}");
        self.refusal("AssumeRole", caller, &[&[("RoleArn", arn.as_str()), ("RoleSessionName", "me")], more].concat())
    }
}
