//! Identities that can sign an STS call: a stored credential set, a profile, this shell's keys.

mod ambient;
mod given;
mod in_process;

use std::path::PathBuf;

use ambient::behind_our_profile;
pub use ambient::from_environment;
pub use ambient::shell;
pub use ambient::{environment_keys, foreseen, from_ambient, from_keys, owner, recorded_way};
use credstack_core::{
    ambient::Beside,
    handout::RegionChoice,
    secret_store::SecretStoreError,
    stack::{Change, Consent, Reader, StackError},
    sts::{Settings, Sts},
    values::{
        Ambient, Arn, Credential, CredentialId, CredentialSet, Identity, Signer, SignerKey, Way, partition_of,
        request::{Inherited, SignerKind},
    },
};
pub use given::{Given, given};
pub use in_process::{UnderWay, asks_us, refuse_loops};
use jiff::Timestamp;

use crate::{configuration::Duration, context::Context, failure::Failure};

/// An identity that can sign.
pub struct Signing {
    /// Its keys.
    pub set: CredentialSet,
    /// When they expire.
    pub expires_at: Option<Timestamp>,
    /// Whose they are.
    pub who: Who,
    /// What an ambient source says besides them.
    pub beside: Beside,
}

/// Who signs, as far as that is known without keys.
#[derive(Clone, Debug)]
pub struct Who {
    /// Who it is, where that is recorded.
    pub identity: Option<Identity>,
    /// What kind of caller it is, as far as that is known without asking.
    pub kind: SignerKind,
    /// How the log refers to it.
    pub signer: Signer,
    /// The region that goes with it.
    pub region: Option<String>,
    /// The profile that goes with it.
    pub profile: Option<String>,
    /// Whether it is the stack's current frame, ambient of which nothing was recorded yet.
    pub is_untouched: bool,
    /// What it has from the chain behind it.
    pub inherited: Inherited,
    /// How STS was reached for it, where that is recorded.
    pub way: Option<Way>,
}

impl Who {
    /// The way to STS in a region, else that of its profile.
    pub fn sts(&self, context: &Context, region: Option<String>) -> Result<Sts, Failure> {
        Ok(Sts::connect(&Settings { region, profile: self.profile.clone(), ..settings(context) })?)
    }

    /// The stored credential set that signs, if it is one.
    pub fn credential(&self) -> Option<CredentialId> {
        match self.signer {
            Signer::Credential(id) => Some(id),
            _ => None,
        }
    }

    /// Its ARN, where it is recorded.
    pub fn arn(&self) -> Option<Arn> {
        self.identity.as_ref()?.arn.parse().ok()
    }

    /// A configured duration, cut to the hour that AWS allows a role session and the account root.
    pub fn default_duration(&self, configured: Option<Duration>) -> Option<i32> {
        let Duration(seconds) = configured?;
        let most_an_hour = matches!(self.kind, SignerKind::RoleSession | SignerKind::Root);
        Some(if most_an_hour { seconds.min(3600) } else { seconds })
    }
}

impl Signing {
    /// The region of the frame: its own, or its profile's, or the shell's when it was covered.
    pub fn region(&self) -> Option<&str> {
        let (frames, at_push) = (self.beside.region.as_deref(), self.who.region.as_deref());
        RegionChoice { frames, at_push, ..RegionChoice::default() }.in_force()
    }

    /// The key of an ambient signer. A stored one's is with it.
    pub fn key(&self) -> SignerKey {
        match &self.who.signer {
            Signer::Ambient(_) if self.set.is_long_term() => SignerKey::LongTerm(self.set.access_key_id.clone()),
            _ => SignerKey::Temporary,
        }
    }

    /// Takes note of who it is, which may tell what kind of caller it is.
    pub fn learn(&mut self, identity: Identity) -> Result<Arn, Failure> {
        let arn: Arn =
            identity.arn.parse().map_err(|_| Failure::internal(format!("STS gave an ARN that is none: {}", identity.arn)))?;
        if let (SignerKind::Unknown | SignerKind::LongTerm, kind) = (self.who.kind, SignerKind::of(&arn, self.set.is_long_term()))
            && kind != SignerKind::Unknown
        {
            self.who.kind = kind;
        }
        self.who.identity = Some(identity);
        Ok(arn)
    }

    /// The way to STS for this identity: in the region that is asked for, else the user's, else the one that goes with it.
    pub fn sts(&self, context: &Context, region: Option<&str>) -> Result<Sts, Failure> {
        let sts = self.who.sts(context, context.region_for(region, self.region()))?;
        self.refuse_another_service(context, &sts)?;
        context.output.explain(&format!("signing with {} in {}", self.set.access_key_id, sts.region()));
        Ok(sts)
    }
}

impl Signing {
    /// Refuses to send a session token to another service than the one that it is from.
    pub fn refuse_another_service(&self, context: &Context, sts: &Sts) -> Result<(), Failure> {
        match (&self.who.way, &self.set.session_token) {
            (Some(from), Some(_)) => refuse_another_service(context, self.who.credential(), from, sts.way()),
            _ => Ok(()),
        }
    }
}

/// Refuses to ask `to` where a session of the service `from` signs, or is to be asked for again.
pub fn refuse_another_service(context: &Context, id: Option<CredentialId>, from: &Way, to: &Way) -> Result<(), Failure> {
    if from.is_same_service(to) {
        return Ok(());
    }
    let name = |way: &Way| match &way.endpoint {
        Some(url) => url.clone(),
        None => format!("AWS's endpoints of partition {}", partition_of(&way.region)),
    };
    let which = match id {
        Some(id) => format!("{id} is from {}", name(from)),
        None => format!("these credentials are from {}", name(from)),
    };
    let set = |variable| context.aws(variable).is_some();
    let next = match &from.endpoint {
        Some(url) => format!("run `export AWS_ENDPOINT_URL_STS={url}`, and then the command again"),
        None if to.endpoint.is_none() => format!("give --region {}", from.region),
        None if set("AWS_ENDPOINT_URL_STS") || set("AWS_ENDPOINT_URL") => {
            "run `unset AWS_ENDPOINT_URL_STS AWS_ENDPOINT_URL`, and then the command again".to_owned()
        }
        None => "run `export AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true`, and then the command again".to_owned(),
    };
    let message = format!("{which}, and STS would be asked at {}: its session token isn't sent there", name(to));
    Err(Failure::usage(message).next_step(next))
}

/// The way to STS for what nobody signs.
pub fn unsigned_sts(context: &Context, region: Option<&str>) -> Result<Sts, Failure> {
    Ok(Sts::connect(&Settings { region: context.region_for(region, None), ..settings(context) })?)
}

/// The way to STS that is recorded with what is asked for again, whatever the environment says.
pub fn recorded_sts(context: &Context, way: &Way) -> Result<Sts, Failure> {
    let (way, time_outs) = (Some(way.clone()), context.time_outs());
    Ok(Sts::connect(&Settings { way, time_outs, ..Settings::default() })?)
}

/// The way to STS that a profile says: its region, unless one is given or the user set one, and its endpoint.
pub fn sts_of_profile(context: &Context, profile: &str, region: Option<&str>, signing: Option<&Signing>) -> Result<Sts, Failure> {
    let (region, profile) = (context.region_for(region, None), Some(profile.to_owned()));
    let sts = Sts::connect(&Settings { region, profile, ..settings(context) })?;
    signing.map_or(Ok(()), |signing| signing.refuse_another_service(context, &sts))?;
    Ok(sts)
}

fn settings(context: &Context) -> Settings {
    let (default_region, files) = (context.configuration.region.clone(), context.files.clone());
    let (ca_bundle, time_outs) = (ca_bundle(context), context.time_outs());
    // Those of the user are looked at here; the others are what credstack exported.
    Settings { default_region, files, ca_bundle, time_outs, ignores_region_variables: true, ..Settings::default() }
}

/// An ambient identity that was recorded, found again.
pub fn from_reference(context: &Context, reader: &Reader, reference: Ambient) -> Result<Signing, Failure> {
    from_ambient(context, reader, behind_our_profile(context, reference))
}

/// Refuses what cannot be AWS credentials, before anything is done with it.
pub fn check_set(set: &CredentialSet) -> Result<(), Failure> {
    set.fault().map_or(Ok(()), |fault| Err(Failure::usage(fault).next_step("check where these credentials come from")))
}

/// A stored credential set as a signer, whether it is time to renew it or not.
pub fn stored(reader: &Reader, credential: Credential) -> Result<Signing, Failure> {
    let set = reader.secret(credential.id)?;
    with_set(reader, credential, set)
}

/// A stored credential set as a signer, whose secret is at hand.
pub fn with_set(reader: &Reader, credential: Credential, set: CredentialSet) -> Result<Signing, Failure> {
    let expires_at = credential.expires_at;
    Ok(Signing { set, expires_at, who: of_credential(reader, credential)?, beside: Beside::default() })
}

/// Who a stored credential set is, as a signer.
pub fn of_credential(reader: &Reader, credential: Credential) -> Result<Who, StackError> {
    let id = credential.id;
    Ok(Who {
        kind: kind_of(&credential),
        identity: credential.identity,
        signer: Signer::Credential(id),
        region: credential.region,
        profile: credential.profile,
        way: credential.way,
        is_untouched: false,
        inherited: inherited(reader, id)?,
    })
}

/// What a credential set has from the requests behind it.
fn inherited(reader: &Reader, id: CredentialId) -> Result<Inherited, StackError> {
    let mut inherited = Inherited::default();
    let mut next = Some(id);
    while let Some(id) = next {
        let credential = reader.credential(id)?;
        if let Some(request) = &credential.request {
            inherited.add(request);
        }
        // A parent is older than what it signed, so this ends.
        next = credential.parent.filter(|parent| *parent < id);
    }
    Ok(inherited)
}

/// Writes into the history that a secret is gone. That it is gone matters more than whether that could be written.
pub fn note_loss(context: &Context, id: CredentialId, error: &StackError) {
    if matches!(error, StackError::SecretStore(SecretStoreError::NoEntry { .. } | SecretStoreError::Stale { .. })) {
        let change = Change::begin(&context.place, context.terms("note a lost secret", Consent::Only(Default::default())));
        let _unrecorded = change.and_then(|mut change| {
            context.output.notices(&mut change);
            change.record_secret_lost(id)
        });
    }
}

/// What kind of caller a stored credential set is.
fn kind_of(credential: &Credential) -> SignerKind {
    let long_term = !credential.temporary;
    match &credential.request {
        Some(request) => request.yields(),
        None => match credential.arn() {
            Some(arn) => SignerKind::of(&arn, long_term),
            None if long_term => SignerKind::LongTerm,
            None => SignerKind::Unknown,
        },
    }
}

fn ca_bundle(context: &Context) -> Option<PathBuf> {
    let path = PathBuf::from(context.aws("AWS_CA_BUNDLE")?);
    // It is recorded, and read again where the working directory is another.
    Some(std::path::absolute(&path).unwrap_or(path))
}
