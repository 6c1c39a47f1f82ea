use std::path;

use credstack_core::{
    ambient::{self, ProfileBase, ProfilePlan, Question},
    refresh::{self, Origin},
    stack::{Chain, Landing, Link, Reader, Shell},
    values::{
        Acquired, Ambient, CredentialId, Signer, SignerKey,
        request::{Inherited, OneTime, Request, TokenSource},
    },
};
use secrecy::SecretString;
use serde_json::json;

use super::{
    common::Common,
    inputs,
    landing::{push_chain, show_reuse, use_again},
    policies::SessionPolicies,
};
use crate::{
    acquire::{About, Acquisition, Grant, Mfa, secret, token},
    consent::{change, change_stack},
    context::Context,
    failure::Failure,
    foresight,
    signing::{self, Signing, Who},
    store, words,
};

/// Do what a profile of the AWS configuration says
///
/// As the AWS CLI would: each role on the way from the source_profile is assumed, with its
/// mfa_serial, external_id, role_session_name and duration_seconds, and becomes a frame. Nothing is
/// pushed unless all of them were granted. A profile without a role becomes the current frame as it
/// is: it is found again at every use, and no secret is copied.
///
/// Roles are renewed from what was recorded, whatever the configuration says by then.
///
/// Examples:
///   credstack push profile prod
///   credstack push profile prod --flatten --duration 30m
///   credstack push profile admin --mfa-code 123456
///   credstack push profile prod --dry-run
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Profile {
    /// The profile [default: AWS_PROFILE, else default]
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Make one frame of the last role; what led to it is only written down
    #[arg(long)]
    flatten: bool,
    /// The name of the last role's session [default: the profile's role_session_name, else your user name and host]
    #[arg(long, value_name = "NAME", value_parser = inputs::text, allow_hyphen_values = true)]
    session_name: Option<String>,
    /// How long the last role is assumed for, whatever the profile says: seconds, or 15m, 1h30m
    #[arg(long, value_parser = inputs::duration, allow_negative_numbers = true)]
    duration: Option<i32>,
    /// The present code of the mfa_serial; without it a program, the terminal or a dialog is asked
    #[arg(long, value_name = "CODE", value_parser = secret, conflicts_with = "mfa_command")]
    mfa_code: Option<SecretString>,
    /// A program that prints the code, and its arguments: no shell runs it [default: the profile's mfa_process]
    #[arg(long, value_name = "COMMAND")]
    mfa_command: Option<String>,
    #[command(flatten)]
    policies: SessionPolicies,
    #[command(flatten)]
    common: Common,
}

impl Profile {
    pub fn run(self, context: &Context) -> Result<(), Failure> {
        self.common.check()?;
        let question = Question {
            reference: Ambient { profile: self.name.clone(), ..Ambient::default() },
            region: context.region_for(self.common.region.as_deref(), None),
            ignores_region_variables: true,
            default_region: context.configuration.region.clone(),
            files: context.files.clone(),
            ..Question::default()
        };
        let mut plan = ambient::read_profile(&question, &context.session_name())?;
        signing::refuse_loops(context, &plan.profile)?;
        plan.warnings.iter().for_each(|warning| context.output.warn(warning));
        self.adjust(&mut plan)?;
        let reader = context.reader()?;
        if let (ProfileBase::Ambient(reference), true) = (&plan.base, plan.hops.is_empty()) {
            return self.refer(context, &reader, &plan, reference.clone());
        }
        let mut foresight = foresight::of_profile(context, &reader, &plan)?;
        let mfa = Mfa::of(self.mfa_code.clone());
        if self.common.dry_run {
            let signer = match &plan.base {
                ProfileBase::Nobody => Signer::None,
                ProfileBase::Environment => Signer::ShellKeys,
                ProfileBase::Ambient(reference) => Signer::Ambient(reference.clone()),
            };
            let (signer, key) = foresight::ambient_signer(context, signer);
            if let (Some(ids), Ok(())) = (self.given_before(context, &reader, &plan, &signer, &key)?, foresight.refuse()) {
                return show_reuse(context, &ids, &key);
            }
            foresight.code_from = mfa.giver(context);
            return foresight.show(context);
        }
        foresight.refuse()?;
        let signing = match &plan.base {
            ProfileBase::Nobody => None,
            ProfileBase::Environment => Some(signing::from_environment(context, &reader)?),
            ProfileBase::Ambient(reference) => Some(signing::from_ambient(context, &reader, reference.clone())?),
        };
        let signer = signing.as_ref().map(|signing| signing.who.signer.clone()).unwrap_or_default();
        let key = signing.as_ref().map(Signing::key).unwrap_or_default();
        if let Some(ids) = self.given_before(context, &reader, &plan, &signer, &key)? {
            return use_again(context, &self.common, &reader, &ids);
        }
        for hop in &plan.hops {
            mfa.check(context, &hop.request)?;
        }
        let (chain, shell) = self.ask(context, plan, signing, &mfa)?;
        push_chain(context, &self.common, "push profile", chain, shell)
    }

    /// What the same profile gave before, where all of it lives and no new one is asked for.
    fn given_before(
        &self,
        context: &Context,
        reader: &Reader,
        plan: &ProfilePlan,
        signer: &Signer,
        key: &SignerKey,
    ) -> Result<Option<Vec<CredentialId>>, Failure> {
        if self.common.fresh {
            return Ok(None);
        }
        let sts = signing::sts_of_profile(context, &plan.profile, plan.region.as_deref(), None)?;
        let origin = Origin { signer, key, way: sts.way() };
        let requests: Vec<_> = plan.hops.iter().map(|hop| hop.request.clone()).collect();
        let Some(mut chain) = refresh::living_chain(reader, &requests, origin, context.now)? else { return Ok(None) };
        if self.flatten || self.common.landing() == Landing::Nowhere {
            chain.drain(..chain.len() - 1);
        } else if !chain.iter().all(|link| link.has_secret() && !refresh::is_due(link, context.now)) {
            return Ok(None);
        }
        Ok(Some(chain.iter().map(|link| link.id).collect()))
    }

    /// What the command line says of the last role, and of codes.
    fn adjust(&self, plan: &mut ProfilePlan) -> Result<(), Failure> {
        let profile = plan.profile.clone();
        let asks_for_a_code = plan.hops.iter().any(|hop| hop.request.serial_number().is_some());
        if !asks_for_a_code && (self.mfa_code.is_some() || self.mfa_command.is_some()) {
            return Err(Failure::usage(format!("nothing in profile {profile} asks for an MFA code"))
                .next_step("leave the code out, or give the profile an mfa_serial"));
        }
        let mfa_command = self.mfa_command.as_deref().map(shell_words::split).transpose();
        let mfa_command = mfa_command
            .map_err(|_| Failure::usage("--mfa-command has a quote without an end").next_step("correct it"))?
            .unwrap_or_default();
        for hop in &mut plan.hops {
            match &mut hop.request {
                Request::AssumeRole(role) if role.serial_number.is_some() && !mfa_command.is_empty() => {
                    role.mfa_command.clone_from(&mfa_command);
                }
                // As the AWS CLI takes it: from the working directory.
                Request::AssumeRoleWithWebIdentity(role) => {
                    if let Some(TokenSource::File(file)) = &mut role.token_source {
                        *file = path::absolute(&*file)
                            .map_err(|error| Failure::usage(format!("web_identity_token_file: {error}")))?;
                    }
                }
                _ => {}
            }
        }
        let policy = self.policies.narrowed.inline()?;
        let policy_arns = self.policies.narrowed.policy_arns.clone();
        let is_any_given = self.session_name.is_some()
            || self.duration.is_some()
            || policy.is_some()
            || !policy_arns.is_empty()
            || !self.policies.tags.is_empty();
        match plan.hops.last_mut().map(|hop| &mut hop.request) {
            Some(Request::AssumeRole(role)) => {
                role.role_session_name = self.session_name.clone().unwrap_or_else(|| role.role_session_name.clone());
                role.duration_seconds = self.duration.or(role.duration_seconds);
                (role.policy, role.policy_arns, role.tags) = (policy, policy_arns, self.policies.tags.clone());
                Ok(())
            }
            Some(Request::AssumeRoleWithWebIdentity(_)) if !self.policies.tags.is_empty() => {
                Err(Failure::usage("a web identity brings its session tags in its token").next_step("leave --tag out"))
            }
            Some(Request::AssumeRoleWithWebIdentity(role)) => {
                role.role_session_name = self.session_name.clone().unwrap_or_else(|| role.role_session_name.clone());
                role.duration_seconds = self.duration;
                (role.policy, role.policy_arns) = (policy, policy_arns);
                Ok(())
            }
            _ if is_any_given => Err(Failure::usage(format!("profile {profile} assumes no role that options could change"))
                .next_step("leave them out, or assume a role on top of it with `credstack push assume`")),
            _ => Ok(()),
        }
    }

    /// A profile without a role: it is found once, to see that it can be, and becomes the current frame as a reference.
    fn refer(&self, context: &Context, reader: &Reader, plan: &ProfilePlan, reference: Ambient) -> Result<(), Failure> {
        let (common, profile) = (&self.common, &plan.profile);
        if common.landing() == Landing::Nowhere {
            return Err(Failure::usage(format!("profile {profile} assumes no role, so there is nothing to store"))
                .next_step("leave --no-use out, or copy its keys with `credstack push import --profile`"));
        }
        if common.dry_run {
            let name = words::ambient(&reference);
            return match context.output.json() {
                true => context.output.print_json(&json!({ "calls": [], "suggestion": null, "frame": name })),
                false => context.output.print(&format!("{name} becomes the current frame as it is: nothing is asked of STS")),
            };
        }
        if common.label.is_some() {
            context.output.warn("--label is for stored credentials: the frame is a reference to the profile, and has none");
        }
        let signing = signing::from_ambient(context, reader, reference.clone())?;
        let found = match signing.who.signer {
            Signer::Ambient(found) => found,
            // The profile leads to a frame of ours: it is followed at every use.
            _ => Ambient { region: plan.region.clone(), ..reference },
        };
        let found = Ambient { region: common.region.clone().or(found.region), ..found };
        let shell = signing::shell(context, reader)?;
        if shell.keys.is_some() {
            store::ensure(context)?;
        }
        let (landing, note) = (common.landing(), common.note.as_deref());
        change_stack(context, "push profile", common.yes, |change| {
            change.use_ambient(&context.stack, found.clone(), landing, &shell, note)
        })
    }

    /// Asks for each role in turn. Nothing is stored until the last one was granted.
    fn ask(
        &self,
        context: &Context,
        plan: ProfilePlan,
        mut signing: Option<Signing>,
        mfa: &Mfa,
    ) -> Result<(Chain, Shell), Failure> {
        let ProfilePlan { profile, region, hops, .. } = plan;
        let mut links: Vec<Link> = Vec::new();
        let mut inherited = signing.as_ref().map(|signing| signing.who.inherited.clone()).unwrap_or_default();
        let mut shell = None;
        let count = hops.len();
        for (i, hop) in hops.into_iter().enumerate() {
            let is_last = i + 1 == count;
            let about = if is_last { self.common.about() } else { About { label: None, note: self.common.note.clone() } };
            let granted = one(context, &profile, region.as_deref(), &hop.request, about, signing.take(), mfa);
            let mut grant = granted.map_err(|failure| given_up(context, &hop.profile, &links, failure))?;
            // A frame between has the region of its own profile, unless the command or the user says one; the last one that in force.
            grant.acquired.profile = Some(if is_last { profile.clone() } else { hop.profile.clone() });
            let is_said = self.common.region.is_some() || context.users_region().is_some();
            grant.acquired.region = hop.region.filter(|_| !is_last && !is_said).or(grant.acquired.region);
            inherited.add(&hop.request);
            signing = Some(as_signer(&grant.acquired, &hop.request, inherited.clone()));
            shell.get_or_insert(grant.shell);
            links.push(Link { acquired: grant.acquired, detail: grant.detail });
        }
        match (links.pop(), shell) {
            (Some(last), Some(shell)) => Ok((Chain { behind: links, last, frames: !self.flatten }, shell)),
            _ => Err(Failure::internal("a profile with a role asks for one")),
        }
    }
}

/// Asks for one role.
fn one(
    context: &Context,
    profile: &str,
    region: Option<&str>,
    request: &Request,
    about: About,
    signing: Option<Signing>,
    mfa: &Mfa,
) -> Result<Grant, Failure> {
    let token = request.token_source().map(|source| token::read(context, source)).transpose()?;
    let acquisition = Acquisition {
        context,
        sts: signing::sts_of_profile(context, profile, region, signing.as_ref())?,
        command: "push profile",
        reader: context.reader()?,
        about,
        signing,
        request: request.clone(),
        one_time: OneTime { token, ..OneTime::default() },
        configured: None,
        renews: None,
    };
    acquisition.acquire(Some(mfa))
}

/// What was just granted, as the signer of what comes next. It has no id yet.
fn as_signer(acquired: &Acquired, request: &Request, inherited: Inherited) -> Signing {
    let who = Who {
        identity: acquired.identity.clone(),
        kind: request.yields(),
        signer: Signer::None,
        region: acquired.region.clone(),
        profile: None,
        is_untouched: false,
        inherited,
        way: acquired.way.clone(),
    };
    Signing { set: acquired.set.clone(), expires_at: acquired.expires_at, who, beside: Default::default() }
}

/// A later role was refused: what the earlier ones gave is written down, for AWS takes it until it expires, and not kept.
fn given_up(context: &Context, profile: &str, links: &[Link], failure: Failure) -> Failure {
    if links.is_empty() {
        return failure;
    }
    if let Err(unrecorded) = change(context, "push profile", false, |change| change.record_unkept(links)) {
        context
            .output
            .warn(&format!("what was granted before that could not be written into the history: {}", unrecorded.message));
    }
    let message =
        format!("profile {profile}: {}; nothing was pushed, and the roles assumed before it are not kept", failure.message);
    Failure { message, ..failure }
}
