//! The accounts, users and roles that the server knows: read once, never changed.

mod check;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::policy::{Statement, managed};

/// The TOML text of the world that is used when none is given.
pub const BUILT_IN: &str = include_str!("builtin.toml");

/// Everything there is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// Length of issued session tokens, in bytes.
    #[serde(default = "default_token_bytes")]
    pub session_token_bytes: usize,
    /// What 100 % of `PackedPolicySize` is, in bytes.
    #[serde(default = "default_packed_limit")]
    pub packed_policy_limit_bytes: usize,
    /// Regions where STS answers `RegionDisabledException`.
    #[serde(default)]
    pub disabled_regions: Vec<String>,
    /// All accounts; every ARN below is in one of them.
    pub accounts: Vec<Account>,
    /// IAM users.
    #[serde(default)]
    pub users: Vec<User>,
    /// IAM roles.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// Customer managed policies, for `PolicyArns`.
    #[serde(default)]
    pub policies: Vec<Policy>,
    /// OpenID Connect providers, for `AssumeRoleWithWebIdentity`.
    #[serde(default)]
    pub oidc_providers: Vec<OidcProvider>,
    /// SAML providers, for `AssumeRoleWithSAML`.
    #[serde(default)]
    pub saml_providers: Vec<SamlProvider>,
    /// The organization that all accounts are in, for `AssumeRoot`.
    pub organization: Option<Organization>,
}

/// An OpenID Connect provider in IAM.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcProvider {
    /// `arn:aws:iam::ACCOUNT:oidc-provider/HOST`.
    pub arn: String,
    /// The audiences that it is for.
    pub client_ids: Vec<String>,
    /// What its tokens are signed with.
    pub secret: Secret,
}

impl OidcProvider {
    /// Its issuer without `https://`.
    pub fn host(&self) -> &str {
        self.arn.split_once(":oidc-provider/").map_or("", |(_, host)| host)
    }

    /// The account that knows it.
    pub fn account(&self) -> &str {
        account_of(&self.arn)
    }
}

/// A SAML provider in IAM.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamlProvider {
    /// `arn:aws:iam::ACCOUNT:saml-provider/NAME`.
    pub arn: String,
    /// The entity id in its metadata.
    pub issuer: String,
}

/// An organization with centralized root access.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organization {
    /// Twelve digits.
    pub management_account: String,
    /// Member accounts that may act for it.
    #[serde(default)]
    pub delegated_administrators: Vec<String>,
}

/// An AWS account.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// For people.
    #[serde(rename = "name", default)]
    pub _name: String,
    /// Whether outbound web identity federation is switched on, which `GetWebIdentityToken` needs.
    #[serde(default)]
    pub outbound_web_identity_federation: bool,
    /// The access keys of the account root, if it has any.
    pub root: Option<Keys>,
}

/// Long-term access keys.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// `AKIA…`.
    pub access_key_id: String,
    /// What requests are signed with.
    pub secret_access_key: String,
}

/// An IAM user with access keys.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// `arn:aws:iam::ACCOUNT:user/…`.
    pub arn: String,
    /// `AKIA…`.
    pub access_key_id: String,
    /// What requests are signed with.
    pub secret_access_key: Secret,
    /// Principal tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The user's MFA device.
    pub mfa: Option<MfaDevice>,
    /// What the user may do.
    #[serde(default)]
    pub policy: Vec<Statement>,
}

/// A virtual MFA device.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MfaDevice {
    /// Its ARN or serial number.
    pub serial: String,
    /// The TOTP secret in base32: 6 digits, 30 seconds, SHA-1.
    pub secret: Secret,
}

/// An IAM role.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// `arn:aws:iam::ACCOUNT:role/…`, path included.
    pub arn: String,
    /// In seconds.
    #[serde(default = "default_max_session")]
    pub max_session_duration: u32,
    /// Principal tags of its sessions.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Who may assume it.
    pub trust: Vec<Statement>,
    /// What its sessions may do.
    #[serde(default)]
    pub policy: Vec<Statement>,
}

/// A customer managed policy.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// `arn:aws:iam::ACCOUNT:policy/…`.
    pub arn: String,
    /// What it says.
    pub statements: Vec<Statement>,
}

/// Text that `Debug` does not show.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<hidden>")
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.access_key_id)
    }
}

fn default_token_bytes() -> usize {
    460
}

fn default_packed_limit() -> usize {
    2048
}

fn default_max_session() -> u32 {
    3600
}

/// The account field of an ARN; empty if there is none.
pub fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

/// The name at the end of an ARN, without its path.
pub fn name_of(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}

impl World {
    /// Reads and checks a world; the error says where it is wrong.
    pub fn parse(text: &str) -> Result<World, String> {
        let world: World = toml::from_str(text).map_err(|error| error.to_string())?;
        check::check(&world)?;
        Ok(world)
    }

    /// The role of this ARN.
    pub fn role(&self, arn: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.arn == arn)
    }

    /// The account of this id.
    pub fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == id)
    }

    /// The user of this ARN.
    pub fn user(&self, arn: &str) -> Option<&User> {
        self.users.iter().find(|user| user.arn == arn)
    }

    /// The MFA device with this serial, and its user.
    pub fn device(&self, serial: &str) -> Option<(&User, &MfaDevice)> {
        self.users.iter().find_map(|user| user.mfa.as_ref().filter(|mfa| mfa.serial == serial).map(|mfa| (user, mfa)))
    }

    /// The statements of a managed policy that an account may use: its own, or AWS's.
    pub fn managed_policy(&self, arn: &str, account: &str) -> Option<Vec<Statement>> {
        let own = self.policies.iter().find(|policy| policy.arn == arn && account_of(arn) == account);
        own.map(|policy| policy.statements.clone()).or_else(|| managed::statements(arn))
    }
}

/// The unique id that IAM would give to this ARN, e.g. `AROA…`: always the same, and visibly not a real one.
pub fn unique_id(prefix: &str, arn: &str) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    // FNV-1a: an id needs to be stable, not secret.
    let hash = arn.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let digits = (0..10).map(|i| char::from(ALPHABET[(hash >> (5 * i)) as usize & 31]));
    format!("{prefix}SANDBOX{}", digits.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_world_is_sound() {
        let world = World::parse(BUILT_IN).unwrap();
        let alice = world.user("arn:aws:iam::111122223333:user/alice").unwrap();
        assert_eq!((alice.access_key_id.len(), alice.secret_access_key.0.len()), (20, 40));
        assert_eq!(world.device("arn:aws:iam::111122223333:mfa/alice").unwrap().0.arn, alice.arn);
        assert!(!format!("{world:?}").contains("fake+"), "Debug shows no secret");
        assert!(!format!("{world:?}").contains("FAKEALICEFAKE"), "Debug shows no MFA secret");
    }

    #[test]
    fn ids_are_stable_and_as_long_as_aws_s() {
        let id = unique_id("AROA", "arn:aws:iam::111122223333:role/Developer");
        assert_eq!(id.len(), 21);
        assert_eq!(id, unique_id("AROA", "arn:aws:iam::111122223333:role/Developer"));
        assert_ne!(id, unique_id("AROA", "arn:aws:iam::111122223333:role/Developer2"));
    }

    #[test]
    fn managed_policies_belong_to_their_account() {
        let world = World::parse(BUILT_IN).unwrap();
        let arn = "arn:aws:iam::111122223333:policy/OnlyProdReadOnly";
        assert!(world.managed_policy(arn, "111122223333").is_some());
        assert!(world.managed_policy(arn, "444455556666").is_none());
        assert!(world.managed_policy("arn:aws:iam::aws:policy/ReadOnlyAccess", "444455556666").is_some());
    }
}
