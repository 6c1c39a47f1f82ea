use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_credential_types::Credentials;
use aws_sdk_sts::{
    Client,
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeTransmitInterceptorContextRef},
    error::BoxError,
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::SdkConfig;
use secrecy::{ExposeSecret, SecretString};
use tokio::runtime::{Builder, Runtime};

use super::{
    Granted, Issued, Settings, StsError,
    answer::IntoGranted,
    configuration::{Loaded, load, without_password},
    error,
    lost::Lost,
    operations,
};
use crate::{
    blocking,
    values::{
        CredentialSet, Identity, Way,
        request::{OneTime, Request},
    },
};

/// What an answer lacks that has a secret of the request in place of a name.
const NO_SECRET: &str = "an identity that is none of the request's secrets";

/// A way to STS: region, endpoint, trust, proxies and time-outs, found once.
#[derive(Debug)]
pub struct Sts {
    // An Option only so that Drop can take it.
    runtime: Option<Runtime>,
    config: SdkConfig,
    region: String,
    configured_region: Option<String>,
    way: Way,
    endpoint: Option<String>,
    lost: Lost,
}

impl Sts {
    /// Reads the AWS configuration. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`StsError::Configuration`] when the configuration files exist and cannot be read.
    pub fn connect(settings: &Settings) -> Result<Sts, StsError> {
        let loaded = blocking::apart(|| {
            let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| no_runtime(&error))?;
            let loaded = runtime.block_on(load(settings))?;
            Ok((runtime, loaded))
        });
        let (runtime, loaded) = loaded.unwrap_or_else(|error| Err(no_runtime(&error)))?;
        let Loaded { config, region: configured_region, way, endpoint } = loaded;
        Ok(Sts {
            runtime: Some(runtime),
            config,
            region: way.region.clone(),
            configured_region,
            way,
            endpoint,
            lost: Lost::default(),
        })
    }

    /// The region that requests are signed for.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The region that somebody asked for, by an option or in the configuration; `None` if `us-east-1` is only STS's default.
    pub fn configured_region(&self) -> Option<&str> {
        self.configured_region.as_deref()
    }

    /// Where and how STS is asked, to be recorded with what it gives.
    pub fn way(&self) -> &Way {
        &self.way
    }

    /// What the requests up to now issued besides their outcome: in attempts whose answer broke off. Each is told once.
    pub fn take_lost(&self) -> Vec<Issued> {
        self.lost.take()
    }

    /// Sends a request, signed by `signer`; [`Request::is_signed`] says which ones need none.
    ///
    /// The limits that can be known locally are the caller's to check first: [`Request::check`], [`OneTime::check`].
    ///
    /// # Errors
    ///
    /// [`StsError::Refused`] with what STS said, else why there was no answer of STS's.
    pub fn ask(&self, signer: Option<&CredentialSet>, request: &Request, one_time: &OneTime) -> Result<Granted, StsError> {
        self.block_on(self.request(signer, request, one_time))
    }

    /// Asks STS who `signer` is: GetCallerIdentity, which needs no permission.
    ///
    /// # Errors
    ///
    /// As for [`Sts::ask`].
    pub fn caller_identity(&self, signer: &CredentialSet) -> Result<Identity, StsError> {
        self.block_on(self.call(Some(signer), "GetCallerIdentity", &OneTime::default()).identify())
    }

    /// [`Sts::ask`] and [`Sts::caller_identity`] of the signer at the same time. `issued` is told of credentials as soon as
    /// their answer is read, before the identity is waited for.
    ///
    /// # Errors
    ///
    /// Those of the request alone, and as soon as it has failed. An identity that is refused, or that is more than two
    /// seconds later than the credentials, is `None`.
    pub fn ask_and_identify(
        &self,
        signer: &CredentialSet,
        request: &Request,
        one_time: &OneTime,
        issued: impl FnOnce(&Granted) + Send,
    ) -> Result<(Granted, Option<Identity>), StsError> {
        const LATER: Duration = Duration::from_secs(2);
        self.block_on(async {
            let identify = self.call(Some(signer), "GetCallerIdentity", &OneTime::default());
            let identity = tokio::spawn(async move { identify.identify().await.ok() });
            let granted = self.request(Some(signer), request, one_time).await?;
            issued(&granted);
            let identity = tokio::time::timeout(LATER, identity).await;
            Ok((granted, identity.ok().and_then(Result::ok).flatten()))
        })
    }

    async fn request(&self, signer: Option<&CredentialSet>, request: &Request, one_time: &OneTime) -> Result<Granted, StsError> {
        let mut call = self.call(signer, request.operation(), one_time);
        let config = call.client.config().to_builder().interceptor(self.lost.watch(&call.secrets));
        call.client = Client::from_conf(config.build());
        let answer = call.ask(request, one_time).await;
        match &answer {
            Ok(granted) => self.lost.found(&granted.set.access_key_id),
            Err(StsError::Suspect { issued, .. }) => self.lost.found(&issued.access_key_id),
            Err(_) => {}
        }
        answer
    }

    pub(super) fn block_on<T: Send>(&self, future: impl Future<Output = Result<T, StsError>> + Send) -> Result<T, StsError> {
        match &self.runtime {
            Some(runtime) => blocking::apart(|| runtime.block_on(future)).unwrap_or_else(|error| Err(no_runtime(&error))),
            None => Err(StsError::Configuration { what: "the network runtime has ended".into() }),
        }
    }

    pub(super) fn call(&self, signer: Option<&CredentialSet>, operation: &'static str, one_time: &OneTime) -> Call {
        let seen = Seen::default();
        let mut config = aws_sdk_sts::config::Builder::from(&self.config).interceptor(seen.clone());
        if let Some(signer) = signer {
            let token = signer.session_token.as_ref().map(|token| token.expose_secret().to_owned());
            let secret = signer.secret_access_key.expose_secret();
            config = config.credentials_provider(Credentials::new(&signer.access_key_id, secret, token, None, "credstack"));
        }
        config
            .set_endpoint_url(self.endpoint.clone())
            .set_use_fips(Some(self.way.fips))
            .set_use_dual_stack(Some(self.way.dual_stack));
        let of_signer = signer.map(|signer| [Some(&signer.secret_access_key), signer.session_token.as_ref()]);
        let given = [one_time.token_code.as_ref(), one_time.token.as_ref()];
        let secrets = of_signer.into_iter().flatten().chain(given).flatten().chain(&one_time.context_assertions);
        let secrets = secrets.cloned().collect();
        Call { client: Client::from_conf(config.build()), seen, operation, region: self.region.clone(), secrets }
    }
}

fn no_runtime(error: &std::io::Error) -> StsError {
    StsError::Configuration { what: format!("cannot start the network runtime: {error}") }
}

impl Drop for Sts {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A plain drop would wait for a name resolution that hangs.
            runtime.shutdown_background();
        }
    }
}

/// One call, ready to be sent.
pub(super) struct Call {
    pub(super) client: Client,
    seen: Seen,
    operation: &'static str,
    region: String,
    secrets: Vec<SecretString>,
}

impl Call {
    async fn ask(&self, request: &Request, one_time: &OneTime) -> Result<Granted, StsError> {
        let client = &self.client;
        match request.clone() {
            Request::AssumeRole(request) => self.granted(operations::assume_role(client, request, one_time).await),
            Request::GetSessionToken(request) => self.granted(operations::get_session_token(client, request, one_time).await),
            Request::GetFederationToken(request) => self.granted(operations::get_federation_token(client, request).await),
            Request::AssumeRoleWithWebIdentity(request) => {
                self.granted(operations::assume_role_with_web_identity(client, request, one_time).await)
            }
            Request::AssumeRoleWithSaml(request) => {
                self.granted(operations::assume_role_with_saml(client, request, one_time).await)
            }
            Request::AssumeRoot(request) => self.granted(operations::assume_root(client, request).await),
        }
        .map(|granted| Granted { identity: granted.identity.or_else(|| request.identity()), ..granted })
    }

    pub(super) async fn identify(&self) -> Result<Identity, StsError> {
        let answer = self.client.get_caller_identity().send().await;
        let answer = answer.map_err(|error| StsError::from_sdk(error, self.as_call()))?;
        match (answer.account, answer.arn, answer.user_id) {
            (Some(account), Some(arn), Some(user_id)) => {
                self.refuse_echo(&[&account, &arn, &user_id])?;
                Ok(Identity { account, arn, user_id })
            }
            _ => Err(self.as_call().incomplete("the identity")),
        }
    }

    fn granted<T, E>(&self, answer: Result<T, SdkError<E, HttpResponse>>) -> Result<Granted, StsError>
    where
        T: IntoGranted,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let answer = answer.map_err(|error| StsError::from_sdk(error, self.as_call()))?;
        let granted = answer.into_granted().map_err(|it| self.as_call().suspect(it.missing, it.issued.map(|issued| *issued)))?;
        let identity = granted.identity.as_ref().map_or([""; 2], |identity| [&identity.arn, &identity.user_id]);
        let source_identity = granted.source_identity.as_deref().unwrap_or_default();
        if self.repeats_a_secret(&[identity[0], identity[1], source_identity, &granted.set.access_key_id]) {
            return Err(self.as_call().suspect(NO_SECRET, Some(granted.issued())));
        }
        let request_id = granted.request_id.filter(|id| !self.repeats_a_secret(&[id]));
        Ok(Granted { endpoint: self.as_call().endpoint, region: self.region.clone(), request_id, ..granted })
    }

    /// An answer that repeats a secret of the request where a name should be is none of STS's, and is not written down.
    pub(super) fn refuse_echo(&self, said: &[&str]) -> Result<(), StsError> {
        if self.repeats_a_secret(said) { Err(self.as_call().incomplete(NO_SECRET)) } else { Ok(()) }
    }

    fn repeats_a_secret(&self, said: &[&str]) -> bool {
        said.iter().any(|text| error::is_echo(text, &self.secrets))
    }

    pub(super) fn as_call(&self) -> error::Call {
        error::Call {
            operation: self.operation,
            endpoint: self.seen.0.get().cloned().unwrap_or_default(),
            region: self.region.clone(),
            secrets: self.secrets.clone(),
        }
    }
}

/// Notes where the request goes: the SDK tells it nowhere else.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<OnceLock<String>>);

impl Intercept for Seen {
    fn name(&self) -> &'static str {
        "CredstackSeen"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.get_or_init(|| without_password(context.request().uri().trim_end_matches('/')));
        Ok(())
    }
}
