//! The constraints of the service model, with AWS's wording: every violation of a request is told at once.

use std::ops::RangeInclusive;

use crate::wire::Refusal;

/// What characters a text may have.
#[derive(Clone, Copy)]
pub struct Pattern {
    /// The regular expression that AWS shows.
    shown: &'static str,
    allows: fn(&str) -> bool,
}

/// Any characters.
pub const ANY: Pattern = Pattern { shown: "", allows: |_| true };
/// Session names, source identities, names of federated users.
pub const NAME: Pattern = Pattern { shown: r"[\w+=,.@-]*", allows: |text| words(text, "+=,.@-") };
/// External ids.
pub const EXTERNAL_ID: Pattern = Pattern { shown: r"[\w+=,.@:\/-]*", allows: |text| words(text, "+=,.@:/-") };
/// Serial numbers of MFA devices.
pub const SERIAL: Pattern = Pattern { shown: r"[\w+=/:,.@-]*", allows: |text| words(text, "+=/:,.@-") };
/// MFA codes.
pub const DIGITS: Pattern = Pattern { shown: r"[\d]*", allows: |text| text.bytes().all(|b| b.is_ascii_digit()) };
/// ARNs and inline policies.
pub const PLAIN: Pattern = Pattern { shown: r"[\u0009\u000A\u000D\u0020-\u00FF]+", allows: plain };
/// Access key ids.
pub const WORD: Pattern = Pattern { shown: r"[\w]*", allows: |text| words(text, "") };
/// Keys and values of tags.
pub const TAG: Pattern = Pattern { shown: r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", allows: tag };

fn words(text: &str, others: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || others.contains(c))
}

fn plain(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}'))
}

fn tag(text: &str) -> bool {
    // \p{Z} is separators, of which `is_whitespace` also takes some control characters.
    text.chars().all(|c| c.is_alphabetic() || c.is_numeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c))
}

/// Collects what is wrong with a request.
#[derive(Default)]
pub struct Limits {
    violations: Vec<String>,
}

impl Limits {
    /// A text that must be there.
    pub fn required<'p>(
        &mut self,
        field: &str,
        value: Option<&'p str>,
        length: RangeInclusive<usize>,
        pattern: Pattern,
    ) -> &'p str {
        let Some(value) = value else {
            self.violations.push(format!("Value null at '{field}' failed to satisfy constraint: Member must not be null"));
            return "";
        };
        self.optional(field, Some(value), length, pattern);
        value
    }

    /// A text that may be there.
    pub fn optional(&mut self, field: &str, value: Option<&str>, length: RangeInclusive<usize>, pattern: Pattern) {
        let Some(value) = value else { return };
        let characters = value.chars().count();
        if characters < *length.start() {
            self.violation(value, field, &format!("have length greater than or equal to {}", length.start()));
        }
        if characters > *length.end() {
            self.violation(value, field, &format!("have length less than or equal to {}", length.end()));
        }
        if !(pattern.allows)(value) {
            self.violation(value, field, &format!("satisfy regular expression pattern: {}", pattern.shown));
        }
    }

    /// A number that may be there.
    pub fn number(&mut self, field: &str, value: Option<&str>, range: RangeInclusive<u32>) -> Option<u32> {
        let value = value?;
        match value.parse::<i64>() {
            Ok(number) if number < i64::from(*range.start()) => {
                self.violation(value, field, &format!("have value greater than or equal to {}", range.start()));
                None
            }
            Ok(number) if number > i64::from(*range.end()) => {
                self.violation(value, field, &format!("have value less than or equal to {}", range.end()));
                None
            }
            Ok(number) => u32::try_from(number).ok(),
            Err(_) => {
                self.violation(value, field, "be a number");
                None
            }
        }
    }

    /// How many members a list may have.
    pub fn count(&mut self, field: &str, count: usize, most: usize) {
        if count > most {
            self.violation(&format!("[{count} members]"), field, &format!("have length less than or equal to {most}"));
        }
    }

    fn violation(&mut self, value: &str, field: &str, must: &str) {
        self.violations.push(format!("Value '{value}' at '{field}' failed to satisfy constraint: Member must {must}"));
    }

    /// All violations as one `ValidationError`.
    ///
    /// # Errors
    /// If there was one.
    pub fn finish(self) -> Result<(), Refusal> {
        let count = self.violations.len();
        match count {
            0 => Ok(()),
            1 => Err(Refusal::validation(format!("1 validation error detected: {}", self.violations[0]))),
            _ => Err(Refusal::validation(format!("{count} validation errors detected: {}", self.violations.join("; ")))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str, length: RangeInclusive<usize>, pattern: Pattern) -> Result<(), Refusal> {
        let mut limits = Limits::default();
        limits.optional("roleSessionName", Some(value), length, pattern);
        limits.finish()
    }

    #[test]
    fn lengths_hold_at_both_ends() {
        assert!(text("ab", 2..=4, ANY).is_ok() && text("abcd", 2..=4, ANY).is_ok());
        assert_eq!(
            text("a", 2..=4, NAME).unwrap_err().message,
            "1 validation error detected: Value 'a' at 'roleSessionName' failed to satisfy constraint: \
             Member must have length greater than or equal to 2"
        );
        assert!(text("abcde", 2..=4, ANY).is_err());
        assert!(text("äöüß", 2..=4, ANY).is_ok(), "characters are counted, not bytes");
    }

    #[test]
    fn patterns_allow_what_the_model_allows() {
        for (pattern, good, bad) in [
            (NAME, "aZ_09+=,.@-", "a b"),
            (NAME, "x", "x:y"),
            (NAME, "x", "é"),
            (EXTERNAL_ID, "a:b/c-d", "a#b"),
            (SERIAL, "arn:aws:iam::111122223333:mfa/alice", "a b"),
            (DIGITS, "123456", "12345x"),
            (PLAIN, "{\t\n\r é}", "\u{100}"),
            (TAG, "Größe: 1/2 = x+y-z@_.", "a,b"),
            (TAG, "a b", "a\tb"),
        ] {
            assert!(text(good, 0..=99, pattern).is_ok(), "{good}");
            assert!(text(bad, 0..=99, pattern).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_and_missing_values_are_told_together() {
        let mut limits = Limits::default();
        assert_eq!(limits.number("durationSeconds", Some("900"), 900..=43_200), Some(900));
        assert_eq!(limits.number("durationSeconds", Some("43201"), 900..=43_200), None);
        assert_eq!(limits.number("durationSeconds", Some("-1"), 900..=43_200), None);
        limits.required("roleArn", None, 20..=2048, PLAIN);
        limits.count("policyArns", 11, 10);
        let message = limits.finish().unwrap_err().message;
        assert!(message.starts_with("4 validation errors detected: Value '43201' at 'durationSeconds'"), "{message}");
        assert!(message.contains("Value null at 'roleArn' failed to satisfy constraint: Member must not be null"), "{message}");
    }
}
