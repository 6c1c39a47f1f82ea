//! AWS's own managed policies, as far as they concern STS.

use super::{Statement, parse_session_policy};

/// The statements of a policy of AWS's (`arn:aws:iam::aws:policy/…`), cut down to what this server can be asked.
/// `None` for a policy it does not know.
pub fn statements(arn: &str) -> Option<Vec<Statement>> {
    let text = match arn.strip_prefix("arn:aws:iam::aws:policy/")? {
        "AdministratorAccess" => r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
        "PowerUserAccess" => {
            r#"{"Statement":{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"}}"#
        }
        // None of these lets anybody assume a role.
        "ReadOnlyAccess" | "SecurityAudit" | "job-function/ViewOnlyAccess" => {
            r#"{"Statement":{"Effect":"Allow","Action":["sts:GetAccessKeyInfo","sts:GetCallerIdentity"],"Resource":"*"}}"#
        }
        _ => return None,
    };
    parse_session_policy(text).ok()
}

#[cfg(test)]
mod tests {
    use super::super::{Ask, Context, Verdict, identity};

    fn assume(name: &str) -> Option<Verdict> {
        let context = Context::default();
        let ask = Ask { action: "sts:AssumeRole", resource: "arn:aws:iam::111122223333:role/x", context: &context };
        super::statements(&format!("arn:aws:iam::aws:policy/{name}")).map(|statements| identity(&statements, ask))
    }

    #[test]
    fn known_policies_say_what_aws_s_say() {
        assert_eq!(assume("AdministratorAccess"), Some(Verdict::Allowed));
        assert_eq!(assume("PowerUserAccess"), Some(Verdict::Allowed));
        assert_eq!(assume("ReadOnlyAccess"), Some(Verdict::Silent));
        assert_eq!(assume("NoSuchPolicy"), None);
    }
}
