//! Keys as variables of an environment, and how each shell or file writes them down.

mod format;
pub mod quote;

pub use format::Format;
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use credstack_core::handout::HandOut;

use crate::failure::Failure;

/// Variables to set and to take away, so that exactly one source of credentials is left.
#[derive(Default)]
pub struct Exports {
    /// What is set, in the order in which it is written.
    pub set: Vec<(&'static str, Zeroizing<String>)>,
    /// What is taken away.
    pub unset: Vec<&'static str>,
}

/// Every variable that says who somebody is, or where to ask for it: for each of them some client takes it before or
/// beside the keys (docs/clients.md).
pub const SOURCES: [&str; 17] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    // Account-based endpoints take it beside the keys, whoever they are.
    "AWS_ACCOUNT_ID",
    "AWS_ACCESS_KEY",
    "AWS_SECRET_KEY",
];

/// The variables with a region. Some clients read only the one, others the other first.
const REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// Stands beside [`REGIONS`] where credstack exported them into a shell or program, with the same value: so they do not count as
/// the user's wish.
pub const REGION_COMPANION: &str = "CREDSTACK_REGION";

/// With `1` the older SDKs for Go and JavaScript read the AWS configuration file, where the profile of ours is.
pub const LOAD_CONFIG: &str = "AWS_SDK_LOAD_CONFIG";

/// What AWS_PROFILE names in a shell that can't follow its stack. There is no such profile, so that clients fail and name it: without
/// any, they would take the default profile. To credstack it counts as unset.
pub const NO_PROFILE: &str = "credstack-has-no-profile-yet";

/// Every variable that credstack sets or takes away, for a shell that is to get its own back.
pub fn names() -> Vec<&'static str> {
    [&SOURCES[..], &REGIONS, &[REGION_COMPANION, LOAD_CONFIG]].concat()
}

impl Exports {
    /// The keys themselves, with the region that goes with them.
    pub fn of_keys(keys: &HandOut) -> Exports {
        let text = |text: &str| Zeroizing::new(text.to_owned());
        let mut set = vec![
            ("AWS_ACCESS_KEY_ID", text(&keys.set.access_key_id)),
            ("AWS_SECRET_ACCESS_KEY", text(keys.set.secret_access_key.expose_secret())),
        ];
        set.extend(keys.set.session_token.as_ref().map(|token| ("AWS_SESSION_TOKEN", text(token.expose_secret()))));
        if let (Some(at), false) = (keys.expires_at, keys.set.is_long_term()) {
            set.push(("AWS_CREDENTIAL_EXPIRATION", Zeroizing::new(whole_seconds(at))));
        }
        set.extend(keys.account.as_deref().map(|account| ("AWS_ACCOUNT_ID", text(account))));
        Exports::only(set, keys.region.as_deref())
    }

    /// The same where credstack exports by itself, into a shell with the hook or a program under `exec`: the region is marked
    /// as credstack's. Where there is none, an earlier one of credstack's goes.
    pub fn marked(mut self) -> Exports {
        match self.set.iter().find(|(name, _)| *name == REGIONS[0]).map(|(_, region)| region.clone()) {
            Some(region) => {
                self.unset.retain(|name| *name != REGION_COMPANION);
                self.set.push((REGION_COMPANION, region));
            }
            None => self.unset.extend(REGIONS),
        }
        self
    }

    /// These, with a region, and no other source. The region is the user's from here on.
    pub fn only(mut set: Vec<(&'static str, Zeroizing<String>)>, region: Option<&str>) -> Exports {
        for name in REGIONS {
            set.extend(region.map(|region| (name, Zeroizing::new(region.to_owned()))));
        }
        let unset =
            SOURCES.into_iter().chain([REGION_COMPANION]).filter(|name| set.iter().all(|(given, _)| given != name)).collect();
        Exports { set, unset }
    }

    /// With one more variable, or without it.
    pub fn with<T: Into<Zeroizing<String>>>(mut self, (name, value): (&'static str, Option<T>)) -> Exports {
        self.set.retain(|(there, _)| *there != name);
        self.unset.retain(|there| *there != name);
        match value {
            Some(value) => self.set.push((name, value.into())),
            None => self.unset.push(name),
        }
        self
    }

    /// Refuses what no shell can be given safely.
    pub fn check(&self) -> Result<(), Failure> {
        match self.set.iter().find(|(_, value)| value.chars().any(char::is_control)) {
            Some((name, _)) => Err(Failure::usage(format!("{name} would hold a control character"))
                .next_step("no shell can be given that safely; check where it comes from")),
            None => Ok(()),
        }
    }
}

/// Fractions, offsets and the like each break some client.
pub fn whole_seconds(at: jiff::Timestamp) -> String {
    jiff::Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}
