use serde::Serialize;

use super::Call;
use crate::{
    authenticate, authorize,
    limits::{Limits, WORD},
    wire::Refusal,
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    account: String,
}

/// `GetAccessKeyInfo`: the account of any access key id, of whatever account, active or not.
pub fn run(call: &mut Call<'_>) -> Result<String, Refusal> {
    const ACTION: &str = "GetAccessKeyInfo";
    let mut limits = Limits::default();
    let id = limits.required("accessKeyId", call.parameters.get("AccessKeyId"), 16..=128, WORD);
    limits.finish()?;
    call.refuse_sessions_of_users(ACTION)?;
    let context = call.caller.context(call.world, call.now);
    authorize::on_anything(call.world, call.caller, "sts:GetAccessKeyInfo", &context)?;
    let owner = authenticate::owner(call.world, call.sessions, id).ok_or_else(|| {
        Refusal::new(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
            .because("nobody has the access key that was asked about")
    })?;
    call.answer(ACTION, &Answer { account: owner.account().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;

    const ACTION: &str = "GetAccessKeyInfo";

    #[test]
    fn any_key_tells_its_account() {
        let mut bench = Bench::new();
        let made = bench.assume(&Bench::user("alice"), "111122223333:role/Developer", &[]);
        let prod = bench.assume(&made.caller, "444455556666:role/ReadOnly", &[]);
        let id = prod.answer.split("<AccessKeyId>").nth(1).unwrap().split('<').next().unwrap();
        for (key, account) in [("AKIAFAKEBOB000000001", "111122223333"), (id, "444455556666")] {
            let answer = bench.call(ACTION, &made.caller, &[("AccessKeyId", key)]).unwrap();
            assert!(answer.contains(&format!("<Account>{account}</Account>")), "{answer}");
        }
        // bob's keys may not ask, nor may a user's session.
        let refusal = bench.refusal(ACTION, &Bench::user("bob"), &[("AccessKeyId", id)]);
        assert!(refusal.message.ends_with("because no identity-based policy allows the sts:GetAccessKeyInfo action"));
        let session = bench.session("GetSessionToken", &Bench::user("alice"), &[]).caller;
        assert_eq!(bench.refusal(ACTION, &session, &[("AccessKeyId", id)]).code, "AccessDenied");
    }

    #[test]
    fn limits_and_unknown_keys() {
        let mut bench = Bench::new();
        let alice = Bench::user("alice");
        for (id, code) in [
            ("A".repeat(15), "ValidationError"),
            ("A".repeat(16), "InvalidClientTokenId"),
            ("A".repeat(128), "InvalidClientTokenId"),
            ("A".repeat(129), "ValidationError"),
            ("AKIA-FAKE-UNKNOWN-1".to_owned(), "ValidationError"),
        ] {
            assert_eq!(bench.refusal(ACTION, &alice, &[("AccessKeyId", &id)]).code, code, "{id}");
        }
    }
}
