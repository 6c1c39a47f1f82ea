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

/// What was missing in an answer.
pub(super) struct Incomplete(pub(super) &'static str);

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
                let user = self.assumed_role_user.map(|user| identity(user.arn, user.assumed_role_id));
                Ok(Granted {
                    identity: user.transpose()?,
                    packed_policy_size,
                    session_token_utilization: self.session_token_utilization,
                    source_identity: self.source_identity,
                    ..granted(self.credentials, request_id)?
                })
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
        let user = self.federated_user.map(|user| identity(user.arn, user.federated_user_id));
        Ok(Granted {
            identity: user.transpose()?,
            packed_policy_size,
            session_token_utilization: self.session_token_utilization,
            ..granted(self.credentials, request_id)?
        })
    }
}

fn granted(credentials: Option<Credentials>, request_id: Option<String>) -> Result<Granted, Incomplete> {
    let credentials = credentials.ok_or(Incomplete("credentials"))?;
    let set = CredentialSet {
        access_key_id: credentials.access_key_id,
        secret_access_key: credentials.secret_access_key.into(),
        session_token: Some(credentials.session_token.into()),
    };
    // An empty token, for one, would be taken for none, and the set for keys that last for ever.
    if set.fault().is_some() {
        return Err(Incomplete("usable credentials"));
    }
    let expiration = credentials.expiration;
    // What is left out comes as the beginning of time.
    if expiration.secs() == 0 {
        return Err(Incomplete("an Expiration"));
    }
    let nanos = i32::try_from(expiration.subsec_nanos()).unwrap_or_default();
    Ok(Granted {
        expires_at: Timestamp::new(expiration.secs(), nanos).map_err(|_| Incomplete("a usable Expiration"))?,
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

fn identity(arn: String, user_id: String) -> Result<Identity, Incomplete> {
    let account = arn.parse::<Arn>().map_err(|_| Incomplete("a usable Arn"))?.account;
    Ok(Identity { account, arn, user_id })
}
