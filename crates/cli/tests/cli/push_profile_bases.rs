//! `push profile`: what signs first, in all its forms, also when it is renewed.

use serde_json::{Value, json};

use crate::{
    common::{ALICE_KEY, ALICE_SECRET, BOB_KEY, BOB_SECRET, TestEnvironment, answering::answering},
    handout::keys,
    renewal::wait_until_expired,
};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";
const READ_ONLY: &str = "arn:aws:iam::444455556666:role/ReadOnly";

fn keys_of(id: &str, secret: &str) -> String {
    format!("aws_access_key_id = {id}\naws_secret_access_key = {secret}\n")
}

/// Who signed each AssumeRole so far.
fn signers(env: &TestEnvironment) -> Vec<Value> {
    let calls = env.sandbox.calls();
    calls.iter().filter(|call| call["action"] == "AssumeRole").map(|call| call["access_key_id"].clone()).collect()
}

#[test]
fn a_profile_with_keys_and_a_role_signs_with_its_keys_and_does_so_again() {
    let mut env = TestEnvironment::new();
    env.no_keys();
    let (alice, bob) = (keys_of(ALICE_KEY, ALICE_SECRET), keys_of(BOB_KEY, BOB_SECRET));
    // It is its own source; or the source of another, and then its keys win over its role.
    env.aws_config(&format!(
        "[profile own]\nrole_arn = {DEVELOPER}\nsource_profile = own\n{alice}\
         [profile top]\nrole_arn = {DEVELOPER}\nsource_profile = middle\n\
         [profile middle]\nrole_arn = arn:aws:iam::111122223333:role/Nobody\nsource_profile = own\n{bob}"
    ));
    for (profile, key) in [("own", ALICE_KEY), ("top", BOB_KEY)] {
        env.session_lifetime(Some(4));
        env.sandbox.forget_calls();
        env.plain(["--stack", profile, "push", "profile", profile]).ok();
        assert_eq!(signers(&env), [key]);
        env.set("CREDSTACK_STACK", profile);
        wait_until_expired(&env);
        env.session_lifetime(None);
        env.sandbox.forget_calls();
        keys(&env, &[]);
        assert_eq!(signers(&env), [key], "a renewal signs with the same");
        env.unset("CREDSTACK_STACK");
    }
}

#[test]
fn credential_source_names_the_environment_or_a_container() {
    let mut env = TestEnvironment::new();
    env.aws_config(&format!(
        "[profile shell]\nrole_arn = {DEVELOPER}\ncredential_source = Environment\n\
         [profile container]\nrole_arn = {DEVELOPER}\ncredential_source = EcsContainer\n"
    ));
    env.plain(["push", "profile", "shell"]).ok().says("saved as c1, the root of the stack");
    assert_eq!(env.list()["frames"][0]["parent"], "c1");

    // A container's credentials, which only a session can be: one of bob's.
    env.use_keys(BOB_KEY, BOB_SECRET, None);
    env.plain(["--stack", "bob", "push", "session"]).ok();
    let session = keys(&env, &["--stack", "bob"]);
    env.no_keys();
    env.plain(["--stack", "pod", "push", "profile", "container"]).exits(3).says("credential_source of profile container");
    let given = json!({
        "AccessKeyId": session["AccessKeyId"], "SecretAccessKey": session["SecretAccessKey"],
        "Token": session["SessionToken"], "Expiration": session["Expiration"],
    });
    let url = answering("200 OK", move |_| given.to_string());
    env.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url);
    env.session_lifetime(Some(4));
    env.sandbox.forget_calls();
    env.plain(["--stack", "pod", "push", "profile", "container"]).ok();
    assert_eq!(signers(&env), [session["AccessKeyId"].clone()]);
    env.set("CREDSTACK_STACK", "pod");
    wait_until_expired(&env);
    env.session_lifetime(None);
    env.sandbox.forget_calls();
    keys(&env, &[]);
    assert_eq!(signers(&env), [session["AccessKeyId"].clone()], "the container's again, not the profile's role");
}

#[test]
fn a_web_identity_signs_for_roles_and_is_renewed_from_its_file() {
    let mut env = TestEnvironment::new();
    env.no_keys();
    let token = crate::common::http::get(&format!("{}/_sandbox/web-identity-token?subject=repo:example/app", env.sandbox.url()));
    env.write(&env.home().join("token"), &token.body);
    env.aws_config(&format!(
        "[profile ci]\nrole_arn = arn:aws:iam::111122223333:role/Ci\nweb_identity_token_file = token\n\
         [profile dev]\nrole_arn = {READ_ONLY}\nsource_profile = ci\n"
    ));
    env.session_lifetime(Some(4));
    env.plain(["push", "profile", "ci"]).ok();
    assert_eq!(env.sandbox.actions(), ["AssumeRoleWithWebIdentity"]);
    wait_until_expired(&env);
    env.session_lifetime(None);
    env.sandbox.forget_calls();
    keys(&env, &[]);
    assert_eq!(env.sandbox.actions(), ["AssumeRoleWithWebIdentity"]);
    // Ci is let into nothing: what it gave is not kept.
    let frames = env.frames();
    env.sandbox.forget_calls();
    env.plain(["push", "profile", "dev", "--fresh"]).exits(4).says("profile dev");
    assert_eq!((env.frames(), env.sandbox.actions().len()), (frames, 2));
}

#[test]
fn every_hop_is_asked_at_the_endpoint_and_in_the_region_of_the_profile() {
    let mut env = TestEnvironment::new();
    env.no_keys();
    let url = env.sandbox.url();
    env.unset("AWS_ENDPOINT_URL_STS");
    env.unset("AWS_REGION");
    env.aws_config(&format!(
        "[profile alice]\n{}[profile dev]\nrole_arn = {DEVELOPER}\nsource_profile = alice\nregion = eu-west-3\n\
         [profile prod]\nrole_arn = {READ_ONLY}\nsource_profile = dev\nregion = eu-north-1\nservices = here\n\
         [services here]\nsts =\n  endpoint_url = {url}\n",
        keys_of(ALICE_KEY, ALICE_SECRET)
    ));
    env.session_lifetime(Some(4));
    env.plain(["push", "profile", "prod"]).ok();
    let regions: Vec<_> = env.sandbox.calls().iter().map(|call| call["region"].clone()).collect();
    assert!(regions.iter().all(|region| region == "eu-north-1"), "{regions:?}");
    let list = env.list();
    assert_eq!((&list["frames"][0]["region"], &list["frames"][1]["region"]), (&json!("eu-north-1"), &json!("eu-west-3")));
}
