use serde::Serialize;

use super::{Call, CredentialsElement, given_mfa};
use crate::{
    caller::{Facts, Kind},
    limits::Limits,
    wire::Refusal,
};

/// The longest session of the account root, in seconds. AWS shortens, it does not refuse (API reference).
pub const ROOT: u32 = 3600;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    credentials: CredentialsElement,
}

/// `GetSessionToken`: for users and the root with long-term keys. Policies have no say.
pub fn run(call: &mut Call<'_>) -> Result<String, Refusal> {
    let mut limits = Limits::default();
    let asked = limits.number("durationSeconds", call.parameters.get("DurationSeconds"), 900..=129_600);
    given_mfa::check(call, &mut limits);
    limits.finish()?;
    if call.caller.session.is_some() {
        return Err(Refusal::denied("Cannot call GetSessionToken with session credentials"));
    }
    let mfa = given_mfa::take(call)?;
    let mut seconds = asked.unwrap_or(43_200);
    if matches!(call.caller.kind, Kind::Root { .. }) {
        seconds = seconds.min(ROOT);
    }
    let facts = Facts { mfa, ..Facts::plain(call.now) };
    let credentials = call.issue(call.caller.kind.clone(), facts, seconds)?;
    call.answer("GetSessionToken", &Answer { credentials })
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;

    #[test]
    fn users_and_the_root_get_sessions_of_their_length() {
        let mut bench = Bench::new();
        assert_eq!(bench.session("GetSessionToken", &Bench::user("bob"), &[]).seconds, 43_200);
        assert_eq!(bench.session("GetSessionToken", &Bench::user("bob"), &[("DurationSeconds", "129600")]).seconds, 129_600);
        assert_eq!(bench.session("GetSessionToken", &Bench::root(), &[("DurationSeconds", "7200")]).seconds, 3600);
        let message = bench.refusal("GetSessionToken", &Bench::user("bob"), &[("DurationSeconds", "129601")]).message;
        assert!(message.contains("less than or equal to 129600"), "{message}");
    }

    #[test]
    fn sessions_get_no_sessions() {
        let mut bench = Bench::new();
        let session = bench.session("GetSessionToken", &Bench::user("alice"), &[]).caller;
        let developer = bench.assume(&Bench::user("alice"), "111122223333:role/Developer", &[]).caller;
        for caller in [session, developer] {
            for action in ["GetSessionToken", "GetFederationToken"] {
                let message = bench.refusal(action, &caller, &[("Name", "someone")]).message;
                assert_eq!(message, format!("Cannot call {action} with session credentials"));
            }
        }
    }

    #[test]
    fn an_mfa_code_is_checked_and_goes_along() {
        let mut bench = Bench::new();
        let alice = Bench::user("alice");
        let code = bench.fresh_code();
        let serial = ("SerialNumber", "arn:aws:iam::111122223333:mfa/alice");
        let wrong = if code == "000000" { "000001" } else { "000000" };
        let refusal = bench.refusal("GetSessionToken", &alice, &[serial, ("TokenCode", wrong)]);
        assert!(refusal.message.contains("invalid MFA one time pass code"), "{}", refusal.message);
        assert!(bench.refusal("GetSessionToken", &alice, &[serial]).message.contains("must provide both"));
        let of_bob = bench.refusal("GetSessionToken", &Bench::user("bob"), &[serial, ("TokenCode", &code)]);
        assert!(of_bob.message.contains("associated with this user"), "{}", of_bob.message);
        let session = bench.session("GetSessionToken", &alice, &[serial, ("TokenCode", &code)]).caller;
        assert!(session.session.as_ref().unwrap().mfa.is_some());
        let replay = bench.refusal("GetSessionToken", &alice, &[serial, ("TokenCode", &code)]);
        assert!(replay.message.contains("invalid MFA one time pass code"), "{}", replay.message);
        // MFA counts for a role that requires it, and not without it.
        bench.assume(&session, "111122223333:role/Admin", &[]);
        bench.assume(&session, "444455556666:role/Guarded", &[]);
        // It grows old: that role asks for MFA of the last hour, this one does not.
        bench.now = bench.now.checked_add(jiff::SignedDuration::from_secs(3600)).unwrap();
        assert_eq!(bench.refuse_assume(&session, "444455556666:role/Guarded", &[]).code, "AccessDenied");
        bench.assume(&session, "111122223333:role/Admin", &[]);
        let without = bench.session("GetSessionToken", &alice, &[]).caller;
        assert_eq!(bench.refuse_assume(&without, "111122223333:role/Admin", &[]).code, "AccessDenied");
    }
}
