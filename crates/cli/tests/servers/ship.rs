//! `audit ship`: every event arrives at least once, whatever receives it and however that fails.

use std::time::{Duration, Instant};

use credstack_core::values::{Entry, EventKind};

use crate::{
    common::{TestEnvironment, environment::path},
    export::{record, told},
    receivers::{Does, Misbehaving, Receiver, free_port},
};

/// The ids of the events so far, oldest first.
#[track_caller]
fn ids(env: &TestEnvironment) -> Vec<String> {
    let history = env.json(["history", "--limit", "100000"]);
    let events = history["events"].as_array().unwrap().iter().rev();
    events.map(|event| event["hash"].as_str().unwrap().to_owned()).collect()
}

fn has(bytes: &[u8], id: &str) -> bool {
    memchr::memmem::find(bytes, id.as_bytes()).is_some()
}

/// Sends with these options, until nothing is new any more; how many were sent each time.
#[track_caller]
fn ship_all(env: &TestEnvironment, to: &[&str]) -> Vec<u64> {
    let run = || env.json([&["audit", "ship"], to].concat())["events"].as_u64().unwrap();
    std::iter::repeat_with(run).take_while(|count| *count > 0).take(5).collect()
}

#[test]
fn rsyslog_receives_the_log_over_tcp() {
    let env = told();
    let all = ids(&env);
    let server = Receiver::rsyslog(0, false);
    let to = format!("tcp://127.0.0.1:{}", server.port);
    assert_eq!(ship_all(&env, &["--syslog", &to]), [all.len() as u64, 1], "the second time only the event about the first");
    let received = server.received(&all);
    let lines: Vec<&str> = received.lines().collect();
    for (line, id) in lines.iter().zip(&all) {
        assert!(line.contains(&format!("[credstack@32473 uid=\"{id}\" sequence=\"")), "in order: {line}");
    }
    let refused = lines.iter().find(|line| line.contains(" refused [")).unwrap();
    assert!(refused.starts_with("84 1 20") && refused.contains("code=\"AccessDenied\""), "authpriv.warning: {refused}");
    let acquired = lines.iter().find(|line| line.contains(" acquired [")).unwrap();
    assert!(acquired.starts_with("86 1 20"), "authpriv.info: {acquired}");
    let (_, json) = acquired.split_once("] {").unwrap();
    let event: serde_json::Value = serde_json::from_str(&format!("{{{json}")).unwrap();
    assert_eq!(event["unmapped"]["detail"]["note"], "INC-7: \"zoë\" ] \\ of\ntwo lines");
    env.plain(["audit", "ship", "--syslog", &to]).ok().says("has the whole log");
    // Another destination gets all of it, and an event about that; no run sends for ever.
    let other = Receiver::rsyslog(0, false);
    assert_eq!(ship_all(&env, &["--syslog", &format!("tcp://127.0.0.1:{}", other.port)]), [all.len() as u64 + 1, 1]);
    assert_eq!(ship_all(&env, &["--syslog", &to]), [1]);
    assert_eq!(ship_all(&env, &["--syslog", &to, "--from-start"])[0], all.len() as u64 + 2);
}

#[test]
fn rsyslog_receives_the_log_over_tls_from_whom_trusts_it() {
    let env = told();
    let all = ids(&env);
    let server = Receiver::rsyslog(0, true);
    let to = format!("tls://localhost:{}", server.port);
    env.plain(["audit", "ship", "--syslog", &to]).exits(7).says("not trusted").says("--ca-file").says("from event 1");
    let ca_file = path(&server.authority);
    // A name that is not in the certificate.
    let by_address = format!("tls://127.0.0.1:{}", server.port);
    env.plain(["audit", "ship", "--syslog", &by_address, "--ca-file", ca_file]).exits(7).says("not trusted");
    assert_eq!(ship_all(&env, &["--syslog", &to, "--ca-file", ca_file]), [all.len() as u64, 1]);
    server.received(&all);
    // No TLS where it is expected.
    let plain = Receiver::rsyslog(0, false);
    let wrong = format!("tls://localhost:{}", plain.port);
    env.plain(["audit", "ship", "--syslog", &wrong, "--ca-file", ca_file, "--timeout", "1s"]).exits(7);
}

#[test]
fn a_syslog_server_that_dies_gets_the_rest_when_it_is_back() {
    let env = told();
    record(&env, (0..2000).map(|_| Entry::new(EventKind::Saved)));
    let all = ids(&env);
    let dying = Misbehaving::start(vec![Does::Reads, Does::DiesAfter(100_000), Does::ClosesFirst]);
    let port = dying.port;
    let to = format!("tcp://127.0.0.1:{port}");
    env.plain(["audit", "ship", "--syslog", &to, "--timeout", "4s"]).exits(7).says("event 513").says("nothing is lost");
    let got = dying.got();
    assert!(all[..512].iter().all(|id| has(&got[0], id)));
    assert!(has(&got[1], &all[512]) && !has(&got[1], &all[1000]), "it died in the middle");
    assert!(has(&got[2], &all[1000]), "it had all of it, and had closed before: that is no yes");
    let server = Receiver::rsyslog(port, false);
    assert_eq!(ship_all(&env, &["--syslog", &to])[0], all.len() as u64 + 1 - 512, "with the event about the first 512");
    let received = server.received(&all[512..]);
    assert!(!received.contains(&all[511]));
}

#[test]
fn receivers_of_otlp_get_the_log() {
    let env = told();
    let all = ids(&env);
    for server in [Receiver::oteltap(), Receiver::rotel()] {
        let url = format!("http://127.0.0.1:{}", server.port);
        let sent = ship_all(&env, &["--otlp", &url]);
        assert!(sent[0] >= all.len() as u64 && sent.last() == Some(&1), "{sent:?}");
        let received = server.received(&all);
        for part in ["log.record.uid", "credstack.refused", "AccessDenied", "cloud.account.id", "service.name"] {
            // oteltap prints records without their resource.
            assert!(received.contains(part) || part == "service.name", "{part}: {received}");
        }
    }
}

#[test]
fn a_receiver_of_otlp_that_is_busy_is_asked_again() {
    let mut env = told();
    let all = ids(&env);
    env.set("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20fake-token-of-a-test,x-team=blue");
    env.learn("fake-token-of-a-test");
    let server = Misbehaving::start(vec![
        Does::Answers(500, "", b""),
        Does::Answers(429, "retry-after: 1\r\n", b""),
        Does::Answers(503, "", b"busy"),
        Does::Answers(200, "", b""),
        Does::Answers(200, "", b"{}"),
    ]);
    env.set("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://127.0.0.1:{}", server.port));
    let began = Instant::now();
    let output = env.credstack(["audit", "ship", "--otlp"]).ok();
    assert!(began.elapsed() >= Duration::from_secs(1), "it asked to wait");
    output.says("HTTP 500; trying again").says("HTTP 429; trying again in 1.0s").says("HTTP 503");
    env.plain(["audit", "ship", "--otlp"]).ok().says("1 event sent");
    let got = server.got();
    for (request, body) in got.iter().take(4).enumerate() {
        assert!(body.starts_with(b"POST /v1/logs HTTP/1.1"), "request {request}");
        assert!(has(body, "Bearer fake-token-of-a-test") && has(body, "x-team: blue"));
        assert!(all.iter().all(|id| has(body, id)), "each time all of them");
    }
    assert!(all.iter().all(|id| !has(&got[4], id)));
}

#[test]
fn what_a_receiver_of_otlp_does_not_take_is_not_forgotten() {
    let env = told();
    let all = ids(&env).len();
    // ExportLogsServiceResponse { partial_success: { rejected_log_records: 2, error_message: "too old" } }
    let partial = b"\x0a\x0b\x08\x02\x12\x07too old";
    let server = Misbehaving::start(vec![
        Does::Answers(401, "", b""),
        Does::Answers(200, "", partial),
        Does::Answers(200, "", partial),
        Does::Answers(200, "", b""),
    ]);
    let url = format!("http://127.0.0.1:{}", server.port);
    env.plain(["audit", "ship", "--otlp", &url]).exits(7).says("HTTP 401").says("OTEL_EXPORTER_OTLP_HEADERS").says("event 1");
    env.plain(["audit", "ship", "--otlp", &url]).exits(7).says("rejected 2 of the events: too old").says("--past-rejected");
    env.plain(["audit", "ship", "--otlp", &url, "--past-rejected"]).ok().says("too old").says(&format!("{all} events sent"));
    env.plain(["audit", "ship", "--otlp", &url]).ok().says("1 event sent");
    assert_eq!(server.got().len(), 4);
}

#[test]
fn a_destination_that_does_not_answer_is_left_in_time() {
    let env = told();
    for (script, option, scheme) in
        [(Does::Hangs, "--otlp", "http"), (Does::Hangs, "--syslog", "tls"), (Does::Hangs, "--otlp", "https")]
    {
        // One attempt takes all the time there is.
        let server = Misbehaving::start(vec![script]);
        let to = format!("{scheme}://localhost:{}", server.port);
        let began = Instant::now();
        let failed = env.plain(["--json", "audit", "ship", option, &to, "--timeout", "2s"]).exits(7);
        assert!(began.elapsed() < Duration::from_secs(10), "{to}: {:?}", began.elapsed());
        assert_eq!(failed.error()["kind"], "network");
    }
    let nobody = format!("tcp://127.0.0.1:{}", free_port());
    env.plain(["audit", "ship", "--syslog", &nobody, "--timeout", "1s"]).exits(7).says("refused").says("from event 1");
    assert!(!env.events().contains(&"exported".to_owned()), "nothing was");
}

#[test]
fn a_log_that_is_not_the_one_that_was_sent_is_told() {
    let env = told();
    let server = Receiver::rsyslog(0, false);
    let to = format!("tcp://127.0.0.1:{}", server.port);
    ship_all(&env, &["--syslog", &to]);
    let database = rusqlite::Connection::open(env.database()).unwrap();
    let put = |text: &str| database.execute("UPDATE setting SET value = ?1 WHERE name LIKE 'shipped %'", [text]).unwrap();
    let replaced = format!(r#"{{"sequence":3,"hash":"{}"}}"#, "0".repeat(64));
    assert_eq!(put(&replaced), 1);
    env.plain(["audit", "ship", "--syslog", &to]).exits(9).says("the first 3 events").says("--from-start");
    put(&replaced.replace('3', "99999"));
    env.plain(["audit", "ship", "--syslog", &to]).exits(9).says("replaced, or cut off");
    database.execute_batch("DROP TRIGGER event_is_never_deleted; DELETE FROM event WHERE sequence <= 4").unwrap();
    put(&replaced.replace('3', "2"));
    env.plain(["audit", "ship", "--syslog", &to]).exits(9).says("events 3 to 4 were pruned").says("--from-start");
    put(&replaced.replace('3', "4"));
    assert!(ship_all(&env, &["--syslog", &to])[0] > 3, "nothing is missing behind event 4");
    put(&replaced);
    env.plain(["audit", "ship", "--syslog", &to, "--from-start"]).ok();
}

#[test]
fn a_secret_in_an_address_is_refused_and_not_repeated() {
    let env = told();
    env.learn("hunter2-fake");
    for (option, address) in [
        ("--syslog", "tcp://alice:hunter2-fake@localhost:514"),
        ("--otlp", "https://hunter2-fake@localhost:4318"),
        ("--otlp", "https://localhost:4318/?token=hunter2-fake"),
        ("--syslog", "udp://localhost:514"),
        ("--syslog", "tcp://localhost"),
        ("--syslog", "tls://"),
        ("--syslog", "localhost"),
        ("--otlp", "localhost:4318"),
        ("--otlp", "tls://localhost"),
    ] {
        env.plain(["audit", "ship", option, address]).exits(2).says(option);
    }
    env.plain(["audit", "ship"]).exits(2).says("--otlp");
    env.plain(["audit", "ship", "--otlp"]).exits(2).says("OTEL_EXPORTER_OTLP_ENDPOINT");
    let mut env = env;
    env.set("OTEL_EXPORTER_OTLP_HEADERS", "hunter2-fake");
    env.plain(["audit", "ship", "--otlp", "http://localhost:1"]).exits(2).says("not a list of headers");
}
