use std::collections::{BTreeMap, BTreeSet};

/// Parameters that are secrets, or as good as: shown as `<hidden>`. The last part of the name counts.
const HIDDEN: [&str; 4] = ["TokenCode", "WebIdentityToken", "SAMLAssertion", "ContextAssertion"];

/// The parameters of a request, e.g. `Tags.member.1.Key=team`.
#[derive(Clone, Debug, Default)]
pub struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads a form-encoded body.
    pub fn parse(body: &[u8]) -> Parameters {
        Parameters(url::form_urlencoded::parse(body).into_owned().collect())
    }

    /// One parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A list of texts, in order: `NAME.member.N`.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        self.indexes(name).into_iter().filter_map(|i| self.get(&format!("{name}.member.{i}"))).collect()
    }

    /// A list of structures, in order: the given fields of each, `NAME.member.N.FIELD`.
    pub fn structures<const N: usize>(&self, name: &str, fields: [&str; N]) -> Vec<[Option<&str>; N]> {
        let one = |i: u32| fields.map(|field| self.get(&format!("{name}.member.{i}.{field}")));
        self.indexes(name).into_iter().map(one).collect()
    }

    fn indexes(&self, name: &str) -> BTreeSet<u32> {
        let prefix = format!("{name}.member.");
        let index = |key: &String| key.strip_prefix(&prefix)?.split('.').next()?.parse().ok();
        self.0.keys().filter_map(index).collect()
    }

    /// All parameters but the protocol's own, without secrets.
    pub fn shown(&self) -> BTreeMap<String, String> {
        let shown = |(name, value): (&String, &String)| {
            let secret = name.rsplit('.').next().is_some_and(|last| HIDDEN.contains(&last));
            (name.clone(), if secret { "<hidden>".into() } else { value.clone() })
        };
        self.0.iter().filter(|(name, _)| *name != "Action" && *name != "Version").map(shown).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Parameters;

    #[test]
    fn lists_are_read_in_numeric_order() {
        let body = (1..=11).map(|i| format!("Tags.member.{i}.Key=k{i}&Tags.member.{i}.Value=v+{i}&")).collect::<String>();
        let parameters = Parameters::parse(body.as_bytes());
        let tags = parameters.structures("Tags", ["Key", "Value"]);
        assert_eq!(tags.len(), 11);
        assert_eq!(tags[1], [Some("k2"), Some("v 2")]);
        assert_eq!(tags[10], [Some("k11"), Some("v 11")]);
        assert_eq!(Parameters::parse(b"T.member.2=b&T.member.1=a").texts("T"), ["a", "b"]);
    }

    #[test]
    fn secrets_are_not_shown() {
        let body = b"Action=A&Version=V&TokenCode=123456&ProvidedContexts.member.1.ContextAssertion=x&RoleArn=r";
        let shown = Parameters::parse(body).shown();
        assert_eq!(shown["TokenCode"], "<hidden>");
        assert_eq!(shown["ProvidedContexts.member.1.ContextAssertion"], "<hidden>");
        assert_eq!(shown["RoleArn"], "r");
        assert_eq!(shown.len(), 3);
    }
}
