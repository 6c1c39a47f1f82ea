//! What STS gave and could not be stored: AWS accepts it until it expires, so it is written down, and said.

use credstack_core::{database::EventFilter, stack::Link};

use crate::{consent::change, context::Context, failure::Failure, words};

/// The failure to store what STS gave for these, which says of each that it was given.
pub fn unkept(context: &Context, command: &str, links: &[Link], failure: Failure) -> Failure {
    let given: Vec<&Link> = links.iter().filter(|link| link.acquired.request.is_some()).collect();
    if given.is_empty() {
        return failure;
    }
    let unlogged: Vec<Link> = given.iter().filter(|link| !is_logged(context, link)).map(|&link| link.clone()).collect();
    let recorded =
        unlogged.is_empty() || change(context, command, false, |change| change.record_unkept(&unlogged).map(drop)).is_ok();
    let session = |link: &&Link| {
        let acquired = &link.acquired;
        let arn = acquired.identity.as_ref().map(|identity| format!(" ({})", identity.arn)).unwrap_or_default();
        let until = words::expiry(acquired.expires_at, true, context.time());
        format!("{}{arn}, {until}", acquired.set.access_key_id)
    };
    let sessions: Vec<_> = given.iter().map(session).collect();
    let history = if recorded { "the history says so" } else { "the history could not be told" };
    let message =
        format!("{}; STS had given {}, which nobody has and AWS accepts: {history}", failure.message, sessions.join(" and "));
    Failure { message, ..failure }
}

/// Whether the log says already that it was given.
fn is_logged(context: &Context, link: &Link) -> bool {
    let filter = EventFilter { access_key_id: Some(link.acquired.set.access_key_id.clone()), ..EventFilter::default() };
    let events = context.reader().ok().and_then(|reader| reader.events(&filter, 1).ok());
    events.is_some_and(|events| !events.is_empty())
}
