use credstack_core::values::request::{GetWebIdentityToken, SigningAlgorithm, Tag};
use secrecy::ExposeSecret;
use serde_json::json;

use super::{asking::Asking, push::inputs};
use crate::{context::Context, failure::Failure, words};

/// Get a token that tells others who you are (GetWebIdentityToken)
///
/// Prints a JWT, signed by AWS, that says who the identity is: for services outside AWS that trust
/// your account's issuer. Whoever has it is that identity, for whom it is for: it is printed and kept
/// nowhere. Whoever signs needs sts:GetWebIdentityToken, and the account outbound web identity
/// federation. It does not outlive the session that signs, and AWS itself does not take it.
///
/// Examples:
///   credstack web-token --audience api.example.com
///   credstack web-token --audience a --audience b --duration 15m --tag job=42
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct WebToken {
    /// Whom it is for, the `aud` claim; repeatable
    #[arg(long = "audience", value_name = "AUDIENCE", required = true, value_parser = inputs::text, allow_hyphen_values = true)]
    audience: Vec<String>,
    /// How long: seconds, or 5m, 1h [default: 5m, by AWS]
    #[arg(long, value_name = "DURATION", value_parser = inputs::duration, allow_negative_numbers = true)]
    duration: Option<i32>,
    /// What it is signed with: every verifier knows RS256, ES384 is shorter
    #[arg(long, value_name = "ALGORITHM", default_value = "RS256", value_parser = algorithm)]
    signing_algorithm: SigningAlgorithm,
    /// A claim of your own, K=V; repeatable. Needs sts:TagGetWebIdentityToken
    #[arg(long = "tag", value_name = "K=V", value_parser = inputs::tag, allow_hyphen_values = true)]
    tags: Vec<Tag>,
    #[command(flatten)]
    asking: Asking,
}

impl WebToken {
    pub fn run(self, context: &Context) -> Result<(), Failure> {
        let request = GetWebIdentityToken {
            audience: self.audience,
            duration_seconds: self.duration,
            signing_algorithm: self.signing_algorithm,
            tags: self.tags,
        };
        request.check()?;
        let (signing, sts) = self.asking.begin(context, &context.reader()?)?;
        let given = sts.web_identity_token(&signing.set, &request)?;
        let output = &context.output;
        output.explain(&format!("the token is good {}", words::expiry(Some(given.expires_at), true, context.time())));
        let token = given.token.expose_secret();
        if output.json() {
            return output.print_json(&json!({ "token": token, "expires_at": given.expires_at }));
        }
        output.print(token)
    }
}

/// For clap: one of the two that STS has.
fn algorithm(text: &str) -> Result<SigningAlgorithm, String> {
    let known = [SigningAlgorithm::Rs256, SigningAlgorithm::Es384];
    known.into_iter().find(|it| it.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| "expected RS256 or ES384".to_owned())
}
