//! `whoami --all`: every frame of the stack, each asked by itself and all at the same time.

use comfy_table::Cell;
use credstack_core::{
    stack::{Reader, StackView},
    sts::Sts,
    values::{Frame, FrameName},
};

use super::shape;
use crate::{
    context::Context,
    failure::Failure,
    output::{escape, failure_shape, table},
    shapes::{FrameIdentityShape, IdentityShape},
    signer::{self, Choice},
    signing::Signing,
    words,
};

/// A frame, and what became of asking about it.
struct Row {
    identity: IdentityShape,
    failure: Option<Failure>,
}

/// Shows every frame. One that fails stops no other; as with `git fetch --all`, the exit code tells of it at the end.
pub fn run(context: &Context, region: Option<&str>, offline: bool) -> Result<(), Failure> {
    let reader = context.reader()?;
    let view = reader.stack(&context.stack)?;
    let rows = match offline {
        true => view.frames.from_current().map(|frame| Row { identity: recorded(&view, frame), failure: None }).collect(),
        false => ask(context, &reader, &view, region),
    };
    show(context, &view, &rows)?;
    let failures: Vec<&Failure> = rows.iter().filter_map(|row| row.failure.as_ref()).collect();
    match failures.iter().max_by_key(|failure| failure.exit_code()) {
        None => Ok(()),
        Some(worst) => {
            let message =
                format!("{} of {} frames did not say who they are; the worst: {}", failures.len(), rows.len(), worst.message);
            Err(Failure { message, ..(*worst).clone() })
        }
    }
}

/// Finds a signer for each frame, one after the other, for that may take a renewal; then asks STS about all of them at once.
fn ask(context: &Context, reader: &Reader, view: &StackView, region: Option<&str>) -> Vec<Row> {
    let signer = |(position, frame): (usize, &Frame)| -> Result<(Signing, Sts), Failure> {
        let signing = match position {
            0 => signer::choose(context, reader, &Choice { from: Some(FrameName::Current), ..Choice::default() }),
            _ => signer::of_frame(context, reader, frame.clone(), false),
        }?;
        let sts = signing.sts(context, region)?;
        Ok((signing, sts))
    };
    let found: Vec<_> = view.frames.from_current().enumerate().map(signer).collect();
    let asked: Vec<_> = found.iter().flatten().map(|(signing, sts)| (sts, &signing.set)).collect();
    let mut answers = Sts::caller_identities(&asked).into_iter();
    let row = |(found, frame): (&Result<(Signing, Sts), Failure>, &Frame)| {
        let answer = match found {
            Ok((signing, _)) => answers.next().map(|answer| (signing, answer.map_err(Failure::from))),
            Err(failure) => return Row { identity: recorded(view, frame), failure: Some(failure.clone()) },
        };
        match answer {
            Some((signing, Ok(identity))) => {
                let (expires_at, temporary) = (signing.expires_at, !signing.set.is_long_term());
                let known = shape(Some(identity), signing.who.credential());
                Row { identity: IdentityShape { expires_at, temporary, ..known }, failure: None }
            }
            Some((_, Err(failure))) => Row { identity: recorded(view, frame), failure: Some(failure) },
            None => Row { identity: recorded(view, frame), failure: Some(Failure::internal("STS was not asked")) },
        }
    };
    found.iter().zip(view.frames.from_current()).map(row).collect()
}

/// What is recorded of a frame.
fn recorded(view: &StackView, frame: &Frame) -> IdentityShape {
    match frame.credential().and_then(|id| view.credentials.get(&id)) {
        Some(credential) => {
            let (expires_at, temporary) = (credential.expires_at, credential.temporary);
            IdentityShape { expires_at, temporary, ..shape(credential.identity.clone(), Some(credential.id)) }
        }
        None => shape(None, None),
    }
}

fn show(context: &Context, view: &StackView, rows: &[Row]) -> Result<(), Failure> {
    let output = &context.output;
    if output.json() {
        let shape = |(position, row): (usize, &Row)| FrameIdentityShape {
            position,
            identity: row.identity.clone(),
            error: row.failure.as_ref().map(failure_shape),
        };
        return output.print_json(&rows.iter().enumerate().map(shape).collect::<Vec<_>>());
    }
    let has_failed = rows.iter().any(|row| row.failure.is_some());
    let names = ["", "id", "account", "arn", "user id", "expires", "problem"];
    let mut shown = table(&names[..if has_failed { 7 } else { 6 }]);
    for (position, (row, frame)) in rows.iter().zip(view.frames.from_current()).enumerate() {
        let IdentityShape { account, arn, user_id, credential, expires_at, temporary } = row.identity.clone();
        let unnamed = || match frame {
            Frame::Ambient(reference) => words::ambient(reference),
            Frame::Credential(_) => "unknown".to_owned(),
        };
        let texts = [
            position.to_string(),
            credential.map(|id| id.to_string()).unwrap_or_default(),
            account.unwrap_or_default(),
            arn.unwrap_or_else(unnamed),
            user_id.unwrap_or_default(),
            credential.map(|_| words::expiry(expires_at, temporary, context.time())).unwrap_or_default(),
        ];
        let problem = has_failed.then(|| row.failure.as_ref().map(|failure| failure.message.clone()).unwrap_or_default());
        shown.add_row(texts.into_iter().chain(problem).map(|text| Cell::new(escape(&text))));
    }
    output.print(&shown.trim_fmt())
}
