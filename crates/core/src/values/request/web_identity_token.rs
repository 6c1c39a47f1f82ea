use std::fmt;

use super::{
    LimitError, Parameter, Tag,
    limits::{self, AUDIENCE},
};

/// The parameters of GetWebIdentityToken:
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html>.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GetWebIdentityToken {
    /// `Audience`: whom the token is for.
    pub audience: Vec<String>,
    /// `DurationSeconds`; STS's default is 300.
    pub duration_seconds: Option<i32>,
    /// `SigningAlgorithm`.
    pub signing_algorithm: SigningAlgorithm,
    /// `Tags`: claims of the request's own.
    pub tags: Vec<Tag>,
}

/// What a token is signed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// RSA with SHA-256, which every verifier knows.
    #[default]
    Rs256,
    /// ECDSA on P-384 with SHA-384: a shorter token.
    Es384,
}

impl SigningAlgorithm {
    /// As STS and a JWT's header name it.
    pub fn as_str(self) -> &'static str {
        match self {
            SigningAlgorithm::Rs256 => "RS256",
            SigningAlgorithm::Es384 => "ES384",
        }
    }
}

impl fmt::Display for SigningAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl GetWebIdentityToken {
    /// Checks what can be known before asking. Whether the token would outlive the session that signs is STS's to say.
    ///
    /// # Errors
    ///
    /// The first limit that the request breaks: 1 to 10 audiences of 1 to 1,000 characters, 1m to 1h, and those of tags.
    pub fn check(&self) -> Result<(), LimitError> {
        if self.audience.is_empty() {
            return Err(LimitError::new(Parameter::Audience, None, "a web identity token needs somebody whom it is for"));
        }
        limits::count(Parameter::Audience, self.audience.len(), 10, "audiences")?;
        self.audience.iter().try_for_each(|audience| AUDIENCE.check(Parameter::Audience, audience))?;
        limits::duration(self.duration_seconds, 60, 3600, "a web identity token")?;
        limits::tags(&self.tags, &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(audience: &[&str]) -> GetWebIdentityToken {
        GetWebIdentityToken { audience: audience.iter().map(|&one| one.to_owned()).collect(), ..Default::default() }
    }

    #[test]
    fn every_limit_at_both_edges() {
        let (longest, too_long) = ("x".repeat(1000), "x".repeat(1001));
        for good in [&["x"][..], &[&longest], &["a"; 10]] {
            assert_eq!(to(good).check(), Ok(()));
        }
        for (bad, words) in [
            (&[][..], "needs somebody"),
            (&["a"; 11], "at most 10 audiences"),
            (&["a", ""], "1 to 1000 characters, not 0"),
            (&[&*too_long], "not 1001"),
        ] {
            let error = to(bad).check().unwrap_err();
            assert!(error.to_string().starts_with("Audience") && error.to_string().contains(words), "{error}");
        }
        let lasting = |seconds| GetWebIdentityToken { duration_seconds: Some(seconds), ..to(&["a"]) }.check();
        assert_eq!((lasting(60), lasting(3600)), (Ok(()), Ok(())));
        assert!(lasting(59).unwrap_err().to_string().ends_with("a web identity token lasts 1m to 1h; use --duration 1m"));
        assert!(lasting(3601).unwrap_err().to_string().ends_with("use --duration 1h"));
        let tag = |key: &str| Tag { key: key.to_owned(), value: String::new() };
        let tagged = |tags| GetWebIdentityToken { tags, ..to(&["a"]) }.check();
        assert_eq!(tagged(vec![tag("job"), tag("Größe")]), Ok(()));
        for tags in [vec![tag("")], vec![tag("job"), tag("JOB")], vec![tag("a,b")]] {
            assert_eq!(tagged(tags).unwrap_err().parameter, Parameter::Tags);
        }
    }
}
