//! The stack as the SDK's credentials provider, on a real vault.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_credential_types::provider::{ProvideCredentials, error::CredentialsError};
use credstack_core::{
    provider::StackCredentialsProvider,
    secret_store::{KeySource, Patience, StoreChoice, Vault},
    stack::{Change, Consent, Landing, Secrets, Shell, StateDirectory, Terms},
    values::{Acquired, Actor, CredentialSet, FrameName, Identity, Kind, Signer, StackName},
};
use jiff::{Timestamp, ToSpan};

/// A place with one role session on the default stack, opened by a key command.
fn place(directory: &tempfile::TempDir, command: &str, lives: jiff::Span) -> StateDirectory {
    let key = directory.path().join("key");
    Vault::create_key_file(&key).unwrap();
    let place = StateDirectory::new(directory.path().join("state"));
    let now = Timestamp::now();
    let terms = Terms {
        now,
        actor: Actor::default(),
        command: "test".into(),
        secrets: Secrets::new(Patience::NobodyCanAnswer),
        intents: Default::default(),
        consent: Consent::Everything,
    };
    let command = ["sh", "-c", &command.replace("KEY", key.to_str().unwrap())].map(str::to_owned).to_vec();
    let mut change = Change::begin(&place, terms).unwrap();
    // While this is there, the key comes at once.
    std::fs::write(directory.path().join("key.go"), "").unwrap();
    change.choose_store(&StoreChoice::Vault { key: KeySource::Command(command) }, false).unwrap();
    let acquired = Acquired {
        set: CredentialSet {
            access_key_id: "ASIAFAKE000000000001".into(),
            secret_access_key: "fake-secret-of-the-provider".to_owned().into(),
            session_token: Some("fake-token-of-the-provider".to_owned().into()),
        },
        kind: Kind::AssumeRole,
        identity: Some(Identity {
            account: "111122223333".into(),
            arn: "arn:aws:sts::111122223333:assumed-role/Developer/me".into(),
            user_id: "AROAFAKE:me".into(),
        }),
        region: None,
        issued_at: now,
        expires_at: Some(now + lives),
        signer: Signer::None,
        request: None,
        label: None,
        note: None,
        profile: None,
        way: None,
    };
    change.push(&StackName::default(), acquired, Landing::Top, &Shell::default(), Default::default()).unwrap();
    place
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn the_sdk_gets_the_current_frame_while_its_runtime_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    // The key comes late: what else the runtime has to do is done meanwhile.
    let place = place(&directory, "while ! [ -e KEY.go ]; do sleep 0.01; done; cat KEY", 1.hour());
    std::fs::remove_file(directory.path().join("key.go")).unwrap();
    let provider = StackCredentialsProvider::new(place, StackName::default());
    let ticks = Arc::new(AtomicUsize::new(0));
    let found = runtime().block_on(async {
        let (counted, go) = (ticks.clone(), directory.path().join("key.go"));
        tokio::spawn(async move {
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_millis(1)).await;
                counted.fetch_add(1, Ordering::SeqCst);
            }
            std::fs::write(go, "").unwrap();
        });
        tokio::time::timeout(Duration::from_secs(20), provider.provide_credentials()).await.unwrap().unwrap()
    });
    assert_eq!(ticks.load(Ordering::SeqCst), 10);
    assert_eq!(found.access_key_id(), "ASIAFAKE000000000001");
    assert_eq!(found.secret_access_key(), "fake-secret-of-the-provider");
    assert_eq!(found.session_token(), Some("fake-token-of-the-provider"));
    assert_eq!(found.account_id().unwrap().as_str(), "111122223333");
    assert!(found.expiry().unwrap() > std::time::SystemTime::now() + Duration::from_secs(3500));
    let shown = format!("{provider:?}{found:?}");
    assert!(!shown.contains("fake-secret") && !shown.contains("fake-token"), "{shown}");
}

#[test]
fn an_expired_frame_is_an_error_and_an_ambient_one_lets_a_chain_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let place = place(&directory, "cat KEY", -1.seconds());
    let ask = |provider: StackCredentialsProvider| runtime().block_on(provider.provide_credentials()).unwrap_err();
    let current = StackCredentialsProvider::new(place, StackName::default());
    let expired = ask(current.clone());
    assert!(matches!(expired, CredentialsError::ProviderError(_)));
    let why = expired.source().unwrap().to_string();
    assert!(why.contains("expired at") && why.contains("credstack push"), "{why}");
    let ambient = ask(current.clone().frame(FrameName::Root));
    assert!(matches!(ambient, CredentialsError::CredentialsNotLoaded(_)));
    let nowhere = StackCredentialsProvider::new(StateDirectory::new(directory.path().join("state")), "nowhere".parse().unwrap());
    assert!(ask(nowhere).source().unwrap().to_string().contains("no stack nowhere"));
}
