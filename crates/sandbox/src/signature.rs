//! Signature Version 4: the request is signed again with AWS's own signer, and the two signatures compared.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use crate::wire::Refusal;

/// How far apart the clocks may be. STS's own messages say "- 15 min."
const WINDOW_MINUTES: i64 = 15;

/// A request as it came.
#[derive(Clone, Copy)]
pub struct Received<'a> {
    /// `POST`.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// All headers, names in lower case.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
}

impl<'a> Received<'a> {
    /// The first header of a name.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What an `Authorization` header says. Nothing in it is true until [`Claim::verify`].
#[derive(Debug, PartialEq, Eq)]
pub struct Claim<'a> {
    /// Whose key it is signed with.
    pub access_key_id: &'a str,
    /// The region of the credential scope.
    pub region: &'a str,
    date: &'a str,
    service: &'a str,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

impl<'a> Claim<'a> {
    /// Reads the `Authorization` header.
    ///
    /// # Errors
    /// `MissingAuthenticationToken` without one, `IncompleteSignature` if it is not of the form of SigV4.
    pub fn read(request: Received<'a>) -> Result<Claim<'a>, Refusal> {
        let missing = || Refusal::new(403, "MissingAuthenticationToken", "Request is missing Authentication Token");
        let header = request.header("authorization").ok_or_else(missing)?;
        let incomplete = |what: &str| {
            // The header is not repeated, unlike at AWS: what a client put there by mistake may be a secret.
            Refusal::new(400, "IncompleteSignature", format!("Authorization header requires '{what}' parameter."))
        };
        let rest = header.strip_prefix("AWS4-HMAC-SHA256").ok_or_else(|| {
            Refusal::new(400, "IncompleteSignature", "Authorization header must be of the algorithm AWS4-HMAC-SHA256.")
        })?;
        let part = |name: &str| {
            let find = |part: &'a str| part.trim().strip_prefix(name)?.strip_prefix('=');
            rest.split(',').find_map(find).ok_or_else(|| incomplete(name))
        };
        let scope: Vec<&str> = part("Credential")?.split('/').collect();
        let [access_key_id, date, region, service, "aws4_request"] = scope[..] else {
            return Err(Refusal::new(
                400,
                "IncompleteSignature",
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.",
            ));
        };
        let signed_headers = part("SignedHeaders")?.split(';').collect();
        Ok(Claim { access_key_id, region, date, service, signed_headers, signature: part("Signature")? })
    }

    /// Checks scope, time and signature.
    ///
    /// # Errors
    /// `SignatureDoesNotMatch`, saying what is wrong with scope or time; `IncompleteSignature` without `X-Amz-Date`.
    pub fn verify(&self, request: Received<'_>, secret: &str, now: Timestamp) -> Result<(), Refusal> {
        let time_header = request.header("x-amz-date").unwrap_or_default();
        let signed_at = parse_time(time_header).ok_or_else(|| {
            Refusal::new(400, "IncompleteSignature", "Authorization header requires existence of a valid 'X-Amz-Date' header.")
        })?;
        if self.service != "sts" {
            return Err(mismatch("Credential should be scoped to correct service: 'sts'. "));
        }
        if self.region.is_empty() || !self.region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return Err(mismatch("Credential should be scoped to a valid region. "));
        }
        if !time_header.starts_with(self.date) || self.date.len() != 8 {
            return Err(mismatch(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
                 '{}' != '{}', from '{time_header}'.",
                self.date,
                time_header.get(..8).unwrap_or_default(),
            )));
        }
        check_clock(signed_at, now)?;
        // What is not signed could be changed on the way: AWS insists on these as well.
        for needed in ["host", "x-amz-date", "x-amz-security-token"] {
            let sent = request.header(needed).is_some() || needed == "host";
            if sent && !self.signed_headers.contains(&needed) {
                return Err(mismatch(format!("'{needed}' must be a 'SignedHeader' in the AWS Authorization.")));
            }
        }
        let expected = self.recompute(request, secret, signed_at).ok_or_else(wrong_signature)?;
        if same(expected.as_bytes(), self.signature.as_bytes()) { Ok(()) } else { Err(wrong_signature()) }
    }

    fn recompute(&self, request: Received<'_>, secret: &str, signed_at: Timestamp) -> Option<String> {
        let mut settings = SigningSettings::default();
        // The list that the client signed decides, not the signer's opinion of what to leave out.
        settings.excluded_headers = None;
        // The session token, if any, is among the signed headers already.
        let identity = Credentials::new(self.access_key_id, secret, None, None, "sandbox").into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(SystemTime::from(signed_at))
            .settings(settings)
            .build()
            .ok()?
            .into();
        let headers = request.headers.iter().filter(|(name, _)| self.signed_headers.contains(&name.as_str()));
        let headers = headers.map(|(name, value)| (name.as_str(), value.as_str()));
        let uri = format!("http://{}{}", request.header("host")?, request.target);
        let signable = SignableRequest::new(request.method, uri, headers, SignableBody::Bytes(request.body)).ok()?;
        Some(sign(signable, &parameters).ok()?.signature().to_owned())
    }
}

fn mismatch(message: impl Into<String>) -> Refusal {
    Refusal::new(403, "SignatureDoesNotMatch", message)
}

fn wrong_signature() -> Refusal {
    mismatch(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key \
         and signing method. Consult the service documentation for details.",
    )
}

fn check_clock(signed_at: Timestamp, now: Timestamp) -> Result<(), Refusal> {
    let shift = |minutes: i64| Timestamp::from_second(now.as_second() + minutes * 60).unwrap_or(now);
    let show = |time: Timestamp| time.strftime("%Y%m%dT%H%M%SZ").to_string();
    let (oldest, newest) = (shift(-WINDOW_MINUTES), shift(WINDOW_MINUTES));
    let (signed, now) = (show(signed_at), show(now));
    if signed_at < oldest {
        let oldest = show(oldest);
        return Err(mismatch(format!(
            "Signature expired: {signed} is now earlier than {oldest} ({now} - {WINDOW_MINUTES} min.)"
        )));
    }
    if signed_at > newest {
        let newest = show(newest);
        return Err(mismatch(format!(
            "Signature not yet current: {signed} is still later than {newest} ({now} + {WINDOW_MINUTES} min.)"
        )));
    }
    Ok(())
}

fn parse_time(text: &str) -> Option<Timestamp> {
    let time = DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Compares without telling by its duration how much is right.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "fake+secret";

    fn now() -> Timestamp {
        "2026-11-22T07:00:00Z".parse().unwrap()
    }

    /// A request as the SDK signs it, at `time`, for `service`.
    fn signed(time: &str, service: &str) -> Vec<(String, String)> {
        let identity = Credentials::new("AKIAFAKE", SECRET, Some("token/+=".into()), None, "test").into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region("eu-west-1")
            .name(service)
            .time(SystemTime::from(time.parse::<Timestamp>().unwrap()))
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let mut headers = vec![
            ("host".to_owned(), "127.0.0.1:1".to_owned()),
            ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ];
        let pairs = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let request = SignableRequest::new("POST", "http://127.0.0.1:1/", pairs, SignableBody::Bytes(b"Action=A")).unwrap();
        let (instructions, _) = sign(request, &parameters).unwrap().into_parts();
        let added: Vec<_> = instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        headers.extend(added);
        headers.push(("user-agent".into(), "not signed".into()));
        headers
    }

    fn verify(headers: &[(String, String)], body: &[u8], secret: &str) -> Result<(), Refusal> {
        let request = Received { method: "POST", target: "/", headers, body };
        Claim::read(request)?.verify(request, secret, now())
    }

    #[test]
    fn an_honest_signature_is_accepted_and_any_change_refused() {
        let headers = signed("2026-11-22T07:00:00Z", "sts");
        assert_eq!(verify(&headers, b"Action=A", SECRET), Ok(()));
        assert_eq!(verify(&headers, b"Action=B", SECRET), Err(wrong_signature()), "another body");
        assert_eq!(verify(&headers, b"Action=A", "fake+other"), Err(wrong_signature()), "another secret");
        for name in ["content-type", "x-amz-security-token"] {
            let mut changed = headers.clone();
            changed.iter_mut().find(|(key, _)| key == name).unwrap().1.push('x');
            assert_eq!(verify(&changed, b"Action=A", SECRET), Err(wrong_signature()), "another {name}");
        }
        let mut changed = headers;
        changed.iter_mut().find(|(key, _)| key == "user-agent").unwrap().1.push('x');
        assert_eq!(verify(&changed, b"Action=A", SECRET), Ok(()), "what is not signed may change");
    }

    #[test]
    fn clocks_may_be_fifteen_minutes_apart() {
        for (time, expected) in [
            ("2026-11-22T06:45:00Z", ""),
            ("2026-11-22T07:15:00Z", ""),
            (
                "2026-11-22T06:44:59Z",
                "Signature expired: 20261122T064459Z is now earlier than 20261122T064500Z (20261122T070000Z - 15 min.)",
            ),
            (
                "2026-11-22T07:15:01Z",
                "Signature not yet current: 20261122T071501Z is still later than 20261122T071500Z (20261122T070000Z + 15 min.)",
            ),
        ] {
            let answer = verify(&signed(time, "sts"), b"Action=A", SECRET);
            assert_eq!(answer.err().map(|refusal| refusal.message).unwrap_or_default(), expected);
        }
    }

    #[test]
    fn scope_and_form_are_checked() {
        let message = |headers: &[(String, String)]| verify(headers, b"Action=A", SECRET).unwrap_err();
        assert!(message(&signed("2026-11-22T07:00:00Z", "s3")).message.contains("correct service: 'sts'"));
        let with = |from: &str, to: &str| {
            let mut headers = signed("2026-11-22T07:00:00Z", "sts");
            let value = &mut headers.iter_mut().find(|(key, _)| key == "authorization").unwrap().1;
            assert!(value.contains(from), "{value}");
            *value = value.replace(from, to);
            message(&headers)
        };
        assert!(with("/20261122/", "/20261121/").message.contains("'20261121' != '20261122'"));
        assert!(with("eu-west-1", "EU").message.contains("valid region"));
        assert_eq!(with("/aws4_request", "").code, "IncompleteSignature");
        assert_eq!(with("Signature=", "Sig=").code, "IncompleteSignature");
        assert!(with("host;", "").message.contains("'host' must be"));
        assert!(with(";x-amz-security-token", "").message.contains("'x-amz-security-token' must be"));
        assert_eq!(message(&[]).code, "MissingAuthenticationToken");
    }
}
