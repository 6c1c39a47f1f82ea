use credstack_core::{
    refresh::{self, Origin},
    values::{
        Arn, Way, partition_of,
        request::{OneTime, Request},
    },
};

use super::{
    common::Common,
    landing::{push, reuse, show_reuse},
    signed_by::SignedBy,
};
use crate::{
    acquire::{Acquisition, Grant, Mfa, own_device},
    context::Context,
    failure::Failure,
    foresight, signer,
    signing::Who,
};

/// A user's own device in a plan that asks nobody who the user is.
const UNKNOWN_DEVICE: &str = "arn:aws:iam::ACCOUNT:mfa/USER";

/// A push that somebody signs.
pub struct Signed<'a> {
    pub context: &'a Context,
    pub common: &'a Common,
    pub signed_by: &'a SignedBy,
    pub mfa: Option<&'a Mfa>,
    pub one_time: OneTime,
    /// The configuration's key that the duration is from, if it is from there.
    pub configured: Option<&'static str>,
    /// A role's name that takes partition and account from whoever signs.
    pub bare_role: Option<&'a str>,
}

impl Signed<'_> {
    /// Acquires, and pushes. What is asked may depend on who signs.
    pub fn run(self, request: impl FnOnce(&Who) -> Result<Request, Failure>) -> Result<(), Failure> {
        let Signed { context, common, signed_by, mfa, one_time, configured, bare_role } = self;
        let reader = context.reader()?;
        if common.dry_run {
            let foreseen = foresight::signer(context, &reader, &signed_by.choice())?;
            let (mut request, account) = (request(&foreseen.who)?, foreseen.who.arn());
            let way = foreseen.sts(context, common.region.as_deref())?.way().clone();
            if let Some(name) = bare_role {
                name_role(&mut request, &account.clone().unwrap_or_else(|| any_account(&way)), name);
            }
            if mfa.is_some_and(Mfa::is_auto) {
                let device = account.as_ref().map(own_device).transpose()?;
                request.set_serial_number(device.unwrap_or_else(|| UNKNOWN_DEVICE.to_owned()));
            }
            if common.reuse {
                let (signer, key) = foreseen.signer(context);
                let origin = Origin { signer: &signer, key: &key, way: &way };
                if let Some(before) = refresh::living(&reader, &request, origin, context.now)? {
                    return show_reuse(context, &[before.id], &key);
                }
            }
            let mut foresight = foresight::of_request(foreseen, request.clone());
            foresight.code_from = mfa.map(|mfa| mfa.giver(context)).unwrap_or_default();
            foresight.target = bare_role.filter(|_| account.is_none()).map(str::to_owned);
            foresight.show(context)?;
            return Ok(request.check_partition(account.as_ref(), &way)?);
        }
        let signing = signer::choose(context, &reader, &signed_by.choice())?;
        let sts = signing.sts(context, common.region.as_deref())?;
        let mut request = request(&signing.who)?;
        if let Some(name) = bare_role {
            name_role(&mut request, &signing.who.arn().unwrap_or_else(|| any_account(sts.way())), name);
        }
        let about = common.about();
        let signing = Some(signing);
        let mut acquisition =
            Acquisition { context, command: "push", reader, about, signing, sts, request, one_time, configured, renews: None };
        let is_auto = mfa.is_some_and(Mfa::is_auto);
        if bare_role.is_some() || is_auto {
            acquisition.check()?;
            let caller = acquisition.caller()?;
            if let Some(name) = bare_role {
                name_role(&mut acquisition.request, &caller, name);
            }
            if is_auto {
                acquisition.request.set_serial_number(own_device(&caller)?);
            }
        }
        if reuse(common, &acquisition)? {
            return Ok(());
        }
        let Grant { acquired, shell, detail } = acquisition.acquire(mfa)?;
        push(context, common, "push", acquired, shell, detail)
    }
}

/// An account that is not known yet, in the partition where STS is asked.
fn any_account(way: &Way) -> Arn {
    Arn::role(partition_of(&way.region), "000000000000", "unknown")
}

/// Puts a bare role name into the account of whoever signs.
fn name_role(request: &mut Request, account: &Arn, name: &str) {
    if let Request::AssumeRole(request) = request {
        request.role_arn = Arn::role(&account.partition, &account.account, name).to_string();
    }
}
