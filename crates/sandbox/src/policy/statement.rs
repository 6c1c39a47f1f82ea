use std::collections::BTreeMap;

use serde::Deserialize;

use super::condition;

/// One statement of a policy, with IAM's own field names.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Statement {
    /// A name for people.
    #[serde(rename = "Sid")]
    pub sid: Option<String>,
    /// Allow or Deny.
    pub effect: Effect,
    /// Who: only in a trust policy.
    pub principal: Option<Principal>,
    /// What, with wildcards.
    pub action: Option<Values>,
    /// All but this.
    pub not_action: Option<Values>,
    /// On which resources: only in identity and session policies.
    pub resource: Option<Values>,
    /// On all resources but these.
    pub not_resource: Option<Values>,
    /// Operator -> condition key -> values.
    #[serde(default)]
    pub condition: BTreeMap<String, BTreeMap<String, Values>>,
}

/// What a matching statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Effect {
    /// Permits, unless something denies.
    Allow,
    /// Forbids, whatever permits.
    Deny,
}

/// Whom a trust policy names.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Principal {
    /// `"*"`.
    Everyone(String),
    /// `{ AWS = … }`.
    Named(Named),
}

/// Principals by their kind.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Accounts, users, roles and sessions.
    #[serde(rename = "AWS", default)]
    pub aws: Values,
    /// AWS services: nobody who can call this server.
    #[serde(rename = "Service", default)]
    pub _service: Values,
    /// Identity providers, for what nobody signs.
    #[serde(rename = "Federated", default)]
    pub federated: Values,
}

/// One value or a list, of text, numbers or booleans.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Raw")]
pub struct Values(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Raw {
    One(Scalar),
    Many(Vec<Scalar>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Bool(bool),
    Integer(i64),
    Text(String),
}

impl From<Raw> for Values {
    fn from(raw: Raw) -> Values {
        let text = |scalar| match scalar {
            Scalar::Bool(value) => value.to_string(),
            Scalar::Integer(value) => value.to_string(),
            Scalar::Text(value) => value,
        };
        Values(match raw {
            Raw::One(scalar) => vec![text(scalar)],
            Raw::Many(scalars) => scalars.into_iter().map(text).collect(),
        })
    }
}

impl Statement {
    /// What is wrong with a statement of an identity or session policy, in AWS's words.
    pub fn check_identity(&self) -> Result<(), String> {
        if self.principal.is_some() {
            return Err("Policy document should not specify a principal.".into());
        }
        if self.resource.is_none() == self.not_resource.is_none() {
            return Err("Policy statement must contain resources.".into());
        }
        self.check_common()
    }

    /// What is wrong with a statement of a trust policy, in AWS's words.
    pub fn check_trust(&self) -> Result<(), String> {
        match &self.principal {
            None => return Err("Missing required field Principal".into()),
            Some(Principal::Everyone(who)) if who != "*" => return Err("Invalid principal in policy".into()),
            Some(Principal::Named(named)) if named.aws.0.iter().any(|arn| arn != "*" && arn.contains('*')) => {
                return Err("Invalid principal in policy: wildcards are not allowed in a principal's ARN".into());
            }
            Some(_) => {}
        }
        if self.resource.is_some() || self.not_resource.is_some() {
            return Err("Has prohibited field Resource".into());
        }
        self.check_common()
    }

    fn check_common(&self) -> Result<(), String> {
        if self.action.is_none() == self.not_action.is_none() {
            return Err("Policy statement must contain actions.".into());
        }
        self.condition.keys().try_for_each(|operator| condition::check_operator(operator))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Document {
    version: Option<String>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    statement: OneOrMany,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(Box<Statement>),
    Many(Vec<Statement>),
}

/// Reads an inline session policy; the error is the message of a MalformedPolicyDocument.
pub fn parse_session_policy(text: &str) -> Result<Vec<Statement>, String> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|_| "This policy contains invalid Json")?;
    let document: Document = serde_json::from_value(value).map_err(|_| "Syntax errors in policy.")?;
    if !matches!(document.version.as_deref(), None | Some("2012-10-17" | "2008-10-17")) {
        return Err("Policy document must be version 2012-10-17 or greater.".into());
    }
    let statements = match document.statement {
        OneOrMany::One(one) => vec![*one],
        OneOrMany::Many(many) => many,
    };
    statements.iter().try_for_each(Statement::check_identity)?;
    Ok(statements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_policy_is_read_or_refused_in_words() {
        let ok = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:*","Resource":["*"]}}"#;
        assert_eq!(parse_session_policy(ok).unwrap().len(), 1);
        let cases = [
            ("{", "invalid Json"),
            (r#"{"Statement":[{"Effect":"Maybe","Action":"*","Resource":"*"}]}"#, "Syntax"),
            (r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Colour":"red"}]}"#, "Syntax"),
            (r#"{"Version":"2020-01-01","Statement":[]}"#, "version 2012-10-17"),
            (r#"{"Statement":[{"Effect":"Allow","Resource":"*"}]}"#, "contain actions"),
            (r#"{"Statement":[{"Effect":"Allow","Action":"*"}]}"#, "contain resources"),
            (r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}]}"#, "principal"),
            (r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Sounds":{"a":"b"}}}]}"#, "Sounds"),
        ];
        for (text, expected) in cases {
            let message = parse_session_policy(text).unwrap_err();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
