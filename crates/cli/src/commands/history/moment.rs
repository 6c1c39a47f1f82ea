use jiff::{Span, Timestamp, civil, tz::TimeZone};

use crate::failure::Failure;

/// The moment that an option names, if it is given.
pub fn given(option: &str, text: Option<&str>, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
    let Some(text) = text else { return Ok(None) };
    moment(text, now).map(Some).ok_or_else(|| {
        Failure::usage(format!("{option} {text}: not a time that can be read"))
            .next_step("write 2026-11-22T15:00:00Z, 2026-11-22, yesterday, or how long ago: 2h, 3 days")
    })
}

/// A moment as a person says it: RFC 3339, a date or a date and time (UTC), `now`, `today`, `yesterday`, or how long ago.
fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    // The last day of the calendar is later than the last time that there is.
    let utc = |at: civil::DateTime| {
        let last = if at.year() > 9000 { Some(Timestamp::MAX) } else { None };
        at.to_zoned(TimeZone::UTC).map(|at| at.timestamp()).ok().or(last)
    };
    let text = &*text.to_ascii_lowercase();
    let today = now.to_zoned(TimeZone::UTC).date();
    match text {
        "now" => return Some(now),
        "today" => return utc(today.into()),
        "yesterday" => return utc(today.yesterday().ok()?.into()),
        _ => {}
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if let Ok(at) = text.parse::<civil::DateTime>() {
        return utc(at);
    }
    // `2h` and `2h ago` are the same: the log has no future.
    let ago = text.parse::<Span>().ok()?.abs();
    Some(now.to_zoned(TimeZone::UTC).checked_sub(ago).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_said_in_many_ways() {
        let now: Timestamp = "2026-11-22T15:55:21Z".parse().unwrap();
        for (text, at) in [
            ("2026-11-01T10:00:00Z", "2026-11-01T10:00:00Z"),
            ("2026-11-01T10:00:00+02:00", "2026-11-01T08:00:00Z"),
            ("2026-11-01T10:00", "2026-11-01T10:00:00Z"),
            ("2026-11-01 10:00:00", "2026-11-01T10:00:00Z"),
            ("2026-11-01", "2026-11-01T00:00:00Z"),
            ("now", "2026-11-22T15:55:21Z"),
            ("today", "2026-11-22T00:00:00Z"),
            ("yesterday", "2026-11-21T00:00:00Z"),
            ("2H", "2026-11-22T13:55:21Z"),
            ("Yesterday", "2026-11-21T00:00:00Z"),
            ("2026-11-01t10:00:00z", "2026-11-01T10:00:00Z"),
            ("9999-12-31", "9999-12-30T22:00:00.999999999Z"),
            ("2h", "2026-11-22T13:55:21Z"),
            ("2h ago", "2026-11-22T13:55:21Z"),
            ("1h30m", "2026-11-22T14:25:21Z"),
            ("3 days", "2026-11-19T15:55:21Z"),
            ("2w", "2026-11-08T15:55:21Z"),
        ] {
            assert_eq!(moment(text, now), Some(at.parse().unwrap()), "{text}");
        }
        for bad in ["", "2", "tomorrow", "2026-13-01", "22.11.2026", "999999y", "h", "-"] {
            assert_eq!(moment(bad, now), None, "{bad}");
        }
    }
}
