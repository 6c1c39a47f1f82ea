use super::Call;
use crate::{
    caller::Tags,
    limits::{Limits, PLAIN},
    policy::{Statement, parse_session_policy},
    wire::Refusal,
};

/// The most characters that inline and managed session policies may have together (API reference).
const PLAINTEXT: usize = 2048;

/// Checks the form of `Policy` and `PolicyArns`.
pub fn check(call: &Call<'_>, limits: &mut Limits) {
    let arns = arns(call);
    let managed: usize = arns.iter().flatten().map(|arn| arn.chars().count()).sum();
    limits.optional("policy", call.parameters.get("Policy"), 1..=PLAINTEXT.saturating_sub(managed), PLAIN);
    limits.count("policyArns", arns.len(), 10);
    for (i, arn) in arns.iter().enumerate() {
        limits.required(&format!("policyArns.{}.member.arn", i + 1), *arn, 20..=2048, PLAIN);
    }
}

fn arns<'c>(call: &'c Call<'_>) -> Vec<Option<&'c str>> {
    call.parameters.structures("PolicyArns", ["arn"]).into_iter().map(|[arn]| arn).collect()
}

/// Reads the session policies; `None` if none were given. Inline and managed ones are a union.
///
/// # Errors
/// `MalformedPolicyDocument`, or `ValidationError` for a managed policy that is not there.
pub fn read(call: &Call<'_>, account: &str) -> Result<Option<Vec<Statement>>, Refusal> {
    let inline = call.parameters.get("Policy");
    let arns = arns(call);
    if inline.is_none() && arns.is_empty() {
        return Ok(None);
    }
    let mut statements = Vec::new();
    if let Some(text) = inline {
        let malformed = |message| Refusal::new(400, "MalformedPolicyDocument", message);
        statements.extend(parse_session_policy(text).map_err(malformed)?);
    }
    for arn in arns.into_iter().flatten() {
        let unknown = || Refusal::validation(format!("Policy {arn} does not exist or is not attachable."));
        statements.extend(call.world.managed_policy(arn, account).ok_or_else(unknown)?);
    }
    Ok(Some(statements))
}

/// `PackedPolicySize` in percent; `None` if there is nothing to pack.
///
/// AWS does not publish its packing. Here it is the plain bytes, without the white space around a policy's elements, over
/// the world's limit.
///
/// # Errors
/// `PackedPolicyTooLarge` above 100 %.
pub fn packed_size(call: &Call<'_>, tags: &Tags) -> Result<Option<usize>, Refusal> {
    let policy = call.parameters.get("Policy").and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    let policy = policy.map_or(0, |policy| policy.to_string().len());
    let managed: usize = arns(call).into_iter().flatten().map(str::len).sum();
    let tags: usize = tags.all.iter().map(|(key, value)| key.len() + value.len()).sum();
    let bytes = policy + managed + tags;
    if bytes == 0 {
        return Ok(None);
    }
    let percent = (bytes * 100).div_ceil(call.world.packed_policy_limit_bytes);
    if percent > 100 {
        let message = format!("Packed size of session policies and session tags consumes {percent}% of allotted space.");
        return Err(Refusal::new(400, "PackedPolicyTooLarge", message));
    }
    Ok(Some(percent))
}
