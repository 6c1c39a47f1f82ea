//! The way to STS as the AWS environment and configuration describe it. What the SDK would panic at is settled here.

use std::borrow::Cow;

use aws_config::{BehaviorVersion, profile::ProfileSet};
use aws_sdk_sts::config::Region;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::{
    SdkConfig,
    os_shim_internal::{Env, Fs},
    service_config::ServiceConfigKey,
};

use super::{Settings, StsError};
use crate::{
    config_files::env_config_files,
    http,
    values::{AwsFiles, Way},
};

/// What was found.
pub(super) struct Loaded {
    pub(super) config: SdkConfig,
    /// The region that somebody asked for.
    pub(super) region: Option<String>,
    /// Where and how STS is asked.
    pub(super) way: Way,
    /// The custom endpoint as it is asked, with its name and password if it has them.
    pub(super) endpoint: Option<String>,
}

pub(super) async fn load(settings: &Settings) -> Result<Loaded, StsError> {
    if let Some(way) = &settings.way {
        return recorded(settings, way);
    }
    let named = settings.profile.clone().or_else(|| {
        // Elsewhere AWS_PROFILE is not this process's own.
        settings.files.as_ref().map(|files| files.profile.clone().unwrap_or_else(|| "default".to_owned()))
    });
    let profiles = profiles(named.clone(), settings.files.as_ref()).await?;
    let region = region(settings, &profiles);
    if let Some(region) = &region {
        check_region(region)?;
    }
    let ca_bundle = settings.ca_bundle.clone().or_else(|| profiles.get("ca_bundle").map(Into::into));
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.clone().unwrap_or_else(|| "us-east-1".to_owned())))
        .no_credentials()
        .http_client(http::client(ca_bundle.clone()))
        .sleep_impl(TokioSleep::new())
        .retry_config(retries(Some(&profiles))?)
        .timeout_config(time_outs(settings));
    if settings.files.is_some() {
        loader = loader.profile_files(env_config_files(settings.files.as_ref()));
    }
    if let Some(profile) = &named {
        loader = loader.profile_name(profile);
    }
    let config = loader.load().await;
    let endpoint = endpoint(&config, &profiles);
    let is_aws_s_own = endpoint.is_none();
    let way = Way {
        endpoint: endpoint.as_deref().map(without_password),
        region: config.region().map(ToString::to_string).unwrap_or_default(),
        ca_bundle,
        // A custom endpoint wins over both, as in the AWS CLI.
        fips: is_aws_s_own && config.use_fips().unwrap_or_default(),
        dual_stack: is_aws_s_own && config.use_dual_stack().unwrap_or_default(),
    };
    Ok(Loaded { config, region, way, endpoint })
}

/// The way as it is recorded. A program that asks for keys may have been given an endpoint, a region or retries for something
/// else: none of it may lead a renewal elsewhere, or make it fail.
fn recorded(settings: &Settings, way: &Way) -> Result<Loaded, StsError> {
    let way = Way { region: settings.region.clone().unwrap_or_else(|| way.region.clone()), ..way.clone() };
    check_region(&way.region)?;
    if let Some(path) = &way.ca_bundle
        && let Err(error) = std::fs::metadata(path)
    {
        let what = format!("was trusted when these credentials were asked for, and cannot be read now: {}", error.kind());
        return Err(StsError::CaBundle { path: path.clone(), what });
    }
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(way.region.clone()))
        .http_client(http::client(way.ca_bundle.clone()))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .retry_config(retries(None).unwrap_or_else(|_| RetryConfig::standard()))
        .timeout_config(time_outs(settings))
        .build();
    Ok(Loaded { config, region: Some(way.region.clone()), endpoint: way.endpoint.clone(), way })
}

fn time_outs(settings: &Settings) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(settings.time_outs.connect)
        .read_timeout(settings.time_outs.read)
        .operation_timeout(settings.time_outs.operation)
        .build()
}

/// The custom endpoint, found as the SDK finds it, but that it panics at an empty one: empty variables and settings count as
/// unset.
fn endpoint(config: &SdkConfig, profiles: &ProfileSet) -> Option<String> {
    // As the SDK itself asks for it: the variable, and the profile's `services` section.
    let key = ServiceConfigKey::builder().service_id("STS").env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    let of_sts = config.service_config().and_then(|services| services.load_config(key.ok()?));
    let env = Env::real();
    let configured =
        [env.get("AWS_ENDPOINT_URL_STS").ok(), env.get("AWS_ENDPOINT_URL").ok(), profiles.get("endpoint_url").map(str::to_owned)];
    let has_empty = configured.iter().chain([&of_sts]).flatten().any(String::is_empty);
    match has_empty {
        true => [of_sts].into_iter().chain(configured).flatten().find(|url| !url.is_empty()),
        false => of_sts.or_else(|| config.endpoint_url().map(str::to_owned)),
    }
}

/// A URL may carry a name and a password, which are nobody's business.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.find(['/', '?']).map_or((rest, ""), |at| rest.split_at(at));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

/// How often is tried, and how: the SDK panics at what it does not understand.
fn retries(profiles: Option<&ProfileSet>) -> Result<RetryConfig, StsError> {
    let env = Env::real();
    let setting = |variable: &'static str, key: &'static str| {
        let given = |value: &String| !value.trim().is_empty();
        let in_profile = || profiles.and_then(|profiles| profiles.get(key)).map(|value| (key, value.to_owned()));
        env.get(variable).ok().map(|value| (variable, value)).filter(|(_, value)| given(value)).or_else(in_profile)
    };
    let wrong = |(name, value): (&str, String), expected: &str| StsError::Configuration {
        what: format!("{name} is {value:?}: expected {expected}"),
    };
    let config = match setting("AWS_RETRY_MODE", "retry_mode") {
        None => RetryConfig::standard(),
        Some(given) => match given.1.trim().to_ascii_lowercase().as_str() {
            "standard" | "legacy" => RetryConfig::standard(),
            "adaptive" => RetryConfig::adaptive(),
            _ => return Err(wrong(given, "standard, adaptive or legacy")),
        },
    };
    match setting("AWS_MAX_ATTEMPTS", "max_attempts") {
        None => Ok(config),
        Some(given) => match given.1.trim().parse::<u32>() {
            // The SDK makes room for them all beforehand.
            Ok(attempts @ 1..=100) => Ok(config.with_max_attempts(attempts)),
            _ => Err(wrong(given, "a whole number from 1 to 100")),
        },
    }
}

/// Read here as well as by the loader, which takes a file that it cannot read for an empty one.
async fn profiles(named: Option<String>, files: Option<&AwsFiles>) -> Result<ProfileSet, StsError> {
    aws_config::profile::load(&Fs::real(), &Env::real(), &env_config_files(files), named.map(Cow::Owned))
        .await
        .map_err(|error| StsError::Configuration { what: super::error::sentence(&error) })
}

/// A region becomes part of a host's name.
fn check_region(text: &str) -> Result<(), StsError> {
    if (1..=63).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Ok(());
    }
    let what = format!("the region {text:?} is none: expected letters, digits and hyphens, such as eu-west-1");
    Err(StsError::Configuration { what })
}

/// Without instance metadata, which takes two seconds where there is none. Empty variables count as unset.
fn region(settings: &Settings, profiles: &ProfileSet) -> Option<String> {
    let env = Env::real();
    let variable = |name| env.get(name).ok().filter(|_| !settings.ignores_region_variables);
    let given = |region: &String| !region.is_empty();
    settings
        .region
        .clone()
        .filter(given)
        .or_else(|| variable("AWS_REGION").filter(given))
        .or_else(|| variable("AWS_DEFAULT_REGION").filter(given))
        .or_else(|| profiles.get("region").map(str::to_owned).filter(given))
        .or_else(|| settings.default_region.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_recorded_without_name_and_password() {
        for (url, recorded) in [
            ("http://127.0.0.1:1/path", "http://127.0.0.1:1/path"),
            ("https://alice:fake-password@sts.example/", "https://sts.example/"),
            ("https://alice:fake@word@sts.example?a=b@c", "https://sts.example?a=b@c"),
            ("no url", "no url"),
        ] {
            assert_eq!(without_password(url), recorded);
        }
    }
}
