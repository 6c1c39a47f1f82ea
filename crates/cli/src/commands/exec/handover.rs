//! An identity, ready to be handed over: the way, and the program's environment.

use credstack_core::values::{Entry, Frame, FrameName};

use super::{Exec, Via};
use crate::{
    context::Context,
    export::{Exports, LOAD_CONFIG},
    failure::{Failure, Kind},
    fixed,
    keys::{self, Keys},
    marker::Told,
    our_files::{self, Handing, Wanted},
    profile, used_by, words,
};

/// Keys that live less long are handed out by a way that renews them, in seconds. A client that asks for more gets them.
const SHORT: i64 = 15 * 60;
/// How the SDKs are told to leave an instance's own role out.
const NO_METADATA: &str = "AWS_EC2_METADATA_DISABLED";

/// An identity, ready to be handed over.
pub struct Handover {
    /// The way.
    pub via: Via,
    /// The frame as it was asked for: for the log.
    pub asked: FrameName,
    /// What the program gets as long as it runs: the stack's current frame only with `--follow`.
    pub frame: FrameName,
    /// Whose the keys are: for the log.
    pub whose: Entry,
    /// The program's environment; that of an endpoint is without what leads to it.
    pub exports: Exports,
    /// What the program is told.
    pub told: Told,
    /// What the log says of it.
    pub used: Entry,
}

impl Exec {
    /// Finds the identity, chooses the way, and makes the program's environment.
    pub fn handover(&self, context: &Context, asked: FrameName) -> Result<Handover, Failure> {
        our_files::check(context)?;
        if self.follow {
            return self.following(context);
        }
        let keys = keys::find(context, &context.reader()?, asked)?.in_region(context, self.region.as_deref());
        let via = self.way(context, &keys)?;
        let frame = fixed::pin(context, &keys.whose)?;
        let profile = profile_of(context, &keys)?;
        let wanted = |handed| Wanted { handed, profile_of_frame: profile.as_deref(), region: keys.out.region.as_deref() };
        let region = keys.out.region.as_deref();
        let exports = match via {
            Via::Env => {
                let exports = self.marked(context, Exports::of_keys(&keys.out));
                our_files::prepare(context, &wanted(None))?.into_iter().fold(exports, Exports::with)
            }
            Via::Endpoint => {
                self.asking(context, our_files::prepare(context, &wanted(Some(Handing::Inert)))?, region, &keys.out.frame)
            }
            Via::Profile => {
                self.check_profile(&keys)?;
                let variables = our_files::prepare(context, &wanted(Some(Handing::Process(frame))))?;
                self.asking(context, variables, region, &keys.out.frame)
            }
        };
        let told = told(&keys, frame, via);
        let used = self.used(context, &keys.whose, asked, via);
        Ok(Handover { via, asked, frame, whose: keys.whose, exports, told, used })
    }

    /// The same for a program that follows the stack.
    fn following(&self, context: &Context) -> Result<Handover, Failure> {
        let (asked, via) = (FrameName::Current, self.via.unwrap_or(Via::Endpoint));
        let told = Told { frame: None, name: None, arn: None, via: via.name() };
        let (whose, exports) = match via {
            Via::Env => {
                return Err(Failure::usage("--follow with --via env: keys in an environment stay as they are")
                    .next_step("use --via endpoint or --via profile"));
            }
            Via::Profile => {
                let reader = context.reader()?;
                let name = self.managed_profile(context)?;
                let region = reader.stack(&context.stack)?.current().and_then(|credential| credential.region.clone());
                let region = context.region_for(self.region.as_deref(), region.as_deref());
                let mut variables = our_files::users_own(context);
                variables.push(("AWS_PROFILE", Some(name)));
                let exports = self.asking(context, variables, region.as_deref(), &Frame::untouched());
                (used_by::whose_frame(context, &reader, asked), exports)
            }
            Via::Endpoint => {
                let keys = keys::find(context, &context.reader()?, asked)?.in_region(context, self.region.as_deref());
                check_served(&keys, "use --via profile, or push a session on top of them")?;
                let profile = profile_of(context, &keys)?;
                let handed = Some(Handing::Inert);
                let region = keys.out.region.as_deref();
                let wanted = Wanted { handed, profile_of_frame: profile.as_deref(), region };
                let exports = self.asking(context, our_files::prepare(context, &wanted)?, region, &keys.out.frame);
                (keys.whose, exports)
            }
        };
        context.output.say(&format!("{} follows stack {} by {}", self.program(), context.stack, via.name()));
        let used = self.used(context, &whose, asked, via);
        Ok(Handover { via, asked, frame: asked, whose, exports, told, used })
    }

    /// The way for keys that were renewed where that was possible.
    fn way(&self, context: &Context, keys: &Keys) -> Result<Via, Failure> {
        let left = keys.out.expires_at.map(|at| at.as_second() - context.time().as_second());
        let is_short = left.is_some_and(|left| left < SHORT) && keys.out.can_be_served();
        let via = self.via.unwrap_or(if is_short { Via::Endpoint } else { Via::Env });
        let expiry = || words::expiry(keys.out.expires_at, true, context.time());
        match via {
            Via::Endpoint => check_served(keys, "use --via env, or push a session on top of them")?,
            Via::Env if keys.out.expires_at.is_some() => {
                let renewed = if context.renews { "; --via endpoint renews them" } else { "" };
                context.output.say(&format!("{} has these keys {}{renewed}", self.program(), expiry()));
            }
            Via::Env | Via::Profile => {}
        }
        if via == Via::Endpoint && self.via.is_none() {
            let why = format!("the keys are valid {}, and couldn't be renewed now", expiry());
            context.output.say(&format!("{} gets them by endpoint, which renews them: {why}", self.program()));
        }
        context.output.explain(&format!("handing the identity over by {}", via.name()));
        Ok(via)
    }

    /// The region is marked as credstack's, unless it is the user's wish: then it is that inside too.
    fn marked(&self, context: &Context, exports: Exports) -> Exports {
        if context.has_users_region(self.region.as_deref()) { exports } else { exports.marked() }
    }

    /// The environment of a program that asks: by the profile that AWS_PROFILE names, or by an endpoint behind it.
    fn asking(&self, context: &Context, variables: our_files::Variables, region: Option<&str>, frame: &Frame) -> Exports {
        let exports = variables.into_iter().fold(self.marked(context, Exports::only(Vec::new(), region)), Exports::with);
        let exports = exports.with((LOAD_CONFIG, Some("1".to_owned())));
        let is_instance = matches!(frame, Frame::Ambient(it) if it.provider.as_deref() == Some("Ec2InstanceMetadata"));
        // A frame that is the instance's role has to be asked there, by credstack too.
        if is_instance { exports } else { exports.with((NO_METADATA, Some("true".to_owned()))) }
    }

    /// What credstack can't find again from inside the program.
    fn check_profile(&self, keys: &Keys) -> Result<(), Failure> {
        let Frame::Ambient(reference) = &keys.out.frame else { return Ok(()) };
        let is_variable = match reference.provider.as_deref() {
            Some("Environment") => true,
            Some("EcsContainer" | "WebIdentityToken") => reference.profile.is_none(),
            _ => false,
        };
        match is_variable {
            true => Err(Failure::usage(
                "--via profile: these credentials come from variables of this environment, which the program doesn't get",
            )
            .next_step("use --via env, or push a session on top of them")),
            false => Ok(()),
        }
    }

    /// The profile that follows the stack.
    fn managed_profile(&self, context: &Context) -> Result<String, Failure> {
        profile::handed_out(context)?.ok_or_else(|| {
            let file = context.aws_config_file.display();
            let name = if context.stack.is_default() { "" } else { " --name NAME" };
            Failure::new(Kind::Nothing, format!("{file} has no profile for stack {}", context.stack))
                .next_step(format!("write it with `credstack --stack {} setup profile{name}`", context.stack))
        })
    }
}

impl Via {
    /// As it is named on a command line.
    fn name(self) -> &'static str {
        match self {
            Via::Env => "env",
            Via::Profile => "profile",
            Via::Endpoint => "endpoint",
        }
    }
}

/// What the program is told of its frame.
fn told(keys: &Keys, frame: FrameName, via: Via) -> Told {
    let name = keys.out.name.clone().unwrap_or_else(|| match &keys.out.frame {
        Frame::Ambient(reference) => words::ambient(reference),
        Frame::Credential(id) => id.to_string(),
    });
    Told { frame: Some(frame), name: Some(name), arn: keys.whose.arn.clone(), via: via.name() }
}

/// The profile that a frame came from.
pub fn profile_of(context: &Context, keys: &Keys) -> Result<Option<String>, Failure> {
    match &keys.out.frame {
        Frame::Credential(id) => Ok(context.reader()?.credential(*id)?.profile),
        Frame::Ambient(reference) => Ok(reference.profile.clone()),
    }
}

fn check_served(keys: &Keys, next_step: &str) -> Result<(), Failure> {
    match keys.out.can_be_served() {
        true => Ok(()),
        false => Err(Failure::usage("these keys cannot be served: clients of an endpoint ask for a token and an expiration")
            .next_step(next_step)),
    }
}
