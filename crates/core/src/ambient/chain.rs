//! The SDK's providers, one after the other.

mod failure;

use std::time::Duration;

use aws_config::{
    BehaviorVersion, ecs::EcsCredentialsProvider, imds, imds::credentials::ImdsCredentialsProvider,
    profile::ProfileFileCredentialsProvider, provider_config::ProviderConfig, retry::RetryConfig, timeout::TimeoutConfig,
    web_identity_token::WebIdentityTokenCredentialsProvider,
};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, error::CredentialsError, future},
};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_types::region::Region;
use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::{
    AmbientError, EnvironmentKeys, Question, Resolved,
    profiles::{Beside, Profiles},
    walk::{Base, Named, Walk},
};
use crate::{
    http,
    values::{Ambient, CredentialSet},
};

pub(super) async fn ask(
    question: &Question,
    profiles: &Profiles,
    walk: &Walk,
    region: Option<String>,
) -> Result<Resolved, AmbientError> {
    let mut tried = Vec::new();
    if question.reference.profile.is_none() {
        tried.push("the environment".to_owned());
    }
    let Some(provider) = walk.provider() else {
        tried.push(format!("profile {}", profiles.selected()));
        return others(question, profiles, region, tried).await;
    };
    let reference =
        Ambient { profile: Some(profiles.selected().to_owned()), region: region.clone(), provider: Some(provider.to_owned()) };
    let of_process = question.of_process.as_ref().filter(|_| walk.base == Base::Process);
    if let (Some(EnvironmentKeys { set, expires_at }), true) = (of_process, walk.roles.is_empty()) {
        return Ok(Resolved { set: set.clone(), expires_at: *expires_at, reference, beside: profiles.beside() });
    }
    let files = match of_process {
        // The SDK finds them in the place of the process.
        Some(_) => profiles.files_with(&walk.last, "credential_source = Environment"),
        None => profiles.files(),
    };
    // Keys in the environment are the caller's decision here as well.
    let source = ProfileFileCredentialsProvider::builder()
        .configure(&configuration(question, profiles, region))
        .profile_files(files)
        .profile_name(profiles.selected())
        .with_custom_provider("Environment", Given(of_process.or(question.environment_keys.as_ref()).cloned()))
        .build();
    let credentials = source.provide_credentials().await.map_err(|error| failure::of_profile(error, walk, provider))?;
    let (set, expires_at) = taken(&credentials)?;
    Ok(Resolved { set, expires_at, reference, beside: beside(profiles, &credentials) })
}

/// The providers outside the AWS configuration.
const OTHERS: [&str; 3] = ["WebIdentityToken", "EcsContainer", "Ec2InstanceMetadata"];

/// The one of those that a reference names: without a profile it is that, whatever the configuration says by now.
pub(super) fn only(reference: &Ambient) -> Option<&str> {
    reference.provider.as_deref().filter(|provider| reference.profile.is_none() && OTHERS.contains(provider))
}

/// Asks those, in that order, or the only one that counts.
pub(super) async fn others(
    question: &Question,
    profiles: &Profiles,
    region: Option<String>,
    mut tried: Vec<String>,
) -> Result<Resolved, AmbientError> {
    let config = configuration(question, profiles, region.clone());
    let (named, only) = (question.reference.profile.is_some(), only(&question.reference));
    let mut others: Vec<(&'static str, &str, Box<dyn ProvideCredentials>)> = Vec::new();
    if !named {
        let source = WebIdentityTokenCredentialsProvider::builder().configure(&config).build();
        others.push(("WebIdentityToken", "AWS_WEB_IDENTITY_TOKEN_FILE", Box::new(source)));
    }
    others.push((
        "EcsContainer",
        "a container's credentials",
        Box::new(EcsCredentialsProvider::builder().configure(&config).build()),
    ));
    others.push(("Ec2InstanceMetadata", "instance metadata", Box::new(instance_metadata(&config))));
    for (provider, what, source) in others.into_iter().filter(|(provider, ..)| only.is_none_or(|only| only == *provider)) {
        match source.provide_credentials().await {
            Ok(credentials) => {
                let profile = named.then(|| profiles.selected().to_owned());
                let reference = Ambient { profile, region, provider: Some(provider.to_owned()) };
                let (set, expires_at) = taken(&credentials)?;
                return Ok(Resolved { set, expires_at, reference, beside: beside(profiles, &credentials) });
            }
            Err(CredentialsError::CredentialsNotLoaded(_)) => tried.push(what.to_owned()),
            Err(error) => return Err(failure::of_provider(error, provider)),
        }
    }
    Err(AmbientError::Nothing { tried })
}

/// What a profile with a role has of its own: its keys, or what its `credential_source` names.
pub(super) async fn own(
    question: &Question,
    profiles: &Profiles,
    own: Base,
    region: Option<String>,
) -> Result<Resolved, AmbientError> {
    let name = profiles.selected();
    let config = configuration(question, profiles, region.clone());
    let provider = match own {
        Base::Named(named) => named.name(),
        _ => Base::Keys.name(),
    };
    let source: Box<dyn ProvideCredentials> = match own {
        Base::Named(Named::EcsContainer) => Box::new(EcsCredentialsProvider::builder().configure(&config).build()),
        Base::Named(Named::Ec2InstanceMetadata) => Box::new(instance_metadata(&config)),
        Base::Named(Named::Environment) => Box::new(Given(question.environment_keys.clone())),
        _ => {
            let setting = |key| profiles.setting(key).unwrap_or_default();
            let token = profiles.setting("aws_session_token").map(str::to_owned);
            let (id, secret) = (setting("aws_access_key_id"), setting("aws_secret_access_key"));
            Box::new(Credentials::new(id, secret, token, None, "ProfileFile"))
        }
    };
    match source.provide_credentials().await {
        Ok(credentials) => {
            let (set, expires_at) = taken(&credentials)?;
            let reference = Ambient { profile: Some(name.to_owned()), region, provider: Some(provider.to_owned()) };
            Ok(Resolved { set, expires_at, reference, beside: beside(profiles, &credentials) })
        }
        Err(CredentialsError::CredentialsNotLoaded(_)) => {
            Err(AmbientError::Nothing { tried: vec![format!("{provider}, which is the credential_source of profile {name}")] })
        }
        Err(error) => Err(failure::of_provider(error, provider)),
    }
}

fn configuration(question: &Question, profiles: &Profiles, region: Option<String>) -> ProviderConfig {
    let time_outs = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(10))
        .operation_timeout(Duration::from_secs(20))
        .build();
    ProviderConfig::without_region()
        .with_region(Some(Region::new(region.unwrap_or_else(|| "us-east-1".to_owned()))))
        .with_behavior_version(Some(BehaviorVersion::latest()))
        .with_http_client(http::client(profiles.ca_bundle(question)))
        .with_sleep_impl(TokioSleep::new())
        .with_retry_config(RetryConfig::standard())
        .with_timeout_config(time_outs)
}

/// On most machines there is none, and finding that out must not take long.
fn instance_metadata(config: &ProviderConfig) -> ImdsCredentialsProvider {
    let client = imds::Client::builder()
        .configure(config)
        .connect_timeout(Duration::from_secs(1))
        .read_timeout(Duration::from_secs(1))
        .max_attempts(2)
        .build();
    ImdsCredentialsProvider::builder().configure(config).imds_client(client).build()
}

/// An account stands beside the keys in a process's or an endpoint's answer, or in a profile.
fn beside(profiles: &Profiles, credentials: &Credentials) -> Beside {
    Beside { account: credentials.account_id().map(|id| id.as_str().to_owned()), ..profiles.beside() }
}

fn taken(credentials: &Credentials) -> Result<(CredentialSet, Option<Timestamp>), AmbientError> {
    let set = CredentialSet {
        access_key_id: credentials.access_key_id().to_owned(),
        secret_access_key: credentials.secret_access_key().into(),
        session_token: credentials.session_token().filter(|token| !token.is_empty()).map(Into::into),
    };
    let expires_at = credentials.expiry().map(Timestamp::try_from).transpose();
    let expires_at = expires_at
        .map_err(|_| AmbientError::Configuration { what: "the credentials expire at a time that cannot be told".into() })?;
    Ok((set, expires_at))
}

/// For `credential_source = Environment`, and in the place of a process whose answer is known.
#[derive(Debug)]
struct Given(Option<EnvironmentKeys>);

impl ProvideCredentials for Given {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(match &self.0 {
            None => Err(CredentialsError::not_loaded("the environment holds no keys but credstack's own")),
            Some(EnvironmentKeys { set, .. }) => {
                let token = set.session_token.as_ref().map(|token| token.expose_secret().to_owned());
                Ok(Credentials::new(&set.access_key_id, set.secret_access_key.expose_secret(), token, None, "Environment"))
            }
        })
    }
}
