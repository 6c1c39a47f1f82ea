//! What can happen between here and STS. Long because a network has many ways to fail, and each has its scenario here.

use std::time::Duration;

use credstack_core::sts::TimeOuts;

use crate::{
    authority::Authority,
    child::Shell,
    proxy::Proxy,
    server::{Asked, Reply, SESSION, Server, identity, refusal},
};

fn shell(server: &Server) -> Shell {
    Shell::new().with("AWS_ENDPOINT_URL_STS", server.url())
}

#[test]
fn a_server_that_says_nothing_costs_a_bounded_time() {
    assert!(TimeOuts::default().operation <= Duration::from_secs(30));
    let headers = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 500\r\n\r\n<GetCaller";
    for said in ["", headers] {
        let server = Server::start(move |_| Reply::Hang(said.into()));
        let outcome = shell(&server).with("TEST_OPERATION", 700).identify();
        assert!(outcome.get("debug").starts_with("TimedOut"), "{outcome:?}");
        assert!(outcome.error().contains(&server.url()), "{outcome:?}");
        assert!(outcome.took >= Duration::from_millis(600) && outcome.took < Duration::from_secs(3), "{outcome:?}");
    }
}

#[test]
fn a_cut_answer_and_a_closed_port_are_unreachable() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 500\r\n\r\n<GetCaller";
    for said in ["", "HTTP/1.1 200", cut] {
        let server = Server::start(move |_| Reply::Cut(said.into()));
        let outcome = shell(&server).identify();
        assert!(outcome.get("debug").starts_with("Unreachable"), "{said:?} {outcome:?}");
    }
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let outcome = Shell::new().with("AWS_ENDPOINT_URL_STS", format!("http://{closed}")).identify();
    assert!(outcome.get("debug").starts_with("Unreachable"), "{outcome:?}");
    assert!(outcome.error().contains("refused"), "{outcome:?}");
}

#[test]
fn an_answer_that_is_not_of_sts_is_said_to_be_none() {
    for (status, body) in [(200, "<html>Please sign in</html>"), (403, "<html>Blocked</html>"), (404, "{}"), (200, "")] {
        let server = Server::start(move |_| Reply::Answer(status, "text/html", body.into()));
        let outcome = shell(&server).identify();
        assert!(outcome.get("debug").starts_with("Malformed"), "{status} {outcome:?}");
        assert!(outcome.error().contains("not one of STS's"), "{outcome:?}");
    }
}

#[test]
fn a_refusal_has_code_message_request_and_a_next_step() {
    let server = Server::start(|_| refusal(403, "ExpiredToken", "The security token included in the request is expired"));
    let outcome = shell(&server).identify();
    assert_eq!(
        outcome.error(),
        "STS refused GetCallerIdentity: The security token included in the request is expired (ExpiredToken, request \
         fake-request)"
    );
    assert!(outcome.get("next").starts_with("the session that signs has expired: "));
    assert_eq!(server.asked().len(), 1, "a refusal is final");
}

#[test]
fn throttling_is_tried_three_times() {
    let server = Server::start(|_| refusal(400, "Throttling", "Rate exceeded"));
    let outcome = shell(&server).identify();
    assert!(outcome.error().contains("Throttling"), "{outcome:?}");
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn long_messages_are_cut() {
    let server = Server::start(|_| refusal(400, "ValidationError", &"x".repeat(100_000)));
    assert!(shell(&server).identify().error().len() < 2200);
}

#[test]
fn secrets_and_codes_are_in_the_body_or_nowhere() {
    let server = Server::start(|asked| match asked.body.contains("Action=GetSessionToken") {
        true => Reply::Answer(200, "text/xml", SESSION.into()),
        false => identity(asked),
    });
    let outcome = shell(&server).session();
    assert_eq!(outcome.get("key"), "ASIAFAKEGIVEN");
    assert_eq!(outcome.get("secret"), "given-secret");
    assert_eq!(outcome.get("token"), "given-token");
    assert_eq!(outcome.get("expires"), "2026-11-22T07:35:44.25Z");
    assert_eq!(outcome.get("request_id"), "fake-request");
    assert_eq!(outcome.get("endpoint"), server.url());
    assert!(!outcome.get("debug").contains("given-secret") && !outcome.get("debug").contains("given-token"), "{outcome:?}");
    let [Asked { line, headers, body }] = &server.asked()[..] else { panic!("{:?}", server.asked()) };
    assert_eq!(line, "POST / HTTP/1.1");
    assert!(body.contains("TokenCode=271828") && body.contains("SerialNumber=GAHT12345678"), "{body}");
    for secret in ["signer-secret", "271828"] {
        assert!(!headers.contains(secret), "{headers}");
    }
    assert!(!body.contains("signer-secret"));
}

/// Neither answer is given before both questions have come in: one after the other would never end.
#[test]
fn both_questions_are_asked_at_the_same_time() {
    let both = std::sync::Barrier::new(2);
    let server = Server::start(move |asked| {
        both.wait();
        match asked.body.contains("Action=GetSessionToken") {
            true => Reply::Answer(200, "text/xml", SESSION.into()),
            false => identity(asked),
        }
    });
    let outcome = shell(&server).session_and_identity();
    assert_eq!(outcome.get("key"), "ASIAFAKEGIVEN", "{outcome:?}");
    assert_eq!(outcome.get("arn"), "arn:aws:iam::111122223333:user/alice");
}

#[test]
fn an_identity_that_is_not_told_does_not_spoil_the_grant() {
    let hang = || Reply::Hang(String::new());
    for reply in [|| refusal(403, "AccessDenied", "no"), hang] {
        let server = Server::start(move |asked| match asked.body.contains("Action=GetSessionToken") {
            true => Reply::Answer(200, "text/xml", SESSION.into()),
            false => reply(),
        });
        let outcome = shell(&server).session_and_identity();
        assert_eq!((outcome.get("key"), outcome.get("arn")), ("ASIAFAKEGIVEN", ""), "{outcome:?}");
        assert!(outcome.took < Duration::from_secs(4), "{outcome:?}");
    }
}

#[test]
fn a_refused_grant_does_not_wait_for_the_identity() {
    let server = Server::start(|asked| match asked.body.contains("Action=GetSessionToken") {
        true => refusal(403, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code."),
        false => Reply::Hang(String::new()),
    });
    let outcome = shell(&server).session_and_identity();
    assert!(outcome.get("next").starts_with("the MFA code is wrong"), "{outcome:?}");
    assert!(outcome.took < Duration::from_millis(1500), "{outcome:?}");
    assert!(!outcome.all().contains("271828"));
}

/// The region that the request was signed for, as the wire has it.
fn signed_region(server: &Server) -> String {
    let headers = server.asked().pop().unwrap().headers;
    let scope = headers.split("Credential=").nth(1).unwrap().split(',').next().unwrap().to_owned();
    scope.split('/').nth(2).unwrap().to_owned()
}

#[test]
fn the_region_comes_from_settings_environment_profile_in_that_order_and_never_from_metadata() {
    let metadata = Server::start(|_| Reply::Hang(String::new()));
    let server = Server::start(identity);
    let profiles = "[default]\nregion = ap-south-1\n[profile work]\nregion = eu-central-1\n";
    let mut shell = shell(&server).without("AWS_EC2_METADATA_DISABLED");
    shell = shell.with("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url());
    let expect = |shell: &Shell, region: &str| {
        let outcome = shell.identify();
        assert_eq!((outcome.get("region"), signed_region(&server).as_str()), (region, region), "{outcome:?}");
    };
    expect(&shell, "us-east-1");
    shell = shell.config(profiles);
    expect(&shell, "ap-south-1");
    shell = shell.with("AWS_PROFILE", "work");
    expect(&shell, "eu-central-1");
    shell = shell.with("TEST_PROFILE", "default");
    expect(&shell, "ap-south-1");
    shell = shell.with("AWS_DEFAULT_REGION", "eu-west-3").with("AWS_REGION", "");
    expect(&shell, "eu-west-3");
    shell = shell.with("AWS_REGION", "eu-west-2");
    expect(&shell, "eu-west-2");
    shell = shell.with("TEST_REGION", "us-west-2");
    expect(&shell, "us-west-2");
    assert!(metadata.asked().is_empty());
}

#[test]
fn the_endpoint_of_sts_wins_over_that_of_all_services_and_over_profiles() {
    let (wanted, other) = (Server::start(identity), Server::start(|_| Reply::Answer(500, "text/plain", "wrong".into())));
    let in_profile = |url: &str| format!("[default]\nservices = local\n[services local]\nsts =\n  endpoint_url = {url}\n");
    let arn = "arn:aws:iam::111122223333:user/alice";
    let both = Shell::new().with("AWS_ENDPOINT_URL", other.url()).with("AWS_ENDPOINT_URL_STS", wanted.url());
    assert_eq!(both.config(&in_profile(&other.url())).identify().get("arn"), arn);
    assert_eq!(Shell::new().with("AWS_ENDPOINT_URL", wanted.url()).identify().get("arn"), arn);
    assert_eq!(Shell::new().config(&in_profile(&wanted.url())).identify().get("arn"), arn);
    let named = in_profile(&wanted.url()).replace("[default]", "[profile work]");
    assert_eq!(Shell::new().config(&named).with("TEST_PROFILE", "work").identify().get("arn"), arn);
    assert_eq!(wanted.asked().len(), 4);
    assert!(other.asked().is_empty());

    let ignoring = Shell::new().with("AWS_ENDPOINT_URL_STS", other.url()).with("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", nowhere.local_addr().unwrap());
    drop(nowhere);
    let outcome = ignoring.with("HTTPS_PROXY", proxy).identify();
    assert!(outcome.error().contains("https://sts.us-east-1.amazonaws.com"), "{outcome:?}");
    assert!(other.asked().is_empty());
}

#[test]
fn a_ca_bundle_replaces_the_trust_of_the_system() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = Server::start_with(identity, Some(authority.server(&["localhost"])));
    let url = format!("https://localhost:{}", server.address.port());
    let shell = Shell::new().with("AWS_ENDPOINT_URL_STS", &url);
    let untrusted = shell.identify();
    assert!(untrusted.get("debug").starts_with("Unreachable") && untrusted.error().contains("certificate"), "{untrusted:?}");
    assert!(untrusted.get("next").contains("AWS_CA_BUNDLE"), "{untrusted:?}");

    // SSL_CERT_FILE is the system's trust here; a bundle takes its place.
    let system = shell.file("system.pem", &authority.pem);
    let shell = shell.with("SSL_CERT_FILE", system.display());
    assert!(shell.identify().lines.contains_key("arn"));
    let wrong = shell.file("stranger.pem", &stranger.pem);
    let shell = shell.with("AWS_CA_BUNDLE", wrong.display());
    assert!(shell.identify().error().contains("certificate"));

    let shell = shell.without("SSL_CERT_FILE");
    let broken = "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n";
    let many = shell.file("bundle.pem", &format!("# Ours \u{e9}\n{broken}{}\n{}", stranger.pem, authority.pem));
    let shell = shell.with("AWS_CA_BUNDLE", many.display());
    assert!(shell.identify().lines.contains_key("arn"));

    let shell = shell.without("AWS_CA_BUNDLE").config(&format!("[default]\nca_bundle = {}\n", many.display()));
    assert!(shell.identify().lines.contains_key("arn"));

    let none = shell.file("none.pem", broken);
    for (path, what) in [(none, "no certificate"), (shell.path("missing.pem"), "cannot be read")] {
        let outcome = Shell::new().with("AWS_ENDPOINT_URL_STS", &url).with("AWS_CA_BUNDLE", path.display()).identify();
        assert!(outcome.get("debug").starts_with("CaBundle"), "{outcome:?}");
        assert!(outcome.error().contains(what) && outcome.error().contains(&path.display().to_string()), "{outcome:?}");
    }
}

#[test]
fn a_plain_call_to_this_machine_reads_no_certificates() {
    let server = Server::start(identity);
    let missing = shell(&server).path("missing.pem");
    let outcome = shell(&server).with("AWS_CA_BUNDLE", missing.display()).identify();
    assert!(outcome.lines.contains_key("arn"), "{outcome:?}");
}

#[test]
fn proxies_of_the_environment_are_used() {
    let authority = Authority::new();
    let server = Server::start_with(identity, Some(authority.server(&["sts.example.test", "localhost"])));
    let proxy = Proxy::to(server.address);
    let trusting = |shell: Shell| {
        let bundle = shell.file("ca.pem", &authority.pem);
        shell.with("AWS_CA_BUNDLE", bundle.display())
    };
    let url = format!("http://alice:fake-password@{}", proxy.address);
    for variable in ["HTTPS_PROXY", "https_proxy"] {
        let shell = trusting(Shell::new()).with("AWS_ENDPOINT_URL_STS", "https://sts.example.test").with(variable, &url);
        let outcome = shell.identify();
        assert!(outcome.lines.contains_key("arn"), "{variable} {outcome:?}");
        let line = proxy.lines().pop().unwrap();
        assert!(line.starts_with("CONNECT sts.example.test:443 "), "{line}");
        assert!(line.to_ascii_lowercase().contains("proxy-authorization: basic "), "{line}");
    }
    let asked = proxy.lines().len();
    let direct = format!("https://localhost:{}", server.address.port());
    let shell = trusting(Shell::new()).with("AWS_ENDPOINT_URL_STS", direct).with("HTTPS_PROXY", &url);
    let outcome = shell.with("NO_PROXY", "localhost").identify();
    assert!(outcome.lines.contains_key("arn"), "{outcome:?}");
    assert_eq!(proxy.lines().len(), asked);

    // A plain endpoint goes through HTTP_PROXY, asked for by its whole address.
    let (plain, relay) = (Server::start(|_| Reply::Answer(500, "text/plain", String::new())), Server::start(identity));
    let outcome = shell_with_http_proxy(&plain, &relay).identify();
    assert!(outcome.lines.contains_key("arn"), "{outcome:?}");
    assert_eq!(relay.asked()[0].line, format!("POST {}/ HTTP/1.1", plain.url()));
    assert!(plain.asked().is_empty());
}

fn shell_with_http_proxy(server: &Server, relay: &Server) -> Shell {
    shell(server).with("HTTP_PROXY", relay.url())
}

#[test]
fn a_proxy_that_refuses_or_hangs_is_an_error_without_its_password() {
    for reply in [|| Reply::Answer(407, "text/plain", String::new()), || Reply::Hang(String::new())] {
        let proxy = Server::start(move |_| reply());
        let url = format!("http://alice:fake-password@{}", proxy.address);
        let shell = Shell::new().with("AWS_ENDPOINT_URL_STS", "https://sts.example.test").with("HTTPS_PROXY", url);
        let outcome = shell.with("TEST_OPERATION", 800).identify();
        assert!(outcome.error().contains("sts.example.test"), "{outcome:?}");
        assert!(!outcome.all().contains("fake-password"), "{outcome:?}");
        assert!(outcome.took < Duration::from_secs(3), "{outcome:?}");
    }
}

#[test]
fn a_configuration_that_cannot_be_read_is_said() {
    let server = Server::start(identity);
    let outcome = shell(&server).config("[default\nregion = x\n").identify();
    assert!(outcome.get("debug").starts_with("Configuration"), "{outcome:?}");
    for bad in ["not a url", "localhost:4566", "http://"] {
        let outcome = Shell::new().with("AWS_ENDPOINT_URL_STS", bad).session();
        assert!(outcome.get("debug").starts_with("Configuration"), "{bad} {outcome:?}");
        // The SDK's own words hold the whole request.
        assert!(!outcome.all().contains("271828"), "{outcome:?}");
    }
}
