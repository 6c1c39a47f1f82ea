//! Who signed a request.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    policy::{Context, Party, Statement},
    world::{World, account_of, name_of, unique_id},
};

/// A caller, and what its session carries along.
#[derive(Clone, Debug)]
pub struct Caller {
    /// What it is.
    pub kind: Kind,
    /// Facts of the session; `None` for long-term keys.
    pub session: Option<Facts>,
}

/// The kinds of callers, with the IAM ARN of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nobody: the operation is not signed.
    Nobody,
    /// The account root.
    Root {
        /// Its account.
        account: String,
    },
    /// An IAM user, with long-term keys or a session from GetSessionToken.
    User {
        /// The user's ARN.
        arn: String,
    },
    /// The session of a role.
    RoleSession {
        /// The role's ARN, path included.
        role: String,
        /// RoleSessionName.
        name: String,
    },
    /// The session of a federated user.
    Federated {
        /// The ARN of the user (or the root) that made it.
        by: String,
        /// Name.
        name: String,
    },
}

/// What a temporary session knows.
#[derive(Clone, Debug)]
pub struct Facts {
    /// When it was issued.
    pub issued: Timestamp,
    /// When it ends; `None` until it is issued.
    pub ends: Option<Timestamp>,
    /// When an MFA code was given, if one was.
    pub mfa: Option<Timestamp>,
    /// Set once, never changed down the chain.
    pub source_identity: Option<String>,
    /// Session tags, inherited ones included. Their keys have no case, but keep the one they came with.
    pub tags: Tags,
    /// The session policies; `None` if there are none, so that nothing is cut off.
    pub policies: Option<Vec<Statement>>,
}

impl Facts {
    /// A session with nothing to carry.
    pub fn plain(issued: Timestamp) -> Facts {
        Facts { issued, ends: None, mfa: None, source_identity: None, tags: Tags::default(), policies: None }
    }
}

/// Session tags, and which of them go on down the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags {
    /// Key -> value.
    pub all: BTreeMap<String, String>,
    /// The keys that are transitive, in lower case.
    pub transitive: BTreeSet<String>,
}

impl Tags {
    /// What the next session of a chain inherits.
    pub fn inherited(&self) -> Tags {
        let passed_on = |(key, _): &(&String, &String)| self.transitive.contains(&key.to_lowercase());
        Tags {
            all: self.all.iter().filter(passed_on).map(|(key, value)| (key.clone(), value.clone())).collect(),
            transitive: self.transitive.clone(),
        }
    }
}

impl Caller {
    /// Twelve digits.
    pub fn account(&self) -> &str {
        match &self.kind {
            Kind::Nobody => "",
            Kind::Root { account } => account,
            Kind::User { arn } | Kind::RoleSession { role: arn, .. } | Kind::Federated { by: arn, .. } => account_of(arn),
        }
    }

    /// The ARN that GetCallerIdentity shows.
    pub fn arn(&self) -> String {
        match &self.kind {
            Kind::Nobody => String::new(),
            Kind::Root { account } => format!("arn:aws:iam::{account}:root"),
            Kind::User { arn } => arn.clone(),
            Kind::RoleSession { role, name } => {
                format!("arn:aws:sts::{}:assumed-role/{}/{name}", account_of(role), name_of(role))
            }
            Kind::Federated { by, name } => format!("arn:aws:sts::{}:federated-user/{name}", account_of(by)),
        }
    }

    /// The unique id that GetCallerIdentity shows, `aws:userid`.
    pub fn user_id(&self) -> String {
        match &self.kind {
            Kind::Nobody => String::new(),
            Kind::Root { account } => account.clone(),
            Kind::User { arn } => unique_id("AIDA", arn),
            Kind::RoleSession { role, name } => format!("{}:{name}", unique_id("AROA", role)),
            Kind::Federated { by, name } => format!("{}:{name}", account_of(by)),
        }
    }

    /// How trust policies name this caller.
    pub fn party(&self) -> Party {
        let (principal_arn, session_arn) = match &self.kind {
            Kind::Nobody | Kind::Root { .. } | Kind::User { .. } => (self.arn(), None),
            Kind::RoleSession { role, .. } => (role.clone(), Some(self.arn())),
            Kind::Federated { by, .. } => (by.clone(), Some(self.arn())),
        };
        Party { account: self.account().to_owned(), principal_arn, session_arn }
    }

    /// Whether it is a session of a user or of the account root, or of a federated user: one that may hardly call STS.
    pub fn is_users_session(&self) -> bool {
        self.session.is_some() && !matches!(self.kind, Kind::RoleSession { .. })
    }

    /// The source identity that was set earlier in the chain.
    pub fn source_identity(&self) -> Option<&str> {
        self.session.as_ref()?.source_identity.as_deref()
    }

    /// The identity policy: what IAM allows the user or the role.
    pub fn identity_policy<'w>(&self, world: &'w World) -> &'w [Statement] {
        match &self.kind {
            Kind::User { arn } | Kind::Federated { by: arn, .. } => world.user(arn).map_or(&[], |user| &user.policy),
            Kind::RoleSession { role, .. } => world.role(role).map_or(&[], |role| &role.policy),
            Kind::Nobody | Kind::Root { .. } => &[],
        }
    }

    /// The condition keys that this caller brings.
    pub fn context(&self, world: &World, now: Timestamp) -> Context {
        let mut context = Context::default();
        context.set("aws:CurrentTime", now);
        context.set("aws:EpochTime", now.as_second());
        context.set("aws:SecureTransport", false);
        context.set("aws:PrincipalAccount", self.account());
        context.set("aws:PrincipalArn", self.party().principal_arn);
        context.set("aws:userid", self.user_id());
        let kind = match &self.kind {
            Kind::Nobody => "Anonymous",
            Kind::Root { .. } => "Account",
            Kind::User { .. } => "User",
            Kind::RoleSession { .. } => "AssumedRole",
            Kind::Federated { .. } => "FederatedUser",
        };
        context.set("aws:PrincipalType", kind);
        if let Kind::User { arn } = &self.kind {
            context.set("aws:username", name_of(arn));
        }
        // A session's tag beats the principal's own tag of the same key.
        let own = match &self.kind {
            Kind::User { arn } | Kind::Federated { by: arn, .. } => world.user(arn).map(|user| &user.tags),
            Kind::RoleSession { role, .. } => world.role(role).map(|role| &role.tags),
            Kind::Nobody | Kind::Root { .. } => None,
        };
        let session_tags = self.session.as_ref().map(|session| &session.tags.all);
        for (key, value) in own.into_iter().chain(session_tags).flatten() {
            context.set(&format!("aws:PrincipalTag/{key}"), value);
        }
        if let Some(session) = &self.session {
            context.set("aws:TokenIssueTime", session.issued);
            context.set_if_some("aws:SourceIdentity", session.source_identity.as_ref());
            context.set("aws:MultiFactorAuthPresent", session.mfa.is_some());
            context.set_if_some("aws:MultiFactorAuthAge", session.mfa.map(|at| now.as_second() - at.as_second()));
        }
        context
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::BUILT_IN;

    #[test]
    fn a_role_session_s_arn_loses_the_role_s_path() {
        let role = "arn:aws:iam::111122223333:role/ops/Deploy".to_owned();
        let kind = Kind::RoleSession { role: role.clone(), name: "me".into() };
        let caller = Caller { kind, session: None };
        assert_eq!(caller.arn(), "arn:aws:sts::111122223333:assumed-role/Deploy/me");
        assert_eq!(caller.party().principal_arn, role);
        assert!(caller.user_id().ends_with(":me"));
    }

    #[test]
    fn session_tags_beat_the_principal_s_own() {
        let world = World::parse(BUILT_IN).unwrap();
        let mut facts = Facts::plain(Timestamp::UNIX_EPOCH);
        facts.tags.all.insert("STAGE".into(), "session".into());
        let kind = Kind::RoleSession { role: "arn:aws:iam::111122223333:role/Developer".into(), name: "me".into() };
        let caller = Caller { kind, session: Some(facts) };
        let context = caller.context(&world, Timestamp::UNIX_EPOCH);
        assert_eq!(context.get("aws:PrincipalTag/stage").unwrap(), ["session"]);
        assert_eq!(context.get("aws:MultiFactorAuthPresent").unwrap(), ["false"]);
    }

    #[test]
    fn only_transitive_tags_are_inherited() {
        let tags = Tags {
            all: [("Project".to_owned(), "x".to_owned()), ("cost".to_owned(), "y".to_owned())].into(),
            transitive: ["project".to_owned()].into(),
        };
        assert_eq!(tags.inherited().all.into_keys().collect::<Vec<_>>(), ["Project"]);
    }
}
