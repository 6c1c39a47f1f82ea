//! What another service, such as EC2, says when it refuses: with an encoded message, so that there is something to decode.
//!
//! AWS does not document the form of the decoded message; this is what the examples of its documentation show.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::{
    authenticate,
    caller::{Caller, Kind},
    policy::{self, Ask, Context, Statement, Values, Verdict},
    sandbox::Sandbox,
    world::name_of,
};

/// What somebody wants to do. The rest of the query are condition keys of the request.
pub struct Question {
    access_key_id: String,
    action: String,
    resource: String,
    conditions: Vec<(String, String)>,
}

type Wrong = (StatusCode, String);

impl Question {
    /// Reads a query string.
    pub fn parse(query: &str) -> Result<Question, Wrong> {
        let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let mut take = |name: &str| {
            let at = pairs.iter().position(|(key, _)| key == name).ok_or_else(|| {
                let usage = "GET /_sandbox/denied?access_key_id=ID&action=ec2:StopInstances&resource=ARN[&CONDITION_KEY=VALUE…]";
                (StatusCode::BAD_REQUEST, format!("{name} is missing: {usage}"))
            })?;
            Ok(pairs.remove(at).1)
        };
        Ok(Question {
            access_key_id: take("access_key_id")?,
            action: take("action")?,
            resource: take("resource")?,
            conditions: pairs,
        })
    }
}

/// The refusal, as the service words it.
///
/// # Errors
/// 404 for a key that nobody has, 409 if it is allowed.
pub fn message(sandbox: &mut Sandbox, question: &Question) -> Result<String, Wrong> {
    let Question { access_key_id, action, resource, conditions } = question;
    let caller = authenticate::owner(&sandbox.world, &sandbox.sessions, access_key_id)
        .ok_or_else(|| (StatusCode::NOT_FOUND, format!("nobody has the access key {access_key_id}")))?;
    let mut context = caller.context(&sandbox.world, sandbox.now());
    for (key, value) in conditions {
        context.set(key, value);
    }
    let ask = Ask { action, resource, context: &context };
    let own = caller.identity_policy(&sandbox.world);
    let of_session = caller.session.as_ref().and_then(|session| session.policies.as_deref());
    let verdicts = (policy::identity(own, ask), of_session.map(|statements| policy::identity(statements, ask)));
    if matches!(verdicts, (Verdict::Allowed, None | Some(Verdict::Allowed))) || matches!(caller.kind, Kind::Root { .. }) {
        return Err((StatusCode::CONFLICT, format!("{} is allowed {action} on {resource}", caller.arn())));
    }
    let denying = policy::denying(own.iter().chain(of_session.into_iter().flatten()), ask);
    let why = match denying.is_empty() {
        true => format!("because no {} policy allows the {action} action", kind_of_policy(verdicts.0 == Verdict::Allowed)),
        false => format!("with an explicit deny in {} policy", article(verdicts.0 == Verdict::Denied)),
    };
    let decoded = decoded(&caller, &denying, ask).to_string();
    let encoded = sandbox.messages.encode(caller.account(), decoded).map_err(|refusal| {
        // Only randomness can be missing.
        (StatusCode::INTERNAL_SERVER_ERROR, refusal.message)
    })?;
    Ok(format!(
        "You are not authorized to perform this operation. User: {} is not authorized to perform: {action} on resource: {resource} \
         {why}. Encoded authorization failure message: {encoded}",
        caller.arn()
    ))
}

fn kind_of_policy(identity_allows: bool) -> &'static str {
    if identity_allows { "session" } else { "identity-based" }
}

fn article(identity_denies: bool) -> &'static str {
    if identity_denies { "an identity-based" } else { "a session" }
}

fn decoded(caller: &Caller, denying: &[&Statement], ask: Ask<'_>) -> Value {
    let user_id = caller.user_id();
    let mut principal = json!({ "id": user_id, "arn": caller.arn() });
    if let Kind::User { arn } = &caller.kind {
        principal["name"] = json!(name_of(arn));
    }
    let who = user_id.split(':').next().unwrap_or_default();
    let conditions = |context: &Context| {
        let one = |(key, values): (&str, &[String])| json!({ "key": key, "values": items(values.iter().map(value)) });
        items(context.all().map(one))
    };
    json!({
        "allowed": false,
        "explicitDeny": !denying.is_empty(),
        "matchedStatements": items(denying.iter().map(|matched| statement(matched, who))),
        "failures": items([]),
        "context": {
            "principal": principal,
            "action": ask.action,
            "resource": ask.resource,
            "conditions": conditions(ask.context),
        },
    })
}

fn statement(statement: &Statement, who: &str) -> Value {
    let values = |values: &Option<Values>| items(values.iter().flat_map(|values| &values.0).map(value));
    let conditions = statement.condition.values().flatten();
    json!({
        "statementId": statement.sid.as_deref().unwrap_or_default(),
        "effect": "DENY",
        "principals": items([json!({ "value": who })]),
        "principalGroups": items([]),
        "actions": values(&statement.action),
        "resources": values(&statement.resource),
        "conditions": items(conditions.map(|(key, values)| json!({ "key": key, "values": items(values.0.iter().map(value)) }))),
    })
}

fn value(text: &String) -> Value {
    json!({ "value": text })
}

fn items(values: impl IntoIterator<Item = Value>) -> Value {
    json!({ "items": values.into_iter().collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        faults::Faults,
        world::{BUILT_IN, World},
    };

    const ALICE: &str = "access_key_id=AKIAFAKEALICE0000001&action=ec2:StopInstances&resource=arn:aws:ec2:x:1:instance/i";

    fn ask(sandbox: &mut Sandbox, query: &str) -> Result<String, Wrong> {
        message(sandbox, &Question::parse(query)?)
    }

    #[test]
    fn what_nothing_allows_is_an_implicit_deny() {
        let mut sandbox = Sandbox::new(World::parse(BUILT_IN).unwrap(), Faults::default(), false);
        let said = ask(&mut sandbox, ALICE).unwrap();
        let (words, encoded) = said.split_once(" Encoded authorization failure message: ").unwrap();
        assert!(words.ends_with("because no identity-based policy allows the ec2:StopInstances action."), "{words}");
        let decoded: Value = serde_json::from_str(sandbox.messages.decode("111122223333", encoded).unwrap()).unwrap();
        assert_eq!((&decoded["allowed"], &decoded["explicitDeny"]), (&json!(false), &json!(false)));
        assert_eq!(decoded["matchedStatements"], json!({ "items": [] }));
        let principal = &decoded["context"]["principal"];
        assert_eq!((&principal["name"], &principal["arn"]), (&json!("alice"), &json!("arn:aws:iam::111122223333:user/alice")));
        assert!(decoded["context"]["conditions"].to_string().contains("aws:PrincipalTag/team"), "{decoded}");
    }

    #[test]
    fn a_wrong_question_is_refused_in_words() {
        let mut sandbox = Sandbox::new(World::parse(BUILT_IN).unwrap(), Faults::default(), false);
        let root = ALICE.replace("AKIAFAKEALICE0000001", "AKIAFAKEROOTDEV00001");
        let nobody = ALICE.replace("AKIAFAKEALICE0000001", "AKIAFAKENOBODY000001");
        for (query, status, words) in
            [("action=a", 400, "access_key_id is missing"), (&root, 409, "is allowed"), (&nobody, 404, "nobody has")]
        {
            let (found, message) = ask(&mut sandbox, query).unwrap_err();
            assert_eq!(found.as_u16(), status, "{message}");
            assert!(message.contains(words), "{message}");
        }
    }
}
