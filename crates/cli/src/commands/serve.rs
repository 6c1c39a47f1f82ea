use std::time::Duration;

use credstack_core::{
    stack::Reader,
    values::{Entry, FrameName},
};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use super::{exec, push::inputs};
use crate::{
    context::Context,
    endpoint::{Endpoint, Protocol, Tally},
    export::{Exports, Format, LOAD_CONFIG},
    failure::Failure,
    fixed, keys,
    our_files::{self, Handing, Wanted},
    signals, terminal, used_by,
};

/// Serve the keys to programs that ask a container's endpoint
///
/// Listens on a random port of 127.0.0.1 and prints the variables with which every AWS SDK finds
/// it and is let in. Where the default profile of the AWS configuration would give credentials, it
/// prints two files in its place as well, which give none; a container doesn't see them, and needs
/// none (--for container). It follows the stack, or serves the frame that is named: a program that
/// asks again gets what is current then. Long-term keys are refused, since clients ask for a token
/// and an expiration. It ends with the process that started it, or after --ttl. `credstack exec --via
/// endpoint` runs a program with an endpoint of its own.
///
/// --imds serves them as an EC2 instance's metadata (IMDSv2) instead, for programs that know
/// nothing else. That is weaker: there is no token to know beforehand, so every program and every
/// user of this machine that finds the port gets the keys, and clients go on using such keys after
/// a pop, even expired ones.
///
/// Examples:
///   credstack serve > variables &
///   credstack serve --imds --frame c7 --ttl 15m > variables &
///   credstack serve --frame c7 --ttl 8h --json
///   credstack serve --for container > variables &
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Serve {
    /// Which frame: current, root, a position, or an id such as c7 [default: current; under exec, its frame]
    #[arg(long, value_name = "FRAME")]
    frame: Option<FrameName>,
    /// End after this time, and not with the process that started it: seconds, or 15m, 8h
    #[arg(long, value_name = "DURATION", value_parser = inputs::duration)]
    ttl: Option<i32>,
    /// Serve as instance metadata (IMDSv2), to every user of this machine
    #[arg(long)]
    imds: bool,
    /// Where the program runs that asks [default: this machine, with this home]
    #[arg(long = "for", value_name = "WHERE")]
    place: Option<Place>,
    /// The region to print [default: AWS_REGION, AWS_DEFAULT_REGION, the frame's]
    #[arg(long, value_parser = inputs::region)]
    region: Option<String>,
    /// Show the token on a terminal
    #[arg(long)]
    reveal: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Place {
    /// In a container, which sees no files of this home: the endpoint's variables alone
    Container,
}

/// What can be said before anybody asks.
struct Beginning {
    whose: Entry,
    region: Option<String>,
    /// The profile that the frame came from.
    profile: Option<String>,
}

impl Serve {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let frame = context.frame(self.frame)?;
        let protocol = if self.imds { Protocol::Metadata } else { Protocol::Container };
        if protocol == Protocol::Container {
            let instead = "write it to a file that is yours alone, use `credstack exec --via endpoint`";
            terminal::hide("the token is a secret", instead, self.reveal)?;
        }
        // Before anything that takes time: it may end meanwhile.
        let parent = parent();
        let Beginning { whose, region, profile } = self.check(context, &context.reader()?, frame)?;
        // One that is named stays what it is; its position may be another's later.
        let served_frame = if frame == FrameName::Current { frame } else { fixed::pin(context, &whose)? };
        let files = self.files(context, region.as_deref(), profile.as_deref())?;
        if frame == FrameName::Current {
            context.output.say(&format!("the endpoint follows stack {}; --frame serves one frame", context.stack));
        }
        runtime()?.block_on(async {
            let endpoint = Endpoint::listen(context.clone(), served_frame, protocol).await?.in_region(self.region.clone());
            if protocol == Protocol::Metadata {
                context.output.warn(
                    "every program and user of this machine can get these keys while this runs, and clients use them even \
                     after a pop; without --imds there is a token to know",
                );
            }
            let exports = files.into_iter().fold(Exports::only(Vec::new(), region.as_deref()), Exports::with);
            let exports = endpoint.variables(context).into_iter().fold(exports, Exports::with);
            let format = if context.output.json() { Format::Json } else { Format::Env };
            let variables = format.text(&exports)?;
            let (served, signal) = (Served::begin(context, &endpoint, whose, frame, None), signals::End::catch()?);
            context.output.print(variables.trim_end())?;
            let end = async {
                match self.ttl.and_then(|seconds| u64::try_from(seconds).ok()) {
                    Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
                    None => gone(parent).await,
                }
            };
            let (ended, signal) = tokio::select! {
                ended = endpoint.serve() => (ended, None),
                () = end => (Ok(()), None),
                signal = signal.wait() => (Ok(()), Some(signal)),
            };
            served.end(context);
            signal.into_iter().for_each(signals::Signal::end);
            ended
        })
    }
}

/// An endpoint, from its beginning to its end in the log.
pub struct Served {
    whose: Entry,
    frame: FrameName,
    protocol: Protocol,
    tally: Tally,
}

impl Served {
    /// Writes down that it begins, after what it begins for.
    pub fn begin(context: &Context, endpoint: &Endpoint, whose: Entry, frame: FrameName, what_for: Option<Entry>) -> Served {
        let served = Served { whose, frame, protocol: endpoint.protocol(), tally: endpoint.tally() };
        let mode = [("mode", json!(served.protocol.name()))];
        let start = used_by::entry(context, &served.whose, frame, "endpoint-start", mode);
        used_by::record(context, what_for.into_iter().chain([start]));
        served
    }

    /// Writes down that it ended, and what it gave.
    pub fn end(self, context: &Context) {
        let ended = self.tally.given(&self.whose).into_iter().map(|(whose, answers)| {
            let more = [("mode", json!(self.protocol.name())), ("answers", json!(answers))];
            used_by::entry(context, &whose, self.frame, "endpoint-stop", more)
        });
        // It may have lasted for hours: what is open since then is not relied upon.
        used_by::record(&context.at(context.time()), ended);
    }
}

impl Serve {
    /// The files without which this home's default profile would be asked before the endpoint.
    fn files(&self, context: &Context, region: Option<&str>, profile: Option<&str>) -> Result<our_files::Variables, Failure> {
        if self.place == Some(Place::Container) {
            return Ok(Vec::new());
        }
        if !our_files::default_would_win(context) {
            return Ok(our_files::users_own(context));
        }
        let wanted = Wanted { handed: Some(Handing::Inert), profile_of_frame: profile, region };
        let mut files = our_files::prepare(context, &wanted)?;
        files.push((LOAD_CONFIG, Some("1".to_owned())));
        if !self.imds {
            files.push(("AWS_EC2_METADATA_DISABLED", Some("true".to_owned())));
        }
        Ok(files)
    }

    /// What can be said before anybody asks: whose keys are served, and the region that goes with them. A frame that is named
    /// stays as it is, so one that can never be served is refused.
    fn check(&self, context: &Context, reader: &Reader, frame: FrameName) -> Result<Beginning, Failure> {
        if self.ttl.is_some_and(|seconds| seconds < 1) {
            return Err(Failure::usage("--ttl: an endpoint lasts at least a second").next_step("give a longer time"));
        }
        let found = keys::find(context, reader, frame).and_then(|keys| match keys.out.set.is_long_term() {
            true => {
                Err(Failure::usage("long-term keys cannot be served: clients of an endpoint ask for a token and an expiration")
                    .next_step("use a profile or `exec --via env`, or push a session on top of them"))
            }
            false => {
                let profile = exec::profile_of(context, &keys)?;
                let keys = keys.in_region(context, self.region.as_deref());
                Ok(Beginning { whose: keys.whose, region: keys.out.region, profile })
            }
        });
        match found {
            Ok(found) => Ok(found),
            Err(failure) if frame == FrameName::Current => {
                context.output.warn(&format!("nothing can be served now: {}", failure.message));
                let whose = used_by::whose_frame(context, reader, frame);
                Ok(Beginning { whose, region: context.region_for(self.region.as_deref(), None), profile: None })
            }
            Err(failure) => Err(failure),
        }
    }
}

/// A runtime for an endpoint.
pub fn runtime() -> Result<Runtime, Failure> {
    let built = Builder::new_current_thread().enable_all().build();
    built.map_err(|error| Failure::internal(format!("the network runtime cannot be started: {error}")))
}

#[cfg(unix)]
fn parent() -> Option<rustix::process::Pid> {
    rustix::process::getppid()
}

/// Waits until the process that started this one has ended: this one is given another parent then.
#[cfg(unix)]
async fn gone(parent: Option<rustix::process::Pid>) {
    while rustix::process::getppid() == parent {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[cfg(not(unix))]
fn parent() -> Option<()> {
    None
}

/// Elsewhere nobody tells.
#[cfg(not(unix))]
async fn gone(_parent: Option<()>) {
    std::future::pending().await
}
