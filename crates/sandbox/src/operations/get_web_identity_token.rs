use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Call, given_tags};
use crate::{
    authorize,
    limits::{ANY, Limits},
    policy::Context,
    random,
    wire::Refusal,
};

/// AWS says that there is a limit, and not which: this one is ours, in bytes.
const LONGEST_PAYLOAD: usize = 8192;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    web_identity_token: String,
    expiration: String,
}

/// `GetWebIdentityToken`: a JWT that says who the caller is, with AWS's claims
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound_token_claims.html>). Its signature is random.
pub fn run(call: &mut Call<'_>) -> Result<String, Refusal> {
    const ACTION: &str = "GetWebIdentityToken";
    let mut limits = Limits::default();
    let audience = check_audience(call, &mut limits);
    let asked = limits.number("durationSeconds", call.parameters.get("DurationSeconds"), 60..=3600);
    let algorithm = limits.required("signingAlgorithm", call.parameters.get("SigningAlgorithm"), 5..=5, ANY).to_owned();
    given_tags::check(call, &mut limits);
    limits.finish()?;
    let signature = match algorithm.as_str() {
        "RS256" => 342,
        "ES384" => 128,
        _ => return Err(Refusal::validation(format!("Signing algorithm {algorithm} is not supported. Use RS256 or ES384."))),
    };
    call.refuse_sessions_of_users(ACTION)?;
    let tags = given_tags::read(call)?;
    let seconds = asked.unwrap_or(300);
    let mut context = call.caller.context(call.world, call.now);
    context.set_all("sts:IdentityTokenAudience", audience.clone());
    context.set("sts:DurationSeconds", seconds);
    context.set("sts:SigningAlgorithm", &algorithm);
    given_tags::describe(call, &mut context);
    authorize::on_anything(call.world, call.caller, "sts:GetWebIdentityToken", &context)?;
    let own = passed(call, &tags.all);
    if !own.is_empty() {
        authorize::on_anything(call.world, call.caller, "sts:TagGetWebIdentityToken", &context)?;
    }
    if !call.world.account(call.caller.account()).is_some_and(|account| account.outbound_web_identity_federation) {
        let message = "Outbound web identity federation is not enabled for this account.";
        return Err(Refusal::new(403, "OutboundWebIdentityFederationDisabledException", message));
    }
    let expiration = Timestamp::from_second(call.now.as_second() + i64::from(seconds)).map_err(|_| Refusal::internal())?;
    if call.caller.session.as_ref().and_then(|session| session.ends).is_some_and(|ends| expiration > ends) {
        let message = "The requested token duration would extend the session beyond its original expiration time.";
        return Err(Refusal::new(403, "SessionDurationEscalationException", message));
    }
    let payload = claims(call, audience, &context, own, expiration)?.to_string();
    if payload.len() > LONGEST_PAYLOAD {
        let message = "The requested token payload size exceeds the maximum allowed size.";
        return Err(Refusal::new(400, "JWTPayloadSizeExceededException", message));
    }
    let header = json!({ "alg": algorithm, "kid": format!("{algorithm}_0"), "typ": "JWT" }).to_string();
    let signature = random::text(random::BASE64_URL, signature)?;
    let [header, payload] = [header, payload].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    let web_identity_token = format!("{header}.{payload}.{signature}");
    call.answer(ACTION, &Answer { web_identity_token, expiration: expiration.to_string() })
}

fn check_audience(call: &Call<'_>, limits: &mut Limits) -> Vec<String> {
    let audience = call.parameters.texts("Audience");
    if audience.is_empty() {
        limits.required("audience", None, 1..=1000, ANY);
    }
    limits.count("audience", audience.len(), 10);
    for (i, one) in audience.iter().enumerate() {
        limits.optional(&format!("audience.{}.member", i + 1), Some(one), 1..=1000, ANY);
    }
    audience.into_iter().map(str::to_owned).collect()
}

/// The tags of this request: those of the session are claims of their own.
fn passed(call: &Call<'_>, all: &std::collections::BTreeMap<String, String>) -> Map<String, Value> {
    let given = call.parameters.structures("Tags", ["Key", "Value"]);
    let keys: Vec<&str> = given.into_iter().filter_map(|[key, _]| key).collect();
    let passed = all.iter().filter(|(key, _)| keys.contains(&key.as_str()));
    passed.map(|(key, value)| (key.clone(), json!(value))).collect()
}

fn claims(
    call: &Call<'_>,
    audience: Vec<String>,
    context: &Context,
    tags: Map<String, Value>,
    expiration: Timestamp,
) -> Result<Value, Refusal> {
    let account = call.caller.account();
    let mut about = json!({ "aws_account": account, "source_region": call.region });
    let of_principal = context.all().filter_map(|(key, values)| Some((key.strip_prefix("aws:PrincipalTag/")?, values.first()?)));
    let of_principal: Map<String, Value> = of_principal.map(|(key, value)| (key.to_owned(), json!(value))).collect();
    if !of_principal.is_empty() {
        about["principal_tags"] = Value::Object(of_principal);
    }
    if !tags.is_empty() {
        about["request_tags"] = Value::Object(tags);
    }
    Ok(json!({
        "iss": format!("https://sandbox-{account}.tokens.sts.global.api.aws"),
        // One is a text, several are a list.
        "aud": match audience.as_slice() { [one] => json!(one), several => json!(several) },
        "sub": call.caller.party().principal_arn,
        "iat": call.now.as_second(),
        "exp": expiration.as_second(),
        "jti": random::request_id()?,
        "https://sts.amazonaws.com/": about,
    }))
}

#[cfg(test)]
mod tests {
    use super::{super::testing::Bench, *};

    const ACTION: &str = "GetWebIdentityToken";
    const TO: [(&str, &str); 2] = [("Audience.member.1", "https://api.example.com"), ("SigningAlgorithm", "ES384")];

    fn token(answer: &str) -> (Value, Value, usize) {
        let token = answer.split("<WebIdentityToken>").nth(1).unwrap().split('<').next().unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let part = |i: usize| serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(parts[i]).unwrap()).unwrap();
        assert_eq!(parts.len(), 3);
        (part(0), part(1), parts[2].len())
    }

    #[test]
    fn a_role_s_session_gets_a_token_about_the_role() {
        let mut bench = Bench::new();
        let tags = [("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "blue")];
        let developer = bench.assume(&Bench::user("alice"), "111122223333:role/Developer", &tags).caller;
        let job = [("Tags.member.1.Key", "job"), ("Tags.member.1.Value", "42"), ("Audience.member.2", "b")];
        let answer = bench.call(ACTION, &developer, &[&TO[..], &job].concat()).unwrap();
        assert!(answer.contains("<Expiration>2026-11-22T07:05:00Z</Expiration>"), "{answer}");
        let (header, claims, signature) = token(&answer);
        assert_eq!((&header["alg"], signature), (&json!("ES384"), 128));
        assert_eq!(claims["sub"], "arn:aws:iam::111122223333:role/Developer");
        assert_eq!(claims["aud"], json!(["https://api.example.com", "b"]));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
        let about = &claims["https://sts.amazonaws.com/"];
        assert_eq!(
            (&about["principal_tags"], &about["request_tags"]),
            (&json!({"stage": "dev", "team": "blue"}), &json!({"job": "42"}))
        );
    }

    #[test]
    fn it_does_not_outlive_the_session() {
        let mut bench = Bench::new();
        let alice = Bench::user("alice");
        let developer = bench.assume(&alice, "111122223333:role/Developer", &[("DurationSeconds", "900")]).caller;
        bench.call(ACTION, &developer, &[&TO[..], &[("DurationSeconds", "900")]].concat()).unwrap();
        let refusal = bench.refusal(ACTION, &developer, &[&TO[..], &[("DurationSeconds", "901")]].concat());
        assert_eq!((refusal.status, refusal.code), (403, "SessionDurationEscalationException"));
        bench.call(ACTION, &alice, &[&TO[..], &[("DurationSeconds", "3600")]].concat()).unwrap();
    }

    #[test]
    fn limits_permissions_and_the_switch() {
        let mut bench = Bench::new();
        let alice = Bench::user("alice");
        let long = "x".repeat(1001);
        for (change, words) in [
            (("DurationSeconds", "59"), "greater than or equal to 60"),
            (("DurationSeconds", "3601"), "less than or equal to 3600"),
            (("SigningAlgorithm", "RS512"), "not supported"),
            (("SigningAlgorithm", "none"), "greater than or equal to 5"),
            (("Audience.member.1", ""), "greater than or equal to 1"),
            (("Audience.member.1", &long), "less than or equal to 1000"),
        ] {
            let refusal = bench.refusal(ACTION, &alice, &[&TO[..], &[change]].concat());
            assert_eq!(refusal.code, "ValidationError");
            assert!(refusal.message.contains(words), "{}", refusal.message);
        }
        assert!(bench.refusal(ACTION, &alice, &TO[1..]).message.contains("'audience'"));
        let names: Vec<String> = (1..=11).map(|i| format!("Audience.member.{i}")).collect();
        let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "a")).chain([TO[1]]).collect();
        assert!(bench.refusal(ACTION, &alice, &many).message.contains("'audience'"));
        bench.call(ACTION, &alice, &many[1..]).unwrap();
        assert!(bench.refusal(ACTION, &Bench::user("bob"), &TO).message.contains("sts:GetWebIdentityToken"));
        let session = bench.session("GetSessionToken", &alice, &[]).caller;
        assert_eq!(bench.refusal(ACTION, &session, &TO).code, "AccessDenied");
        let developer = bench.assume(&alice, "111122223333:role/Developer", &[]).caller;
        let prod = bench.assume(&developer, "444455556666:role/ReadOnly", &[]).caller;
        let refusal = bench.refusal(ACTION, &prod, &TO);
        assert_eq!((refusal.status, refusal.code), (403, "OutboundWebIdentityFederationDisabledException"));
        let pairs: Vec<(String, String)> = (1..=50)
            .flat_map(|i| {
                [(format!("Tags.member.{i}.Key"), format!("k{i}")), (format!("Tags.member.{i}.Value"), "v".repeat(200))]
            })
            .collect();
        let tags: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(TO).collect();
        let refusal = bench.refusal(ACTION, &alice, &tags);
        assert_eq!((refusal.status, refusal.code), (400, "JWTPayloadSizeExceededException"));
        let refusal = Bench::with(", \"sts:TagGetWebIdentityToken\"", "").refusal(ACTION, &alice, &tags);
        assert!(refusal.message.contains("sts:TagGetWebIdentityToken"), "{}", refusal.message);
    }
}
