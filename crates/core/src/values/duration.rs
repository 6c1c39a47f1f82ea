use std::fmt::Write as _;

use jiff::fmt::friendly::SpanParser;

/// The text is not a duration that can be given to STS.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a duration: expected whole seconds, or units such as 900, 15m, 1h30m")]
pub struct DurationError;

/// Reads a duration as whole seconds: `900`, `15m`, `1h30m`, `1h 30m`, `45 minutes`.
///
/// # Errors
///
/// [`DurationError`] for negative durations, fractions, units longer than hours, clock forms such as `1:30:00`, and
/// anything over [`i32::MAX`] seconds, which is what STS's `DurationSeconds` can hold.
pub fn parse_duration(text: &str) -> Result<i32, DurationError> {
    let text = text.trim();
    // jiff also reads signs, fractions and clock forms; each of them is more likely a slip than a wish.
    if text.is_empty() || !text.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ') {
        return Err(DurationError);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map_err(|_| DurationError);
    }
    let duration = SpanParser::new().parse_duration(text).map_err(|_| DurationError)?;
    if duration.is_negative() || duration.subsec_nanos() != 0 {
        return Err(DurationError);
    }
    i32::try_from(duration.as_secs()).map_err(|_| DurationError)
}

/// Writes seconds the way [`parse_duration`] reads them and people say them: `12h`, `1h30m`, `15m`, `59s`, `0s`.
pub fn display_duration(seconds: i64) -> String {
    let mut text = String::new();
    if seconds < 0 {
        text.push('-');
    }
    let rest = seconds.unsigned_abs();
    for (amount, unit) in [(rest / 3600, 'h'), (rest / 60 % 60, 'm'), (rest % 60, 's')] {
        if amount > 0 {
            // Writing to a String cannot fail.
            let _ = write!(text, "{amount}{unit}");
        }
    }
    if rest == 0 {
        text.push_str("0s");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads() {
        for (text, seconds) in [
            ("900", 900),
            ("0", 0),
            (" 900 ", 900),
            ("900s", 900),
            ("15m", 900),
            ("1h30m", 5400),
            ("1h 30m", 5400),
            ("36h", 129_600),
            ("2147483647", i32::MAX),
            ("45 minutes", 2700),
        ] {
            assert_eq!(parse_duration(text), Ok(seconds), "{text}");
        }
    }

    #[test]
    fn refuses() {
        for text in [
            "",
            " ",
            "h",
            "-1",
            "-15m",
            "+5m",
            "15m ago",
            "1.5h",
            "1,5h",
            "0.5",
            "1:30:00",
            "PT1H",
            "2147483648",
            "999999999999h",
            "500ms",
            "1x",
            "one hour",
            "1h\n30m",
        ] {
            assert_eq!(parse_duration(text), Err(DurationError), "{text:?}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for (seconds, text) in
            [(0, "0s"), (59, "59s"), (900, "15m"), (3600, "1h"), (5400, "1h30m"), (3661, "1h1m1s"), (43_200, "12h"), (-60, "-1m")]
        {
            assert_eq!(display_duration(seconds), text);
        }
        for seconds in (0..200_000).step_by(61) {
            assert_eq!(parse_duration(&display_duration(i64::from(seconds))), Ok(seconds));
        }
        assert_eq!(display_duration(i64::MIN), "-2562047788015215h30m8s");
    }
}
