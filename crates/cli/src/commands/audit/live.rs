use comfy_table::Cell;
use credstack_core::{
    stack::KnownKey,
    values::{Arn, Credential, CredentialId},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    commands::key_info::Known,
    context::Context,
    failure::{Failure, Kind},
    output::{escape, table},
    words,
};

/// Show everything that has not expired, wherever its secret is
///
/// Also what was popped: its secret is erased here, and AWS accepts it until it expires. What expires
/// first comes first; long-term keys, which do not, come last.
///
/// With --revoke it prints the policy that ends a role's sessions, those from elsewhere too: AWS
/// denies everything to every session that was issued before now. Attach it to the role, by the name
/// that the console gives it, AWSRevokeOlderSessions. Nothing is sent to AWS.
///
/// Examples:
///   credstack audit live
///   credstack audit live --revoke c7 > revoke.json
///   credstack audit live --revoke Developer > revoke.json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Live {
    /// Print the policy that ends the older sessions of a role: its name, its ARN, or a session of it such as c7
    #[arg(long, value_name = "ROLE|ID", value_parser = crate::commands::push::inputs::text, allow_hyphen_values = true)]
    revoke: Option<String>,
}

impl Live {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let reader = context.reader()?;
        let live = reader.live_keys(context.now)?;
        if let Some(whose) = &self.revoke {
            let role = match whose.parse::<CredentialId>() {
                Ok(id) => role_of(&reader.credential(id)?).ok_or_else(|| no_role(id))?,
                Err(_) => Role::named(whose)?,
            };
            return revoke(context, &role, &live);
        }
        if context.output.json() {
            let live: Vec<Known> = live.into_iter().map(Known::from).collect();
            return context.output.print_json(&json!({ "live": live }));
        }
        let mut rows = table(&["id", "identity", "access key", "expires", "secret", "parent"]);
        for known in &live {
            rows.add_row(cells(known, context).map(|text| Cell::new(escape(&text))));
        }
        context.output.print(&rows.trim_fmt())
    }
}

fn cells(known: &KnownKey, context: &Context) -> [String; 6] {
    let credential = &known.credential;
    let places: Vec<_> = known.places.iter().map(|(stack, _)| stack.to_string()).collect();
    let secret = match (credential.has_secret(), places.is_empty()) {
        (false, _) => "erased here".to_owned(),
        (true, true) => "held".to_owned(),
        (true, false) => format!("on {}", places.join(", ")),
    };
    [
        credential.id.to_string(),
        words::identity(credential),
        credential.access_key_id.clone(),
        words::expiry(credential.expires_at, credential.temporary, context.now),
        secret,
        credential.parent.map(|id| id.to_string()).unwrap_or_default(),
    ]
}

/// A role by its name, and its account where that is known.
#[derive(PartialEq, Eq)]
struct Role {
    name: String,
    account: Option<String>,
}

impl Role {
    /// A role as a person says it.
    fn named(text: &str) -> Result<Role, Failure> {
        let usage =
            || Failure::usage(format!("--revoke {text}: not a role")).next_step("name a role, its ARN, or a session such as c7");
        match text.parse::<Arn>() {
            Ok(arn) => role_in(&arn).ok_or_else(usage),
            Err(_) if text.is_empty() || text.contains(['/', ':']) => Err(usage()),
            Err(_) => Ok(Role { name: text.to_owned(), account: None }),
        }
    }

    fn has(&self, credential: &Credential) -> bool {
        role_of(credential).is_some_and(|it| it.name == self.name && (self.account.is_none() || it.account == self.account))
    }
}

fn role_of(credential: &Credential) -> Option<Role> {
    role_in(&credential.arn()?)
}

fn role_in(arn: &Arn) -> Option<Role> {
    let name = match arn.resource.strip_prefix("assumed-role/") {
        Some(session) => session.split('/').next(),
        None => arn.resource.strip_prefix("role/").and_then(|path| path.rsplit('/').next()),
    };
    Some(Role { name: name?.to_owned(), account: Some(arn.account.clone()) })
}

fn no_role(id: CredentialId) -> Failure {
    Failure::new(Kind::Usage, format!("{id} is not the session of a role"))
        .next_step("long-term keys are deactivated with `aws iam update-access-key`, and what they signed for expires")
}

/// Prints the policy; what it ends, and what it does not, goes to the person.
fn revoke(context: &Context, role: &Role, live: &[KnownKey]) -> Result<(), Failure> {
    // IAM reads whole seconds, and a session may have been issued in this one.
    let second = Timestamp::from_second(context.now.as_second() + 1).unwrap_or(context.now);
    let policy = older_sessions(&second.to_string());
    let ended: Vec<_> = live.iter().filter(|known| role.has(&known.credential)).map(|known| known.credential.id).collect();
    // A session that was obtained with one of these is another role's, and lives on.
    let mut beyond: Vec<CredentialId> = Vec::new();
    let mut by_age: Vec<_> = live.iter().map(|known| &known.credential).collect();
    by_age.sort_by_key(|credential| credential.id);
    for credential in by_age.into_iter().filter(|credential| !ended.contains(&credential.id)) {
        if credential.parent.is_some_and(|parent| ended.contains(&parent) || beyond.contains(&parent)) {
            beyond.push(credential.id);
        }
    }
    if context.output.json() {
        return context.output.print_json(&json!({
            "role": role.name, "account": role.account, "policy_name": "AWSRevokeOlderSessions", "policy": policy,
            "sessions": ended, "beyond": beyond,
        }));
    }
    context.output.print_json(&policy)?;
    let put = "aws iam put-role-policy --policy-name AWSRevokeOlderSessions --policy-document file://FILE --role-name";
    context.output.say(&format!("to be attached to the role: `{put} {}`", shell_words::quote(&role.name)));
    match ended.is_empty() {
        true => context.output.say("no session of it that was ever here is alive"),
        false => context.output.say(&format!("it ends what is alive of it here: {}", words::list(&ended))),
    }
    if !beyond.is_empty() {
        context
            .output
            .warn(&format!("not ended by it, for another identity: {}, obtained with one of these", words::list(&beyond)));
    }
    Ok(())
}

/// The policy that the IAM console attaches for "Revoke active sessions".
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html>
fn older_sessions(before: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Deny",
            "Action": ["*"],
            "Resource": ["*"],
            "Condition": { "DateLessThan": { "aws:TokenIssueTime": before } },
        }],
    })
}
