//! The sign-in to the AWS console: one call that changes temporary credentials for a sign-in token, and the URLs around it.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html>

use std::{error::Error, path::PathBuf, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use crate::{
    http::{self, Posted},
    values::CredentialSet,
};

/// How long the whole call may take.
const TIME_OUT: Duration = Duration::from_secs(10);

/// Where the console of a partition is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Console {
    federation: Url,
    home: Url,
}

/// Why there is no sign-in token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsoleError {
    /// The sign-in service answered no. It gives no reason that could be relied on.
    #[error("{endpoint} refused these credentials: HTTP {status}")]
    Refused {
        /// Where.
        endpoint: String,
        /// The HTTP status.
        status: u16,
    },
    /// The sign-in service did not answer in time.
    #[error("no answer from {endpoint}")]
    TimedOut {
        /// Where.
        endpoint: String,
    },
    /// The sign-in service cannot be reached.
    #[error("{endpoint} cannot be reached: {reason}")]
    Unreachable {
        /// Where.
        endpoint: String,
        /// Why.
        reason: String,
    },
    /// What answered is not the sign-in service.
    #[error("the answer of {endpoint} holds no sign-in token")]
    Malformed {
        /// Where.
        endpoint: String,
    },
    /// The network cannot be used at all.
    #[error("cannot start the network runtime: {0}")]
    Runtime(std::io::Error),
}

/// An endpoint for the sign-in that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an https URL, nor an http one of this machine")]
pub struct EndpointError;

impl Console {
    /// The console of a partition: aws, aws-cn, aws-us-gov, aws-eusc. `None` for the others, which have none that can be
    /// reached from elsewhere.
    ///
    /// The sign-in of aws-eusc has only regional hosts; its only region stands in where none is named.
    pub fn of(partition: &str, region: Option<&str>) -> Option<Console> {
        let (signin, console) = match partition {
            "aws" => ("signin.aws.amazon.com".to_owned(), "console.aws.amazon.com"),
            "aws-cn" => ("signin.amazonaws.cn".to_owned(), "console.amazonaws.cn"),
            "aws-us-gov" => ("signin.amazonaws-us-gov.com".to_owned(), "console.amazonaws-us-gov.com"),
            "aws-eusc" => {
                (format!("{}.signin.amazonaws-eusc.eu", region.unwrap_or("eusc-de-east-1")), "console.amazonaws-eusc.eu")
            }
            _ => return None,
        };
        let host = region.map_or(console.to_owned(), |region| format!("{region}.{console}"));
        let url = |host: &str, path: &str| Url::parse(&format!("https://{host}/{path}")).ok();
        Some(Console { federation: url(&signin, "federation")?, home: url(&host, "console/home")? })
    }

    /// The same with another sign-in endpoint, such as one of a test.
    ///
    /// # Errors
    ///
    /// Where the keys would travel in the clear.
    pub fn at(self, endpoint: &str) -> Result<Console, EndpointError> {
        let url = Url::parse(endpoint).map_err(|_| EndpointError)?;
        if url.scheme() != "https" && !http::is_plain_loopback(endpoint) {
            return Err(EndpointError);
        }
        Ok(Console { federation: url, ..self })
    }

    /// The page where the sign-in leads: the console's home, or a service's page, as AWS finds it by the service's name.
    pub fn destination(&self, service: Option<&str>, region: Option<&str>, account: &str) -> Url {
        let mut url = self.home.clone();
        if let Some(service) = service {
            url.set_path("go/view");
            url.query_pairs_mut().append_pair("service", service);
        }
        if let Some(region) = region {
            url.query_pairs_mut().append_pair("region", region);
        }
        url.query_pairs_mut().append_pair("account", account);
        url
    }

    /// Changes temporary credentials for a sign-in token, which is valid for 15 minutes. They go into the body of the
    /// request, as AWS's own toolkit for JetBrains sends them, never into its URL. `duration` is how long the console session lasts, in seconds.
    ///
    /// # Errors
    ///
    /// [`ConsoleError::Refused`] where AWS says no, else why there was no answer.
    pub fn signin_token(
        &self,
        set: &CredentialSet,
        duration: Option<i32>,
        ca_bundle: Option<PathBuf>,
    ) -> Result<SecretString, ConsoleError> {
        let session = Zeroizing::new(
            json!({
                "sessionId": set.access_key_id,
                "sessionKey": set.secret_access_key.expose_secret(),
                "sessionToken": set.session_token.as_ref().map(ExposeSecret::expose_secret),
            })
            .to_string(),
        );
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", "getSigninToken");
        if let Some(seconds) = duration {
            form.append_pair("SessionDuration", &seconds.to_string());
        }
        form.append_pair("Session", &session);
        let posted = http::post_form(self.federation.as_str(), Zeroizing::new(form.finish()), ca_bundle, TIME_OUT);
        let endpoint = || self.shown();
        match posted {
            Ok(Posted { status: 200, body, .. }) => {
                let answer: Result<Answer, _> = serde_json::from_slice(&body);
                // One that repeats the keys is none of AWS's, and would put them into a URL.
                let is_token = |token: &String| !token.is_empty() && !set.is_repeated_in(token);
                let token = answer.ok().map(|answer| answer.signin_token).filter(is_token);
                token.map(SecretString::from).ok_or_else(|| ConsoleError::Malformed { endpoint: endpoint() })
            }
            Ok(Posted { status: status @ 400..=499, .. }) => Err(ConsoleError::Refused { endpoint: endpoint(), status }),
            Ok(Posted { status, .. }) => {
                Err(ConsoleError::Unreachable { endpoint: endpoint(), reason: format!("it answered HTTP {status}") })
            }
            Err(http::PostError::TimedOut) => Err(ConsoleError::TimedOut { endpoint: endpoint() }),
            Err(http::PostError::Runtime(error)) => Err(ConsoleError::Runtime(error)),
            Err(http::PostError::Connector(error)) => {
                Err(ConsoleError::Unreachable { endpoint: endpoint(), reason: innermost(error.as_ref()) })
            }
        }
    }

    /// The URL that signs in. Whoever has it is in.
    pub fn login_url(&self, token: &SecretString, destination: &Url) -> SecretString {
        let mut url = self.federation.clone();
        url.query_pairs_mut()
            .append_pair("Action", "login")
            .append_pair("Issuer", "credstack")
            .append_pair("Destination", destination.as_str())
            .append_pair("SigninToken", token.expose_secret());
        SecretString::from(String::from(url))
    }

    /// The sign-in endpoint without whatever password it may have.
    fn shown(&self) -> String {
        self.federation.host_str().unwrap_or_default().to_owned()
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "SigninToken")]
    signin_token: String,
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_its_own_hosts() {
        for (partition, region, federation, home) in [
            ("aws", None, "https://signin.aws.amazon.com/federation", "https://console.aws.amazon.com/console/home"),
            (
                "aws",
                Some("eu-west-1"),
                "https://signin.aws.amazon.com/federation",
                "https://eu-west-1.console.aws.amazon.com/console/home",
            ),
            (
                "aws-cn",
                Some("cn-north-1"),
                "https://signin.amazonaws.cn/federation",
                "https://cn-north-1.console.amazonaws.cn/console/home",
            ),
            (
                "aws-us-gov",
                None,
                "https://signin.amazonaws-us-gov.com/federation",
                "https://console.amazonaws-us-gov.com/console/home",
            ),
            (
                "aws-eusc",
                None,
                "https://eusc-de-east-1.signin.amazonaws-eusc.eu/federation",
                "https://console.amazonaws-eusc.eu/console/home",
            ),
        ] {
            let console = Console::of(partition, region).unwrap();
            assert_eq!((console.federation.as_str(), console.home.as_str()), (federation, home));
        }
        assert_eq!(Console::of("aws-iso", None), None);
    }

    #[test]
    fn a_service_is_found_by_its_name_and_every_text_is_encoded() {
        let console = Console::of("aws", Some("eu-west-1")).unwrap();
        let page = console.destination(Some("s3"), Some("eu-west-1"), "111122223333");
        assert_eq!(
            page.as_str(),
            "https://eu-west-1.console.aws.amazon.com/go/view?service=s3&region=eu-west-1&account=111122223333"
        );
        let url = console.login_url(&SecretString::from("fake&token=/+ é"), &page);
        let read = Url::parse(url.expose_secret()).unwrap();
        let pairs: Vec<_> = read.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        assert_eq!(pairs[3], ("SigninToken".to_owned(), "fake&token=/+ é".to_owned()));
        assert_eq!(pairs[2].1, page.as_str());
    }

    #[test]
    fn keys_do_not_travel_in_the_clear() {
        let at = |endpoint| Console::of("aws", None).unwrap().at(endpoint).is_ok();
        assert!(at("https://signin.example/federation") && at("http://127.0.0.1:9/federation"));
        assert!(!at("http://signin.example/federation") && !at("ftp://127.0.0.1/") && !at("nonsense"));
    }
}
