use super::*;
use crate::values::request::{AssumeRole, AssumeRoleWithSaml, AssumeRoot, GetFederationToken, GetSessionToken};

fn identity(arn: &str) -> Identity {
    let account = arn.parse::<Arn>().map(|arn| arn.account).unwrap_or_default();
    Identity { account, arn: arn.into(), user_id: "AROAFAKE:x".into() }
}

fn role(arn: &str) -> Request {
    Request::AssumeRole(AssumeRole { role_arn: arn.into(), role_session_name: "alice@laptop".into(), ..Default::default() })
}

fn check(request: &Request, given: &str, signer: Option<&str>, renews: Option<&str>) -> Result<(), AnotherIdentity> {
    let (given, signer, renews) = (identity(given), signer.map(identity), renews.map(identity));
    request.check_identity(&Answered {
        identity: Some(&given),
        access_key_id: "ASIAFAKEGIVEN0000001",
        signer: signer.as_ref(),
        signer_key_id: Some("AKIAFAKEALICE0000001"),
        renews: renews.as_ref(),
    })
}

#[test]
fn a_session_is_of_the_role_account_partition_and_name_asked_for() {
    let session = "arn:aws:sts::111122223333:assumed-role/Developer/alice@laptop";
    for asked in [
        "arn:aws:iam::111122223333:role/Developer",
        // Its path is not in the session's ARN, and IAM has no two roles that differ in case.
        "arn:aws:iam::111122223333:role/ops/eu/Developer",
        "arn:aws:iam::111122223333:role/developer",
    ] {
        assert_eq!(check(&role(asked), session, None, None), Ok(()), "{asked}");
    }
    let request = role("arn:aws:iam::111122223333:role/ops/Developer");
    for given in [
        "arn:aws:sts::999988887777:assumed-role/Developer/alice@laptop",
        "arn:aws-cn:sts::111122223333:assumed-role/Developer/alice@laptop",
        "arn:aws:sts::111122223333:assumed-role/Admin/alice@laptop",
        "arn:aws:sts::111122223333:assumed-role/Developer/Alice@laptop",
        "arn:aws:sts::111122223333:assumed-role/Developer/",
        "arn:aws:sts::111122223333:assumed-role/ops/Developer/alice@laptop",
        "arn:aws:sts::111122223333:federated-user/Developer/alice@laptop",
        "arn:aws:iam::111122223333:user/alice@laptop",
        "arn:aws:iam::111122223333:root",
        "no arn",
    ] {
        let asked = "arn:aws:sts::111122223333:assumed-role/Developer/alice@laptop".to_owned();
        assert_eq!(check(&request, given, None, None), Err(AnotherIdentity { asked, given: given.into() }));
    }
    let nameless = request.check_identity(&Answered { access_key_id: "ASIAFAKEGIVEN0000001", ..Answered::default() });
    assert!(nameless.is_err(), "an answer without an identity is not the identity asked for");
}

#[test]
fn an_assertion_names_its_session_and_a_federated_user_is_in_the_signers_account() {
    let saml = Request::AssumeRoleWithSaml(AssumeRoleWithSaml {
        role_arn: "arn:aws-us-gov:iam::111122223333:role/path/Deploy".into(),
        ..Default::default()
    });
    assert_eq!(check(&saml, "arn:aws-us-gov:sts::111122223333:assumed-role/Deploy/anyone@example.com", None, None), Ok(()));
    let other = check(&saml, "arn:aws-us-gov:sts::111122223333:assumed-role/Admin/anyone", None, None).unwrap_err();
    assert_eq!(other.asked, "arn:aws-us-gov:sts::111122223333:assumed-role/Deploy/*");

    let federation = Request::GetFederationToken(GetFederationToken { name: "bob".into(), ..Default::default() });
    let (alice, bob) = ("arn:aws:iam::111122223333:user/alice", "arn:aws:sts::111122223333:federated-user/bob");
    assert_eq!(check(&federation, bob, Some(alice), None), Ok(()));
    assert_eq!(check(&federation, bob, None, None), Ok(()), "where the signer is not known, its account is not either");
    for given in ["arn:aws:sts::999988887777:federated-user/bob", "arn:aws:sts::111122223333:federated-user/mallory"] {
        assert!(check(&federation, given, Some(alice), None).is_err(), "{given}");
    }
}

#[test]
fn a_renewal_is_the_identity_that_it_renews() {
    let session = "arn:aws:sts::111122223333:assumed-role/Developer/alice@laptop";
    let request = role("arn:aws:iam::111122223333:role/Developer");
    assert_eq!(check(&request, session, None, Some(session)), Ok(()));
    let folded = "arn:aws:sts::111122223333:assumed-role/developer/alice@laptop";
    assert_eq!(check(&request, session, None, Some(folded)), Ok(()));
    let saml = Request::AssumeRoleWithSaml(AssumeRoleWithSaml {
        role_arn: "arn:aws:iam::111122223333:role/Developer".into(),
        ..Default::default()
    });
    let other = check(&saml, "arn:aws:sts::111122223333:assumed-role/Developer/mallory", None, Some(session)).unwrap_err();
    assert_eq!(other.asked, session);
    // The signer's identity is that of a session of GetSessionToken.
    let of_user = Request::GetSessionToken(GetSessionToken::default());
    let (alice, bob) = ("arn:aws:iam::111122223333:user/alice", "arn:aws:iam::111122223333:user/bob");
    assert_eq!(check(&of_user, alice, Some(alice), Some(alice)), Ok(()));
    assert!(check(&of_user, bob, Some(bob), Some(alice)).is_err());
    let root = Request::AssumeRoot(AssumeRoot::default());
    assert_eq!(check(&root, "arn:aws:iam::111122223333:root", None, Some("arn:aws:iam::111122223333:root")), Ok(()));
}

#[test]
fn the_key_of_a_users_session_is_of_the_users_account_where_both_keys_tell_theirs() {
    let signer = identity("arn:aws:iam::029608264753:user/alice");
    let session = |key, signers| {
        Request::GetSessionToken(GetSessionToken::default()).check_identity(&Answered {
            identity: Some(&signer),
            access_key_id: key,
            signer: Some(&signer),
            signer_key_id: Some(signers),
            renews: None,
        })
    };
    let of_account = "ASIAQNZGKIQY56JQ7WML";
    assert_eq!(account_of_key(of_account).as_deref(), Some("029608264753"));
    assert_eq!(session("ASIAQNZGKIQY7AAAAAAA", of_account), Ok(()));
    assert!(session("ASIAIOSFODNN7EXAMPLE", of_account).is_err());
    // Emulators give any key: theirs tell nothing.
    for (key, signers) in [
        ("AKIAIOSFODNN7EXAMPLE", of_account),
        ("ASIAFAKEGIVEN0000001", of_account),
        ("ASIAIOSFODNN7EXAMPLE", "AKIAFAKEALICE0000001"),
        ("x", "y"),
    ] {
        assert_eq!(session(key, signers), Ok(()), "{key} {signers}");
    }
}
