//! A decoded authorization message in words. AWS shows its form in examples and promises none, so whatever is missing, or
//! of another form, is passed over.

use serde_json::Value;

/// What the message says, a sentence on each line.
pub fn explain(message: &Value) -> Vec<String> {
    if !message.is_object() {
        return vec![format!("the message has no form that is known: {}", one(message).unwrap_or_else(|| message.to_string()))];
    }
    let context = &message["context"];
    let statements = items(&message["matchedStatements"]);
    let mut lines = vec![headline(message, context)];
    lines.push(reason(message, &statements).to_owned());
    lines.extend(statements.iter().map(|it| statement(it)));
    lines.extend(items(&message["failures"]).iter().map(|failure| format!("could not be evaluated: {failure}")));
    let conditions = conditions(&context["conditions"]);
    lines.push(mfa(&conditions));
    if !conditions.is_empty() {
        lines.push("what was known of the request:".to_owned());
        lines.extend(conditions.iter().map(|(key, values)| format!("  {key} = {}", values.join(", "))));
    }
    lines
}

fn headline(message: &Value, context: &Value) -> String {
    let principal = &context["principal"];
    let who = ["arn", "name", "id"].iter().find_map(|key| one(&principal[key])).or_else(|| one(principal));
    let who = who.as_deref().unwrap_or("somebody whom the message does not name").to_owned();
    let was = if flag(&message["allowed"]) == Some(true) { "was allowed" } else { "was denied" };
    let action = one(&context["action"]).unwrap_or_else(|| "something that the message does not name".to_owned());
    match one(&context["resource"]) {
        Some(resource) => format!("{who} {was} {action} on {resource}"),
        None => format!("{who} {was} {action}; the message names no resource"),
    }
}

fn reason(message: &Value, statements: &[&Value]) -> &'static str {
    match (flag(&message["allowed"]), flag(&message["explicitDeny"])) {
        (Some(true), _) => "a statement allows it, and none denies it",
        (_, Some(true)) if statements.is_empty() => "by an explicit deny; the message does not say by which statement",
        (_, Some(true)) => "by an explicit deny, which nothing that allows can outweigh",
        (_, Some(false)) => "no statement allows it, and none denies it: what is not allowed is denied",
        (_, None) => "the message does not say whether a statement denies it or none allows it",
    }
}

fn statement(statement: &Value) -> String {
    let name = one(&statement["statementId"]).map_or("a statement without a name".to_owned(), |id| format!("statement {id}"));
    let does = match one(&statement["effect"]).map(|effect| effect.to_lowercase()).as_deref() {
        Some("deny") => "denies it",
        Some("allow") => "allows it",
        _ => "applies to it",
    };
    let mut parts = Vec::new();
    for (key, what) in [("actions", "actions"), ("resources", "resources"), ("principals", "principals")] {
        let values: Vec<String> = items(&statement[key]).into_iter().filter_map(one).collect();
        if !values.is_empty() {
            parts.push(format!("{what} {}", values.join(", ")));
        }
    }
    parts.extend(
        conditions(&statement["conditions"]).iter().map(|(key, values)| format!("condition on {key}: {}", values.join(", "))),
    );
    match parts.is_empty() {
        true => format!("{name} {does}"),
        false => format!("{name} {does}: {}", parts.join("; ")),
    }
}

fn mfa(conditions: &[(String, Vec<String>)]) -> String {
    let value = |name: &str| {
        let found = conditions.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.and_then(|(_, values)| values.first()).map(String::as_str)
    };
    match (value("aws:MultiFactorAuthPresent"), value("aws:MultiFactorAuthAge")) {
        (Some("true"), Some(age)) => format!("MFA was given {age} s before"),
        (Some("true"), None) => "MFA was given".to_owned(),
        (Some(_), _) => "no MFA was given".to_owned(),
        (None, _) => "the message says nothing of MFA, as when long-term keys sign".to_owned(),
    }
}

/// Condition keys with their values.
fn conditions(value: &Value) -> Vec<(String, Vec<String>)> {
    let pair = |condition: &Value| {
        let values = items(&condition["values"]).into_iter().filter_map(one).collect();
        Some((one(&condition["key"])?, values))
    };
    items(value).into_iter().filter_map(pair).collect()
}

/// The elements of a list in each of the forms that were seen: `{"items": [...]}`, `[{"item": ...}]`, a list, one element.
fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::Array(list) => list.iter().flat_map(items).collect(),
        Value::Object(members) => match members.get("items").or_else(|| members.get("item")) {
            Some(inner) => items(inner),
            None if members.is_empty() => Vec::new(),
            None => vec![value],
        },
        other => vec![other],
    }
}

/// One value as text: itself, or what stands in it as `value`.
fn one(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Object(members) => members.get("value").and_then(one),
        Value::Null | Value::Array(_) => None,
    }
}

/// A boolean, which old examples have as text.
fn flag(value: &Value) -> Option<bool> {
    one(value)?.to_lowercase().parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(message: Value) -> String {
        explain(&message).join("\n")
    }

    fn context() -> Value {
        json!({
            "principal": { "id": "AROAFAKE:Ana", "arn": "arn:aws:sts::111122223333:assumed-role/Developer/Ana" },
            "action": "RunInstances",
            "resource": "arn:aws:ec2:us-east-1:111122223333:instance/*",
            "conditions": { "items": [
                { "key": "aws:multifactorauthpresent", "values": { "items": [{ "value": "true" }] } },
                { "key": "aws:MultiFactorAuthAge", "values": { "items": [{ "value": 120 }] } },
            ] },
        })
    }

    #[test]
    fn an_explicit_deny_names_its_statement() {
        let statement = json!({
            "statementId": "OnlyInEurope",
            "effect": "DENY",
            "principals": { "items": [{ "value": "AROAFAKE" }] },
            "principalGroups": { "items": [] },
            "actions": { "items": [{ "value": "ec2:RunInstances" }, { "value": "ec2:StartInstances" }] },
            "resources": { "items": [{ "value": "*" }] },
            "conditions": { "items": [{ "key": "aws:RequestedRegion", "values": { "items": [{ "value": "eu-*" }] } }] },
        });
        let said = said(json!({
            "allowed": false,
            "explicitDeny": true,
            "matchedStatements": { "items": [statement] },
            "failures": { "items": [] },
            "context": context(),
        }));
        assert_eq!(
            said,
            "arn:aws:sts::111122223333:assumed-role/Developer/Ana was denied RunInstances on \
             arn:aws:ec2:us-east-1:111122223333:instance/*\n\
             by an explicit deny, which nothing that allows can outweigh\n\
             statement OnlyInEurope denies it: actions ec2:RunInstances, ec2:StartInstances; resources *; principals AROAFAKE; \
             condition on aws:RequestedRegion: eu-*\n\
             MFA was given 120 s before\n\
             what was known of the request:\n  aws:multifactorauthpresent = true\n  aws:MultiFactorAuthAge = 120"
        );
    }

    /// As the API reference of 2011 has it.
    #[test]
    fn the_old_form_is_understood_as_well() {
        let said = said(json!({
            "allowed": "false",
            "explicitDeny": "false",
            "matchedStatements": "",
            "failures": "",
            "context": {
                "principal": { "id": "AIDAFAKE", "name": "Bob", "arn": "arn:aws:iam::123456789012:user/Bob" },
                "action": "ec2:StopInstances",
                "resource": "arn:aws:ec2:us-east-1:123456789012:instance/i-dd01c9bd",
                "conditions": [
                    { "item": { "key": "ec2:Tenancy", "values": ["default"] } },
                    { "item": { "key": "ec2:Zones", "values": ["a", "b"] } },
                ],
            },
        }));
        assert!(said.starts_with("arn:aws:iam::123456789012:user/Bob was denied ec2:StopInstances on arn:aws:ec2:"), "{said}");
        assert!(said.contains("\nno statement allows it, and none denies it"), "{said}");
        assert!(said.contains("says nothing of MFA"), "{said}");
        assert!(said.ends_with("\n  ec2:Tenancy = default\n  ec2:Zones = a, b"), "{said}");
    }

    #[test]
    fn whatever_is_missing_is_said_or_passed_over() {
        for (message, words) in [
            (json!({}), "somebody whom the message does not name was denied something that the message does not name"),
            (json!({}), "does not say whether"),
            (json!({ "context": { "principal": "x", "action": "a" } }), "x was denied a; the message names no resource"),
            (json!({ "explicitDeny": true }), "does not say by which statement"),
            (
                json!({ "explicitDeny": true, "matchedStatements": [{}, { "effect": 7 }] }),
                "a statement without a name applies to it",
            ),
            (json!({ "allowed": true }), "was allowed"),
            (json!({ "failures": { "items": [{ "why": 1 }] } }), r#"could not be evaluated: {"why":1}"#),
            (
                json!({ "context": { "conditions": { "items": [{ "key": "aws:MultiFactorAuthPresent", "values": "false" }] } } }),
                "no MFA",
            ),
            (json!({ "context": { "conditions": { "items": [{ "values": "x" }, 5, null] } } }), "was denied"),
            (json!({ "context": [], "matchedStatements": 3, "allowed": {} }), "applies to it"),
            (json!("plain words"), "no form that is known: plain words"),
            (json!([1]), "no form that is known: [1]"),
        ] {
            let said = said(message.clone());
            assert!(said.contains(words), "{message}: {said}");
        }
    }
}
