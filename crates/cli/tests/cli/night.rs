//! A night of `credential-process` calls on a three-account chain over one session with MFA. Both clocks are moved: the
//! program's by libfaketime, the server's by the sandbox.

use std::{collections::BTreeMap, process::Command};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::common::{ALICE_MFA, Output, TestEnvironment, programs};

const CHAIN: [&str; 3] = [
    "arn:aws:iam::111122223333:role/Developer",
    "arn:aws:iam::444455556666:role/ReadOnly",
    "arn:aws:iam::777788889999:role/Reporter",
];
/// Ten hours, looked at every five minutes.
const STEPS: i64 = 120;
const STEP: i64 = 300;

#[test]
fn a_night_takes_one_code_and_one_call_for_each_link_that_is_renewed() {
    let mut env = TestEnvironment::new();
    let code = env.sandbox.totp(ALICE_MFA);
    env.plain(["push", "session", "--mfa-serial", ALICE_MFA, "--mfa-code", &code, "--duration", "36h"]).ok();
    for role in CHAIN {
        env.push_role(role);
    }
    env.no_keys();
    let evening = Timestamp::now();
    let who = env.json(["whoami"])["arn"].clone();
    let (mut renewals, mut keys) = (BTreeMap::new(), Vec::new());
    for step in 1..=STEPS {
        let skew = step * STEP;
        env.sandbox.forget_calls();
        env.sandbox.faults(json!({ "clock_skew_seconds": skew }));
        let mut command = Command::new("faketime");
        command.args(["-f", &format!("+{skew}s")]).arg(programs::credstack()).arg("credential-process");
        env.prepare(&mut command);
        let got = Output::new(format!("credential-process at +{skew}s"), command.output().unwrap()).ok();
        assert_eq!(got.stderr, "", "nobody is asked, and nothing is wrong");
        let got = got.json();
        let expires: Timestamp = got["Expiration"].as_str().unwrap().parse().unwrap();
        let left = expires.duration_since(evening + SignedDuration::from_secs(skew));
        assert!(left > SignedDuration::from_mins(14), "step {step}: {left:?} left");
        let mut asked = BTreeMap::new();
        for call in env.sandbox.calls() {
            assert_eq!((&call["action"], &call["outcome"]), (&json!("AssumeRole"), &json!("ok")), "step {step}");
            *asked.entry(call["parameters"]["RoleArn"].as_str().unwrap().to_owned()).or_insert(0) += 1;
        }
        assert!(asked.values().all(|calls| *calls == 1), "step {step}: {asked:?}");
        asked.into_keys().for_each(|role| *renewals.entry(role).or_insert(0) += 1);
        keys.push(got["AccessKeyId"].clone());
    }
    keys.dedup();
    // An hour less sixteen minutes: renewed every 45 minutes at the latest, and the last link never more often than that.
    assert_eq!(renewals[CHAIN[2]], 13, "{renewals:?}");
    assert!(renewals[CHAIN[0]] >= 6 && renewals[CHAIN[1]] >= 6, "what is beneath is asked for when it is needed: {renewals:?}");
    assert_eq!(keys.len(), 14);
    let renewed = env.events().iter().filter(|event| *event == "renewed").count();
    assert_eq!(renewed, renewals.values().sum::<usize>());
    assert_eq!(env.frames().len(), 5, "the stack is as high as it was");
    assert_eq!(env.list()["frames"][0]["arn"], who);
}
