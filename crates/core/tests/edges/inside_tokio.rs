//! The library's synchronous functions, called by a program that is asynchronous: a thread that is in a runtime can neither
//! enter another one nor drop one.

use std::time::Duration;

use credstack_core::{
    ambient::{self, Question, processes, read_profile},
    audit::ship,
    console::Console,
    sts::{Settings, Sts},
    values::{
        Ambient,
        request::{DecodeAuthorizationMessage, GetAccessKeyInfo, GetWebIdentityToken, SigningAlgorithm},
    },
};
use secrecy::ExposeSecret;
use tokio::runtime::Builder;

use crate::{
    child::{Shell, signer},
    server::{Asked, Reply, SESSION, Server, identity, refusal},
};

/// From where in a program something is called.
pub const PLACES: [&str; 3] = ["task", "spawned", "blocking"];

/// Does something there.
pub fn inside<T: Send + 'static>(place: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        match place {
            "task" => work(),
            "spawned" => tokio::spawn(async { work() }).await.unwrap(),
            _ => tokio::task::spawn_blocking(work).await.unwrap(),
        }
    })
}

fn shells(shell: impl Fn() -> Shell) -> impl Iterator<Item = Shell> {
    PLACES.into_iter().map(move |place| shell().with("TEST_INSIDE", place))
}

#[test]
fn sts_is_asked() {
    let both = |asked: &Asked| match asked.body.contains("Action=GetSessionToken") {
        true => Reply::Answer(200, "text/xml", SESSION.into()),
        false => identity(asked),
    };
    let server = Server::start(both);
    for shell in shells(|| Shell::new().with("AWS_ENDPOINT_URL_STS", server.url())) {
        assert_eq!(shell.identify().get("arn"), "arn:aws:iam::111122223333:user/alice");
        assert_eq!(shell.session().get("key"), "ASIAFAKEGIVEN");
        let both = shell.session_and_identity();
        assert_eq!((both.get("key"), both.get("arn")), ("ASIAFAKEGIVEN", "arn:aws:iam::111122223333:user/alice"));
    }
    let server = Server::start(|_| refusal(403, "AccessDenied", "No."));
    for shell in shells(|| Shell::new().with("AWS_ENDPOINT_URL_STS", server.url())) {
        let refused = shell.run("lookups");
        for lookup in ["decode", "account", "token", "identities"] {
            assert!(refused.get(lookup).contains("AccessDenied"), "{refused:?}");
        }
    }
    // What cannot be used is said, and the runtime goes without a panic too.
    for shell in shells(|| Shell::new().with("AWS_MAX_ATTEMPTS", "many")) {
        assert!(shell.identify().error().contains("AWS_MAX_ATTEMPTS"));
    }
}

/// What [`sts_is_asked`] has done in a process of its own.
pub fn lookups() -> Vec<(&'static str, String)> {
    let sts = Sts::connect(&Settings::default()).unwrap();
    let signer = signer();
    let decode = DecodeAuthorizationMessage { encoded_message: "fake".into() };
    let account = GetAccessKeyInfo { access_key_id: "AKIAFAKE000000000001".into() };
    let token = GetWebIdentityToken {
        audience: vec!["https://fake.example".into()],
        duration_seconds: None,
        signing_algorithm: SigningAlgorithm::default(),
        tags: Vec::new(),
    };
    let identities = Sts::caller_identities(&[(&sts, &signer), (&sts, &signer)]);
    vec![
        ("decode", sts.decode_authorization_message(&signer, &decode).unwrap_err().to_string()),
        ("account", sts.access_key_account(&signer, &account).unwrap_err().to_string()),
        ("token", sts.web_identity_token(&signer, &token).unwrap_err().to_string()),
        ("identities", identities.into_iter().map(|it| it.unwrap_err().to_string()).collect::<Vec<_>>().join(" ")),
    ]
}

#[test]
fn the_ambient_identity_is_found_and_profiles_are_read() {
    let answer = r#"{"Version":1,"AccessKeyId":"AKIAFAKEPROCESS","SecretAccessKey":"process-secret"}"#;
    let config = "[default]\naws_access_key_id = AKIAFAKEPROFILE\naws_secret_access_key = profile-secret\n\
                  [profile role]\nrole_arn = arn:aws:iam::111122223333:role/Developer\nsource_profile = default\n\
                  [profile top]\nrole_arn = arn:aws:iam::111122223333:role/Top\nsource_profile = bottom\n\
                  [profile bottom]\ncredential_process = /x/get --profile aside\n\
                  [profile aside]\ncredential_process = /x/other\n";
    for shell in shells(|| Shell::new().config(config)) {
        assert_eq!(shell.ambient().get("key"), "AKIAFAKEPROFILE");
        let read = shell.run("profiles");
        assert_eq!((read.get("hops"), read.get("processes")), ("1", "bottom is run, aside"), "{read:?}");
    }
    for shell in shells(Shell::new) {
        let program = shell.script("give", &format!("echo '{answer}'"));
        let shell = shell.config(&format!("[default]\ncredential_process = {}\n", program.display()));
        assert_eq!(shell.ambient().get("key"), "AKIAFAKEPROCESS");
    }
}

/// What [`the_ambient_identity_is_found_and_profiles_are_read`] has done in a process of its own.
pub fn profiles() -> Vec<(&'static str, String)> {
    let question = Question { reference: Ambient { profile: Some("role".into()), ..Ambient::default() }, ..Question::default() };
    let hops = read_profile(&question, "fake").unwrap().hops.len();
    let top = Question { reference: Ambient { profile: Some("top".into()), ..Ambient::default() }, ..Question::default() };
    let words = |it: ambient::Process| format!("{}{}", it.profile, if it.is_run { " is run" } else { "" });
    let on_the_way: Vec<String> = processes(&top).unwrap().into_iter().map(words).collect();
    vec![("hops", hops.to_string()), ("processes", on_the_way.join(", "))]
}

#[test]
fn a_sign_in_token_is_had_and_events_are_sent() {
    let server = Server::start(|_| Reply::Answer(200, "application/json", r#"{"SigninToken":"fake-token"}"#.into()));
    let url = server.url();
    for place in PLACES {
        let url = url.clone();
        let token = inside(place, move || {
            let console = Console::of("aws", None).unwrap().at(&url).unwrap();
            console.signin_token(&signer(), None, None).unwrap().expose_secret().to_owned()
        });
        assert_eq!(token, "fake-token");
    }
    let server = Server::start(|_| Reply::Answer(200, "application/x-protobuf", String::new()));
    for place in PLACES {
        let destination = ship::Destination::Otlp(ship::Otlp::new(&server.url(), false, "fake-host", "1").unwrap());
        let terms = ship::Terms { time_out: Duration::from_secs(20), ca_file: None };
        let sent = inside(place, move || destination.send(&[], jiff::Timestamp::UNIX_EPOCH, &terms));
        assert!(sent.is_ok(), "{sent:?}");
    }
}
