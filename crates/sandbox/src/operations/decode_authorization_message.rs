use serde::Serialize;

use super::Call;
use crate::{
    authorize,
    limits::{ANY, Limits},
    wire::Refusal,
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    decoded_message: String,
}

/// `DecodeAuthorizationMessage`: needs a permission of its own, and decodes messages of the caller's account only.
pub fn run(call: &mut Call<'_>) -> Result<String, Refusal> {
    const ACTION: &str = "DecodeAuthorizationMessage";
    let mut limits = Limits::default();
    let encoded = limits.required("encodedMessage", call.parameters.get("EncodedMessage"), 1..=10_240, ANY);
    limits.finish()?;
    call.refuse_sessions_of_users(ACTION)?;
    let context = call.caller.context(call.world, call.now);
    authorize::on_anything(call.world, call.caller, "sts:DecodeAuthorizationMessage", &context)?;
    let decoded = call.messages.decode(call.caller.account(), encoded).ok_or_else(|| {
        Refusal::new(400, "InvalidAuthorizationMessageException", "Message is not valid")
            .because("it is not whole, was never given out, is too old, or is about somebody of another account")
    })?;
    call.answer(ACTION, &Answer { decoded_message: decoded.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;

    const ACTION: &str = "DecodeAuthorizationMessage";

    #[test]
    fn only_the_whole_message_is_decoded_and_only_in_its_account() {
        let mut bench = Bench::new();
        let encoded = bench.messages.encode("111122223333", r#"{"allowed":false}"#.into()).unwrap();
        let alice = Bench::user("alice");
        let answer = bench.call(ACTION, &alice, &[("EncodedMessage", &encoded)]).unwrap();
        assert!(answer.contains(r#"<DecodedMessage>{"allowed":false}</DecodedMessage>"#), "{answer}");
        let elsewhere = bench.messages.encode("444455556666", "{}".into()).unwrap();
        for wrong in [&encoded[1..], &format!("{encoded}\n"), &elsewhere] {
            let refusal = bench.refusal(ACTION, &alice, &[("EncodedMessage", wrong)]);
            assert_eq!((refusal.status, refusal.code), (400, "InvalidAuthorizationMessageException"));
        }
    }

    #[test]
    fn it_needs_permission_and_keeps_its_limits() {
        let mut bench = Bench::new();
        let refusal = bench.refusal(ACTION, &Bench::user("bob"), &[("EncodedMessage", "x")]);
        assert_eq!(
            refusal.message,
            "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: sts:DecodeAuthorizationMessage because no \
             identity-based policy allows the sts:DecodeAuthorizationMessage action"
        );
        let session = bench.session("GetSessionToken", &Bench::user("alice"), &[]).caller;
        let refusal = bench.refusal(ACTION, &session, &[("EncodedMessage", "x")]);
        assert_eq!(refusal.message, "Cannot call DecodeAuthorizationMessage with session credentials");
        for (value, code) in [("", "ValidationError"), (&"x".repeat(10_241), "ValidationError")] {
            assert_eq!(bench.refusal(ACTION, &Bench::user("alice"), &[("EncodedMessage", value)]).code, code);
        }
        let longest = bench.refusal(ACTION, &Bench::user("alice"), &[("EncodedMessage", &"x".repeat(10_240))]);
        assert_eq!(longest.code, "InvalidAuthorizationMessageException");
        assert!(bench.refusal(ACTION, &Bench::user("alice"), &[]).message.contains("must not be null"));
    }
}
