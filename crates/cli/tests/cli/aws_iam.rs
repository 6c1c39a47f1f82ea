//! The functions of aws.iam, row by row, and the faults that must not come along.

use crate::common::{ALICE, TestEnvironment};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";

#[test]
fn assume_role_saves_the_current_and_makes_the_new_one_current() {
    let env = TestEnvironment::new();
    let pushed = env.json(["push", "assume", DEVELOPER, "--session-name", "me"]);
    assert_eq!(pushed["arn"], "arn:aws:sts::111122223333:assumed-role/Developer/me");
    assert_eq!((&pushed["position"], &pushed["current"], &pushed["kind"]), (&0.into(), &true.into(), &"assume-role".into()));
    assert_eq!(env.frames(), ["c2", "c1"]);
    assert_eq!(env.list()["frames"][1]["arn"], ALICE);
}
