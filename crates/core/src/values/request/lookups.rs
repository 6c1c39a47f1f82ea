//! What STS can be asked that yields no credential set: what an encoded message says, whose an access key is.

use super::{
    LimitError, Parameter,
    limits::{ENCODED, WORD, is_encoded},
};

/// The parameters of DecodeAuthorizationMessage:
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeAuthorizationMessage {
    /// `EncodedMessage`.
    pub encoded_message: String,
}

impl DecodeAuthorizationMessage {
    /// Takes the encoded message out of whatever people paste: the message alone, or a whole error that ends in `Encoded
    /// authorization failure message: …`, wrapped and framed as terminals and programs do it.
    pub fn from_text(text: &str) -> DecodeAuthorizationMessage {
        let encoded_message = match after_announcement(text) {
            Some(rest) => first_piece(rest),
            None => text.split_whitespace().collect(),
        };
        DecodeAuthorizationMessage { encoded_message }
    }

    /// Checks what can be known before asking.
    ///
    /// # Errors
    ///
    /// A message outside 1 to 10,240 characters, or one that holds what no encoded message does. Its value is in no error:
    /// it says nothing to people.
    pub fn check(&self) -> Result<(), LimitError> {
        ENCODED.check(Parameter::EncodedMessage, &self.encoded_message).map_err(|error| LimitError { value: None, ..error })
    }
}

/// What stands behind the words that announce an encoded message, with whatever white space between them.
fn after_announcement(text: &str) -> Option<&str> {
    const WORDS: [&str; 4] = ["encoded", "authorization", "failure", "message:"];
    // Bytes stay where they are.
    let lower = text.to_ascii_lowercase();
    let mut from = 0;
    while let Some(found) = lower[from..].find(WORDS[0]) {
        from += found + WORDS[0].len();
        let rest = WORDS[1..].iter().try_fold(&lower[from..], |rest, word| without_frame(rest).strip_prefix(word));
        if let Some(rest) = rest {
            return Some(&text[text.len() - rest.len()..]);
        }
    }
    None
}

/// The encoded message at the beginning of a text. Where it was wrapped, each further piece of it is alone on its line.
fn first_piece(text: &str) -> String {
    let mut encoded = String::new();
    for line in without_frame(text).lines() {
        let line = line.trim_matches(is_frame);
        let end = line.find(|c| !is_encoded(c)).unwrap_or(line.len());
        let is_alone = end == line.len() && end > 0;
        if !encoded.is_empty() && !is_alone {
            break;
        }
        encoded.push_str(&line[..end]);
        if !is_alone {
            break;
        }
    }
    encoded
}

fn without_frame(text: &str) -> &str {
    text.trim_start_matches(is_frame)
}

/// White space, and the lines that programs draw at the side of an error.
fn is_frame(c: char) -> bool {
    c.is_whitespace() || matches!(c, '│' | '┃' | '|' | '╷' | '╵')
}

/// The parameters of GetAccessKeyInfo: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetAccessKeyInfo {
    /// `AccessKeyId`.
    pub access_key_id: String,
}

impl GetAccessKeyInfo {
    /// Checks what can be known before asking.
    ///
    /// # Errors
    ///
    /// An id outside 16 to 128 characters, or with others than `\w`. Its value is in no error: it may be the secret key.
    pub fn check(&self) -> Result<(), LimitError> {
        WORD.check(Parameter::AccessKeyId, &self.access_key_id).map_err(|error| LimitError { value: None, ..error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str) -> String {
        DecodeAuthorizationMessage::from_text(text).encoded_message
    }

    #[test]
    fn the_message_is_found_in_what_people_paste() {
        for text in [
            "aB-_9",
            " aB-\n_9\t\r\n",
            "An error occurred (UnauthorizedOperation): You are not authorized. Encoded authorization failure message: aB-_9",
            "encoded authorization\n  failure message:aB-_9",
            "Encoded authorization failure message: aB\r\n-_9\r\n",
            "Encoded authorization failure message:\naB-\n_9\n\tstatus code: 403, request id: 1",
            "│ Encoded authorization failure message: aB\n│ -_9\n│ \n│   with aws_instance.web,",
            "Encoded authorization failure message: aB-_9\n\nTraceback",
            "Encoded authorization failure message: aB-_9 (Service: Ec2, Status Code: 403)",
            r#"{"message": "Encoded authorization failure message: aB-_9"}"#,
            r#"{"message": "Encoded authorization failure message: aB-_9\nmore"}"#,
            "<Message>Encoded authorization failure message: aB-_9</Message>",
            "Encoded authorization failure message: aB-_9.",
            "This is Encoded, see: Encoded authorization failure message: aB-_9",
        ] {
            assert_eq!(taken(text), "aB-_9", "{text}");
        }
        assert_eq!(taken("Encoded authorization failure message:"), "");
        assert_eq!(taken("Encoded authorization failure message: é"), "");
        assert_eq!(taken("Ünïcode İ Encoded authorization failure message: x"), "x");
    }

    #[test]
    fn an_encoded_message_keeps_its_limits() {
        let check = |text: &str| DecodeAuthorizationMessage { encoded_message: text.to_owned() }.check();
        assert_eq!((check("x"), check(&"x".repeat(10_240))), (Ok(()), Ok(())));
        for (bad, words) in [("", "1 to 10240 characters, not 0"), (&*"x".repeat(10_241), "not 10241"), ("x!", "not '!'")] {
            let error = check(bad).unwrap_err();
            assert!(error.to_string().starts_with("EncodedMessage: ") && error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn an_access_key_id_keeps_its_limits() {
        let check = |id: &str| GetAccessKeyInfo { access_key_id: id.to_owned() }.check();
        assert_eq!((check(&"A_9z".repeat(4)), check(&"A".repeat(128))), (Ok(()), Ok(())));
        for bad in [&*"A".repeat(15), &"A".repeat(129), "fake+alice+secret/for+the+sandbox+000001", "AKIAFAKEALICÉ000001"] {
            let error = check(bad).unwrap_err();
            assert_eq!((error.parameter, &error.value), (Parameter::AccessKeyId, &None), "{error}");
        }
    }
}
