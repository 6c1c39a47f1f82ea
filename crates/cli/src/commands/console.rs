use credstack_core::{
    console::{Console as SignIn, ConsoleError},
    stack::Reader,
    values::{Arn, CredentialId, FrameName, partition_of, request::SignerKind},
};
use secrecy::ExposeSecret;
use serde_json::json;

use super::push::inputs;
use crate::{
    context::Context,
    failure::{Failure, Kind},
    hardening,
    signer::{self, Choice},
    signing::Signing,
    used_by,
};

/// Sign in to the AWS console
///
/// Prints a URL that signs in as the current frame, or as the one that is named. It is valid for 15
/// minutes, and whoever has it is in. Only the sessions of a role and federated users can sign in:
/// a session of your own long-term keys (GetSessionToken) cannot, nor can the keys themselves.
///
/// Examples:
///   credstack console --open
///   credstack console --service s3 --region eu-west-1
///   credstack console --frame c7 --duration 4h
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Console {
    /// Which frame: current, root, a position, or an id such as c7 [default: current; under exec, its frame]
    #[arg(long, value_name = "FRAME")]
    frame: Option<FrameName>,
    /// Go to a service's page: s3, ec2, cloudwatch, … [default: the console's home]
    #[arg(long, value_name = "SERVICE", value_parser = service)]
    service: Option<String>,
    /// How long the console session lasts: seconds, or 15m, 12h; for roles only
    #[arg(long, value_name = "DURATION", value_parser = inputs::duration, allow_negative_numbers = true)]
    duration: Option<i32>,
    /// The region to begin in [default: AWS_REGION, AWS_DEFAULT_REGION, the frame's]
    #[arg(long, value_parser = inputs::region)]
    region: Option<String>,
    /// Open it in the browser, which then has the URL on its command line
    #[arg(long)]
    open: bool,
}

impl Console {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let frame = context.frame(self.frame)?;
        let reader = context.reader()?;
        let mut signing = signer::choose(context, &reader, &Choice { from: Some(frame), ..Choice::default() })?;
        self.check(&reader, &signing)?;
        let arn = self.identity(context, &mut signing)?;
        // What the keys alone did not tell.
        self.check(&reader, &signing)?;
        let fits = |region: &&str| partition_of(region) == arn.partition;
        if let Some(region) = self.region.as_deref().filter(|region| !fits(region)) {
            return Err(Failure::usage(format!("--region {region}: this identity is of partition {}", arn.partition))
                .next_step("give a region of that partition"));
        }
        let region = context.region_for(self.region.as_deref(), signing.region());
        let region = region.as_deref().filter(fits);
        let console = SignIn::of(&arn.partition, region).ok_or_else(|| {
            Failure::usage(format!("partition {} has no console that can be signed in to from here", arn.partition))
                .next_step("use aws, aws-cn, aws-us-gov or aws-eusc")
        })?;
        let console = match context.variable("CREDSTACK_SIGNIN_ENDPOINT") {
            None => console,
            Some(endpoint) => console.at(&endpoint).map_err(|error| {
                Failure::usage(format!("CREDSTACK_SIGNIN_ENDPOINT is {error}")).next_step("correct it, or unset it")
            })?,
        };
        let destination = console.destination(self.service.as_deref(), region, &arn.account);
        let ca_bundle = context.aws("AWS_CA_BUNDLE").map(Into::into);
        let token = console.signin_token(&signing.set, self.duration, ca_bundle)?;
        let url = console.login_url(&token, &destination);
        let (whose, mode) = (used_by::whose(&reader, &signing)?, if self.open { "browser" } else { "url" });
        used_by::record(context, [used_by::entry(context, &whose, frame, "console", [("mode", json!(mode))])]);
        if self.open {
            return open(context, url.expose_secret());
        }
        if context.output.json() {
            return context.output.print_json(&json!({ "url": url.expose_secret(), "destination": destination.as_str() }));
        }
        context.output.print(url.expose_secret())
    }

    /// Who it is: as it is recorded, or as STS says.
    fn identity(&self, context: &Context, signing: &mut Signing) -> Result<Arn, Failure> {
        // The console gets the session token as well.
        let sts = signing.sts(context, None)?;
        let identity = match signing.who.identity.take() {
            Some(identity) => identity,
            None => sts.caller_identity(&signing.set)?,
        };
        signing.learn(identity)
    }

    /// What AWS would refuse without a word.
    fn check(&self, reader: &Reader, signing: &Signing) -> Result<(), Failure> {
        let next = "push a role on top of it with `credstack push assume ROLE`, or make a federated user of its long-term keys \
                    with `credstack push federation NAME --policy-arn ARN --from root`";
        let cannot = |who: &str| Err(Failure::usage(format!("{who} cannot sign in to the console")).next_step(next));
        let most = match signing.who.kind {
            SignerKind::LongTerm | SignerKind::Root => return cannot("long-term keys"),
            SignerKind::SessionToken { .. } => return cannot("a session of long-term keys (GetSessionToken)"),
            SignerKind::RootSession => return cannot("a session from AssumeRoot"),
            SignerKind::FederatedUser if self.duration.is_some() => {
                return Err(Failure::usage(
                    "--duration: the console session of a federated user lasts as long as its credentials",
                )
                .next_step("leave it out; `credstack push federation --duration` decides"));
            }
            SignerKind::FederatedUser | SignerKind::Unknown => 43_200,
            SignerKind::RoleSession if is_chained(reader, signing.who.credential())? => 3600,
            SignerKind::RoleSession => 43_200,
        };
        match self.duration {
            Some(seconds) if seconds > most && most == 3600 => {
                Err(Failure::usage("--duration: a role that a role session assumed signs in for at most 1h")
                    .next_step("use --duration 1h, or a role assumed with --from root"))
            }
            Some(seconds) if !(900..=most).contains(&seconds) => {
                Err(Failure::usage("--duration: a console session lasts 15m to 12h").next_step("correct it"))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a role session signed for it, which caps it at an hour.
fn is_chained(reader: &Reader, id: Option<CredentialId>) -> Result<bool, Failure> {
    let Some(id) = id else { return Ok(false) };
    let Some(parent) = reader.credential(id)?.parent else { return Ok(false) };
    Ok(reader.credential(parent)?.arn().is_some_and(|arn| arn.is_role_session()))
}

/// Hands the URL to whatever browser there is.
fn open(context: &Context, url: &str) -> Result<(), Failure> {
    hardening::soften();
    let opened = open::that(url);
    hardening::tighten()?;
    // The error may name the command line, which is a secret.
    opened.map_err(|_| {
        Failure::new(Kind::Nothing, "no browser could be opened").next_step("leave --open out, and open the URL that is printed")
    })?;
    context.output.say("the browser opens");
    Ok(())
}

/// Services are named as in the console's own URLs.
fn service(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    match (1..=64).contains(&text.len()) && text.chars().all(allowed) {
        true => Ok(text.to_owned()),
        false => Err("expected a service's name in small letters, such as s3 or cloudwatch".to_owned()),
    }
}

impl From<ConsoleError> for Failure {
    fn from(error: ConsoleError) -> Failure {
        let (kind, next) = match &error {
            ConsoleError::Refused { .. } => (
                Kind::Refused,
                "AWS says no more than that: the credentials may be revoked, or --duration longer than they allow; try without it",
            ),
            ConsoleError::Runtime(_) => (Kind::Internal, "try again"),
            _ => (Kind::Network, "check the network and the proxy; then try again"),
        };
        Failure::new(kind, error.to_string()).next_step(next)
    }
}
