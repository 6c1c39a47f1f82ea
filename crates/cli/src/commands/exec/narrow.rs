//! A session of a program's own, narrower than the frame that it stands for.

use credstack_core::{
    refresh::{self, Origin},
    stack::{Landing, Link, Reader},
    values::{
        Arn, Credential, CredentialId, FrameName,
        request::{LimitError, NarrowError, Narrowing, OneTime, Parameter, Request, SignerKind},
    },
};
use secrecy::SecretString;

use super::child::Signals;
use crate::{
    acquire::{self, About, Acquisition, Grant, Mfa, token},
    commands::push::inputs,
    consent::change,
    context::Context,
    failure::Failure,
    signer::{self, Choice},
    signing::{self, Signing},
    unkept::unkept,
    words,
};

/// How the note of a program's own session begins, which goes when the program ends.
const NOTE: &str = "exec ";
/// How long the long-term keys of a user are narrowed for where nothing is said, in seconds.
const USUAL: i32 = 3600;

/// What the program's own session may do, and for how long.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Least privilege")]
pub struct Narrow {
    /// Let it read, and change nothing: the managed policy ReadOnlyAccess as session policy
    #[arg(long, conflicts_with_all = ["policy", "policy_arns"])]
    read_only: bool,
    /// A session policy: JSON, or a file
    #[arg(long, value_name = "FILE|JSON")]
    policy: Option<String>,
    /// A managed policy as session policy; repeatable
    #[arg(long = "policy-arn", value_name = "ARN")]
    policy_arns: Vec<String>,
    /// How long: seconds, or 15m, 1h [default: as the frame; 1h for long-term keys]
    #[arg(long, value_name = "DURATION", value_parser = inputs::duration, allow_negative_numbers = true)]
    ttl: Option<i32>,
    /// The code of the MFA device that the frame was asked for with; else the terminal is asked
    #[arg(long, value_name = "CODE", value_parser = acquire::secret)]
    mfa_code: Option<SecretString>,
    /// Run it under a stored session that was asked for in just this way, if one lives: the default
    #[arg(long, overrides_with = "fresh")]
    reuse: bool,
    /// Ask STS in any case
    #[arg(long, overrides_with = "reuse")]
    fresh: bool,
}

/// What a program runs under.
pub struct Session {
    /// Its credential set.
    pub id: CredentialId,
    /// Whether it is the program's own, and goes with it.
    is_own: bool,
}

/// Who asks for the session, and what is known of the frame that it stands for.
struct Source {
    /// Nobody, where a token says who asks.
    signing: Option<Signing>,
    /// The frame's credential set, where it is stored.
    credential: Option<Credential>,
}

impl Narrow {
    /// Whether it lasts as long as was said, and no longer.
    pub fn is_limited(&self) -> bool {
        self.ttl.is_some()
    }

    /// Whether anything of this was asked for.
    pub fn is_asked(&self) -> bool {
        self.read_only || self.policy.is_some() || !self.policy_arns.is_empty() || self.ttl.is_some() || self.mfa_code.is_some()
    }

    /// Acquires the session and stores it on no stack. `program` is for the history.
    pub fn acquire(&self, context: &Context, frame: FrameName, program: &str, signals: &Signals) -> Result<Session, Failure> {
        let policy = match self.policy.as_deref() {
            Some("-") => {
                return Err(
                    Failure::usage("--policy -: stdin is the program's").next_step("give the policy as a file, or as JSON")
                );
            }
            policy => inputs::policy(policy)?,
        };
        let reader = context.reader()?;
        let Source { signing, credential } = source(context, &reader, frame)?;
        let of_frame = credential.as_ref().and_then(|credential| credential.region.as_deref());
        let region = context.region_for(None, of_frame);
        let sts = match &signing {
            Some(signing) => signing.sts(context, region.as_deref())?,
            None => signing::unsigned_sts(context, region.as_deref())?,
        };
        // Long-term keys have no token to be sent there, but what another service gives is not this frame's identity.
        if let Some((id, from)) = credential.as_ref().filter(|it| it.temporary).and_then(|it| Some((it.id, it.way.as_ref()?))) {
            signing::refuse_another_service(context, Some(id), from, sts.way())?;
        }
        let mut narrowing = Narrowing { policy, policy_arns: self.policy_arns.clone(), duration_seconds: self.ttl };
        if self.read_only {
            let recorded = credential.as_ref().and_then(|credential| credential.identity.as_ref());
            let of_signer = signing.as_ref().and_then(|signing| signing.who.identity.as_ref());
            let arn = match (recorded.or(of_signer), &signing) {
                (Some(identity), _) => identity.arn.clone(),
                (None, Some(signing)) => sts.caller_identity(&signing.set)?.arn,
                (None, None) => String::new(),
            };
            narrowing.policy_arns.push(read_only(&arn));
        }
        let request = request(context, credential.as_ref(), signing.as_ref(), narrowing)?;
        request.check(signing.as_ref().map_or(SignerKind::Unknown, |signing| signing.who.kind)).map_err(of_ttl)?;
        if self.mfa_code.is_some() && request.serial_number().is_none() {
            return Err(Failure::usage("--mfa-code: no MFA device was named when this was asked for").next_step("leave it out"));
        }
        let signer = signing.as_ref().map(|signing| signing.who.signer.clone()).unwrap_or_default();
        let of_a_program = |it: &Credential| it.held && it.note.as_deref().is_some_and(|note| note.starts_with(NOTE));
        let key = signing.as_ref().map(Signing::key).unwrap_or_default();
        let origin = Origin { signer: &signer, key: &key, way: sts.way() };
        if !self.fresh
            && let Some(living) = refresh::living(&reader, &request, origin, context.now)?
            && !of_a_program(&living)
        {
            context.output.explain(&format!("{program} runs under {}, which lives", living.id));
            return Ok(Session { id: living.id, is_own: false });
        }
        let mfa = Mfa::of(self.mfa_code.clone());
        let about = About { label: None, note: Some(format!("{NOTE}{program}")) };
        let token = request.token_source().map(|source| token::read(context, source)).transpose()?;
        let (one_time, configured, command) = (OneTime { token, ..OneTime::default() }, None, "exec");
        let acquisition =
            Acquisition { context, command, reader, about, signing, sts, request, one_time, configured, renews: None };
        let Grant { acquired, shell, detail } = acquisition.acquire(Some(&mfa))?;
        // From here on there is something to erase.
        signals.hold();
        let pushed = change(context, "exec", true, |change| {
            change.push(&context.stack, acquired.clone(), Landing::Nowhere, &shell, detail.clone())
        })
        .map_err(|failure| unkept(context, "exec", &[Link { acquired: acquired.clone(), detail: detail.clone() }], failure))?;
        let Credential { id, expires_at, .. } = pushed.credential;
        let until = words::expiry(expires_at, true, context.time());
        context.output.explain(&format!("{program} runs under {id} ({}), {until}", words::identity(&pushed.credential)));
        Ok(Session { id, is_own: true })
    }
}

/// Erases a program's own session, or what it was renewed to. If that fails, the program's own end matters more.
pub fn erase(context: &Context, session: &Session) {
    let Session { id, is_own: true } = *session else { return };
    let context = &context.at(context.time());
    let id = context.reader().and_then(|reader| reader.newest(id)).map_or(id, |newest| newest.id);
    let erased = change(context, "exec", true, |change| change.forget(id));
    if let Err(failure) = erased {
        context.output.warn(&format!("{id} could not be erased: {}; `credstack forget {id}` does it", failure.message));
    }
}

fn source(context: &Context, reader: &Reader, name: FrameName) -> Result<Source, Failure> {
    let stored = match name {
        FrameName::Environment => None,
        name => reader.frame(&context.stack, name)?.credential(),
    };
    let credential = stored.map(|id| reader.credential(id)).transpose()?;
    if let Some(credential) = &credential {
        reader.require_unaltered(credential.id)?;
    }
    let signing = match credential.as_ref().map(|credential| (credential, credential.request.as_ref())) {
        Some((_, Some(request))) if !request.is_signed() => None,
        Some((credential, Some(_))) => Some(signer::again(context, reader, credential)?),
        _ => Some(signer::choose(context, reader, &Choice { from: Some(name), ..Choice::default() })?),
    };
    Ok(Source { signing, credential })
}

/// What is asked: the frame's own request again, or what the long-term keys of a user can be narrowed down to.
fn request(
    context: &Context,
    credential: Option<&Credential>,
    signing: Option<&Signing>,
    narrowing: Narrowing,
) -> Result<Request, Failure> {
    let name: String = context.session_name().chars().take(32).collect();
    let who = match credential {
        Some(credential) => format!("{} ({})", credential.id, words::identity(credential)),
        None => "the ambient identity".to_owned(),
    };
    match credential.and_then(|credential| credential.request.as_ref()) {
        Some(request) => match request.narrowed(narrowing.clone()) {
            Ok(request) => Ok(request),
            Err(NarrowError::TakesNone) => {
                context.output.explain(&format!("{who} takes no session policy: its user's own keys ask, without MFA"));
                Ok(narrowing.of_long_term_keys(name, USUAL))
            }
            Err(error) => Err(Failure::usage(format!("{who} cannot be narrowed: {error}"))
                .next_step("run it without that option, or under a frame without session policy; `credstack list` shows them")),
        },
        None if signing.is_some_and(|signing| signing.set.is_long_term()) => Ok(narrowing.of_long_term_keys(name, USUAL)),
        None => Err(Failure::usage(format!("{who} cannot be narrowed: credstack did not ask STS for it, and cannot ask again"))
            .next_step("push a role on top of it with `credstack push assume ROLE`, and run the program under that")),
    }
}

/// AWS's own policy, in the partition of whoever asks.
fn read_only(arn: &str) -> String {
    let partition = arn.parse::<Arn>().map_or_else(|_| "aws".to_owned(), |arn| arn.partition);
    format!("arn:{partition}:iam::aws:policy/ReadOnlyAccess")
}

/// A limit of the duration, which is `--ttl` here.
fn of_ttl(error: LimitError) -> Failure {
    if error.parameter != Parameter::DurationSeconds {
        return error.into();
    }
    let way_out = error.way_out.as_deref().unwrap_or("give --ttl").replace("--duration", "--ttl");
    Failure::usage(words::limit_of("--ttl", &error)).next_step(way_out)
}
