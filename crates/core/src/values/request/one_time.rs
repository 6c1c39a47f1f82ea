use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::{LimitError, Parameter, Request};

/// What is given to STS once and never kept.
#[derive(Clone, Default)]
pub struct OneTime {
    /// The six-digit MFA code.
    pub token_code: Option<SecretString>,
    /// One assertion for each of the request's provided contexts, in their order.
    pub context_assertions: Vec<SecretString>,
    /// The web identity token or SAML assertion of an unsigned request.
    pub token: Option<SecretString>,
}

impl OneTime {
    /// Checks the MFA code and the assertions against the request that they go with. Their values appear in no error.
    ///
    /// # Errors
    ///
    /// A code that is not six digits, a code without a device or a device without a code, an assertion outside
    /// 4 to 2,048 characters, a number of assertions other than that of the provided contexts, or a web identity token or
    /// SAML assertion that is missing, or longer than 20,000 and 100,000 characters.
    pub fn check(&self, request: &Request) -> Result<(), LimitError> {
        let refuse = |parameter, limit: &str| Err(LimitError::new(parameter, None, limit));
        match (&self.token_code, request.serial_number()) {
            (Some(code), _) if !is_six_digits(code.expose_secret()) => return refuse(Parameter::TokenCode, "must be six digits"),
            (Some(_), None) => {
                return match request {
                    Request::GetFederationToken(_) => refuse(Parameter::TokenCode, "GetFederationToken takes no MFA code"),
                    _ => Err(LimitError::new(Parameter::TokenCode, None, "an MFA code needs its device")
                        .way_out("name the device with --mfa-serial")),
                };
            }
            (None, Some(_)) => return refuse(Parameter::TokenCode, "an MFA device needs its six-digit code"),
            _ => {}
        }
        let contexts = match request {
            Request::AssumeRole(request) => request.provided_contexts.len(),
            _ => 0,
        };
        if self.context_assertions.len() != contexts {
            return refuse(Parameter::ContextAssertion, "each provided context needs one assertion");
        }
        for assertion in &self.context_assertions {
            if !(4..=2048).contains(&assertion.expose_secret().chars().count()) {
                return refuse(Parameter::ContextAssertion, "must have 4 to 2048 characters");
            }
        }
        self.check_token(request)
    }

    fn check_token(&self, request: &Request) -> Result<(), LimitError> {
        let (parameter, most) = match request {
            Request::AssumeRoleWithWebIdentity(_) => (Parameter::WebIdentityToken, 20_000),
            Request::AssumeRoleWithSaml(_) => (Parameter::SamlAssertion, 100_000),
            _ => return Ok(()),
        };
        let length = self.token.as_ref().map_or(0, |token| token.expose_secret().chars().count());
        if !(4..=most).contains(&length) {
            return Err(LimitError::new(parameter, None, format!("must have 4 to {most} characters, not {length}")));
        }
        Ok(())
    }
}

fn is_six_digits(code: &str) -> bool {
    code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Debug for OneTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneTime")
            .field("token_code", &self.token_code.as_ref().map(|_| "** redacted **"))
            .field("context_assertions", &self.context_assertions.len())
            .field("token", &self.token.as_ref().map(|_| "** redacted **"))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::request::{AssumeRole, GetFederationToken, GetSessionToken, ProvidedContext};

    fn session(serial: Option<&str>) -> Request {
        Request::GetSessionToken(GetSessionToken { serial_number: serial.map(str::to_owned), ..Default::default() })
    }

    fn code(code: &str) -> OneTime {
        OneTime { token_code: Some(code.into()), ..Default::default() }
    }

    #[test]
    fn codes_are_six_digits_with_a_device() {
        let device = session(Some("GAHT12345678"));
        assert_eq!(code("123456").check(&device), Ok(()));
        assert_eq!(OneTime::default().check(&session(None)), Ok(()));
        for bad in ["", "12345", "1234567", "12345a", "１２３４５６", "123 456"] {
            let error = code(bad).check(&device).unwrap_err();
            assert_eq!(error.to_string(), "TokenCode: must be six digits", "{bad}");
        }
        let error = code("271828").check(&session(None)).unwrap_err();
        assert_eq!(error.to_string(), "TokenCode: an MFA code needs its device; name the device with --mfa-serial");
        assert!(OneTime::default().check(&device).is_err());
        let federation = Request::GetFederationToken(GetFederationToken::default());
        let error = code("271828").check(&federation).unwrap_err();
        assert_eq!(error.to_string(), "TokenCode: GetFederationToken takes no MFA code");
        assert!(!format!("{error:?} {:?}", code("271828")).contains("271828"));
    }

    #[test]
    fn assertions_match_their_contexts() {
        let context = ProvidedContext { provider_arn: "arn:aws:iam::aws:contextProvider/IdentityCenter".into() };
        let request = |contexts| {
            Request::AssumeRole(AssumeRole { provided_contexts: vec![context.clone(); contexts], ..Default::default() })
        };
        let given = |lengths: &[usize]| OneTime {
            context_assertions: lengths.iter().map(|length| "é".repeat(*length).into()).collect(),
            ..Default::default()
        };
        assert_eq!(given(&[4, 2048]).check(&request(2)), Ok(()));
        for (lengths, contexts) in [(&[3][..], 1), (&[2049], 1), (&[4], 0), (&[4], 2), (&[], 1)] {
            let error = given(lengths).check(&request(contexts)).unwrap_err();
            assert_eq!(error.parameter, Parameter::ContextAssertion);
            assert_eq!(error.value, None);
        }
    }
}
