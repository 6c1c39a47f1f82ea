//! Whose the variables are that a shell was started with: the enclosing shell's, or those of a program between the two, such as
//! `aws-vault exec`. The hook leaves a trace of what it left in a shell's environment, by hashes, in [`TRACE`].

use std::{collections::BTreeSet, fmt};

use sha2::{Digest, Sha256};

/// The variable with the trace.
pub const TRACE: &str = "CREDSTACK_HOOK";

/// What says by itself who a program is. A secret isn't in it.
const IDENTITY: [&str; 7] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

/// What belongs to an access key id.
const BESIDE_KEYS: [&str; 5] =
    ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "AWS_ACCOUNT_ID"];

/// What a shell has that follows: of its own, covered or not, and of the stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    own: BTreeSet<String>,
    given: BTreeSet<String>,
}

impl Trace {
    /// What [`TRACE`] says.
    pub fn read(text: &str) -> Trace {
        let (own, given) = text.split_once('/').unwrap_or_default();
        let list = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        Trace { own: list(own), given: list(given) }
    }

    /// The trace of a shell with variables of its own.
    pub fn of_own<'a>(variable: impl Fn(&str) -> Option<&'a str>) -> Trace {
        let found = IDENTITY.into_iter().filter_map(|name| Some(hash(name, variable(name)?)));
        Trace { own: found.collect(), given: BTreeSet::new() }
    }

    /// The same shell with other variables of the stack's.
    pub fn with<'a>(self, given: impl IntoIterator<Item = (&'a str, &'a str)>) -> Trace {
        let given = given.into_iter().filter(|(name, _)| IDENTITY.contains(name));
        Trace { given: given.map(|(name, value)| hash(name, value)).collect(), ..self }
    }

    /// The variables that a shell has which was started in that one, and that neither it nor its start-up files left there.
    pub fn strangers<'a>(&self, variable: impl Fn(&str) -> Option<&'a str>) -> Vec<&'static str> {
        let is_known = |hash: &String| self.own.contains(hash) || self.given.contains(hash);
        let is_stranger = |name: &&str| variable(name).is_some_and(|value| !is_known(&hash(name, value)));
        IDENTITY.into_iter().filter(is_stranger).collect()
    }

    /// What of that shell's stack another shell has which was started in it.
    pub fn given<'a>(&self, variable: impl Fn(&str) -> Option<&'a str>) -> Vec<&'static str> {
        let is_given = |name: &&str| variable(name).is_some_and(|value| self.given.contains(&hash(name, value)));
        let mut given: Vec<&str> = IDENTITY.into_iter().filter(is_given).collect();
        if given.contains(&IDENTITY[0]) {
            given.extend(BESIDE_KEYS);
        }
        given
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |list: &BTreeSet<String>| list.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        write!(f, "{}/{}", list(&self.own), list(&self.given))
    }
}

fn hash(name: &str, value: &str) -> String {
    Sha256::digest(format!("{name}={value}")).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<&'a str> {
        |name| variables.iter().find(|(found, _)| *found == name).map(|(_, value)| *value)
    }

    #[test]
    fn what_another_program_set_is_told_from_what_the_outer_shell_left_or_has_of_its_own() {
        let own = Trace::of_own(from(&[("AWS_ACCESS_KEY_ID", "AKIAFAKEALICE0000001"), ("AWS_REGION", "eu-west-1")]));
        let covered = own.clone().with([("AWS_PROFILE", "credstack"), ("AWS_REGION", "eu-west-1")]);
        assert_eq!(Trace::read(&covered.to_string()), covered);
        assert_eq!(Trace::read(&own.to_string()), own);
        assert_eq!(Trace::read("nonsense"), Trace::default());
        let strangers = |variables| covered.strangers(from(variables));
        assert_eq!(strangers(&[("AWS_PROFILE", "credstack")]), [""; 0], "the outer shell's");
        // A start-up file sets its own again.
        assert_eq!(strangers(&[("AWS_PROFILE", "credstack"), ("AWS_ACCESS_KEY_ID", "AKIAFAKEALICE0000001")]), [""; 0]);
        assert_eq!(strangers(&[("AWS_ACCESS_KEY_ID", "AKIAFAKEBOB000000001")]), ["AWS_ACCESS_KEY_ID"]);
        assert_eq!(strangers(&[("AWS_PROFILE", "prod"), ("AWS_REGION", "x")]), ["AWS_PROFILE"]);
        assert_eq!(covered.given(from(&[("AWS_PROFILE", "credstack"), ("AWS_ACCESS_KEY_ID", "x")])), ["AWS_PROFILE"]);
        let keys = own.clone().with([("AWS_ACCESS_KEY_ID", "ASIAFAKE")]);
        assert_eq!(
            keys.given(from(&[("AWS_PROFILE", "prod"), ("AWS_ACCESS_KEY_ID", "ASIAFAKE")])).len(),
            6,
            "and what belongs to it"
        );
        assert_eq!(own.strangers(from(&[("AWS_PROFILE", "credstack")])), ["AWS_PROFILE"]);
    }
}
