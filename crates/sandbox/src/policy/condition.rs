//! Condition operators: those that trust policies in the wild use. An operator not listed here is refused when the
//! policy is read, so that no condition is ever silently ignored.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{context::Context, statement::Values, wildcard};

/// Whether all conditions of a statement hold.
pub fn all_hold(conditions: &BTreeMap<String, BTreeMap<String, Values>>, context: &Context) -> bool {
    conditions.iter().all(|(operator, keys)| keys.iter().all(|(key, values)| holds(operator, key, values, context)))
}

/// Refuses an operator that [`all_hold`] does not know.
pub fn check_operator(operator: &str) -> Result<(), String> {
    match Operator::parse(operator) {
        Some(_) => Ok(()),
        None => Err(format!("Unknown condition operator {operator}.")),
    }
}

struct Operator {
    quantifier: Quantifier,
    if_exists: bool,
    test: Test,
}

enum Quantifier {
    None,
    All,
    Any,
}

enum Test {
    Null,
    Compare { negated: bool, compare: fn(&str, &str) -> bool },
}

impl Operator {
    fn parse(name: &str) -> Option<Operator> {
        let (quantifier, name) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Quantifier::All, rest),
            Some(("ForAnyValue", rest)) => (Quantifier::Any, rest),
            Some(_) => return None,
            None => (Quantifier::None, name),
        };
        let (if_exists, name) = match name.strip_suffix("IfExists") {
            Some(name) => (true, name),
            None => (false, name),
        };
        let yes = |compare| Some(Test::Compare { negated: false, compare });
        let no = |compare| Some(Test::Compare { negated: true, compare });
        let test = match name {
            "Null" => Some(Test::Null),
            "StringEquals" => yes(|wanted, actual| wanted == actual),
            "StringNotEquals" => no(|wanted, actual| wanted == actual),
            "StringEqualsIgnoreCase" => yes(same_ignoring_case),
            "StringNotEqualsIgnoreCase" => no(same_ignoring_case),
            "StringLike" | "ArnLike" | "ArnEquals" => yes(wildcard::matches),
            "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => no(wildcard::matches),
            "Bool" => yes(same_ignoring_case),
            "NumericEquals" => yes(|wanted, actual| numbers(wanted, actual, |w, a| a == w)),
            "NumericLessThan" => yes(|wanted, actual| numbers(wanted, actual, |w, a| a < w)),
            "NumericLessThanEquals" => yes(|wanted, actual| numbers(wanted, actual, |w, a| a <= w)),
            "NumericGreaterThan" => yes(|wanted, actual| numbers(wanted, actual, |w, a| a > w)),
            "NumericGreaterThanEquals" => yes(|wanted, actual| numbers(wanted, actual, |w, a| a >= w)),
            "DateLessThan" => yes(|wanted, actual| dates(wanted, actual, |w, a| a < w)),
            "DateGreaterThan" => yes(|wanted, actual| dates(wanted, actual, |w, a| a > w)),
            _ => None,
        }?;
        Some(Operator { quantifier, if_exists, test })
    }
}

fn same_ignoring_case(wanted: &str, actual: &str) -> bool {
    wanted.to_lowercase() == actual.to_lowercase()
}

fn numbers(wanted: &str, actual: &str, compare: fn(f64, f64) -> bool) -> bool {
    matches!((wanted.parse(), actual.parse()), (Ok(w), Ok(a)) if compare(w, a))
}

fn dates(wanted: &str, actual: &str, compare: fn(Timestamp, Timestamp) -> bool) -> bool {
    matches!((wanted.parse(), actual.parse()), (Ok(w), Ok(a)) if compare(w, a))
}

fn holds(operator: &str, key: &str, values: &Values, context: &Context) -> bool {
    // An unknown operator cannot get here; if one did, no condition holds.
    let Some(operator) = Operator::parse(operator) else { return false };
    let actual = context.get(key);
    let (negated, compare) = match operator.test {
        Test::Null => return values.0.iter().any(|value| (value == "true") == actual.is_none()),
        Test::Compare { negated, compare } => (negated, compare),
    };
    let Some(actual) = actual else {
        // A key that is absent: `…IfExists`, a negated operator and ForAllValues hold, everything else does not.
        return operator.if_exists || matches!(operator.quantifier, Quantifier::All) || negated;
    };
    let wanted: Vec<String> = values.0.iter().filter_map(|value| context.fill_in(value)).collect();
    let one = |actual: &String| wanted.iter().any(|wanted| compare(wanted, actual)) != negated;
    match operator.quantifier {
        Quantifier::All => actual.iter().all(one),
        Quantifier::Any | Quantifier::None => actual.iter().any(one),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(operator: &str, key: &str, values: &[&str]) -> bool {
        let mut context = Context::default();
        context.set("sts:ExternalId", "blue-42");
        context.set("aws:MultiFactorAuthPresent", true);
        context.set("aws:MultiFactorAuthAge", 120);
        context.set("aws:TokenIssueTime", "2026-11-22T07:00:00Z");
        context.set("aws:username", "alice");
        context.set_all("aws:TagKeys", vec!["team".into(), "cost".into()]);
        holds(operator, key, &Values(values.iter().map(|v| v.to_string()).collect()), &context)
    }

    #[test]
    fn operators_compare() {
        assert!(check("StringEquals", "sts:externalid", &["x", "blue-42"]));
        assert!(!check("StringEquals", "sts:ExternalId", &["Blue-42"]));
        assert!(check("StringEqualsIgnoreCase", "sts:ExternalId", &["Blue-42"]));
        assert!(check("StringLike", "sts:ExternalId", &["blue-*"]));
        assert!(!check("StringNotLike", "sts:ExternalId", &["blue-*"]));
        assert!(check("StringEquals", "aws:username", &["${aws:username}"]));
        assert!(check("Bool", "aws:MultiFactorAuthPresent", &["true"]));
        assert!(!check("Bool", "aws:MultiFactorAuthPresent", &["false"]));
        assert!(check("NumericLessThan", "aws:MultiFactorAuthAge", &["3600"]));
        assert!(!check("NumericLessThan", "aws:MultiFactorAuthAge", &["120"]));
        assert!(check("NumericLessThanEquals", "aws:MultiFactorAuthAge", &["120"]));
        assert!(check("DateLessThan", "aws:TokenIssueTime", &["2026-11-22T07:00:01Z"]));
        assert!(!check("DateGreaterThan", "aws:TokenIssueTime", &["2026-11-22T07:00:01Z"]));
    }

    #[test]
    fn an_absent_key_fails_unless_the_operator_says_otherwise() {
        assert!(!check("Bool", "aws:Absent", &["true"]));
        assert!(check("BoolIfExists", "aws:Absent", &["true"]));
        assert!(check("StringNotEquals", "aws:Absent", &["x"]));
        assert!(check("Null", "aws:Absent", &["true"]));
        assert!(!check("Null", "sts:ExternalId", &["true"]));
        assert!(!check("ForAnyValue:StringEquals", "aws:Absent", &["x"]));
        assert!(check("ForAllValues:StringEquals", "aws:Absent", &["x"]));
    }

    #[test]
    fn quantifiers_look_at_every_value() {
        assert!(check("ForAllValues:StringEquals", "aws:TagKeys", &["team", "cost", "more"]));
        assert!(!check("ForAllValues:StringEquals", "aws:TagKeys", &["team"]));
        assert!(check("ForAnyValue:StringEquals", "aws:TagKeys", &["team"]));
        assert!(check_operator("ForSomeValues:StringEquals").is_err());
        assert!(check_operator("IpAddress").is_err());
    }
}
