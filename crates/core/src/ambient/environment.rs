use jiff::Timestamp;

use super::AmbientError;
use crate::values::CredentialSet;

/// The keys that an environment holds.
#[derive(Clone, Debug)]
pub struct EnvironmentKeys {
    /// The keys.
    pub set: CredentialSet,
    /// `AWS_CREDENTIAL_EXPIRATION`; it may be in the past.
    pub expires_at: Option<Timestamp>,
}

/// Reads the keys from variables: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` (or the older
/// `AWS_SECURITY_TOKEN`) and `AWS_CREDENTIAL_EXPIRATION`. An empty variable counts as unset.
///
/// # Errors
///
/// [`AmbientError::HalfAKey`] when one of the first two is there without the other, and [`AmbientError::Configuration`]
/// when the expiration is not an RFC 3339 time.
pub fn environment_keys(variable: impl Fn(&str) -> Option<String>) -> Result<Option<EnvironmentKeys>, AmbientError> {
    let given = |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    const ID: &str = "AWS_ACCESS_KEY_ID";
    const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
    const EXPIRATION: &str = "AWS_CREDENTIAL_EXPIRATION";
    let (access_key_id, secret) = match (given(ID), given(SECRET)) {
        (Some(id), Some(secret)) => (id, secret),
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(AmbientError::HalfAKey { present: ID, missing: SECRET }),
        (None, Some(_)) => return Err(AmbientError::HalfAKey { present: SECRET, missing: ID }),
    };
    let expires_at = match given(EXPIRATION).map(|text| text.parse::<Timestamp>()) {
        None => None,
        Some(Ok(time)) => Some(time),
        // The value is not repeated: a slip of the hand may have put a secret there.
        Some(Err(_)) => {
            return Err(AmbientError::Configuration { what: format!("{EXPIRATION} is not an RFC 3339 time with its zone") });
        }
    };
    let session_token = given("AWS_SESSION_TOKEN").or_else(|| given("AWS_SECURITY_TOKEN")).map(Into::into);
    Ok(Some(EnvironmentKeys {
        set: CredentialSet { access_key_id, secret_access_key: secret.into(), session_token },
        expires_at,
    }))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn keys(variables: &[(&str, &str)]) -> Result<Option<EnvironmentKeys>, AmbientError> {
        let find = |name: &str| variables.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned());
        environment_keys(find)
    }

    #[test]
    fn reads_long_term_and_temporary_keys() {
        let long = keys(&[("AWS_ACCESS_KEY_ID", "AKIAFAKE"), ("AWS_SECRET_ACCESS_KEY", "fake"), ("AWS_SESSION_TOKEN", "")]);
        let long = long.unwrap().unwrap();
        assert_eq!((long.set.access_key_id.as_str(), long.set.secret_access_key.expose_secret()), ("AKIAFAKE", "fake"));
        assert!(long.set.is_long_term() && long.expires_at.is_none());

        let pair = [("AWS_ACCESS_KEY_ID", "ASIAFAKE"), ("AWS_SECRET_ACCESS_KEY", "fake")];
        let token = |more: &[(&'static str, &'static str)]| {
            let keys = keys(&[&pair, more].concat()).unwrap().unwrap();
            (keys.set.session_token.map(|token| token.expose_secret().to_owned()), keys.expires_at)
        };
        assert_eq!(token(&[("AWS_SECURITY_TOKEN", "old")]).0.as_deref(), Some("old"));
        assert_eq!(token(&[("AWS_SECURITY_TOKEN", "old"), ("AWS_SESSION_TOKEN", "new")]).0.as_deref(), Some("new"));
        let time = "2026-11-22T07:35:44Z";
        assert_eq!(token(&[("AWS_CREDENTIAL_EXPIRATION", time)]).1, Some(time.parse().unwrap()));
    }

    #[test]
    fn nothing_is_nothing() {
        assert!(keys(&[]).unwrap().is_none());
        assert!(keys(&[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "  ")]).unwrap().is_none());
        assert!(keys(&[("AWS_SESSION_TOKEN", "token")]).unwrap().is_none());
    }

    #[test]
    fn half_a_key_and_a_bad_time_are_said_without_values() {
        for (present, missing) in [("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID")]
        {
            let error = keys(&[(present, "fakefake"), (missing, "")]).unwrap_err();
            assert_eq!(error.to_string(), format!("the environment has {present} without {missing}"));
        }
        let pair = [("AWS_ACCESS_KEY_ID", "A"), ("AWS_SECRET_ACCESS_KEY", "S"), ("AWS_CREDENTIAL_EXPIRATION", "fakefake")];
        let error = keys(&pair).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("fakefake"));
    }
}
