//! One file per operation of STS, and the table of them all.

mod assume_role;
mod assume_role_with_saml;
mod assume_role_with_web_identity;
mod assume_root;
mod decode_authorization_message;
mod federated_role;
mod get_access_key_info;
mod get_caller_identity;
mod get_federation_token;
mod get_session_token;
mod get_web_identity_token;
mod given_mfa;
mod given_policies;
mod given_tags;
#[cfg(test)]
mod testing;

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    caller::{Caller, Facts, Kind},
    messages::Messages,
    mfa::Devices,
    sessions::{Issued, Sessions},
    wire::{Parameters, Refusal, result_document},
    world::World,
};

/// The operations that this server has. One that is not here is answered with `InvalidAction`.
const OPERATIONS: &[(&str, Operation)] = &[
    ("AssumeRole", assume_role::run),
    ("AssumeRoleWithSAML", assume_role_with_saml::run),
    ("AssumeRoleWithWebIdentity", assume_role_with_web_identity::run),
    ("AssumeRoot", assume_root::run),
    ("DecodeAuthorizationMessage", decode_authorization_message::run),
    ("GetAccessKeyInfo", get_access_key_info::run),
    ("GetCallerIdentity", get_caller_identity::run),
    ("GetFederationToken", get_federation_token::run),
    ("GetSessionToken", get_session_token::run),
    ("GetWebIdentityToken", get_web_identity_token::run),
];

type Operation = fn(&mut Call<'_>) -> Result<String, Refusal>;

/// Whether an operation has to be signed. A signature that comes with one of the others is not looked at.
pub fn is_signed(action: &str) -> bool {
    !["AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"].contains(&action)
}

/// Finds an operation by its name.
///
/// # Errors
/// `InvalidAction`.
pub fn find(action: &str) -> Result<Operation, Refusal> {
    let found = OPERATIONS.iter().find(|(name, _)| *name == action);
    found.map(|(_, operation)| *operation).ok_or_else(|| {
        let message = format!("Could not find operation {action} for version 2011-06-15");
        Refusal::new(400, "InvalidAction", message).because("the sandbox does not have this operation")
    })
}

/// One authenticated call.
pub struct Call<'a> {
    /// Who there is.
    pub world: &'a World,
    /// Where new sessions go.
    pub sessions: &'a mut Sessions,
    /// The encoded messages that were given out.
    pub messages: &'a Messages,
    /// The state of the MFA devices.
    pub devices: &'a mut Devices,
    /// Who calls.
    pub caller: &'a Caller,
    /// With what.
    pub parameters: &'a Parameters,
    /// The time, as the server sees it.
    pub now: Timestamp,
    /// The lifetime that new sessions get, whatever was asked for.
    pub lifetime: Option<u32>,
    /// The id of the request.
    pub request_id: &'a str,
    /// The region that it is signed for.
    pub region: &'a str,
}

/// Credentials, as they are in an answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CredentialsElement {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    expiration: String,
}

impl From<Issued> for CredentialsElement {
    fn from(issued: Issued) -> CredentialsElement {
        CredentialsElement {
            access_key_id: issued.access_key_id,
            secret_access_key: issued.secret_access_key,
            session_token: issued.session_token,
            expiration: issued.expiration.to_string(),
        }
    }
}

impl Call<'_> {
    fn issue(&mut self, kind: Kind, facts: Facts, seconds: u32) -> Result<CredentialsElement, Refusal> {
        let seconds = i64::from(self.lifetime.unwrap_or(seconds));
        Ok(self.sessions.issue(kind, facts, seconds, self.world.session_token_bytes, self.now)?.into())
    }

    /// Refuses the sessions that may call nothing of STS but AssumeRole and GetCallerIdentity: those of users, from
    /// GetSessionToken, and of federated users.
    fn refuse_sessions_of_users(&self, action: &str) -> Result<(), Refusal> {
        match self.caller.is_users_session() {
            true => Err(Refusal::denied(format!("Cannot call {action} with session credentials"))),
            false => Ok(()),
        }
    }

    fn answer(&self, action: &str, result: &impl Serialize) -> Result<String, Refusal> {
        result_document(action, result, self.request_id)
    }
}
