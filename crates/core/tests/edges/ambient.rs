//! Every way to an ambient identity, and every way not to one. Long because the chain is: each provider has its scenario here.

use std::{fs, time::Duration};

use crate::{
    child::{Outcome, Shell},
    server::{Asked, Reply, Server, refusal},
};

const KEYS: &str = "aws_access_key_id = AKIAFAKEPROFILE\naws_secret_access_key = profile-secret\n";

/// A secret of signs that no message has, so that not even one of them can get into one unseen.
const SECRET: &str = "^~^~~^^~";

fn with_keys() -> Shell {
    Shell::new().with("AWS_ACCESS_KEY_ID", "AKIAFAKESHELL").with("AWS_SECRET_ACCESS_KEY", "shell-secret")
}

fn expect(outcome: &Outcome, key: &str, profile: &str, provider: &str) {
    let found = (outcome.get("key"), outcome.get("profile"), outcome.get("provider"));
    assert_eq!(found, (key, profile, provider), "{outcome:?}");
}

fn expect_error(outcome: &Outcome, kind: &str, words: &[&str]) {
    assert!(outcome.get("debug").starts_with(kind), "{outcome:?}");
    for words in words {
        assert!(outcome.error().contains(words) || outcome.get("next").contains(words), "{words}: {outcome:?}");
    }
}

#[test]
fn keys_of_the_environment_win_unless_a_profile_is_named() {
    let shell = with_keys().config(&format!("[default]\n{KEYS}region = eu-west-1\n"));
    let outcome = shell.ambient();
    expect(&outcome, "AKIAFAKESHELL", "none", "Environment");
    assert_eq!((outcome.get("token"), outcome.get("expires"), outcome.get("region")), ("none", "none", "eu-west-1"));

    let shell = shell.with("AWS_SESSION_TOKEN", "shell-token").with("AWS_CREDENTIAL_EXPIRATION", "2026-11-22T07:35:44Z");
    let outcome = shell.ambient();
    assert_eq!((outcome.get("token"), outcome.get("expires")), ("shell-token", "2026-11-22T07:35:44Z"));

    let outcome = shell.with("TEST_PROFILE", "default").ambient();
    expect(&outcome, "AKIAFAKEPROFILE", "default", "ProfileFile");
    assert_eq!((outcome.get("secret"), outcome.get("token")), ("profile-secret", "none"));
}

#[test]
fn keys_that_the_caller_does_not_pass_on_are_not_used_by_any_way() {
    let ours = || with_keys().with("TEST_KEYS_ARE_OURS", "yes");
    let outcome = ours().config(&format!("[default]\n{KEYS}")).ambient();
    expect(&outcome, "AKIAFAKEPROFILE", "default", "ProfileFile");
    expect_error(&ours().ambient(), "Nothing", &["the environment", "profile default", "instance metadata", "aws sso login"]);

    let server = Server::start(|_| refusal(403, "AccessDenied", "no"));
    let role = "[default]\nrole_arn = arn:aws:iam::111122223333:role/Deploy\ncredential_source = Environment\n";
    let outcome = ours().config(role).with("AWS_ENDPOINT_URL_STS", server.url()).ambient();
    expect_error(&outcome, "Failed", &["AssumeRole failed", "credstack's own"]);
    assert!(server.asked().is_empty());
}

#[test]
fn profiles_are_chosen_as_the_sdk_chooses_them() {
    let config = format!("[default]\nregion = eu-west-1\n{KEYS}[profile work]\nregion = us-west-2\n");
    let work = format!("{config}aws_access_key_id = AKIAFAKEWORK\naws_secret_access_key = work-secret\n");
    let shell = Shell::new().config(&work).with("AWS_PROFILE", "work");
    let outcome = shell.ambient();
    expect(&outcome, "AKIAFAKEWORK", "work", "ProfileFile");
    assert_eq!(outcome.get("region"), "us-west-2");
    expect(&shell.with("AWS_PROFILE", "").ambient(), "AKIAFAKEPROFILE", "default", "ProfileFile");
}

#[test]
fn a_profile_that_does_not_exist_is_named_with_its_files() {
    let shell = Shell::new().config(&format!("[default]\n{KEYS}[profile on]\nrole_arn = arn:x\nsource_profile = gone\n"));
    let shell = shell.with("AWS_PROFILE", "nowhere");
    expect_error(&shell.ambient(), "NoSuchProfile", &["profile nowhere, which AWS_PROFILE names,", "~/.aws/config"]);
    let shell = shell.without("AWS_PROFILE").with("TEST_PROFILE", "elsewhere");
    expect_error(&shell.ambient(), "NoSuchProfile", &["no profile elsewhere in ", "~/.aws/credentials", "list-profiles"]);
    let shell = shell.with("TEST_PROFILE", "on");
    expect_error(&shell.ambient(), "NoSuchProfile", &["profile gone, which the source_profile of on names,"]);
    let moved = shell.file("elsewhere.ini", "[default]\n").display().to_string();
    let shell = shell.with("AWS_CONFIG_FILE", &moved);
    expect_error(&shell.ambient(), "NoSuchProfile", &[&moved]);
}

#[test]
fn a_file_that_cannot_be_read_is_said() {
    expect_error(&Shell::new().config("[default\n").ambient(), "Configuration", &["parse"]);
    let circle = "[default]\nrole_arn = arn:a\nsource_profile = b\n[profile b]\nrole_arn = arn:b\nsource_profile = default\n";
    expect_error(&Shell::new().config(circle).ambient(), "Configuration", &["in a circle: default -> b -> default"]);
}

fn process(shell: Shell, script: &str) -> Shell {
    let script = shell.script("give", script);
    shell.config(&format!("[default]\ncredential_process = {}\n", script.display()))
}

#[test]
fn a_credential_process_is_run() {
    let json = r#"{"Version":1,"AccessKeyId":"ASIAFAKEPROCESS","SecretAccessKey":"s","SessionToken":"t","Expiration":"2020-01-01T00:00:00Z"}"#;
    let outcome = process(Shell::new(), &format!("echo '{json}'")).ambient();
    expect(&outcome, "ASIAFAKEPROCESS", "default", "CredentialProcess");
    assert_eq!((outcome.get("token"), outcome.get("expires")), ("t", "2020-01-01T00:00:00Z"));
}

#[test]
fn a_broken_credential_process_tells_none_of_its_output() {
    for (script, words) in [
        (format!("echo '{SECRET}'"), "other than the JSON"),
        (
            format!(r#"echo '{{"Version":1,"AccessKeyId":"A","SecretAccessKey":"S","SessionToken":{SECRET}}}'"#),
            "other than the JSON",
        ),
        (format!(r#"echo '{{"Version":1,"AccessKeyId":"{SECRET}"}}'"#), "gave no SecretAccessKey"),
        (
            format!(r#"echo '{{"Version":1,"AccessKeyId":"A","SecretAccessKey":"S","Expiration":"{SECRET}"}}'"#),
            "other than the JSON",
        ),
        (format!("echo '{SECRET}' | tee /dev/stderr; exit 3"), "ended with exit status 3"),
        (format!("echo 'x. Stderr: {SECRET}' >&2; exit 3"), "ended with exit status 3"),
        (format!("echo 'external process exited with code {SECRET}' >&2; exit 4"), "ended with exit status 4"),
    ] {
        let outcome = process(Shell::new(), &script).ambient();
        expect_error(&outcome, "Failed", &["credential_process of profile default", words]);
        assert!(!outcome.all().contains(['^', '~']), "{outcome:?}");
    }
    let ended = Shell::new().config("[default]\ncredential_process = kill -9 $$\n").ambient();
    expect_error(&ended, "Failed", &["ended by a signal"]);
    let gone = Shell::new().config(&format!("[default]\ncredential_process = /nowhere/at/all --token {SECRET}\n")).ambient();
    expect_error(&gone, "Failed", &["was not found"]);
    assert!(!gone.all().contains(['^', '~']), "{gone:?}");
}

#[test]
fn a_credential_process_that_hangs_is_given_up() {
    let outcome = process(Shell::new(), "exec sleep 20").with("TEST_SLOW", 300).ambient();
    expect_error(&outcome, "TimedOut", &["CredentialProcess", "0.3 seconds"]);
    assert!(outcome.took < Duration::from_secs(2), "{outcome:?}");
}

#[test]
fn what_the_sdk_would_leave_out_is_refused() {
    let server = Server::start(|_| refusal(403, "AccessDenied", "no"));
    let role = "role_arn = arn:aws:iam::111122223333:role/Deploy";
    for setting in ["mfa_serial = arn:aws:iam::111122223333:mfa/alice", "duration_seconds = 7200"] {
        let config = format!("[profile deploy]\n{role}\nsource_profile = base\n{setting}\n[profile base]\n{KEYS}{setting}\n");
        let shell = Shell::new().config(&config).with("TEST_PROFILE", "deploy").with("AWS_ENDPOINT_URL_STS", server.url());
        let way_out = "let credstack do what it says: `credstack push profile deploy`";
        expect_error(&shell.ambient(), "Unkept", &["the role would be assumed without it", way_out]);
        // Without a role there is nothing to leave out.
        expect(&shell.with("TEST_PROFILE", "base").ambient(), "AKIAFAKEPROFILE", "base", "ProfileFile");
    }
    assert!(server.asked().is_empty());
}

fn role(operation: &str) -> String {
    format!(
        r#"<{operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{operation}Result><Credentials>
<AccessKeyId>ASIAFAKEROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
<Expiration>2026-11-22T07:35:44Z</Expiration></Credentials></{operation}Result></{operation}Response>"#
    )
}

#[test]
fn roles_of_profiles_are_assumed_by_our_own_client() {
    let server = Server::start(|_| Reply::Answer(200, "text/xml", role("AssumeRole")));
    let config = format!(
        "[profile deploy]\nrole_arn = arn:aws:iam::111122223333:role/Deploy\nsource_profile = base\nregion = eu-west-1\n\
         [profile base]\n{KEYS}"
    );
    let shell = Shell::new().config(&config).with("AWS_PROFILE", "deploy").with("AWS_ENDPOINT_URL_STS", server.url());
    let outcome = shell.ambient();
    expect(&outcome, "ASIAFAKEROLE", "deploy", "AssumeRole");
    assert_eq!(outcome.get("expires"), "2026-11-22T07:35:44Z");
    let [Asked { headers, .. }] = &server.asked()[..] else { panic!() };
    assert!(headers.contains("AKIAFAKEPROFILE/") && headers.contains("/eu-west-1/sts/"), "{headers}");

    let refusing = Server::start(|_| refusal(403, "AccessDenied", "User alice is not authorized."));
    let outcome = shell.with("AWS_ENDPOINT_URL_STS", refusing.url()).ambient();
    expect_error(&outcome, "Refused", &["AssumeRole failed: STS refused: User alice is not authorized (AccessDenied)"]);
}

#[test]
fn a_web_identity_of_the_environment_is_used_unless_a_profile_is_named() {
    let server = Server::start(|_| Reply::Answer(200, "text/xml", role("AssumeRoleWithWebIdentity")));
    let shell = Shell::new().config("[profile empty]\nregion = eu-west-1\n");
    let token = shell.file("token", SECRET);
    let shell = shell
        .with("AWS_WEB_IDENTITY_TOKEN_FILE", token.display())
        .with("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/Pod")
        .with("AWS_ENDPOINT_URL_STS", server.url());
    expect(&shell.ambient(), "ASIAFAKEROLE", "none", "WebIdentityToken");
    expect_error(&shell.with("TEST_PROFILE", "empty").ambient(), "Nothing", &["profile empty"]);
    assert_eq!(server.asked().len(), 1);

    // An endpoint that is none: the SDK's own words hold the request, token and all.
    let shell = Shell::new();
    let token = shell.file("token", SECRET);
    let shell = shell.with("AWS_WEB_IDENTITY_TOKEN_FILE", token.display()).with("AWS_ROLE_ARN", "arn:x");
    let outcome = shell.with("AWS_ENDPOINT_URL_STS", "not a url").ambient();
    expect_error(&outcome, "Unreachable", &["WebIdentityToken"]);
    assert!(!outcome.all().contains(['^', '~']) && !outcome.all().contains("%5E"), "{outcome:?}");
}

const GIVEN: &str =
    r#"{"Code":"Success","AccessKeyId":"ASIAFAKEGIVEN","SecretAccessKey":"s","Token":"t","Expiration":"2026-11-22T07:35:44Z"}"#;

#[test]
fn a_container_gives_credentials() {
    let server = Server::start(|_| Reply::Answer(200, "application/json", GIVEN.into()));
    let container = |server: &Server| Shell::new().with("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/x", server.url()));
    expect(&container(&server).ambient(), "ASIAFAKEGIVEN", "none", "EcsContainer");

    let broken = Server::start(|_| Reply::Answer(200, "application/json", format!(r#"{{"AccessKeyId":{SECRET}"#)));
    let outcome = container(&broken).ambient();
    expect_error(&outcome, "Failed", &["EcsContainer failed", "JSON"]);
    assert!(!outcome.all().contains(['^', '~']), "{outcome:?}");
}

#[test]
fn instance_metadata_is_the_last_resort_and_can_be_left_out() {
    let server = Server::start(|asked| match asked.line.as_str() {
        line if line.starts_with("PUT /latest/api/token ") => Reply::Cut(
            "HTTP/1.1 200 X\r\nx-aws-ec2-metadata-token-ttl-seconds: 60\r\nContent-Length: 5\r\nConnection: close\r\n\r\ntoken"
                .into(),
        ),
        line if line.contains("/security-credentials/Instance ") => Reply::Answer(200, "text/plain", GIVEN.into()),
        _ => Reply::Answer(200, "text/plain", "Instance".into()),
    });
    let shell = Shell::new().with("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url());
    expect_error(&shell.ambient(), "Nothing", &["instance metadata"]);
    assert!(server.asked().is_empty());
    let shell = shell.without("AWS_EC2_METADATA_DISABLED");
    expect(&shell.ambient(), "ASIAFAKEGIVEN", "none", "Ec2InstanceMetadata");
    let shell = shell.config("[profile bare]\nregion = eu-west-1\n").with("TEST_PROFILE", "bare");
    expect(&shell.ambient(), "ASIAFAKEGIVEN", "bare", "Ec2InstanceMetadata");

    let hung = Server::start(|_| Reply::Hang(String::new()));
    let shell = Shell::new().without("AWS_EC2_METADATA_DISABLED").with("AWS_EC2_METADATA_SERVICE_ENDPOINT", hung.url());
    let outcome = shell.with("TEST_CHAIN", 400).ambient();
    expect_error(&outcome, "TimedOut", &["0.4 seconds"]);
    assert!(outcome.took < Duration::from_secs(2), "{outcome:?}");
}

const SSO: &str = "[profile sso]\nsso_start_url = https://signin.example.test/start\nsso_region = eu-west-1\n\
                   sso_account_id = 111122223333\nsso_role_name = Admin\n\
                   [profile session]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Admin\n\
                   [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://signin.example.test/start\n";

fn signed_in(shell: &Shell, expires: &str) {
    fs::create_dir_all(shell.path(".aws/sso/cache")).unwrap();
    // The SHA-1 of the start URL and of the session's name, as every AWS client names the files.
    for name in [START_URL_SHA1, SESSION_SHA1] {
        let text = format!(r#"{{"accessToken":"{SECRET}","expiresAt":"{expires}","region":"eu-west-1"}}"#);
        shell.file(&format!(".aws/sso/cache/{name}.json"), &text);
    }
}

const START_URL_SHA1: &str = "324a3e7d7b10334e68ffe86ad175640f08fe598c";
const SESSION_SHA1: &str = "ee0bfd2552fbd840c02cc48b6e823320543c450f";

#[test]
fn a_sign_in_that_is_missing_or_over_is_asked_for() {
    for profile in ["sso", "session"] {
        let shell = Shell::new().config(SSO).with("TEST_PROFILE", profile);
        expect_error(&shell.ambient(), "NeedsLogin", &[&format!("run `aws sso login --profile {profile}`")]);
    }
    // Without an sso_session the SDK does not look at the time, and leaves it to the service.
    let shell = Shell::new().config(SSO).with("TEST_PROFILE", "session");
    signed_in(&shell, "2020-01-01T00:00:00Z");
    let outcome = shell.ambient();
    expect_error(&outcome, "NeedsLogin", &["run `aws sso login --profile session`"]);
    assert!(!outcome.all().contains(['^', '~']), "{outcome:?}");
    let login = "[profile console]\nlogin_session = arn:aws:iam::111122223333:user/alice\nregion = eu-west-1\n";
    let shell = Shell::new().config(login).with("TEST_PROFILE", "console");
    expect_error(&shell.ambient(), "NeedsLogin", &["run `aws login --profile console`"]);
    let on_top = format!("{SSO}[profile top]\nrole_arn = arn:aws:iam::111122223333:role/A\nsource_profile = sso\n");
    let shell = Shell::new().config(&on_top).with("TEST_PROFILE", "top");
    expect_error(&shell.ambient(), "NeedsLogin", &["run `aws sso login --profile sso`"]);
}

#[test]
fn a_sign_in_gives_credentials_through_our_own_client() {
    let given = r#"{"roleCredentials":{"accessKeyId":"ASIAFAKESSO","secretAccessKey":"s","sessionToken":"t","expiration":1795332944000}}"#;
    let server = Server::start(move |_| Reply::Answer(200, "application/json", given.into()));
    let refusing = Server::start(|_| {
        let body = r#"{"__type":"ForbiddenException","message":"No access"}"#;
        Reply::Answer(403, "application/json", body.into())
    });
    let over = Server::start(|_| {
        let body = r#"{"__type":"UnauthorizedException","message":"Session token not found or invalid"}"#;
        Reply::Answer(401, "application/json", body.into())
    });
    for profile in ["sso", "session"] {
        let shell = Shell::new().config(SSO).with("TEST_PROFILE", profile);
        signed_in(&shell, "2999-01-01T00:00:00Z");
        let shell = shell.with("AWS_ENDPOINT_URL_SSO", server.url());
        let outcome = shell.ambient();
        expect(&outcome, "ASIAFAKESSO", profile, "Sso");
        assert_eq!(outcome.get("expires"), "2026-11-22T07:35:44Z");
        let outcome = shell.with("AWS_ENDPOINT_URL_SSO", refusing.url()).ambient();
        expect_error(&outcome, "Failed", &["No access"]);
        assert!(!outcome.all().contains(['^', '~']), "{outcome:?}");
    }
    let shell = Shell::new().config(SSO).with("TEST_PROFILE", "sso").with("AWS_ENDPOINT_URL_SSO", over.url());
    signed_in(&shell, "2999-01-01T00:00:00Z");
    expect_error(&shell.ambient(), "NeedsLogin", &["aws sso login --profile sso"]);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    expect_error(&shell.with("AWS_ENDPOINT_URL_SSO", format!("http://{closed}")).ambient(), "Unreachable", &["refused"]);
}
