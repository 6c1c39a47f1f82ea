//! Which MFA device a request names: the caller's own, and none that gives no codes.

use serde_json::json;

use crate::common::{ALICE_MFA, BOB_KEY, BOB_SECRET, ROOT_KEY, ROOT_SECRET, TestEnvironment};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";

#[test]
fn auto_is_the_device_named_as_the_user_is() {
    let mut env = TestEnvironment::new();
    let code = env.sandbox.totp(ALICE_MFA);
    env.plain(["push", "session", "--mfa-serial", "auto", "--mfa-code", &code]).ok();
    let calls = env.sandbox.calls();
    assert_eq!(env.sandbox.actions(), ["GetCallerIdentity", "GetSessionToken"], "nobody knew who signs");
    assert_eq!(calls[1]["parameters"]["SerialNumber"], ALICE_MFA);
    let acquired = env.json(["history", "--limit", "1"])["events"][0].clone();
    assert_eq!(acquired["detail"]["request"], json!({ "operation": "GetSessionToken", "serial_number": ALICE_MFA }));
    // Who signs is recorded now. The same in a plan.
    env.sandbox.forget_calls();
    let dry = env.json(["push", "assume", "Admin", "--from", "root", "--mfa-serial", "auto", "--dry-run"]);
    assert_eq!(dry["calls"][0]["request"]["serial_number"], ALICE_MFA);
    let code = env.sandbox.totp(ALICE_MFA);
    env.plain(["push", "assume", "Admin", "--from", "root", "--mfa-serial", "auto", "--mfa-code", &code]).ok();
    assert_eq!(env.sandbox.actions(), ["AssumeRole"]);
    env.sandbox.forget_calls();
    let says = [
        (&["push", "assume", DEVELOPER][..], "is no IAM user", "--from root or --profile"),
        (&["push", "assume", DEVELOPER, "--from", "1"], "this session carries MFA already", "leave --mfa-serial out"),
    ];
    for (push, what, next) in says {
        env.plain([push, &["--mfa-serial", "auto", "--mfa-code", "271828"]].concat()).exits(2).says(what).says(next);
    }
    assert_eq!(env.sandbox.actions(), [""; 0]);
    env.use_keys(ROOT_KEY, ROOT_SECRET, None);
    let push = ["push", "session", "--from", "env", "--mfa-serial", "auto", "--mfa-code", "271828"];
    env.plain(push).exits(2).says("arn:aws:iam::111122223333:root is no IAM user");
    env.use_keys(BOB_KEY, BOB_SECRET, None);
    env.plain(push).exits(4).says("name the right one with --mfa-serial").says("aws iam list-mfa-devices");
    assert_eq!(env.sandbox.calls().last().unwrap()["parameters"]["SerialNumber"], "arn:aws:iam::111122223333:mfa/bob");
}

#[test]
fn what_gives_no_codes_is_refused_with_the_way_out() {
    let env = TestEnvironment::new();
    let key = "arn:aws:iam::111122223333:u2f/user/alice/default-ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for push in [&["push", "session"][..], &["push", "assume", "Developer"]] {
        let said = env.plain([push, &["--mfa-serial", key, "--mfa-code", "271828"]].concat()).exits(2);
        said.says("FIDO security key").says("a user can have eight devices").says("IAM Identity Center");
    }
    let user = "arn:aws:iam::111122223333:user/ops/alice";
    env.plain(["push", "session", "--mfa-serial", user, "--mfa-code", "271828"]).exits(2).says(ALICE_MFA);
    assert_eq!(env.sandbox.actions(), [""; 0]);
}
