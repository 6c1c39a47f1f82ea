//! Which earlier answer counts for a request.

use super::*;
use crate::{
    secret_store::{KeySource, Patience, StoreChoice, Vault},
    stack::{Change, Consent, Landing, SIGNER_KEY, Secrets, Shell, StateDirectory, Terms},
    values::{Acquired, Actor, CredentialSet, StackName, request::AssumeRole},
};

const NOW: i64 = 1_900_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn ambient(profile: &str, provider: &str, region: Option<&str>) -> Signer {
    let (profile, provider) = (Some(profile.to_owned()), Some(provider.to_owned()));
    Signer::Ambient(Ambient { profile, region: region.map(str::to_owned), provider })
}

fn way(endpoint: Option<&str>, region: &str) -> Way {
    Way { endpoint: endpoint.map(str::to_owned), region: region.to_owned(), ..Way::default() }
}

fn request() -> Request {
    Request::AssumeRole(AssumeRole { role_arn: "arn:aws:iam::111122223333:role/Dev".into(), ..AssumeRole::default() })
}

fn key(id: &str) -> SignerKey {
    SignerKey::LongTerm(id.to_owned())
}

/// A state directory, in which a credential set is held that was acquired so.
fn holding(directory: &std::path::Path, signer: Signer, recorded: Option<&str>, way: Option<Way>) -> Reader {
    let file = directory.join("key");
    Vault::create_key_file(&file).unwrap();
    let place = StateDirectory::new(directory.join("state"));
    let terms = Terms {
        now: at(NOW),
        actor: Actor::default(),
        command: "push".into(),
        secrets: Secrets::new(Patience::NobodyCanAnswer),
        intents: Default::default(),
        consent: Consent::Everything,
    };
    let mut change = Change::begin(&place, terms).unwrap();
    change.choose_store(&StoreChoice::Vault { key: KeySource::File(file) }, false).unwrap();
    let acquired = Acquired {
        set: CredentialSet {
            access_key_id: "ASIAFAKE000000000001".into(),
            secret_access_key: "fake-secret-of-a-renewal".to_owned().into(),
            session_token: Some("fake-token-of-a-renewal".to_owned().into()),
        },
        kind: Kind::AssumeRole,
        identity: None,
        region: None,
        issued_at: at(NOW),
        expires_at: Some(at(NOW + 3600)),
        signer,
        request: Some(request()),
        label: None,
        note: None,
        profile: None,
        way,
    };
    let detail = recorded.map(|key| (SIGNER_KEY.to_owned(), key.into())).into_iter().collect();
    change.push(&StackName::default(), acquired, Landing::Nowhere, &Shell::default(), detail).unwrap();
    drop(change);
    Reader::open(&place, Secrets::new(Patience::NobodyCanAnswer)).unwrap()
}

#[test]
fn only_the_same_signer_key_region_and_endpoint_are_the_same_request() {
    let directory = tempfile::tempdir().unwrap();
    let recorded = way(None, "eu-west-1");
    let reader = holding(
        directory.path(),
        ambient("t", "ProfileFile", Some("eu-west-1")),
        Some("AKIAFAKE000000000001"),
        Some(recorded.clone()),
    );
    let (t, first) = (ambient("t", "ProfileFile", None), key("AKIAFAKE000000000001"));
    let found = |signer: &Signer, key: &SignerKey, way: &Way, request: &Request| {
        living(&reader, request, Origin { signer, key, way }, at(NOW)).unwrap().is_some()
    };
    assert!(found(&t, &first, &recorded, &request()), "the region of the signer is that of the request");
    assert!(found(&t, &SignerKey::Unknown, &recorded, &request()), "a dry run doesn't know it");
    for signer in [
        ambient("u", "ProfileFile", None),
        ambient("t", "Sso", None),
        Signer::None,
        Signer::ShellKeys,
        Signer::Credential(CredentialId(1)),
    ] {
        assert!(!found(&signer, &first, &recorded, &request()), "{signer:?}");
    }
    for another in [key("AKIAFAKE000000000002"), SignerKey::Temporary] {
        assert!(!found(&t, &another, &recorded, &request()), "{another:?}");
    }
    for elsewhere in [
        way(None, "eu-west-2"),
        way(Some("http://127.0.0.1:1"), "eu-west-1"),
        Way { fips: true, ..recorded.clone() },
        Way { dual_stack: true, ..recorded.clone() },
        Way { ca_bundle: Some("/ca.pem".into()), ..recorded.clone() },
    ] {
        assert!(!found(&t, &first, &elsewhere, &request()), "{elsewhere:?}");
    }
    let longer = match request() {
        Request::AssumeRole(role) => Request::AssumeRole(AssumeRole { duration_seconds: Some(1800), ..role }),
        other => other,
    };
    assert!(!found(&t, &first, &recorded, &longer));
}

#[test]
fn a_set_of_an_earlier_version_may_be_from_any_server() {
    for (recorded, way_recorded) in [(Some("AKIAFAKE000000000001"), None), (None, Some(way(None, "eu-west-1")))] {
        let directory = tempfile::tempdir().unwrap();
        let signer = ambient("t", "ProfileFile", None);
        let reader = holding(directory.path(), signer.clone(), recorded, way_recorded);
        let (key, way) = (key("AKIAFAKE000000000001"), way(None, "eu-west-1"));
        let origin = Origin { signer: &signer, key: &key, way: &way };
        assert!(living(&reader, &request(), origin, at(NOW)).unwrap().is_none());
    }
}

#[test]
fn temporary_keys_of_a_profile_differ_at_every_sign_in_and_are_not_compared() {
    let directory = tempfile::tempdir().unwrap();
    let (signer, way) = (ambient("t", "Sso", None), way(None, "eu-west-1"));
    let reader = holding(directory.path(), signer.clone(), None, Some(way.clone()));
    let origin = Origin { signer: &signer, key: &SignerKey::Temporary, way: &way };
    assert!(living(&reader, &request(), origin, at(NOW)).unwrap().is_some());
    let another = key("AKIAFAKE000000000001");
    assert!(living(&reader, &request(), Origin { key: &another, ..origin }, at(NOW)).unwrap().is_none());
}
