use std::path::PathBuf;

use credstack_core::values::request::{AssumeRoleWithWebIdentity, Request};

use super::{
    common::Common,
    inputs,
    policies::Narrowed,
    unsigned::{Given, Unsigned},
};
use crate::{context::Context, failure::Failure};

/// Assume a role with an identity provider's token (AssumeRoleWithWebIdentity)
///
/// Nobody signs: no other credentials are needed. The token is an OpenID Connect one, such as a CI
/// job or a Kubernetes service account has. It is read again whenever the role is renewed, so a file
/// or a command that always has a fresh one goes on for ever; one from stdin counts once.
///
/// Examples:
///   credstack push web-identity arn:aws:iam::111122223333:role/Ci --token-file /var/run/token
///   credstack push web-identity arn:aws:iam::111122223333:role/Ci --token-command 'ci-token aws'
///   get-token | credstack push web-identity arn:aws:iam::111122223333:role/Ci -
///   credstack push web-identity   with AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE set
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct WebIdentity {
    /// The role's ARN [default: AWS_ROLE_ARN]
    #[arg(value_name = "ROLE")]
    role: Option<String>,
    /// `-`: the token is on stdin
    #[arg(value_name = "-", value_parser = ["-"], conflicts_with_all = ["token_file", "token_command"])]
    stdin: Option<String>,
    /// The file that holds the token [default: AWS_WEB_IDENTITY_TOKEN_FILE]
    #[arg(long, value_name = "FILE", conflicts_with = "token_command")]
    token_file: Option<PathBuf>,
    /// A program that prints the token, and its arguments: no shell runs it
    #[arg(long, value_name = "COMMAND")]
    token_command: Option<String>,
    /// Of OAuth 2.0 access tokens only: www.amazon.com or graph.facebook.com
    #[arg(long, value_name = "HOST")]
    provider_id: Option<String>,
    /// The name of the session, seen in CloudTrail [default: AWS_ROLE_SESSION_NAME, else your user name and host]
    #[arg(long, value_name = "NAME", value_parser = inputs::text, allow_hyphen_values = true)]
    session_name: Option<String>,
    /// How long: seconds, or 15m, 1h30m
    #[arg(long, value_parser = inputs::duration, allow_negative_numbers = true)]
    duration: Option<i32>,
    #[command(flatten)]
    narrowed: Narrowed,
    #[command(flatten)]
    common: Common,
}

impl WebIdentity {
    pub fn run(self, context: &Context) -> Result<(), Failure> {
        self.common.check()?;
        let policy = self.narrowed.inline()?;
        let variable = |name: &str| context.aws(name).map(str::to_owned);
        // `push web-identity -`: the only word is where the token is.
        let (role, stdin) = match self.role.as_deref() {
            Some("-") => (None, true),
            role => (role.map(str::to_owned), self.stdin.is_some()),
        };
        let role_arn = role
            .or_else(|| variable("AWS_ROLE_ARN"))
            .ok_or_else(|| Failure::usage("no role is given").next_step("give ROLE, its ARN, or set AWS_ROLE_ARN"))?;
        let file = match (&self.token_file, &self.token_command, stdin) {
            (None, None, false) => variable("AWS_WEB_IDENTITY_TOKEN_FILE").map(PathBuf::from),
            (file, _, _) => file.clone(),
        };
        let given = Given::of("--token", file, self.token_command.as_deref(), stdin)?.ok_or_else(|| {
            Failure::usage("no token is given")
                .next_step("give --token-file, --token-command or -, or set AWS_WEB_IDENTITY_TOKEN_FILE")
        })?;
        let named = self.session_name.or_else(|| variable("AWS_ROLE_SESSION_NAME"));
        let configured = context.configuration.duration.assume.filter(|_| self.duration.is_none());
        let request = Request::AssumeRoleWithWebIdentity(AssumeRoleWithWebIdentity {
            role_arn,
            role_session_name: named.unwrap_or_else(|| context.session_name()),
            provider_id: self.provider_id,
            duration_seconds: self.duration.or(configured.map(|duration| duration.0)),
            policy,
            policy_arns: self.narrowed.policy_arns,
            token_source: given.source(),
        });
        let configured = configured.map(|_| "duration.assume");
        Unsigned { context, common: &self.common, configured }.run(request, || given.read(context))
    }
}
