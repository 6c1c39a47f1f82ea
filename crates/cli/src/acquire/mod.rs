//! One request to STS, from its checks to what was granted; a refusal is written down.

mod mfa;
pub mod token;

pub use mfa::{Code, Mfa, own_device, secret};

use credstack_core::{
    stack::{Asked, Change, Consent, IntentId, Orphan, Reader, SIGNER_KEY, Shell, StackError},
    sts::{Granted, Issued, Sts, StsError},
    values::{
        Acquired, Arn, EventKind, Identity, Kind, Signer, SignerKey, Way,
        request::{AnotherIdentity, Answered, LimitError, OneTime, Parameter, Request, SignerKind},
    },
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::{
    context::Context,
    failure::{self, Failure},
    signing::{self, Signing},
    store, words,
};

/// What STS granted, to be put somewhere.
pub struct Grant {
    pub acquired: Acquired,
    /// What ambient is in this shell.
    pub shell: Shell,
    /// What the log says of it.
    pub detail: Map<String, Value>,
}

/// What STS granted and who signed, where that is known.
type Answer = Result<(Granted, Option<Identity>), Unanswered>;

/// A request that brought nothing.
struct Unanswered {
    error: StsError,
    /// What was written down of it.
    intent: IntentId,
    /// Whether answers that broke off issued something all the same.
    has_lost: bool,
}

/// What a person says of a credential set.
#[derive(Clone, Debug, Default)]
pub struct About {
    pub label: Option<String>,
    pub note: Option<String>,
}

/// One STS request, ready to be sent.
pub struct Acquisition<'a> {
    pub context: &'a Context,
    /// The command's name, for the log.
    pub command: &'static str,
    pub reader: Reader,
    pub about: About,
    /// Who signs; nobody an unsigned request.
    pub signing: Option<Signing>,
    pub sts: Sts,
    pub request: Request,
    pub one_time: OneTime,
    /// The configuration's key that the duration is from, if it is from there.
    pub configured: Option<&'static str>,
    /// The identity of the credential set that is renewed: the new one has to be it.
    pub renews: Option<Identity>,
}

impl Acquisition<'_> {
    /// Checks what can be known locally, asks for the MFA code if there is one to ask for, and asks STS.
    pub fn acquire(mut self, mfa: Option<&Mfa>) -> Result<Grant, Failure> {
        let output = &self.context.output;
        self.check()?;
        if let Some(mfa) = mfa {
            mfa.check(self.context, &self.request)?;
        }
        for warning in self.request.warnings() {
            output.warn(&warning);
        }
        self.reader = store::ensure(self.context)?;
        self.reader.require_store()?;
        // A session that cannot be written down had better not be asked for.
        self.reader.require_writable()?;
        let shell = signing::shell(self.context, &self.reader)?;
        let (granted, signer) = self.ask(mfa)?;
        let kind = self.request.kind();
        // The answer of GetSessionToken names nobody: it is the signer's.
        let identity = granted.identity.clone().or_else(|| if kind == Kind::SessionToken { signer.clone() } else { None });
        self.require_identity(&granted, identity.as_ref(), signer.as_ref())?;
        let mut detail = detail_of(&granted);
        if let Some(SignerKey::LongTerm(key)) = self.signing.as_ref().map(Signing::key) {
            detail.insert(SIGNER_KEY.into(), json!(key));
        }
        output.explain(&format!(
            "granted by {} (request {})",
            granted.endpoint,
            granted.request_id.as_deref().unwrap_or("unknown")
        ));
        if granted.expires_at <= self.context.time() {
            output.warn("by this machine's clock these credentials have expired already: check the clock");
        }
        let acquired = Acquired {
            identity,
            set: granted.set,
            kind,
            region: self.sts.configured_region().map(str::to_owned),
            issued_at: self.context.time(),
            expires_at: Some(granted.expires_at),
            signer: self.signing.as_ref().map(|signing| signing.who.signer.clone()).unwrap_or_default(),
            request: Some(self.request.clone()),
            label: self.about.label.clone(),
            note: self.about.note.clone(),
            profile: self.signing.as_ref().and_then(|signing| signing.who.profile.clone()),
            way: Some(self.sts.way().clone()),
        };
        Ok(Grant { acquired, shell: self.informed(shell, signer), detail })
    }

    /// Who asks and where, to find what was given for the same before.
    pub fn origin(&self) -> (Signer, SignerKey, Way) {
        let signing = self.signing.as_ref();
        let signer = signing.map(|signing| signing.who.signer.clone()).unwrap_or_default();
        (signer, signing.map(Signing::key).unwrap_or_default(), self.sts.way().clone())
    }

    /// Who signs: as it is recorded, or as STS says.
    pub fn caller(&mut self) -> Result<Arn, Failure> {
        let nobody = || Failure::internal("nobody signs this request");
        let signing = self.signing.as_mut().ok_or_else(nobody)?;
        let identity = match signing.who.identity.take() {
            Some(identity) => identity,
            None => self.sts.caller_identity(&signing.set)?,
        };
        signing.learn(identity)
    }

    /// Checks what can be known without asking anybody.
    pub fn check(&self) -> Result<(), Failure> {
        let who = self.signing.as_ref().map(|signing| &signing.who);
        self.request.check(who.map_or(SignerKind::Unknown, |who| who.kind)).map_err(|error| self.over_limit(error))?;
        self.request.check_partition(who.and_then(|who| who.arn()).as_ref(), self.sts.way())?;
        Ok(who.map_or(Ok(()), |who| who.inherited.check(&self.request))?)
    }

    /// A limit that was run into, with the option or the configuration's key that did.
    fn over_limit(&self, error: LimitError) -> Failure {
        match self.configured {
            Some(key) if error.parameter == Parameter::DurationSeconds => {
                Failure::usage(format!("{} (in {})", words::limit_of(key, &error), self.context.configuration_path.display()))
                    .next_step(format!("correct it there, or {}", error.way_out.as_deref().unwrap_or("give --duration")))
            }
            _ => error.into(),
        }
    }

    /// What ambient is in this shell, with what was found out about it on the way.
    fn informed(&self, mut shell: Shell, signer: Option<Identity>) -> Shell {
        let Some(Signing { who, .. }) = &self.signing else { return shell };
        match (&mut shell.keys, &who.signer) {
            (Some(keys), Signer::ShellKeys) => keys.identity = signer,
            (None, Signer::Ambient(resolved)) if who.is_untouched => {
                shell.reference.profile = resolved.profile.clone();
                shell.reference.provider = resolved.provider.clone();
            }
            _ => {}
        }
        shell
    }

    /// Refuses credentials of another identity than was asked for: they are neither handed out nor stored.
    fn require_identity(&self, granted: &Granted, identity: Option<&Identity>, signer: Option<&Identity>) -> Result<(), Failure> {
        let checked = self.request.check_identity(&Answered {
            identity,
            access_key_id: &granted.set.access_key_id,
            signer,
            signer_key_id: self.signing.as_ref().map(|signing| signing.set.access_key_id.as_str()),
            renews: self.renews.as_ref(),
        });
        let Err(AnotherIdentity { asked, given }) = checked else { return Ok(()) };
        let mut detail = detail_of(granted);
        detail.insert("expected".into(), json!(asked));
        let recorded = self.record_orphan("another-identity", &granted.issued(), detail);
        let (key, until) = (&granted.set.access_key_id, granted.expires_at);
        Err(Failure::new(
            failure::Kind::Refused,
            format!("STS issued credentials of {given}, not of {asked}: credstack doesn't use them"),
        )
        .next_step(format!("AWS accepts {key} until {until}; {recorded}. Check the endpoint, {}", granted.endpoint)))
    }

    /// Asks STS, with a code of the MFA device if that is needed, and once more with another one if it is not taken.
    fn ask(&mut self, mfa: Option<&Mfa>) -> Result<(Granted, Option<Identity>), Failure> {
        let context = self.context;
        let code = mfa.map(|mfa| mfa.code(context, &self.request)).transpose()?.flatten();
        let error = match self.send(code.as_ref())? {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let another = mfa.filter(|mfa| is_wrong_code(&error.error) && mfa.has_another(context, &self.request)).zip(code);
        let refused = self.refused(error);
        // Once: who is wrong twice has another device in hand.
        let Some((mfa, code)) = another else { return Err(refused) };
        context.output.warn(&format!("{}; a code counts once, so wait for the next one", refused.message));
        let Some(next) = mfa.another(context, &self.request, &code)? else { return Err(refused) };
        self.send(Some(&next))?.map_err(|error| self.refused(error))
    }

    /// What is written down before the request leaves.
    fn asked(&self) -> Asked {
        let at = self.context.time();
        let signer = self.signing.as_ref().map(|signing| &signing.who.signer);
        let longest = SignedDuration::from_secs(self.request.duration_seconds().max(0).into());
        Asked {
            at,
            operation: self.request.operation().to_owned(),
            target: self.request.target().map(str::to_owned),
            stack: self.context.stack.to_string(),
            parent: self.signing.as_ref().and_then(|signing| signing.who.credential()),
            signed_by: signer.and_then(Signer::reference),
            latest_expiry: at.checked_add(longest).unwrap_or(Timestamp::MAX),
            process: std::process::id(),
        }
    }

    /// Sends the request. If it is not known who signs, that is asked at the same time. What answers that broke off
    /// issued is written down at once.
    fn send(&mut self, code: Option<&Code>) -> Result<Answer, Failure> {
        self.one_time.token_code = code.map(|code| code.secret.clone());
        self.one_time.check(&self.request)?;
        // A session that nothing could tell of had better not be asked for.
        let intent = self.context.intents.begin(&self.context.place, &self.asked())?;
        let intents = &self.context.intents;
        let issued = |granted: &Granted| {
            intents.answered(intent, &granted.set.access_key_id, Some(granted.expires_at), granted.identity.as_ref());
        };
        let answer = match &self.signing {
            None => self.sts.ask(None, &self.request, &self.one_time).inspect(issued).map(|granted| (granted, None)),
            Some(Signing { set, who, .. }) => match &who.identity {
                Some(identity) => {
                    let granted = self.sts.ask(Some(set), &self.request, &self.one_time).inspect(issued);
                    granted.map(|granted| (granted, Some(identity.clone())))
                }
                None => self.sts.ask_and_identify(set, &self.request, &self.one_time, issued),
            },
        };
        if let Err(StsError::Suspect { issued, .. }) = &answer {
            intents.answered(intent, &issued.access_key_id, issued.expires_at, issued.identity.as_ref());
        }
        if let (Some(code), Some(serial)) = (code, self.request.serial_number())
            && answer.as_ref().err().is_none_or(may_have_used_a_code)
        {
            // Without it the next one finds out from STS.
            let _unrecorded = self.record(|change| change.note_code_used(serial, code.at));
        }
        let lost = self.sts.take_lost();
        lost.iter().for_each(|issued| self.record_lost(issued));
        Ok(answer.map_err(|error| Unanswered { error, intent, has_lost: !lost.is_empty() }))
    }

    /// Writes down what STS issued in an answer that broke off.
    fn record_lost(&self, issued: &Issued) {
        let mut detail = Map::new();
        detail.insert("message".into(), json!("the answer broke off"));
        detail.extend(self.sts.way().endpoint.as_ref().map(|endpoint| ("endpoint".to_owned(), json!(endpoint))));
        detail.insert("sts_region".into(), json!(self.sts.region()));
        detail.insert("request_id".into(), json!(issued.request_id));
        let recorded = self.record_orphan("suspect", issued, detail);
        let accepted = may_be_accepted(issued);
        self.context.output.warn(&format!("an answer of STS's broke off: {accepted}; {recorded}"));
    }

    /// Writes down that STS refused or did not answer. If even that cannot be written, STS's answer matters more.
    fn refused(&self, Unanswered { error, intent, has_lost }: Unanswered) -> Failure {
        let (event, code) = match &error {
            StsError::Refused(refusal) => (EventKind::Refused, refusal.code.clone()),
            StsError::TimedOut { .. } => (EventKind::Failed, "TimedOut".to_owned()),
            StsError::Unreachable { .. } => (EventKind::Failed, "Unreachable".to_owned()),
            StsError::Malformed { .. } => (EventKind::Failed, "Malformed".to_owned()),
            StsError::Suspect { issued, what, .. } => {
                let mut detail = Map::new();
                detail.insert("message".into(), json!(what));
                detail.extend(error.endpoint().map(|endpoint| ("endpoint".to_owned(), json!(endpoint))));
                detail.insert("sts_region".into(), json!(self.sts.region()));
                detail.insert("request_id".into(), json!(issued.request_id));
                let recorded = self.record_orphan("suspect", issued, detail);
                let failure = Failure::from(error.clone());
                let next = failure.next_step.clone().unwrap_or_default();
                return failure.next_step(format!("{}; {recorded}. {next}", may_be_accepted(issued)));
            }
            _ => (EventKind::Failed, "Configuration".to_owned()),
        };
        let mut detail = self.about_request();
        detail.insert("code".into(), json!(code));
        if error.is_outcome_unknown() && !has_lost {
            detail.insert("outcome".into(), json!("unknown: STS may have issued a session, see CloudTrail"));
        }
        if let Some(endpoint) = error.endpoint() {
            detail.insert("endpoint".into(), json!(endpoint));
        }
        detail.insert("sts_region".into(), json!(self.sts.region()));
        if let StsError::Refused(refusal) = &error {
            detail.insert("message".into(), json!(refusal.message));
            detail.insert("request_id".into(), json!(refusal.request_id));
        }
        let context = self.context;
        let recorded = self.record(|change| {
            let parent = self.signing.as_ref().and_then(|signing| signing.who.credential());
            change.record_failure(event, &context.stack, parent, detail)
        });
        if recorded.is_ok() || event == EventKind::Refused {
            context.intents.dismiss(intent);
        }
        if let Err(unrecorded) = recorded {
            context.output.warn(&format!("the refusal could not be written into the history: {unrecorded}"));
        }
        error.into()
    }

    /// Writes down a session that is not used, and says whether that could be done.
    fn record_orphan(&self, reason: &'static str, issued: &Issued, detail: Map<String, Value>) -> &'static str {
        let mut about = self.about_request();
        about.extend(detail);
        let Issued { access_key_id, expires_at, identity, .. } = issued.clone();
        let parent = self.signing.as_ref().and_then(|signing| signing.who.credential());
        let orphan = Orphan { reason, access_key_id, expires_at, identity, parent, detail: about };
        match self.record(|change| change.record_orphan(&self.context.stack, orphan)) {
            Ok(()) => "the history records it as orphaned",
            Err(_) => "the history could not be told",
        }
    }

    /// What the log says of a request that brought nothing.
    fn about_request(&self) -> Map<String, Value> {
        let mut detail = Map::new();
        detail.insert("operation".into(), json!(self.request.operation()));
        detail.insert("target".into(), json!(self.request.target()));
        detail.extend(self.request.told());
        if let Some(reference) = self.signing.as_ref().and_then(|signing| signing.who.signer.reference()) {
            detail.insert("signed_by".into(), json!(reference));
        }
        if let Some(note) = &self.about.note {
            detail.insert("note".into(), json!(note));
        }
        detail
    }

    /// Writes something down that changes no stack.
    fn record(&self, work: impl FnOnce(&mut Change) -> Result<(), StackError>) -> Result<(), StackError> {
        let context = self.context;
        let mut change = Change::begin(&context.place, context.terms(self.command, Consent::Only(Default::default())))?;
        let done = work(&mut change);
        context.output.notices(&mut change);
        done
    }
}

fn may_be_accepted(issued: &Issued) -> String {
    let until = issued.expires_at.map_or_else(|| "an unknown time".to_owned(), |at| at.to_string());
    format!("AWS may accept {} until {until}", issued.access_key_id)
}

/// What STS says of a code of the MFA device that is wrong, or was given before.
const WRONG_CODE: &str = "invalid MFA one time pass code";

/// Whether a failure is that.
pub fn is_refused_code(failure: &Failure) -> bool {
    failure.sts.is_some() && failure.message.contains(WRONG_CODE)
}

/// Whether STS says that the code of the MFA device is wrong, or was given before.
fn is_wrong_code(error: &StsError) -> bool {
    matches!(error, StsError::Refused(refusal) if refusal.message.contains(WRONG_CODE))
}

/// Whether STS may have looked at the code, found it right, and takes it no second time.
fn may_have_used_a_code(error: &StsError) -> bool {
    match error {
        StsError::Refused(refusal) => !refusal.message.contains("MultiFactorAuthentication failed"),
        StsError::TimedOut { .. } | StsError::Malformed { .. } | StsError::Suspect { .. } => true,
        _ => false,
    }
}

fn detail_of(granted: &Granted) -> Map<String, Value> {
    let mut detail = Map::new();
    detail.insert("endpoint".into(), json!(granted.endpoint));
    detail.insert("sts_region".into(), json!(granted.region));
    detail.insert("request_id".into(), json!(granted.request_id));
    if let Some(percent) = granted.packed_policy_size {
        detail.insert("packed_policy_size".into(), json!(percent));
    }
    if let Some(percent) = granted.session_token_utilization {
        detail.insert("session_token_utilization".into(), json!(percent));
    }
    if let Some(source_identity) = &granted.source_identity {
        detail.insert("source_identity".into(), json!(source_identity));
    }
    detail
}
