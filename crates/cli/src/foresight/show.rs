use credstack_core::{
    plan::{self, Call, Proof},
    values::{
        CredentialId,
        request::{Request, TokenSource},
    },
};
use serde::Serialize;
use serde_json::json;

use super::Foresight;
use crate::{
    context::Context,
    failure::Failure,
    output::{escape, table},
    words,
};

/// Prints that nothing would be asked, and why.
pub fn show_nothing(context: &Context, why: &str) -> Result<(), Failure> {
    context.output.say(why);
    match context.output.json() {
        true => context.output.print_json(&json!({ "calls": [], "suggestion": null })),
        false => Ok(()),
    }
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
            // Who it is is not known here.
            let serial = if serial.ends_with(":ACCOUNT:mfa/USER") { "auto" } else { serial };
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
            escape(shape.replaces.map_or(target.to_owned(), |id| format!("{target} (renews {id})")).trim_start()),
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
