//! The calls that yield no credential set.

use aws_sdk_sts::{error::BuildError, types::Tag};
use aws_smithy_runtime_api::client::result::SdkError;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinSet;

use super::{Sts, StsError};
use crate::values::{
    CredentialSet, Identity,
    request::{DecodeAuthorizationMessage, GetAccessKeyInfo, GetWebIdentityToken, OneTime},
};

/// What GetWebIdentityToken gives.
#[derive(Clone, Debug)]
pub struct WebIdentityToken {
    /// The JWT: whoever has it is its subject, for those whom it is for.
    pub token: SecretString,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// The limits that can be known locally are the caller's to check first: `check` of each request.
impl Sts {
    /// Asks STS what an encoded authorization message says: JSON, as far as AWS's examples show, whose form it does not promise.
    ///
    /// # Errors
    ///
    /// As for [`Sts::ask`].
    pub fn decode_authorization_message(
        &self,
        signer: &CredentialSet,
        request: &DecodeAuthorizationMessage,
    ) -> Result<String, StsError> {
        let call = self.call(Some(signer), "DecodeAuthorizationMessage", &OneTime::default());
        self.block_on(async {
            let answer = call.client.decode_authorization_message().encoded_message(&request.encoded_message).send().await;
            let answer = answer.map_err(|error| StsError::from_sdk(error, call.as_call()))?;
            let decoded = answer.decoded_message.ok_or_else(|| call.as_call().incomplete("the message"))?;
            call.refuse_echo(&[&decoded])?;
            Ok(decoded)
        })
    }

    /// Asks STS which account an access key belongs to.
    ///
    /// # Errors
    ///
    /// As for [`Sts::ask`].
    pub fn access_key_account(&self, signer: &CredentialSet, request: &GetAccessKeyInfo) -> Result<String, StsError> {
        let call = self.call(Some(signer), "GetAccessKeyInfo", &OneTime::default());
        self.block_on(async {
            let answer = call.client.get_access_key_info().access_key_id(&request.access_key_id).send().await;
            let answer = answer.map_err(|error| StsError::from_sdk(error, call.as_call()))?;
            let account = answer.account.ok_or_else(|| call.as_call().incomplete("the account"))?;
            call.refuse_echo(&[&account])?;
            Ok(account)
        })
    }

    /// Asks STS for a JWT that tells others who `signer` is.
    ///
    /// # Errors
    ///
    /// As for [`Sts::ask`].
    pub fn web_identity_token(
        &self,
        signer: &CredentialSet,
        request: &GetWebIdentityToken,
    ) -> Result<WebIdentityToken, StsError> {
        let call = self.call(Some(signer), "GetWebIdentityToken", &OneTime::default());
        let tags = request.tags.iter().map(|tag| Tag::builder().key(&tag.key).value(&tag.value).build());
        let tags = tags.collect::<Result<Vec<_>, BuildError>>().map_err(SdkError::construction_failure);
        self.block_on(async {
            let asked = async {
                call.client
                    .get_web_identity_token()
                    .set_audience(Some(request.audience.clone()))
                    .set_duration_seconds(request.duration_seconds)
                    .signing_algorithm(request.signing_algorithm.as_str())
                    // An empty list is not sent: on the wire it would be a parameter of its own.
                    .set_tags(Some(tags?).filter(|tags| !tags.is_empty()))
                    .send()
                    .await
            };
            let answer = asked.await.map_err(|error| StsError::from_sdk(error, call.as_call()))?;
            let missing = |what| call.as_call().incomplete(what);
            let token = SecretString::from(answer.web_identity_token.ok_or_else(|| missing("the token"))?);
            if token.expose_secret().split('.').filter(|part| !part.is_empty()).count() != 3 {
                return Err(missing("a usable token"));
            }
            call.refuse_echo(&[token.expose_secret()])?;
            let expiration = answer.expiration.ok_or_else(|| missing("an Expiration"))?;
            let expires_at = Timestamp::from_second(expiration.secs()).map_err(|_| missing("a usable Expiration"))?;
            Ok(WebIdentityToken { token, expires_at })
        })
    }

    /// Asks STS who each of several signers is, each on its own way, all at the same time. The answers are in their order.
    ///
    /// # Errors
    ///
    /// Those of [`Sts::caller_identity`], one by one.
    pub fn caller_identities(signers: &[(&Sts, &CredentialSet)]) -> Vec<Result<Identity, StsError>> {
        let Some((first, _)) = signers.first() else { return Vec::new() };
        let mut asked = JoinSet::new();
        let mut found: Vec<Result<Identity, StsError>> = signers.iter().map(|_| Err(ended())).collect();
        let waited = first.block_on(async {
            for (i, (sts, signer)) in signers.iter().enumerate() {
                let call = sts.call(Some(signer), "GetCallerIdentity", &OneTime::default());
                asked.spawn(async move { (i, call.identify().await) });
            }
            while let Some(answer) = asked.join_next().await {
                if let Ok((i, answer)) = answer {
                    found[i] = answer;
                }
            }
            Ok(())
        });
        match waited {
            Ok(()) => found,
            Err(error) => signers.iter().map(|_| Err(error.clone())).collect(),
        }
    }
}

fn ended() -> StsError {
    StsError::Configuration { what: "the network runtime has ended".into() }
}
