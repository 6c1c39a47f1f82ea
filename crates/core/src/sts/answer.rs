use aws_sdk_sts::{
    operation::{
        assume_role::AssumeRoleOutput, assume_role_with_saml::AssumeRoleWithSamlOutput,
        assume_role_with_web_identity::AssumeRoleWithWebIdentityOutput, assume_root::AssumeRootOutput,
        get_federation_token::GetFederationTokenOutput, get_session_token::GetSessionTokenOutput,
    },
    types::Credentials,
};
use aws_types::request_id::RequestId;
use jiff::Timestamp;

use crate::values::{Arn, CredentialSet, Identity};

/// What STS gave, with all that it said about it.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The keys.
    pub set: CredentialSet,
    /// When they expire, as STS says.
    pub expires_at: Timestamp,
    /// Who they are: the assumed role's session, the federated user or the root user. `None` for GetSessionToken, whose identity is
    /// the signer's.
    pub identity: Option<Identity>,
    /// `PackedPolicySize`: how much of the room for packed policies and tags the request took, in percent. AWS has
    /// replaced it by the next one in June 2026 and may leave it out.
    pub packed_policy_size: Option<i32>,
    /// `SessionTokenUtilization`: how much of the room in the session token is taken, in percent.
    pub session_token_utilization: Option<i32>,
    /// The source identity in force.
    pub source_identity: Option<String>,
    /// STS's id for the request, as CloudTrail has it.
    pub request_id: Option<String>,
    /// Where the answer came from, such as `https://sts.eu-west-1.amazonaws.com`; empty if the request was never sent.
    pub endpoint: String,
    /// The region that the request was signed for.
    pub region: String,
}

/// What an answer tells of credentials that STS issued, whether they can be used or not. Nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// Their access key id.
    pub access_key_id: String,
    /// When they expire, if the answer says it.
    pub expires_at: Option<Timestamp>,
    /// The identity that the answer names, if it names one.
    pub identity: Option<Identity>,
    /// STS's id for the request.
    pub request_id: Option<String>,
}

/// What was missing in an answer, and what it issued all the same.
pub(super) struct Incomplete {
    pub(super) missing: &'static str,
    pub(super) issued: Option<Box<Issued>>,
}

impl Granted {
    /// What is told of it where it is not used.
    pub fn issued(&self) -> Issued {
        Issued {
            access_key_id: self.set.access_key_id.clone(),
            expires_at: Some(self.expires_at),
            identity: self.identity.clone(),
            request_id: self.request_id.clone(),
        }
    }
}

/// An answer without what only the client knows, endpoint and region.
pub(super) trait IntoGranted {
    fn into_granted(self) -> Result<Granted, Incomplete>;
}

/// The answers of the three operations that yield a role's session have these parts alike.
macro_rules! role_session {
    ($output:ty) => {
        impl IntoGranted for $output {
            fn into_granted(self) -> Result<Granted, Incomplete> {
                let request_id = self.request_id().map(str::to_owned);
                #[expect(deprecated, reason = "servers other than AWS give nothing else")]
                let packed_policy_size = self.packed_policy_size;
                let user = self.assumed_role_user.map(|user| (user.arn, user.assumed_role_id));
                named(
                    Granted {
                        packed_policy_size,
                        session_token_utilization: self.session_token_utilization,
                        source_identity: self.source_identity,
                        ..granted(self.credentials, request_id)?
                    },
                    user,
                )
            }
        }
    };
}

role_session!(AssumeRoleOutput);
role_session!(AssumeRoleWithWebIdentityOutput);
role_session!(AssumeRoleWithSamlOutput);

impl IntoGranted for AssumeRootOutput {
    fn into_granted(self) -> Result<Granted, Incomplete> {
        let request_id = self.request_id().map(str::to_owned);
        Ok(Granted {
            session_token_utilization: self.session_token_utilization,
            source_identity: self.source_identity,
            ..granted(self.credentials, request_id)?
        })
    }
}

impl IntoGranted for GetSessionTokenOutput {
    fn into_granted(self) -> Result<Granted, Incomplete> {
        let request_id = self.request_id().map(str::to_owned);
        Ok(Granted { session_token_utilization: self.session_token_utilization, ..granted(self.credentials, request_id)? })
    }
}

impl IntoGranted for GetFederationTokenOutput {
    fn into_granted(self) -> Result<Granted, Incomplete> {
        let request_id = self.request_id().map(str::to_owned);
        #[expect(deprecated, reason = "servers other than AWS give nothing else")]
        let packed_policy_size = self.packed_policy_size;
        let user = self.federated_user.map(|user| (user.arn, user.federated_user_id));
        named(
            Granted {
                packed_policy_size,
                session_token_utilization: self.session_token_utilization,
                ..granted(self.credentials, request_id)?
            },
            user,
        )
    }
}

fn granted(credentials: Option<Credentials>, request_id: Option<String>) -> Result<Granted, Incomplete> {
    let credentials = credentials.ok_or(Incomplete { missing: "credentials", issued: None })?;
    let set = CredentialSet {
        access_key_id: credentials.access_key_id,
        secret_access_key: credentials.secret_access_key.into(),
        session_token: Some(credentials.session_token.into()),
    };
    let expiration = credentials.expiration;
    let nanos = i32::try_from(expiration.subsec_nanos()).unwrap_or_default();
    // What is left out comes as the beginning of time.
    let expires_at = Timestamp::new(expiration.secs(), nanos).ok().filter(|_| expiration.secs() != 0);
    let incomplete = |missing| {
        let issued = CredentialSet::is_key_id(&set.access_key_id).then(|| {
            let (access_key_id, request_id) = (set.access_key_id.clone(), request_id.clone());
            Box::new(Issued { access_key_id, expires_at, identity: None, request_id })
        });
        Incomplete { missing, issued }
    };
    // An empty token, for one, would be taken for none, and the set for keys that last for ever.
    if set.fault().is_some() {
        return Err(incomplete("usable credentials"));
    }
    let expires_at = expires_at.ok_or_else(|| incomplete("a usable Expiration"))?;
    Ok(Granted {
        expires_at,
        set,
        identity: None,
        packed_policy_size: None,
        session_token_utilization: None,
        source_identity: None,
        request_id,
        endpoint: String::new(),
        region: String::new(),
    })
}

/// With the ARN and the unique id that the answer has for it.
fn named(granted: Granted, user: Option<(String, String)>) -> Result<Granted, Incomplete> {
    let Some((arn, user_id)) = user else { return Ok(granted) };
    match arn.parse::<Arn>() {
        Ok(Arn { account, .. }) => Ok(Granted { identity: Some(Identity { account, arn, user_id }), ..granted }),
        Err(_) => Err(Incomplete { missing: "a usable Arn", issued: Some(Box::new(granted.issued())) }),
    }
}
