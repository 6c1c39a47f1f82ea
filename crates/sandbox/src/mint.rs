//! Makes what identity providers make: web identity tokens and SAML assertions, from a query such as
//! `subject=project:phoenix:main&seconds=60`.

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use quick_xml::escape::escape;
use serde_json::{Map, Value, json};

use crate::{
    saml::{ATTRIBUTES, AUDIENCE},
    tokens,
    world::World,
};

/// What is asked for.
pub struct Wanted(Vec<(String, String)>);

impl Wanted {
    /// Reads a query, in which nothing but these keys may stand, `tag:KEY` included.
    pub fn parse(query: &str, keys: &[&str]) -> Result<Wanted, String> {
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        match pairs.iter().find(|(key, _)| !keys.contains(&key.as_str()) && !key.starts_with("tag:")) {
            Some((key, _)) => Err(format!("{key} is not known: there are {} and tag:KEY", keys.join(", "))),
            None => Ok(Wanted(pairs)),
        }
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    fn all<'w>(&'w self, key: &'w str) -> impl Iterator<Item = &'w str> {
        self.0.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(key, value)| Some((key.strip_prefix("tag:")?, value.as_str())))
    }

    fn required(&self, key: &str) -> Result<&str, String> {
        self.get(key).ok_or_else(|| format!("{key} is missing"))
    }

    fn number(&self, key: &str, otherwise: i64) -> Result<i64, String> {
        self.get(key).map_or(Ok(otherwise), |text| text.parse().map_err(|_| format!("{key} must be a number of seconds")))
    }
}

/// What a web identity token can be asked for.
pub const TOKEN: [&str; 6] = ["subject", "provider", "audience", "seconds", "source_identity", "transitive"];

/// A web identity token.
pub fn web_identity_token(world: &World, wanted: &Wanted, now: Timestamp) -> Result<String, String> {
    let host = wanted.get("provider");
    let mut providers = world.oidc_providers.iter();
    let provider =
        providers.find(|it| host.is_none_or(|host| host == it.host())).ok_or("the world has no such OpenID Connect provider")?;
    let audience = wanted.get("audience").or(provider.client_ids.first().map(String::as_str)).unwrap_or_default();
    let now = now.as_second();
    let mut claims = json!({
        "iss": provider.issuer(),
        "aud": audience,
        "sub": wanted.required("subject")?,
        "iat": now,
        "nbf": now,
        "exp": now.saturating_add(wanted.number("seconds", 3600)?),
    });
    let tags: Map<String, Value> = wanted.tags().map(|(key, value)| (key.to_owned(), json!([value]))).collect();
    if !tags.is_empty() {
        let transitive: Vec<&str> = wanted.all("transitive").collect();
        claims["https://aws.amazon.com/tags"] = json!({ "principal_tags": tags, "transitive_tag_keys": transitive });
    }
    if let Some(identity) = wanted.get("source_identity") {
        claims["https://aws.amazon.com/source_identity"] = json!(identity);
    }
    tokens::sign(&claims, &provider.secret.0).ok_or_else(|| "the provider's secret is no key".to_owned())
}

/// What a SAML assertion can be asked for.
pub const ASSERTION: [&str; 9] = [
    "role",
    "provider",
    "session_name",
    "subject",
    "seconds",
    "session_duration",
    "session_seconds",
    "source_identity",
    "transitive",
];

/// A SAML assertion in Base64.
pub fn saml_assertion(world: &World, wanted: &Wanted, now: Timestamp) -> Result<String, String> {
    let arn = wanted.get("provider");
    let mut providers = world.saml_providers.iter();
    let provider = providers.find(|it| arn.is_none_or(|arn| arn == it.arn)).ok_or("the world has no such SAML provider")?;
    let moment = |seconds: i64| Timestamp::from_second(seconds).map_err(|error| error.to_string());
    let now = now.as_second();
    let (issued, ends) = (moment(now)?, moment(now.saturating_add(wanted.number("seconds", 300)?))?);
    wanted.required("role")?;
    let name = wanted.get("session_name").unwrap_or("me");
    let attribute = |name: &str, values: &[&str]| {
        let values: String =
            values.iter().map(|it| format!("<saml:AttributeValue>{}</saml:AttributeValue>", escape(*it))).collect();
        format!("<saml:Attribute Name=\"{ATTRIBUTES}{}\">{values}</saml:Attribute>", escape(name))
    };
    let roles: Vec<String> = wanted.all("role").map(|role| format!("{role},{}", provider.arn)).collect();
    let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
    let mut attributes = attribute("Role", &roles) + &attribute("RoleSessionName", &[name]);
    for (key, value) in wanted.tags() {
        attributes += &attribute(&format!("PrincipalTag:{key}"), &[value]);
    }
    for (key, attribute_name) in
        [("session_duration", "SessionDuration"), ("source_identity", "SourceIdentity"), ("transitive", "TransitiveTagKeys")]
    {
        let values: Vec<&str> = wanted.all(key).collect();
        if !values.is_empty() {
            attributes += &attribute(attribute_name, &values);
        }
    }
    let session = match wanted.get("session_seconds") {
        Some(_) => format!(
            "<saml:AuthnStatement SessionNotOnOrAfter=\"{}\"/>",
            moment(now.saturating_add(wanted.number("session_seconds", 0)?))?
        ),
        None => String::new(),
    };
    let (issuer, subject) = (escape(provider.issuer.as_str()), escape(wanted.get("subject").unwrap_or(name)));
    let xml = format!(
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
         ID=\"_response\" Version=\"2.0\" IssueInstant=\"{issued}\" Destination=\"{AUDIENCE}\"><saml:Issuer>{issuer}</saml:Issuer>\
         <samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status>\
         <saml:Assertion ID=\"_assertion\" Version=\"2.0\" IssueInstant=\"{issued}\"><saml:Issuer>{issuer}</saml:Issuer>\
         <saml:Subject><saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">{subject}</saml:NameID>\
         <saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">\
         <saml:SubjectConfirmationData NotOnOrAfter=\"{ends}\" Recipient=\"{AUDIENCE}\"/></saml:SubjectConfirmation></saml:Subject>\
         <saml:Conditions NotBefore=\"{issued}\" NotOnOrAfter=\"{ends}\"><saml:AudienceRestriction>\
         <saml:Audience>{AUDIENCE}</saml:Audience></saml:AudienceRestriction></saml:Conditions>{session}\
         <saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion></samlp:Response>"
    );
    Ok(BASE64_STANDARD.encode(xml))
}
