//! OpenID Connect: JSON Web Tokens, signed with HS256 and the provider's secret. Real providers sign with a private key, and
//! AWS fetches the public one.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Subject, invalid, tags};
use crate::{wire::Refusal, world::OidcProvider};

/// The claims in which AWS looks for session tags and the source identity
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_adding-assume-role-idp>).
const TAGS: &str = "https://aws.amazon.com/tags";
const SOURCE_IDENTITY: &str = "https://aws.amazon.com/source_identity";

/// What a token is to say.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    pub subject: String,
    pub audience: Option<String>,
    pub seconds: i64,
    pub tags: Vec<(String, String)>,
    pub transitive: Vec<String>,
    pub source_identity: Option<String>,
}

/// A token of a provider's.
pub fn mint(provider: &OidcProvider, wish: &Wish, now: Timestamp) -> Option<String> {
    mint_with(provider, wish, now, |_| ())
}

/// The same with a change to its claims.
pub fn mint_with(provider: &OidcProvider, wish: &Wish, now: Timestamp, change: impl FnOnce(&mut Value)) -> Option<String> {
    let audience = wish.audience.as_deref().or(provider.client_ids.first().map(String::as_str));
    let mut claims = json!({
        "iss": format!("https://{}", provider.host()),
        "aud": audience,
        "sub": wish.subject,
        "iat": now.as_second(),
        "exp": now.as_second() + wish.seconds,
    });
    if !wish.tags.is_empty() {
        let principal: BTreeMap<_, _> = wish.tags.iter().map(|(key, value)| (key, json!([value]))).collect();
        claims[TAGS] = json!({ "principal_tags": principal, "transitive_tag_keys": wish.transitive });
    }
    if let Some(identity) = &wish.source_identity {
        claims[SOURCE_IDENTITY] = json!(identity);
    }
    change(&mut claims);
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "alg": "HS256", "typ": "JWT" })), part(&claims));
    let signature = keyed(provider, &signed)?.finalize().into_bytes();
    Some(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
}

/// What a token says, once it is found to be one of a provider's in the role's account.
pub fn read<'w>(
    providers: &'w [OidcProvider],
    account: &str,
    token: &str,
    now: Timestamp,
) -> Result<(&'w OidcProvider, Subject, Value), Refusal> {
    let not_jwt = || invalid("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)");
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(not_jwt());
    };
    let decoded = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| not_jwt());
    let claims: Value = serde_json::from_slice(&decoded(payload)?).map_err(|_| not_jwt())?;
    let text = |name: &str| claims[name].as_str();
    // RFC 7519: a number of seconds, which need not be whole.
    let seconds = |name: &str| claims[name].as_f64().map(|seconds| seconds as i64);
    let issuer = text("iss").ok_or_else(|| invalid("Missing a required claim: iss"))?;
    let host = issuer.strip_prefix("https://").unwrap_or(issuer).trim_end_matches('/');
    let known = providers.iter().find(|provider| provider.account() == account && provider.host() == host);
    let provider = known.ok_or_else(|| invalid(&format!("No OpenIDConnect provider found in your account for {issuer}")))?;
    let verified =
        keyed(provider, &format!("{header}.{payload}")).map(|mac| mac.verify_slice(&decoded(signature).unwrap_or_default()));
    if !matches!(verified, Some(Ok(()))) {
        return Err(invalid("Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements")
            .because("the token is not signed with the provider's secret"));
    }
    let (Some(subject), Some(ends), Some(issued)) = (text("sub"), seconds("exp"), seconds("iat")) else {
        return Err(invalid("Missing a required claim: sub, exp or iat"));
    };
    if now.as_second() >= ends {
        let message =
            format!("Token expired: current date/time {} must be before the expiration date/time {ends}", now.as_second());
        return Err(Refusal::new(400, "ExpiredTokenException", message));
    }
    if issued > now.as_second() + 300 {
        return Err(invalid("Token was issued in the future"));
    }
    if seconds("nbf").is_some_and(|from| now.as_second() < from) {
        return Err(invalid("Token is not valid yet"));
    }
    let audiences = claims["aud"].as_array().map_or(std::slice::from_ref(&claims["aud"]), Vec::as_slice);
    let known = |audience: &&str| provider.client_ids.iter().any(|client| client == audience);
    let audience = audiences.iter().filter_map(Value::as_str).find(known);
    let audience = audience.ok_or_else(|| invalid("Incorrect token audience"))?;
    let conditions = [("aud", audience), ("sub", subject)].map(|(key, value)| (format!("{host}:{key}"), value.to_owned()));
    let principal = claims[TAGS]["principal_tags"].as_object().into_iter().flatten();
    let value = |value: &Value| value.as_str().or(value[0].as_str()).unwrap_or_default().to_owned();
    let all = principal.map(|(key, one)| (key.clone(), value(one))).collect();
    let transitive = claims[TAGS]["transitive_tag_keys"].as_array().into_iter().flatten();
    let transitive = transitive.filter_map(|key| key.as_str().map(str::to_owned));
    let subject = Subject {
        conditions: conditions.into(),
        tags: tags(all, transitive),
        source_identity: text(SOURCE_IDENTITY).map(str::to_owned),
    };
    Ok((provider, subject, claims))
}

fn keyed(provider: &OidcProvider, signed: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(provider.secret.0.as_bytes()).ok()?;
    mac.update(signed.as_bytes());
    Some(mac)
}
