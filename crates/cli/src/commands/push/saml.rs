use std::path::PathBuf;

use credstack_core::{
    saml::{self, Offer},
    values::request::{AssumeRoleWithSaml, Request},
};
use secrecy::{ExposeSecret, SecretString};

use super::{
    common::Common,
    inputs,
    policies::Narrowed,
    unsigned::{Given, Unsigned},
};
use crate::{context::Context, failure::Failure, output::escape};

/// Assume a role with a SAML assertion (AssumeRoleWithSAML)
///
/// Nobody signs: no other credentials are needed. The assertion is what the identity provider's
/// sign-in posts to AWS, in Base64; it has to be used within five minutes. Without ROLE the
/// assertion's roles are listed, and on a terminal one can be chosen.
///
/// Examples:
///   credstack push saml --assertion-command 'my-idp assertion'
///   credstack push saml Developer --assertion-file assertion.b64
///   my-idp assertion | credstack push saml arn:aws:iam::111122223333:role/Developer -
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Saml {
    /// The role: an ARN, or the name of one that the assertion offers
    #[arg(value_name = "ROLE")]
    role: Option<String>,
    /// `-`: the assertion is on stdin
    #[arg(value_name = "-", value_parser = ["-"], conflicts_with_all = ["assertion_file", "assertion_command"])]
    stdin: Option<String>,
    /// The SAML provider in IAM [default: as the assertion says]
    #[arg(long, value_name = "ARN")]
    principal_arn: Option<String>,
    /// The file that holds the assertion
    #[arg(long, value_name = "FILE", conflicts_with = "assertion_command")]
    assertion_file: Option<PathBuf>,
    /// A program that prints the assertion, and its arguments: no shell runs it
    #[arg(long, value_name = "COMMAND")]
    assertion_command: Option<String>,
    /// How long: seconds, or 15m, 1h30m
    #[arg(long, value_parser = inputs::duration, allow_negative_numbers = true)]
    duration: Option<i32>,
    #[command(flatten)]
    narrowed: Narrowed,
    #[command(flatten)]
    common: Common,
}

impl Saml {
    pub fn run(self, context: &Context) -> Result<(), Failure> {
        self.common.check()?;
        let policy = self.narrowed.inline()?;
        let (role, stdin) = match self.role.as_deref() {
            Some("-") => (None, true),
            role => (role, self.stdin.is_some()),
        };
        let given = Given::of("--assertion", self.assertion_file.clone(), self.assertion_command.as_deref(), stdin)?;
        let given = given.ok_or_else(|| {
            Failure::usage("no assertion is given").next_step("give --assertion-file, --assertion-command or -")
        })?;
        let mut read: Option<SecretString> = None;
        let offer = match (role, &self.principal_arn) {
            (Some(role), Some(principal)) if role.starts_with("arn:") => {
                Offer { role_arn: role.to_owned(), principal_arn: principal.clone() }
            }
            _ if self.common.dry_run && given.is_command() => {
                return Err(Failure::usage("which role it would be is for the assertion to say, and a dry run runs no program")
                    .next_step("give ROLE's ARN and --principal-arn"));
            }
            (role, principal) => {
                let assertion = read.insert(given.read(context)?);
                let mut offers = saml::offers(assertion.expose_secret()).map_err(|error| {
                    Failure::usage(error.to_string())
                        .next_step("check that it is the assertion for AWS, or give ROLE's ARN and --principal-arn")
                })?;
                if let Some(principal) = principal {
                    let through: Vec<_> = offers.iter().map(|offer| escape(&offer.principal_arn)).collect();
                    offers.retain(|offer| offer.principal_arn == *principal);
                    if offers.is_empty() {
                        return Err(Failure::usage(format!(
                            "--principal-arn {}: the SAML assertion offers no role through that provider",
                            escape(principal)
                        ))
                        .next_step(format!("leave it out, or give {}", through.join(" or "))));
                    }
                }
                choose(context, offers, role, self.common.dry_run)?
            }
        };
        let configured = context.configuration.duration.assume.filter(|_| self.duration.is_none());
        let request = Request::AssumeRoleWithSaml(AssumeRoleWithSaml {
            role_arn: offer.role_arn,
            principal_arn: offer.principal_arn,
            duration_seconds: self.duration.or(configured.map(|duration| duration.0)),
            policy,
            policy_arns: self.narrowed.policy_arns,
            token_source: given.source(),
        });
        let configured = configured.map(|_| "duration.assume");
        Unsigned { context, common: &self.common, configured }.run(request, || read.map_or_else(|| given.read(context), Ok))
    }
}

/// The role that is meant, or that the person at the terminal chooses.
fn choose(context: &Context, offers: Vec<Offer>, role: Option<&str>, dry_run: bool) -> Result<Offer, Failure> {
    let is_meant = |offer: &&Offer| match role {
        None => true,
        Some(arn) if arn.starts_with("arn:") => offer.role_arn == arn,
        Some(name) => offer.role_arn.ends_with(&format!("role/{name}")) || offer.role_arn.ends_with(&format!("/{name}")),
    };
    let meant: Vec<&Offer> = offers.iter().filter(is_meant).collect();
    let listed = |offers: &[&Offer]| offers.iter().map(|offer| escape(&offer.role_arn)).collect::<Vec<_>>().join(", ");
    match meant.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(Failure::usage(format!(
            "the SAML assertion does not offer {}",
            escape(role.unwrap_or("a role of that provider"))
        ))
        .next_step(format!("it offers {}", listed(&offers.iter().collect::<Vec<_>>())))),
        several => {
            let ambiguous = || {
                Failure::usage(format!("the SAML assertion offers {} roles, and none was chosen", several.len()))
                    .next_step(format!("give one as ROLE: {}", listed(several)))
            };
            let lines = several.iter().enumerate().map(|(i, offer)| format!("{:>3}  {}\n", i + 1, escape(&offer.role_arn)));
            if dry_run {
                return Err(ambiguous());
            }
            let answer = context.terminal.ask(&format!("{}Which role? ", lines.collect::<String>())).ok_or_else(ambiguous)?;
            let chosen = answer.trim().parse::<usize>().ok().and_then(|number| several.get(number.checked_sub(1)?));
            chosen.map(|offer| (*offer).clone()).ok_or_else(|| {
                let answer = escape(answer.trim());
                Failure::usage(format!("there is no role {answer}: give a number from 1 to {}", several.len()))
                    .next_step("run it again, or give ROLE")
            })
        }
    }
}
