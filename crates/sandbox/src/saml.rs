//! SAML 2.0 responses, as far as AWS reads them. Namespace prefixes are not looked at, and neither are signatures.

use jiff::Timestamp;
use serde::Deserialize;

/// A response with its one assertion.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Response {
    /// Whether the sign-in succeeded.
    pub status: Option<Status>,
    /// Who says what.
    pub assertion: Assertion,
}

/// How the sign-in ended.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Status {
    /// Its code.
    pub status_code: StatusCode,
}

/// The code of a status.
#[derive(Deserialize)]
pub struct StatusCode {
    /// A URN that ends in `:Success`, or not.
    #[serde(rename = "@Value")]
    pub value: String,
}

/// What the provider says.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Assertion {
    /// When it was said.
    #[serde(rename = "@IssueInstant")]
    pub issue_instant: Timestamp,
    /// Who says it.
    pub issuer: Text,
    /// About whom.
    pub subject: Subject,
    /// For how long, to whom.
    pub conditions: Option<Conditions>,
    /// How it was signed in, and until when that holds.
    pub authn_statement: Option<AuthnStatement>,
    /// What.
    #[serde(default)]
    pub attribute_statement: AttributeStatement,
}

/// A sign-in.
#[derive(Deserialize)]
pub struct AuthnStatement {
    /// No session is to go on after it.
    #[serde(rename = "@SessionNotOnOrAfter")]
    pub session_ends: Option<Timestamp>,
}

/// An element with text.
#[derive(Deserialize)]
pub struct Text {
    /// The text.
    #[serde(rename = "$text", default)]
    pub text: String,
}

/// Whom it is about.
#[derive(Deserialize)]
pub struct Subject {
    /// The name.
    #[serde(rename = "NameID")]
    pub name_id: NameId,
    /// How it may be used.
    #[serde(rename = "SubjectConfirmation")]
    pub confirmation: Option<SubjectConfirmation>,
}

/// How an assertion may be used.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SubjectConfirmation {
    /// By whom and until when.
    pub subject_confirmation_data: SubjectConfirmationData,
}

/// By whom and until when an assertion may be used.
#[derive(Deserialize)]
pub struct SubjectConfirmationData {
    /// Until when.
    #[serde(rename = "@NotOnOrAfter")]
    pub not_on_or_after: Option<Timestamp>,
    /// By whom: `https://signin.aws.amazon.com/saml`.
    #[serde(rename = "@Recipient")]
    pub recipient: Option<String>,
}

/// The subject's name.
#[derive(Deserialize)]
pub struct NameId {
    /// E.g. `urn:oasis:names:tc:SAML:2.0:nameid-format:persistent`.
    #[serde(rename = "@Format")]
    pub format: Option<String>,
    /// The name.
    #[serde(rename = "$text", default)]
    pub text: String,
}

/// When and for whom it holds.
#[derive(Deserialize)]
pub struct Conditions {
    /// From then on.
    #[serde(rename = "@NotBefore")]
    pub not_before: Option<Timestamp>,
    /// Until then.
    #[serde(rename = "@NotOnOrAfter")]
    pub not_on_or_after: Option<Timestamp>,
    /// For whom.
    #[serde(rename = "AudienceRestriction")]
    pub audiences: Option<Audiences>,
}

/// For whom it is.
#[derive(Deserialize)]
pub struct Audiences {
    /// All of them.
    #[serde(rename = "Audience", default)]
    pub all: Vec<Text>,
}

/// All attributes.
#[derive(Default, Deserialize)]
pub struct AttributeStatement {
    /// All of them.
    #[serde(rename = "Attribute", default)]
    pub all: Vec<Attribute>,
}

/// An attribute.
#[derive(Deserialize)]
pub struct Attribute {
    /// AWS's are below `https://aws.amazon.com/SAML/Attributes/`.
    #[serde(rename = "@Name")]
    pub name: String,
    /// The values.
    #[serde(rename = "AttributeValue", default)]
    pub values: Vec<Text>,
}

/// Where AWS's attributes are.
pub const ATTRIBUTES: &str = "https://aws.amazon.com/SAML/Attributes/";
/// For whom an assertion must be.
pub const AUDIENCE: &str = "https://signin.aws.amazon.com/saml";

impl Response {
    /// Reads a response; the error is for the list of calls.
    pub fn parse(xml: &str) -> Result<Response, String> {
        quick_xml::de::from_str(xml).map_err(|error| error.to_string())
    }

    /// The values of one of AWS's attributes.
    pub fn values(&self, name: &str) -> Vec<&str> {
        let named = |attribute: &&Attribute| attribute.name.strip_prefix(ATTRIBUTES) == Some(name);
        let all = self.assertion.attribute_statement.all.iter().filter(named);
        all.flat_map(|attribute| &attribute.values).map(|value| value.text.as_str()).collect()
    }

    /// The session tags.
    pub fn tags(&self) -> Vec<(String, String)> {
        let all = self.assertion.attribute_statement.all.iter();
        let tags = all.filter_map(|it| Some((it.name.strip_prefix(ATTRIBUTES)?.strip_prefix("PrincipalTag:")?, it)));
        let tags = tags.flat_map(|(key, it)| it.values.iter().map(move |value| (key.to_owned(), value.text.clone())));
        tags.collect()
    }
}
