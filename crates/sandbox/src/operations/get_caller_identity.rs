use serde::Serialize;

use super::Call;
use crate::wire::Refusal;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    arn: String,
    user_id: String,
    account: String,
}

/// `GetCallerIdentity`: needs no permission and cannot be denied.
pub fn run(call: &mut Call<'_>) -> Result<String, Refusal> {
    let caller = call.caller;
    let answer = Answer { arn: caller.arn(), user_id: caller.user_id(), account: caller.account().to_owned() };
    call.answer("GetCallerIdentity", &answer)
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;

    #[test]
    fn everybody_learns_who_they_are() {
        let mut bench = Bench::new();
        let answer = bench.call("GetCallerIdentity", &Bench::user("alice"), &[]).unwrap();
        assert!(answer.contains("<Arn>arn:aws:iam::111122223333:user/alice</Arn>"), "{answer}");
        assert!(answer.contains("<Account>111122223333</Account>"), "{answer}");
        let answer = bench.call("GetCallerIdentity", &Bench::root(), &[]).unwrap();
        assert!(answer.contains("<UserId>111122223333</UserId>"), "{answer}");
        assert!(bench.call("GetMagic", &Bench::root(), &[]).is_err_and(|refusal| refusal.code == "InvalidAction"));
    }
}
