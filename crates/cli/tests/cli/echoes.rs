//! An STS that repeats what it was asked: no secret of a request may come back as a text.

use std::{
    io::{Read, Write},
    net::TcpListener,
};

use crate::common::TestEnvironment;

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";

/// A server that repeats the request in its refusal: no token and no code of it is shown or written down. That the
/// environment's scan finds none is the test.
#[test]
fn what_an_answer_repeats_of_the_request_is_cut_out() {
    let mut env = TestEnvironment::new();
    let role = env.push_role(DEVELOPER);
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

/// A server that answers every request with a status and what is made of the request; its URL.
fn answering(status: &'static str, body: fn(&str) -> String) -> String {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", server.local_addr().unwrap());
    std::thread::spawn(move || {
        for client in server.incoming() {
            let mut client = client.unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 8192];
            while !whole(&request) {
                match client.read(&mut buffer) {
                    Ok(0) | Err(_) => break,
                    Ok(count) => request.extend_from_slice(&buffer[..count]),
                }
            }
            let body = body(&String::from_utf8_lossy(&request));
            let length = body.len();
            let head =
                format!("HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
            let _gone = client.write_all((head + &body).as_bytes());
        }
    });
    url
}

/// Whether a request with its body is there.
fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok()).unwrap_or(0);
    body.len() >= length
}
