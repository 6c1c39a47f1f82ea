//! What is known not to work: the client finds nothing, and says so. Anything else is a fault of ours.

use super::cell::Outcome;

/// A client in a way finds no credentials, in some homes or in all, and what it says of it.
pub struct Gap {
    client: &'static str,
    way: &'static str,
    /// Homes, or none for all of them.
    homes: &'static [&'static str],
    says: &'static str,
}

const fn gap(client: &'static str, way: &'static str, homes: &'static [&'static str], says: &'static str) -> Gap {
    Gap { client, way, homes, says }
}

/// Homes that have a credentials file.
const WITH_CREDENTIALS: &[&str] = &["keys in [default]", "AWS_PROFILE of another", "keys in both files"];
const JAVA_1: &str = "Unable to load AWS credentials from any provider in the chain";

/// One table of all.
const GAPS: &[Gap] = &[
    // Neither reads the config file without AWS_SDK_LOAD_CONFIG, which `exec` and the hook set.
    gap("Go v1", "profile", &[], "MissingRegion"),
    gap("JavaScript v2", "profile", &[], "Missing region in config"),
    // It takes ~/.aws/credentials alone where that is there, and then refuses a profile that is in the config file. No variable
    // that other clients read names it another credentials file.
    gap("Java v1", "profile", WITH_CREDENTIALS, JAVA_1),
    gap("Java v1", "exec --via profile", WITH_CREDENTIALS, JAVA_1),
];

/// The cells that are another identity for a reason that credstack cannot do anything about: .NET 3 asks the default profile
/// before the environment's keys, and `env` can change no files. `doctor` and docs/clients.md say so.
const OTHERS: &[(&str, &str, &[&str])] =
    &[(".NET 3", "env", &["keys in [default]", "process in [default]", "keys in both files"])];

/// Whether a cell is as it must be, and what it is in the table of docs/clients.md.
pub fn expected(client: &str, way: &str, home: &str, outcome: &Outcome) -> Result<&'static str, String> {
    if OTHERS.iter().any(|other| other.0 == client && other.1 == way && other.2.contains(&home)) {
        return match outcome {
            Outcome::Wrong(_) => Ok("**the default profile**"),
            _ => Err("is no longer another identity: take it out of the list".to_owned()),
        };
    }
    let listed =
        GAPS.iter().find(|gap| gap.client == client && gap.way == way && (gap.homes.is_empty() || gap.homes.contains(&home)));
    match (outcome, listed) {
        (Outcome::Right, None) => Ok("yes"),
        (Outcome::Refused(error), Some(gap)) if error.contains(gap.says) => Ok("nothing"),
        (Outcome::Right, Some(_)) => Err("works: take it out of the list of gaps".to_owned()),
        (Outcome::Refused(error), _) => Err(format!("finds nothing: {error}")),
        (Outcome::Wrong(what), _) => Err(what.clone()),
    }
}
