//! An STS that repeats what it was asked: no secret of a request may come back as a text.

use crate::common::{TestEnvironment, answering::answering};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";

/// A server that repeats the request in its refusal: no token and no code of it is shown or written down. That the
/// environment's scan finds none is the test.
#[test]
fn what_an_answer_repeats_of_the_request_is_cut_out() {
    let mut env = TestEnvironment::new();
    let role = env.push_role(DEVELOPER);
    env.forget_how_sts_was_reached();
    env.set(
        "AWS_ENDPOINT_URL_STS",
        &answering("403 Forbidden", |request| {
            let text = request.replace(['&', '<', '\r'], " ");
            format!("<ErrorResponse><Error><Code>AccessDenied</Code><Message>you said {text}</Message></Error></ErrorResponse>")
        }),
    );
    env.learn("987654");
    let said = env.credstack(["push", "assume", DEVELOPER, "--from", &role]).exits(4).says("you said");
    assert!(said.stderr.contains("X-Amz-Security-Token") || said.stderr.contains("x-amz-security-token"), "{}", said.stderr);
    let mfa = ["--mfa-serial", "arn:aws:iam::111122223333:mfa/alice", "--mfa-code", "987654"];
    let arguments = [&["push", "assume", DEVELOPER, "--from", "env"], &mfa[..]].concat();
    // The command line itself has the code.
    let mut command = env.command(&arguments);
    let output = command.output().unwrap();
    env.keep("push with a code".into(), output).exits(4).says("TokenCode=…");
}

/// The same where a name should be: it would be shown and kept as one.
#[test]
fn a_name_that_is_a_secret_of_the_request_is_refused() {
    let mut env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.forget_how_sts_was_reached();
    env.set(
        "AWS_ENDPOINT_URL_STS",
        &answering("200 OK", |request| {
            let token = request.lines().find(|line| line.to_ascii_lowercase().starts_with("x-amz-security-token"));
            let token = token.unwrap().split_once(": ").unwrap().1.trim();
            format!(
                "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/{token}</Arn>\
             <UserId>x</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
            )
        }),
    );
    env.credstack(["whoami"]).exits(7).says("none of the request's secrets");
}
