//! What would be asked of STS, found without secret store and network: for `--dry-run` and `explain`.

mod show;

use credstack_core::{
    ambient::{self, ProfileBase, ProfilePlan},
    plan::{self, Call},
    refresh::{self, Beginning, Plan, PlanError},
    signed_by::SignedBy,
    stack::{Reader, StackError},
    sts::Sts,
    values::{
        Ambient, Credential, CredentialId, Signer, SignerKey,
        request::{Inherited, Request, SignerKind},
    },
};
pub use show::{show_import, show_nothing};

use crate::{
    context::Context,
    failure::Failure,
    signer::{self, Choice},
    signing::{self, Signing, Who},
    words,
};

const SHELLS_KEYS: &str = "this shell's keys";

/// Who would sign a request, and what would have to be asked for first.
pub struct Foreseen {
    /// Who signs.
    pub who: Who,
    /// Who that is, in words.
    name: String,
    /// The region of the profile in force, where it is ambient.
    region: Option<String>,
    /// The ambient signer's key, where it is at hand.
    key: Option<SignerKey>,
    /// The renewals that come first, the first one signed by `beginning`.
    before: Vec<(CredentialId, Request)>,
    beginning: (SignerKind, Inherited, String),
}

impl Foreseen {
    fn named(self, name: String) -> Foreseen {
        let beginning = (self.who.kind, self.who.inherited.clone(), name.clone());
        Foreseen { name, beginning, ..self }
    }

    /// The way to STS, as the push would have it.
    pub fn sts(&self, context: &Context, region: Option<&str>) -> Result<Sts, Failure> {
        let of_signer = self.region.as_deref().or(self.who.region.as_deref());
        self.who.sts(context, context.region_for(region, of_signer))
    }

    /// The signer and its key, as far as they are known without asking.
    pub fn signer(&self, context: &Context) -> (Signer, SignerKey) {
        let (signer, key) = ambient_signer(context, self.who.signer.clone());
        (signer, self.key.clone().unwrap_or(key))
    }
}

/// A signer with the provider that the AWS configuration says, and the key that it signs with.
pub fn ambient_signer(context: &Context, signer: Signer) -> (Signer, SignerKey) {
    let Signer::Ambient(reference) = signer else { return (signer, SignerKey::Temporary) };
    let files = context.files.as_ref();
    let found = if reference.provider.is_none() { ambient::foresee(&reference, files) } else { None };
    let reference = found.unwrap_or(reference);
    let key = ambient::foresee_key(&reference, files);
    (Signer::Ambient(reference), key)
}

/// What would be done.
pub struct Foresight {
    calls: Vec<Call>,
    /// What each call's result takes the place of.
    replaces: Vec<Option<CredentialId>>,
    /// Who signs the first one.
    first: String,
    /// How the last target is known where its ARN is not.
    pub target: Option<String>,
    /// Who gives a code of an MFA device.
    pub code_from: String,
    /// The profile that each call is of, and the region where it is made, where a profile says what is done.
    profiles: Vec<(String, Option<String>)>,
}

/// Who would sign: the decision is that of a push.
pub fn signer(context: &Context, reader: &Reader, choice: &Choice<'_>) -> Result<Foreseen, Failure> {
    let decided = signer::decide(context, reader, choice)?;
    let recognised = match decided.by_keys_of_shell {
        true => signer::recognised(reader, &decided)?.map(|who| format!("{who}, whose keys are in this shell")),
        false => None,
    };
    let foreseen = match (decided.by, decided.keys) {
        (SignedBy::Stored(id), Some(keys))
            if decided.by_keys_of_shell && keys.is_expired(&reader.credential(id)?, context.now) =>
        {
            stored(context, reader, reader.newest(id)?)?
        }
        (SignedBy::Ambient(reference), Some(_)) if decided.by_keys_of_shell => ambient(context, reference),
        (_, Some(keys)) => by_keys(signing::from_keys(context, reader, keys)?),
        (SignedBy::Stored(id), None) => stored(context, reader, reader.newest(id)?)?,
        (SignedBy::Ambient(reference), None) => ambient(context, reference),
        (_, None) => by_keys(signing::from_environment(context, reader)?),
    };
    Ok(match recognised {
        Some(name) if foreseen.before.is_empty() => foreseen.named(name),
        _ => foreseen,
    })
}

/// What asking for `request` would come to.
pub fn of_request(foreseen: Foreseen, request: Request) -> Foresight {
    let Foreseen { before, beginning: (kind, inherited, first), .. } = foreseen;
    let mut replaces: Vec<_> = before.iter().map(|(id, _)| Some(*id)).collect();
    replaces.push(None);
    let requests: Vec<_> = before.into_iter().map(|(_, request)| request).chain([request]).collect();
    Foresight {
        calls: plan::calls(kind, &inherited, &requests),
        replaces,
        first,
        target: None,
        code_from: String::new(),
        profiles: Vec::new(),
    }
}

/// The same for a request that nobody signs.
pub fn of_unsigned(request: Request) -> Foresight {
    let calls = plan::calls(SignerKind::Unknown, &Inherited::default(), &[request]);
    Foresight {
        calls,
        replaces: vec![None],
        first: "nobody".to_owned(),
        target: None,
        code_from: String::new(),
        profiles: Vec::new(),
    }
}

/// What a profile with roles would come to.
pub fn of_profile(context: &Context, reader: &Reader, profile: &ProfilePlan) -> Result<Foresight, Failure> {
    let beginning = match &profile.base {
        ProfileBase::Nobody => Beginning::Nobody,
        ProfileBase::Environment => Beginning::ShellKeys,
        ProfileBase::Ambient(reference) => Beginning::Ambient(reference.clone()),
    };
    if beginning == Beginning::ShellKeys {
        signing::from_environment(context, reader)?;
    }
    let (kind, inherited, first) = begin(context, reader, beginning)?;
    let requests: Vec<_> = profile.hops.iter().map(|hop| hop.request.clone()).collect();
    Ok(Foresight {
        calls: plan::calls(kind, &inherited, &requests),
        replaces: vec![None; requests.len()],
        first,
        target: None,
        code_from: String::new(),
        profiles: profile.hops.iter().map(|hop| (hop.profile.clone(), profile.region.clone())).collect(),
    })
}

/// What a renewal of a stored credential set would come to.
pub fn of_renewal(context: &Context, reader: &Reader, id: CredentialId) -> Result<Foresight, PlanError> {
    let Plan { beginning, steps } = refresh::plan(reader, id, context.now)?;
    let (kind, inherited, first) = begin(context, reader, beginning)?;
    let requests: Vec<_> = steps.iter().map(|step| step.request.clone()).collect();
    Ok(Foresight {
        calls: plan::calls(kind, &inherited, &requests),
        replaces: steps.iter().map(|step| Some(step.credential.id)).collect(),
        first,
        target: None,
        code_from: String::new(),
        profiles: Vec::new(),
    })
}

fn begin(context: &Context, reader: &Reader, beginning: Beginning) -> Result<(SignerKind, Inherited, String), StackError> {
    Ok(match beginning {
        Beginning::Credential(id) => {
            let who = signing::of_credential(reader, reader.credential(id)?)?;
            let name = name_of(&who, id);
            (who.kind, who.inherited, name)
        }
        Beginning::Ambient(reference) => {
            let Foreseen { who, name, .. } = ambient(context, reference);
            (who.kind, who.inherited, name)
        }
        Beginning::ShellKeys => match signing::from_environment(context, reader) {
            Ok(signing) => (signing.who.kind, signing.who.inherited, SHELLS_KEYS.to_owned()),
            Err(_) => (SignerKind::Unknown, Inherited::default(), "keys of a shell, which this one has not".to_owned()),
        },
        Beginning::Nobody => (SignerKind::Unknown, Inherited::default(), "nobody".to_owned()),
    })
}

fn stored(context: &Context, reader: &Reader, credential: Credential) -> Result<Foreseen, Failure> {
    let id = credential.id;
    let is_expired = credential.is_expired(context.now);
    let who = signing::of_credential(reader, credential.clone())?;
    let name = name_of(&who, id);
    if !is_expired && !refresh::is_due(&credential, context.now) {
        return Ok(by_itself(who, name));
    }
    match refresh::plan(reader, id, context.now) {
        Ok(Plan { beginning, steps }) => {
            let beginning = begin(context, reader, beginning)?;
            let before = steps.into_iter().map(|step| (step.credential.id, step.request)).collect();
            Ok(Foreseen { who, name, region: None, key: None, before, beginning })
        }
        // A renewal that fails is a warning while the old one lives.
        Err(_) if !is_expired => Ok(by_itself(who, name)),
        Err(error) => Err(Failure::from(error)),
    }
}

fn by_itself(who: Who, name: String) -> Foreseen {
    let beginning = (who.kind, who.inherited.clone(), name.clone());
    Foreseen { who, name, region: None, key: None, before: Vec::new(), beginning }
}

fn by_keys(signing: Signing) -> Foreseen {
    let (region, key) = (signing.beside.region.clone(), Some(signing.key()));
    Foreseen { region, key, ..by_itself(signing.who, SHELLS_KEYS.to_owned()) }
}

fn ambient(context: &Context, reference: Ambient) -> Foreseen {
    let names_none = reference.profile.is_none() && reference.provider.is_none();
    let reference =
        if names_none { ambient::foresee(&reference, context.files.as_ref()).unwrap_or(reference) } else { reference };
    let beside = ambient::beside(reference.profile.as_deref(), context.files.as_ref()).unwrap_or_default();
    Foreseen { region: beside.region, ..by_itself(signing::foreseen(&reference), words::ambient(&reference)) }
}

fn name_of(who: &Who, id: CredentialId) -> String {
    match &who.identity {
        Some(identity) => format!("{id} ({})", identity.arn),
        None => id.to_string(),
    }
}
