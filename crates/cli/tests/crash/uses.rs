//! The program is killed at every step of putting counted uses into the log: no hour is lost, none is there twice.

use std::{collections::BTreeMap, fs};

use serde_json::Value;

use crate::{
    kill::{CALLS, points},
    machine::{Machine, Store},
};

const CHANGE: &[&str] = &["forget", "--expired"];

/// What was counted of two hours that are long over: c1, c2 and ambient.
const COUNTED: [(&str, &[u8]); 2] = [("uses.400000", &[2, 2, 1, 0, 2]), ("uses.400001", &[2, 1])];

/// How often, by hour and credential set, the log says.
fn told(machine: &Machine) -> BTreeMap<(String, String), Vec<u64>> {
    let mut told: BTreeMap<_, Vec<u64>> = BTreeMap::new();
    let events: Value = serde_json::from_str(&machine.run(&["history", "--json", "--event", "used-by"]).ok().stdout).unwrap();
    for event in events["events"].as_array().unwrap() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let detail = &event["detail"];
        told.entry((text(&detail["hour"]), text(&event["credential"]))).or_default().push(detail["count"].as_u64().unwrap());
    }
    told
}

#[test]
fn uses_are_told_once() {
    let mut machine = Machine::new(Store::Vault);
    machine.run(&["push", "assume", "Developer"]).ok();
    for (name, ids) in COUNTED {
        let text: String = ids.iter().map(|id| format!("\n{id:014}\n")).collect();
        machine.env.write(&machine.env.state().join(name), &text);
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(machine.env.state().join(name), private).unwrap();
    }
    machine.keep();
    let (command, trace) = machine.traced(&["-e", &format!("trace={}", CALLS.join(","))], CHANGE);
    machine.env.run(command).ok();
    let whole = told(&machine);
    assert_eq!(whole.values().flatten().sum::<u64>(), 7, "{whole:?}");
    assert_eq!(whole.len(), 5);
    let points = points(&fs::read_to_string(trace).unwrap());
    assert!(points.len() > 15, "only {} places to kill", points.len());
    let mut killed = 0;
    for (call, n) in &points {
        machine.put_back();
        let inject = format!("inject={call}:signal=KILL:when={n}");
        let (command, _) = machine.traced(&["-e", &format!("trace={call}"), "-e", &inject], CHANGE);
        killed += usize::from(machine.env.run(command).code.is_none());
        machine.run(CHANGE).ok();
        machine.run(CHANGE).ok();
        assert_eq!(told(&machine), whole, "killed at {call} {n}");
        for (name, _) in COUNTED {
            assert!(!machine.env.state().join(name).exists(), "{name} after a kill at {call} {n}");
        }
        machine.assert_settled();
    }
    println!("{killed} kills at {} places", points.len());
    assert!(killed * 10 >= points.len() * 9, "only {killed} of {} were killed", points.len());
}
