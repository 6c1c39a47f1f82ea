//! What a SAML assertion offers: the roles that AssumeRoleWithSAML can be asked for with it. Nothing of it is verified here;
//! that is for STS.

use base64::{Engine, engine::general_purpose::STANDARD};
use quick_xml::{Reader, escape::resolve_predefined_entity, events::Event, name::QName};
use zeroize::Zeroizing;

use crate::values::Arn;

/// The attribute in which AWS looks for roles
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_saml_assertions.html>).
const ROLE: &str = "https://aws.amazon.com/SAML/Attributes/Role";

/// A role, and the SAML provider that it is to be asked for through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// `RoleArn`.
    pub role_arn: String,
    /// `PrincipalArn`.
    pub principal_arn: String,
}

/// Why no roles can be read. Nothing of the assertion is in any of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SamlError {
    /// It is not Base64.
    #[error("the SAML assertion is not Base64")]
    NotBase64,
    /// It is not XML.
    #[error("the SAML assertion is not XML")]
    NotXml,
    /// It is encrypted for AWS.
    #[error("the SAML assertion is encrypted, so that only AWS can read its roles")]
    Encrypted,
    /// It has none.
    #[error("the SAML assertion offers no role: it lacks the attribute {ROLE}")]
    NoRoles,
}

/// The roles that an assertion offers, in its order.
///
/// # Errors
///
/// Where it cannot be read, or has none.
pub fn offers(assertion: &str) -> Result<Vec<Offer>, SamlError> {
    let xml = Zeroizing::new(STANDARD.decode(assertion.trim()).map_err(|_| SamlError::NotBase64)?);
    let mut reader = Reader::from_str(std::str::from_utf8(&xml).map_err(|_| SamlError::NotXml)?);
    let mut offers = Vec::new();
    let (mut in_role, mut value, mut encrypted) = (false, None, false);
    loop {
        match reader.read_event().map_err(|_| SamlError::NotXml)? {
            Event::Eof => break,
            Event::Start(start) => match start.local_name().as_ref() {
                "EncryptedAssertion" | "EncryptedAttribute" => encrypted = true,
                "Attribute" => {
                    let name = start.attributes().flatten().find(|it| it.key == QName("Name"));
                    in_role = name.is_some_and(|name| name.value.as_ref() == ROLE);
                }
                "AttributeValue" if in_role => value = Some(String::new()),
                _ => {}
            },
            Event::Text(text) => {
                if let Some(value) = &mut value {
                    value.push_str(&text);
                }
            }
            Event::GeneralRef(reference) => {
                if let Some(value) = &mut value {
                    value.push_str(resolve_predefined_entity(&reference).unwrap_or_default());
                }
            }
            Event::End(end) => match end.local_name().as_ref() {
                "Attribute" => in_role = false,
                "AttributeValue" => offers.extend(value.take().as_deref().and_then(offer)),
                _ => {}
            },
            _ => {}
        }
    }
    match offers.is_empty() {
        false => Ok(offers),
        true if encrypted => Err(SamlError::Encrypted),
        true => Err(SamlError::NoRoles),
    }
}

/// `ROLE,PROVIDER`, in either order.
fn offer(value: &str) -> Option<Offer> {
    let (one, other) = value.split_once(',')?;
    let is = |text: &str, kind: &str| text.parse::<Arn>().is_ok_and(|arn| arn.service == "iam" && arn.resource.starts_with(kind));
    let pair = |role: &str, provider: &str| {
        let fits = is(role, "role/") && is(provider, "saml-provider/");
        fits.then(|| Offer { role_arn: role.to_owned(), principal_arn: provider.to_owned() })
    };
    let (one, other) = (one.trim(), other.trim());
    pair(one, other).or_else(|| pair(other, one))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(xml: &str) -> Result<Vec<Offer>, SamlError> {
        offers(&STANDARD.encode(xml))
    }

    #[test]
    fn roles_are_found_whatever_their_order_and_prefix() {
        let role = |name: &str| format!("arn:aws:iam::111122223333:role/{name}");
        let provider = "arn:aws:iam::111122223333:saml-provider/idp";
        let xml = format!(
            r#"<?xml version="1.0"?><samlp:Response xmlns:saml="urn:a"><saml:Assertion><saml:AttributeStatement>
            <saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/RoleSessionName"><saml:AttributeValue>me</saml:AttributeValue></saml:Attribute>
            <saml:Attribute NameFormat="x" Name="{ROLE}"><saml:AttributeValue type="t"> {},{provider} </saml:AttributeValue>
            <saml:AttributeValue>{provider}, {}</saml:AttributeValue><saml:AttributeValue>nonsense</saml:AttributeValue></saml:Attribute>
            </saml:AttributeStatement></saml:Assertion></samlp:Response>"#,
            role("ops/One"),
            role("Two")
        );
        let offer = |name| Offer { role_arn: role(name), principal_arn: provider.to_owned() };
        assert_eq!(read(&xml), Ok(vec![offer("ops/One"), offer("Two")]));
        assert_eq!(read(&xml.replace("saml:", "").replace("samlp:", "")), Ok(vec![offer("ops/One"), offer("Two")]));
    }

    #[test]
    fn what_cannot_be_read_is_told_apart() {
        assert_eq!(offers("%%%"), Err(SamlError::NotBase64));
        assert_eq!(read("<a></b>"), Err(SamlError::NotXml));
        assert_eq!(read("<Response><EncryptedAssertion><x/></EncryptedAssertion></Response>"), Err(SamlError::Encrypted));
        assert_eq!(read("<Response/>"), Err(SamlError::NoRoles));
    }
}
