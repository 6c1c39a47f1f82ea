//! What would be asked of STS, found without secret store and network: for `--dry-run` and `explain`.

use credstack_core::{
    ambient::{ProfileBase, ProfilePlan},
    plan::{self, Call, Proof},
    refresh::{self, Beginning, Plan, PlanError},
    stack::{Reader, StackError},
    values::{
        Ambient, Credential, CredentialId, Frame, FrameName, Frames,
        request::{Inherited, Request, SignerKind, TokenSource},
    },
};
use serde::Serialize;
use serde_json::json;

use crate::{
    context::Context,
    failure::Failure,
    output::{escape, table},
    signer::Choice,
    signing::{self, Who},
    words,
};

/// Who would sign a request, and what would have to be asked for first.
pub struct Foreseen {
    /// Who signs.
    pub who: Who,
    /// Who that is, in words.
    name: String,
    /// The renewals that come first, the first one signed by `beginning`.
    before: Vec<(CredentialId, Request)>,
    beginning: (SignerKind, Inherited, String),
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

/// Who would sign, as [`crate::signer::choose`] finds it.
pub fn signer(context: &Context, reader: &Reader, choice: &Choice<'_>) -> Result<Foreseen, Failure> {
    if let Some(profile) = choice.profile {
        return Ok(ambient(Ambient { profile: Some(profile.to_owned()), ..Ambient::default() }));
    }
    let name = choice.from.unwrap_or(FrameName::Current);
    if name == FrameName::Environment {
        return Ok(by_itself(signing::from_environment(context, reader)?.who, "this shell's keys".to_owned()));
    }
    let frame = match reader.frame(&context.stack, name) {
        Err(StackError::NoSuchStack(_)) if choice.on_new_stack && Frames::default().named(name).is_some() => Frame::untouched(),
        other => other?,
    };
    match frame {
        Frame::Credential(id) => stored(context, reader, reader.newest(id)?),
        Frame::Ambient(reference) if reference == Ambient::default() => match signing::shell(context, reader)?.keys {
            Some(keys) => Ok(by_itself(signing::from_keys(context, reader, keys)?.who, "this shell's keys".to_owned())),
            None => Ok(ambient(reference)),
        },
        Frame::Ambient(reference) => Ok(ambient(reference)),
    }
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

/// Prints what an import would come to: nothing is asked for, only who the credentials are.
pub fn show_import(context: &Context) -> Result<(), Failure> {
    let (operation, signed_by) = ("GetCallerIdentity", "the imported credentials");
    if context.output.json() {
        let call = json!({ "operation": operation, "signed_by": signed_by });
        return context.output.print_json(&json!({ "calls": [call], "suggestion": null }));
    }
    let mut rows = table(&["", "call", "for", "signed by"]);
    rows.add_row(["1", operation, "", signed_by]);
    context.output.print(&rows.trim_fmt())
}

fn begin(context: &Context, reader: &Reader, beginning: Beginning) -> Result<(SignerKind, Inherited, String), StackError> {
    Ok(match beginning {
        Beginning::Credential(id) => {
            let who = signing::of_credential(reader, reader.credential(id)?)?;
            let name = name_of(&who, id);
            (who.kind, who.inherited, name)
        }
        Beginning::Ambient(reference) => {
            let Foreseen { who, name, .. } = ambient(reference);
            (who.kind, who.inherited, name)
        }
        Beginning::ShellKeys => match signing::from_environment(context, reader) {
            Ok(signing) => (signing.who.kind, signing.who.inherited, "this shell's keys".to_owned()),
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
            Ok(Foreseen { who, name, before, beginning })
        }
        // A renewal that fails is a warning while the old one lives.
        Err(_) if !is_expired => Ok(by_itself(who, name)),
        Err(error) => Err(Failure::from(error)),
    }
}

fn by_itself(who: Who, name: String) -> Foreseen {
    let beginning = (who.kind, who.inherited.clone(), name.clone());
    Foreseen { who, name, before: Vec::new(), beginning }
}

fn ambient(reference: Ambient) -> Foreseen {
    let who = signing::foreseen(&reference);
    by_itself(who, words::ambient(&reference))
}

fn name_of(who: &Who, id: CredentialId) -> String {
    match &who.identity {
        Some(identity) => format!("{id} ({})", identity.arn),
        None => id.to_string(),
    }
}

/// A call, in JSON.
#[derive(Serialize)]
struct CallShape<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    operation: &'static str,
    target: Option<&'a str>,
    signed_by: String,
    replaces: Option<CredentialId>,
    duration_seconds: i32,
    cap: Option<&'a str>,
    asks: Option<String>,
    cannot: &'a [String],
    warnings: &'a [String],
    refused: Option<String>,
    way_out: Option<&'a str>,
    request: &'a Request,
}

impl Foresight {
    /// Prints it; what would be refused is also the failure that it would be.
    pub fn show(&self, context: &Context) -> Result<(), Failure> {
        let shapes: Vec<_> = self.calls.iter().enumerate().map(|(i, call)| self.shape(i, call)).collect();
        let suggestion = plan::session_instead(&self.calls).map(|serial| {
            format!(
                "each renewal would ask for a code of {serial}: `credstack push session --mfa-serial {serial}` asks once for up to \
                 36h, and roles go on top of it"
            )
        });
        if context.output.json() {
            context.output.print_json(&json!({ "calls": shapes, "suggestion": suggestion }))?;
        } else {
            context.output.print(&text(&shapes, suggestion.as_deref()))?;
        }
        self.refuse()
    }

    /// Refuses what would be refused, with the profile that says it, if one does.
    pub fn refuse(&self) -> Result<(), Failure> {
        let Some((i, refusal)) = self.calls.iter().enumerate().find_map(|(i, call)| Some((i, call.refusal.clone()?))) else {
            return Ok(());
        };
        let said = words::setting(refusal.parameter).map(|setting| words::limit_of(setting, &refusal));
        let failure = Failure::from(refusal);
        Err(match self.profiles.get(i) {
            Some((profile, _)) => {
                let said = said.unwrap_or_else(|| failure.message.clone());
                Failure { message: format!("profile {profile}: {said}"), ..failure }
            }
            None => failure,
        })
    }

    fn shape<'a>(&'a self, i: usize, call: &'a Call) -> CallShape<'a> {
        let is_last = i + 1 == self.calls.len();
        let profile = self.profiles.get(i);
        CallShape {
            profile: profile.map(|(name, _)| name.as_str()),
            region: profile.and_then(|(_, region)| region.as_deref()),
            operation: call.request.operation(),
            target: self.target.as_deref().filter(|_| is_last).or(call.request.target()),
            signed_by: match i {
                _ if !call.request.is_signed() => "nobody".to_owned(),
                0 => self.first.clone(),
                _ => format!("call {i}"),
            },
            replaces: self.replaces.get(i).copied().flatten(),
            duration_seconds: call.duration_seconds,
            cap: call.cap.as_deref(),
            asks: call.proof.as_ref().map(|proof| self.asks(&call.request, proof)),
            cannot: &call.cannot,
            warnings: &call.warnings,
            refused: call.refusal.as_ref().map(words::limit),
            way_out: call.refusal.as_ref().and_then(|refusal| refusal.way_out.as_deref()),
            request: &call.request,
        }
    }

    /// What is asked for, and who is asked.
    fn asks(&self, request: &Request, proof: &Proof) -> String {
        match proof {
            Proof::MfaCode { serial_number } => match request.mfa_command().first() {
                Some(program) => format!("a code of {serial_number}, from the program {program}"),
                None => format!("a code of {serial_number}, from {}", self.code_from),
            },
            Proof::Token { parameter, source: Some(TokenSource::File(path)) } => format!("{parameter}, from {}", path.display()),
            Proof::Token { parameter, source: Some(TokenSource::Command(command)) } => {
                format!("{parameter}, from the program {}", command.first().map(String::as_str).unwrap_or_default())
            }
            Proof::Token { parameter, source: None } => format!("{parameter}, from stdin"),
            Proof::ContextAssertions => "the assertions of trusted contexts".to_owned(),
        }
    }
}

/// A table of the calls, and beneath it what there is to say of each.
fn text(shapes: &[CallShape<'_>], suggestion: Option<&str>) -> String {
    let mut rows = table(&["", "call", "for", "signed by", "lasts", "asks for"]);
    let mut notes = Vec::new();
    for (i, shape) in shapes.iter().enumerate() {
        let target = shape.target.unwrap_or_default();
        rows.add_row([
            (i + 1).to_string(),
            shape.operation.to_owned(),
            escape(&shape.replaces.map_or(target.to_owned(), |id| format!("{target} (renews {id})"))),
            escape(&shape.signed_by),
            credstack_core::values::display_duration(shape.duration_seconds.into()),
            escape(shape.asks.as_deref().unwrap_or_default()),
        ]);
        let mut note = |what: &str, text: &str| notes.push(format!("{}: {what}{}", i + 1, escape(text)));
        if let Some(cap) = shape.cap {
            note("capped: ", cap);
        }
        shape.warnings.iter().for_each(|warning| note("warning: ", warning));
        if let Some(refused) = &shape.refused {
            note("refused: ", refused);
        }
    }
    if let Some(last) = shapes.last() {
        notes.extend(last.cannot.iter().map(|what| format!("the result cannot {}", escape(what))));
    }
    notes.extend(suggestion.map(|suggestion| format!("better: {}", escape(suggestion))));
    let mut text = rows.trim_fmt();
    for note in notes {
        text.push('\n');
        text.push_str(&note);
    }
    text
}
