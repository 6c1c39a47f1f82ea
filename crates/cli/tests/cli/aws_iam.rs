//! The functions of aws.iam, row by row: what the documentation promises to who comes from there.

use crate::common::{ALICE, BOB_KEY, BOB_SECRET, TestEnvironment};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";

/// `c3, c2, c1`: a role on a session on alice's own keys.
fn three() -> TestEnvironment {
    let env = TestEnvironment::new();
    assert_eq!(env.json(["push", "session"])["credential"], "c2");
    assert_eq!(env.push_role(DEVELOPER), "c3");
    assert_eq!(env.frames(), ["c3", "c2", "c1"]);
    env
}

#[test]
fn assume_role_saves_the_current_and_makes_the_new_one_current() {
    let env = TestEnvironment::new();
    let pushed = env.json(["push", "assume", DEVELOPER, "--session-name", "me"]);
    assert_eq!(pushed["arn"], "arn:aws:sts::111122223333:assumed-role/Developer/me");
    assert_eq!((&pushed["position"], &pushed["current"], &pushed["kind"]), (&0.into(), &true.into(), &"assume-role".into()));
    assert_eq!(pushed["parent"], "c1");
    assert_eq!(env.frames(), ["c2", "c1"]);
    assert_eq!(env.list()["frames"][1]["arn"], ALICE);
    assert_eq!(env.json(["whoami"])["arn"], pushed["arn"]);
}

#[test]
fn get_session_token_does_the_same_and_its_arn_is_its_signer_s() {
    let env = TestEnvironment::new();
    assert_eq!(env.push_session(), "c2");
    let list = env.list();
    assert_eq!((&list["frames"][0]["kind"], &list["frames"][0]["arn"]), (&"session-token".into(), &ALICE.into()));
    assert_eq!(env.frames(), ["c2", "c1"]);
}

#[test]
fn get_federation_token_does_the_same() {
    let env = TestEnvironment::new();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    let pushed = env.json(["push", "federation", "reporter", "--policy", policy]);
    assert_eq!(pushed["arn"], "arn:aws:sts::111122223333:federated-user/reporter");
    assert_eq!((&pushed["kind"], env.frames()), (&"federation-token".into(), vec!["c2".to_owned(), "c1".to_owned()]));
}

#[test]
fn use_false_stores_and_logs_and_moves_nothing() {
    let env = three();
    let before = env.list()["frames"].clone();
    let policy = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    for (id, push) in [
        ("c4", vec!["push", "assume", DEVELOPER, "--from", "root", "--no-use"]),
        ("c5", vec!["push", "session", "--from", "root", "--no-use"]),
        ("c6", vec!["push", "federation", "reporter", "--policy-arn", policy, "--from", "root", "--no-use"]),
    ] {
        let pushed = env.json(push);
        assert_eq!((&pushed["credential"], &pushed["position"], &pushed["current"]), (&id.into(), &().into(), &false.into()));
    }
    assert_eq!(env.list()["frames"], before);
    assert_eq!(env.held(), ["c4", "c5", "c6"]);
    assert_eq!(env.events().iter().filter(|event| *event == "held").count(), 3);
}

#[test]
fn set_credentials_saves_the_current_and_makes_a_stored_or_a_foreign_set_current() {
    let mut env = three();
    env.json(["push", "session", "--from", "root", "--no-use"]);
    env.credstack(["use", "c4"]).ok();
    assert_eq!(env.frames(), ["c4", "c3", "c2", "c1"]);
    assert!(env.held().is_empty(), "what is on a stack is not held");
    env.use_keys(BOB_KEY, BOB_SECRET, None);
    let imported = env.json(["push", "import", "--env"]);
    assert_eq!((&imported["kind"], &imported["arn"]), (&"imported".into(), &"arn:aws:iam::111122223333:user/bob".into()));
    assert_eq!(env.frames(), ["c5", "c4", "c3", "c2", "c1"]);
}

#[test]
fn set_credentials_without_saving_replaces_the_current() {
    let mut env = three();
    env.json(["push", "session", "--from", "root", "--no-use"]);
    env.credstack(["use", "c4", "--replace"]).ok().says("c3 left the last stack");
    assert_eq!(env.frames(), ["c4", "c2", "c1"]);
    env.use_keys(BOB_KEY, BOB_SECRET, None);
    assert_eq!(env.json(["push", "import", "--env", "--replace"])["credential"], "c5");
    assert_eq!(env.frames(), ["c5", "c2", "c1"]);
    assert_eq!(env.json(["push", "session", "--from", "root", "--replace", "--yes"])["credential"], "c6");
    assert_eq!(env.frames(), ["c6", "c2", "c1"]);
}

#[test]
fn save_credentials_copies_the_current_onto_the_saved_list() {
    let env = three();
    env.credstack(["save"]).ok();
    assert_eq!(env.frames(), ["c3", "c3", "c2", "c1"]);
    env.credstack(["pop"]).ok().says_not("left the last stack");
    assert_eq!(env.frames(), ["c3", "c2", "c1"]);
}

#[test]
fn restore_credentials_moves_the_newest_saved_to_the_front() {
    let env = three();
    env.credstack(["pop"]).ok().says("current: arn:aws:iam::111122223333:user/alice (c2)").says("c3 left the last stack");
    assert_eq!(env.frames(), ["c2", "c1"]);
    assert_eq!(env.json(["pop"])["credential"], "c1");
    assert_eq!(env.frames(), ["c1"]);
}

#[test]
fn restore_credentials_without_popping_copies_it() {
    let env = three();
    env.credstack(["pop", "--keep"]).ok();
    assert_eq!(env.frames(), ["c2", "c2", "c1"]);
    env.credstack(["pop"]).ok();
    assert_eq!(env.frames(), ["c2", "c1"], "a later pop goes on from the list");
}

#[test]
fn restore_credentials_of_the_root_empties_the_list() {
    let env = three();
    env.credstack(["pop", "--root"]).ok().says("c2 left the last stack").says("c3 left the last stack");
    assert_eq!(env.frames(), ["c1"]);
}

#[test]
fn restore_credentials_of_the_root_without_popping_leaves_the_list() {
    let env = three();
    env.credstack(["pop", "--root", "--keep"]).ok();
    assert_eq!(env.frames(), ["c1", "c2", "c1"]);
}

#[test]
fn delete_saved_credentials_discards_the_newest_saved_and_the_current_stays() {
    let env = three();
    env.credstack(["drop"]).ok().says("c2 left the last stack");
    assert_eq!(env.frames(), ["c3", "c1"]);
}

#[test]
fn delete_all_saved_credentials_leaves_the_current_alone() {
    let env = three();
    env.credstack(["drop", "--all"]).exits(2).says("this would erase c1, which nothing can bring back").says("--yes");
    assert_eq!(env.frames(), ["c3", "c2", "c1"]);
    env.credstack(["drop", "--all", "--yes"]).ok();
    assert_eq!(env.frames(), ["c3"]);
}

#[test]
fn restoring_or_deleting_from_an_empty_list_says_so_and_changes_nothing() {
    let env = TestEnvironment::new();
    for frame in ["ambient", "c2"] {
        if frame == "c2" {
            env.push_role(DEVELOPER);
            env.credstack(["drop", "--yes"]).ok();
        }
        assert_eq!(env.frames(), [frame]);
        let (before, events) = (env.list(), env.events());
        for command in [
            &["pop"][..],
            &["pop", "--keep"],
            &["pop", "--root"],
            &["pop", "--root", "--keep"],
            &["drop"],
            &["drop", "--all"],
            &["swap"],
        ] {
            env.credstack(command).exits(3).says("nothing is saved on stack default").says("nothing was changed");
            assert_eq!((env.list(), env.events()), (before.clone(), events.clone()), "{command:?}");
        }
    }
}

#[test]
fn get_caller_identity_gives_account_arn_and_user_id() {
    let env = three();
    let role = env.json(["whoami"]);
    assert_eq!(role["account"], "111122223333");
    assert!(role["arn"].as_str().unwrap().contains(":assumed-role/Developer/"), "{role}");
    assert!(role["user_id"].as_str().unwrap().contains(':'), "{role}");
    assert_eq!(role["credential"], "c3");
    assert_eq!(role["expires_at"], env.list()["frames"][0]["expires_at"]);
    for frame in ["root", "env", "2", "c1"] {
        assert_eq!(env.json(["whoami", frame])["arn"], ALICE, "{frame}");
    }
    assert_eq!(env.json(["whoami", "--offline"]), role);
}

#[test]
fn swap_exchanges_the_current_and_the_newest_saved() {
    let env = three();
    env.credstack(["swap"]).ok();
    assert_eq!(env.frames(), ["c2", "c3", "c1"]);
    env.credstack(["swap"]).ok();
    assert_eq!(env.frames(), ["c3", "c2", "c1"]);
}

#[test]
fn use_takes_any_frame_by_its_name() {
    let env = three();
    env.credstack(["use", "root"]).ok();
    env.credstack(["use", "2"]).ok();
    assert_eq!(env.frames(), ["c2", "c1", "c3", "c2", "c1"]);
    env.credstack(["use", "env"]).exits(2).says("credstack push import --env");
    env.credstack(["use", "5"]).exits(3);
    env.credstack(["use", "c4"]).exits(3);
}

#[test]
fn forget_erases_what_is_held_and_nothing_else() {
    let env = three();
    env.json(["push", "session", "--from", "root", "--no-use"]);
    let files = env.vault_files().len();
    env.credstack(["forget", "c3"]).exits(2).says("c3 is on stack default");
    assert_eq!(env.json(["forget", "c4"])["forgotten"], serde_json::json!(["c4"]));
    assert_eq!((env.vault_files().len(), env.held()), (files - 1, vec![]));
    env.credstack(["forget", "c4"]).exits(3);
    env.credstack(["use", "c4"]).exits(3).says("the secret of c4 was erased");
}
