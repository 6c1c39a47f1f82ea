//! One request to STS, from bytes to bytes. Knows no HTTP library and does not wait.

use std::io::Write;

use jiff::Timestamp;

use crate::{
    authenticate::authenticate,
    caller::{Caller, Kind},
    calls,
    faults::Kind as Fault,
    operations, random,
    sandbox::Sandbox,
    signature::{Claim, Received},
    wire::{Parameters, Refusal, error_document},
};

/// An answer of STS.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Also the `x-amzn-RequestId` header.
    pub request_id: String,
    /// The server's clock, for the `Date` header.
    pub time: Timestamp,
    /// XML.
    pub body: String,
}

/// Answers a request; `None` if the fault is to say nothing.
pub fn answer(sandbox: &mut Sandbox, request: Received<'_>, fault: &Fault) -> Option<Answer> {
    let now = sandbox.now();
    let parameters = Parameters::parse(request.body);
    let claim = Claim::read(request);
    let mut call = calls::Call {
        time: now,
        request_id: random::request_id().unwrap_or_default(),
        action: parameters.get("Action").unwrap_or_default().to_owned(),
        access_key_id: claim.as_ref().ok().map(|claim| claim.access_key_id.to_owned()),
        region: claim.as_ref().ok().map(|claim| claim.region.to_owned()),
        arn: None,
        parameters: parameters.shown(),
        status: None,
        outcome: "hang",
        why: None,
    };
    let result = match fault {
        Fault::Hang => {
            record(sandbox, call);
            return None;
        }
        Fault::Refuse(refusal) => Err(refusal.clone()),
        Fault::None | Fault::Cut => run(sandbox, request, claim, &parameters, &mut call),
    };
    let (status, outcome, body) = match result {
        Ok(body) => (200, "ok", body),
        Err(refusal) => {
            let body = error_document(&refusal, &call.request_id);
            call.why = refusal.why;
            (refusal.status, refusal.code, body)
        }
    };
    call.status = Some(status);
    call.outcome = if *fault == Fault::Cut { "cut" } else { outcome };
    let request_id = call.request_id.clone();
    record(sandbox, call);
    Some(Answer { status, request_id, time: now, body })
}

fn run(
    sandbox: &mut Sandbox,
    request: Received<'_>,
    claim: Result<Claim<'_>, Refusal>,
    parameters: &Parameters,
    call: &mut calls::Call,
) -> Result<String, Refusal> {
    if request.method != "POST" || request.target != "/" {
        return Err(Refusal::new(404, "UnknownOperationException", "The sandbox answers POST / only.")
            .because("query strings and presigned requests are not supported"));
    }
    let action = parameters
        .get("Action")
        .ok_or_else(|| Refusal::new(400, "MissingAction", "The request is missing an action or operation parameter."))?;
    let version = parameters.get("Version").unwrap_or_default();
    if version != "2011-06-15" {
        return Err(Refusal::new(400, "InvalidAction", format!("Could not find operation {action} for version {version}")));
    }
    let operation = operations::find(action)?;
    let caller = match operations::is_signed(action) {
        true => authenticate(&sandbox.world, &sandbox.sessions, &claim?, request, call.time)?,
        false => Caller { kind: Kind::Nobody, session: None },
    };
    call.arn = (caller.kind != Kind::Nobody).then(|| caller.arn());
    operation(&mut operations::Call {
        world: &sandbox.world,
        sessions: &mut sandbox.sessions,
        messages: &sandbox.messages,
        devices: &mut sandbox.devices,
        caller: &caller,
        parameters,
        now: call.time,
        lifetime: sandbox.faults.lifetime_seconds,
        request_id: &call.request_id,
        region: call.region.as_deref().unwrap_or_default(),
    })
}

fn record(sandbox: &mut Sandbox, call: calls::Call) {
    if sandbox.verbose {
        let who = call.arn.as_deref().or(call.access_key_id.as_deref()).unwrap_or("nobody");
        let why = call.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        // A closed stderr is no reason to stop serving.
        let _ = writeln!(std::io::stderr(), "{} {} by {who}: {}{why}", call.time, call.action, call.outcome);
    }
    sandbox.calls.add(call);
}
