//! SAML 2.0: responses as an identity provider posts them to AWS. They carry no XML signature, and none is checked.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::{SignedDuration, Timestamp};
use quick_xml::{Reader, escape::escape, events::Event};

use super::{Subject, invalid, tags};
use crate::{wire::Refusal, world::SamlProvider};

const ATTRIBUTES: &str = "https://aws.amazon.com/SAML/Attributes/";
const AUDIENCE: &str = "https://signin.aws.amazon.com/saml";

/// What an assertion is to say.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    pub roles: Vec<String>,
    pub session_name: String,
    /// `SessionNotOnOrAfter`, in seconds from now.
    pub session_seconds: Option<u32>,
    pub source_identity: Option<String>,
    pub tags: Vec<(String, String)>,
    pub transitive: Vec<String>,
}

/// What an assertion says.
#[derive(Clone, Debug, Default)]
pub struct Said {
    pub subject: Subject,
    pub name_id: String,
    pub issuer: String,
    pub session_name: String,
    /// `SessionNotOnOrAfter`: no session lasts longer.
    pub session_ends: Option<Timestamp>,
}

/// A response of a provider's, in Base64. AWS takes it for five minutes.
pub fn mint(provider: &SamlProvider, wish: &Wish, now: Timestamp) -> String {
    let attribute = |name: &str, values: &[String]| {
        let values: String =
            values.iter().map(|it| format!("<saml:AttributeValue>{}</saml:AttributeValue>", escape(it.as_str()))).collect();
        format!("<saml:Attribute Name=\"{ATTRIBUTES}{}\">{values}</saml:Attribute>\n", escape(name))
    };
    let roles: Vec<String> = wish.roles.iter().map(|role| format!("{role},{}", provider.arn)).collect();
    let mut attributes = attribute("Role", &roles) + &attribute("RoleSessionName", std::slice::from_ref(&wish.session_name));
    attributes.extend(wish.source_identity.clone().map(|value| attribute("SourceIdentity", &[value])));
    for (key, value) in &wish.tags {
        attributes += &attribute(&format!("PrincipalTag:{key}"), std::slice::from_ref(value));
    }
    if !wish.transitive.is_empty() {
        attributes += &attribute("TransitiveTagKeys", &wish.transitive);
    }
    let (issuer, name) = (escape(provider.issuer.as_str()), escape(wish.session_name.as_str()));
    let ends = now.checked_add(SignedDuration::from_mins(5)).unwrap_or(now);
    let session_ends =
        wish.session_seconds.map(|seconds| now.checked_add(SignedDuration::from_secs(seconds.into())).unwrap_or(now));
    let session_ends = session_ends.map(|at| format!(" SessionNotOnOrAfter=\"{at}\"")).unwrap_or_default();
    BASE64_STANDARD.encode(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
         Version=\"2.0\" IssueInstant=\"{now}\" Destination=\"{AUDIENCE}\">\n<saml:Issuer>{issuer}</saml:Issuer>\n\
         <samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status>\n\
         <saml:Assertion Version=\"2.0\" IssueInstant=\"{now}\">\n<saml:Issuer>{issuer}</saml:Issuer>\n\
         <saml:Subject><saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">{name}</saml:NameID>\
         <saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData \
         NotOnOrAfter=\"{ends}\" Recipient=\"{AUDIENCE}\"/></saml:SubjectConfirmation></saml:Subject>\n\
         <saml:Conditions NotBefore=\"{now}\" NotOnOrAfter=\"{ends}\"><saml:AudienceRestriction>\
         <saml:Audience>{AUDIENCE}</saml:Audience></saml:AudienceRestriction></saml:Conditions>\n\
         <saml:AuthnStatement AuthnInstant=\"{now}\"{session_ends}/>\n<saml:AttributeStatement>\n{attributes}</saml:AttributeStatement>\n</saml:Assertion>\n</samlp:Response>\n"
    ))
}

/// The texts and attributes of a response that matter here.
#[derive(Default)]
struct Parsed {
    issuer: String,
    audience: String,
    name_id: String,
    issued: Option<Timestamp>,
    not_before: Option<Timestamp>,
    not_on_or_after: Option<Timestamp>,
    confirmed_until: Option<Timestamp>,
    recipient: Option<String>,
    session_ends: Option<Timestamp>,
    failed: bool,
    attributes: BTreeMap<String, Vec<String>>,
}

/// What a response says to the role `role` by the provider, once it is found to be in order.
pub fn read(provider: &SamlProvider, role: &str, assertion: &str, now: Timestamp) -> Result<Said, Refusal> {
    let xml = BASE64_STANDARD.decode(assertion).map_err(|_| invalid("Invalid base64 SAMLResponse"))?;
    let xml = String::from_utf8(xml).map_err(|_| invalid("Invalid SAMLResponse"))?;
    let parsed = parse(&xml)?;
    if parsed.issuer != provider.issuer {
        return Err(invalid("Issuer not present in specified provider"));
    }
    if parsed.failed {
        return Err(Refusal::new(403, "IDPRejectedClaim", "The identity provider reported that authentication failed."));
    }
    check_time(&parsed, now)?;
    let Parsed { issuer, audience, name_id, recipient, session_ends, attributes, .. } = parsed;
    if audience != AUDIENCE || recipient.is_some_and(|recipient| recipient != AUDIENCE) {
        return Err(invalid("Response does not contain the required audience."));
    }
    let values = |name: &str| attributes.get(&format!("{ATTRIBUTES}{name}")).map(Vec::as_slice).unwrap_or_default();
    let one = |name: &str| values(name).first().cloned();
    let pairs = values("Role").iter().map(|value| value.split(',').map(str::trim).collect::<Vec<_>>());
    if !pairs.into_iter().any(|pair| pair.contains(&role) && pair.contains(&provider.arn.as_str())) {
        return Err(Refusal::denied("Not authorized to perform sts:AssumeRoleWithSAML")
            .because("the assertion's attribute Role does not have this role and provider"));
    }
    let session_name = one("RoleSessionName").ok_or_else(|| invalid("RoleSessionName is required in AuthnResponse"))?;
    let tag = |(name, values): (&String, &Vec<String>)| {
        let key = name.strip_prefix(ATTRIBUTES)?.strip_prefix("PrincipalTag:")?;
        Some((key.to_owned(), values.first().cloned().unwrap_or_default()))
    };
    let conditions = BTreeMap::from([
        ("SAML:aud".to_owned(), audience),
        ("SAML:iss".to_owned(), issuer.clone()),
        ("SAML:sub".to_owned(), name_id.clone()),
    ]);
    let subject = Subject {
        conditions,
        tags: tags(attributes.iter().filter_map(tag).collect(), values("TransitiveTagKeys").iter().cloned()),
        source_identity: one("SourceIdentity"),
    };
    Ok(Said { subject, name_id, issuer, session_name, session_ends })
}

fn check_time(parsed: &Parsed, now: Timestamp) -> Result<(), Refusal> {
    let expired = |message: &str| Err(Refusal::new(400, "ExpiredTokenException", message));
    // Five minutes after its issue it is too old, however long it says that it holds.
    if parsed.issued.is_none_or(|at| now.as_second() >= at.as_second() + 300) {
        return expired("Token must be redeemed within 5 minutes of issuance");
    }
    if parsed.not_on_or_after.is_none_or(|at| now >= at) || parsed.confirmed_until.is_some_and(|at| now >= at) {
        return expired("Response has expired");
    }
    if parsed.not_before.is_some_and(|at| now.as_second() + 60 < at.as_second()) {
        return Err(invalid("Response is not valid yet"));
    }
    Ok(())
}

fn parse(xml: &str) -> Result<Parsed, Refusal> {
    let broken = || invalid("Invalid SAMLResponse");
    let mut reader = Reader::from_str(xml);
    let (mut parsed, mut name, mut text) = (Parsed::default(), String::new(), String::new());
    let mut open = 0_u32;
    loop {
        match reader.read_event().map_err(|_| broken())? {
            Event::Eof if open > 0 => return Err(broken()),
            Event::Eof => return Ok(parsed),
            event @ (Event::Start(_) | Event::Empty(_)) => {
                open += u32::from(matches!(event, Event::Start(_)));
                let (Event::Start(start) | Event::Empty(start)) = event else { continue };
                text.clear();
                let value = |key: &str| {
                    let found = start.attributes().flatten().find(|it| it.key.local_name().as_ref() == key)?;
                    Some(found.value.into_owned())
                };
                match start.local_name().as_ref() {
                    "Assertion" => parsed.issued = value("IssueInstant").and_then(|at| at.parse().ok()),
                    // A failure has a code within its code.
                    "StatusCode" => parsed.failed |= !value("Value").is_some_and(|code| code.ends_with(":Success")),
                    "SubjectConfirmationData" => {
                        parsed.confirmed_until = value("NotOnOrAfter").and_then(|at| at.parse().ok());
                        parsed.recipient = value("Recipient");
                    }
                    "AuthnStatement" => parsed.session_ends = value("SessionNotOnOrAfter").and_then(|at| at.parse().ok()),
                    "Attribute" => name = value("Name").unwrap_or_default(),
                    "Conditions" => {
                        parsed.not_before = value("NotBefore").and_then(|at| at.parse().ok());
                        parsed.not_on_or_after = value("NotOnOrAfter").and_then(|at| at.parse().ok());
                    }
                    _ => {}
                }
            }
            Event::Text(more) => text.push_str(&more),
            Event::GeneralRef(reference) => {
                text.push_str(quick_xml::escape::resolve_predefined_entity(&reference).unwrap_or_default());
            }
            Event::End(end) => {
                open = open.saturating_sub(1);
                let value = std::mem::take(&mut text).trim().to_owned();
                match end.local_name().as_ref() {
                    "Issuer" => parsed.issuer = value,
                    "Audience" => parsed.audience = value,
                    "NameID" => parsed.name_id = value,
                    "AttributeValue" => parsed.attributes.entry(name.clone()).or_default().push(value),
                    _ => {}
                }
            }
            _ => {}
        }
    }
}
