use std::collections::BTreeMap;

/// The condition keys of one request, e.g. `aws:MultiFactorAuthPresent`. Their names have no case, as in IAM, and are shown as
/// they came.
#[derive(Clone, Debug, Default)]
pub struct Context(BTreeMap<String, (String, Vec<String>)>);

impl Context {
    /// Sets a key to one value.
    pub fn set(&mut self, key: &str, value: impl ToString) {
        self.0.insert(key.to_lowercase(), (key.to_owned(), vec![value.to_string()]));
    }

    /// Sets a key to one value, or leaves it absent.
    pub fn set_if_some(&mut self, key: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    /// Sets a multivalued key; with no values it stays absent.
    pub fn set_all(&mut self, key: &str, values: Vec<String>) {
        if !values.is_empty() {
            self.0.insert(key.to_lowercase(), (key.to_owned(), values));
        }
    }

    /// The values of a key; `None` if the request does not have it.
    pub fn get(&self, key: &str) -> Option<&[String]> {
        self.0.get(&key.to_lowercase()).map(|(_, values)| values.as_slice())
    }

    /// All keys with their values.
    pub fn all(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.values().map(|(key, values)| (key.as_str(), values.as_slice()))
    }

    /// Replaces `${aws:username}` and the like; `None` if the request lacks one of the keys, which then matches nothing.
    pub fn fill_in(&self, text: &str) -> Option<String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            filled.push_str(&rest[..start]);
            let (key, after) = rest[start + 2..].split_once('}')?;
            match key {
                // IAM's way to write the characters themselves.
                "*" | "?" | "$" => filled.push_str(key),
                _ => filled.push_str(self.get(key)?.first()?),
            }
            rest = after;
        }
        filled.push_str(rest);
        Some(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::Context;

    #[test]
    fn policy_variables_are_filled_in_or_match_nothing() {
        let mut context = Context::default();
        context.set("aws:username", "alice");
        assert_eq!(context.fill_in("x-${AWS:UserName}-y").as_deref(), Some("x-alice-y"));
        assert_eq!(context.fill_in("plain").as_deref(), Some("plain"));
        assert_eq!(context.fill_in("${aws:PrincipalTag/team}"), None);
    }
}
