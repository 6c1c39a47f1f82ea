//! The stack as a credentials provider of the AWS SDK for Rust.

use std::fmt;

use aws_credential_types::{
    Credentials,
    provider::{self, ProvideCredentials, error::CredentialsError, future},
};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use tokio::sync::oneshot;

use crate::{
    secret_store::Patience,
    stack::{FrameKeys, Reader, Secrets, StackError, StateDirectory},
    values::{Credential, CredentialSet, FrameName, StackName},
};

/// Gives the SDK the credentials of a stack: of its current frame at each question, or of one that is pinned.
///
/// The database and the secret store are read on a thread of their own, never inside the caller's runtime; nobody is asked
/// to unlock a keyring. Nothing is renewed, and nothing is written.
///
/// ```no_run
/// # use credstack_core::{provider::StackCredentialsProvider, stack::StateDirectory, values::StackName};
/// let place = StateDirectory::new("/home/alice/.local/state/credstack".into());
/// let provider = StackCredentialsProvider::new(place, StackName::default());
/// let config = aws_config::from_env().credentials_provider(provider);
/// ```
#[derive(Clone, Debug)]
pub struct StackCredentialsProvider {
    place: StateDirectory,
    stack: StackName,
    frame: FrameName,
}

/// Why there are no credentials, and what to do.
#[derive(Debug)]
struct Failure(StackError);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        match &self.0 {
            StackError::Expired { .. } => f.write_str("; acquire it again with `credstack push`"),
            _ => f.write_str("; `credstack doctor` looks into it"),
        }
    }
}

impl std::error::Error for Failure {}

impl StackCredentialsProvider {
    /// The current frame of a stack. `place` is where credstack keeps its state: on Linux `$XDG_STATE_HOME/credstack`, or
    /// `~/.local/state/credstack`.
    pub fn new(place: StateDirectory, stack: StackName) -> StackCredentialsProvider {
        StackCredentialsProvider { place, stack, frame: FrameName::Current }
    }

    /// The same for another frame, such as `FrameName::Root` or a credential id.
    #[must_use]
    pub fn frame(self, frame: FrameName) -> StackCredentialsProvider {
        StackCredentialsProvider { frame, ..self }
    }

    async fn provide(&self) -> provider::Result {
        let (answer, asked) = oneshot::channel();
        let provider = self.clone();
        let reading = std::thread::Builder::new().name("credstack".into()).spawn(move || {
            // Whoever asked may have gone away.
            let _nobody_waits = answer.send(provider.read());
        });
        reading.map_err(CredentialsError::provider_error)?;
        asked.await.map_err(CredentialsError::unhandled)?
    }

    fn read(&self) -> provider::Result {
        let failed = |error| CredentialsError::provider_error(Failure(error));
        let reader = Reader::open(&self.place, Secrets::new(Patience::NobodyCanAnswer)).map_err(failed)?;
        #[allow(clippy::disallowed_methods, reason = "the SDK passes no time, and an expired set must not be handed out")]
        let now = Timestamp::now();
        match reader.keys(&self.stack, self.frame, now).map_err(failed)? {
            FrameKeys::Stored(credential, set) => Ok(credentials(&credential, &set)),
            // A chain of providers goes on to what stands for itself.
            FrameKeys::Ambient(_) => Err(CredentialsError::not_loaded(format!(
                "the frame of stack {} is ambient: it is what the SDK finds without credstack",
                self.stack
            ))),
        }
    }
}

impl ProvideCredentials for StackCredentialsProvider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.provide())
    }
}

fn credentials(credential: &Credential, set: &CredentialSet) -> Credentials {
    let mut builder = Credentials::builder()
        .access_key_id(&set.access_key_id)
        .secret_access_key(set.secret_access_key.expose_secret())
        .provider_name("credstack");
    builder.set_session_token(set.session_token.as_ref().map(|token| token.expose_secret().to_owned()));
    builder.set_expiry(credential.expires_at.map(Into::into));
    if let Some(identity) = &credential.identity {
        builder = builder.account_id(&*identity.account);
    }
    builder.build()
}
