use credstack_core::values::{
    Arn,
    request::{OneTime, Request},
};

use super::{
    common::Common,
    landing::{push, reuse},
    signed_by::SignedBy,
};
use crate::{
    acquire::{Acquisition, Grant, Mfa},
    context::Context,
    failure::Failure,
    foresight, signer,
    signing::Who,
};

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
            if let (Some(name), Some(account)) = (bare_role, &account) {
                name_role(&mut request, account, name);
            }
            let mut foresight = foresight::of_request(foreseen, request);
            foresight.code_from = mfa.map(|mfa| mfa.giver(context)).unwrap_or_default();
            foresight.target = bare_role.filter(|_| account.is_none()).map(str::to_owned);
            return foresight.show(context);
        }
        let signing = signer::choose(context, &reader, &signed_by.choice())?;
        let sts = signing.sts(context, common.region.as_deref())?;
        let request = request(&signing.who)?;
        let about = common.about();
        let signing = Some(signing);
        let mut acquisition =
            Acquisition { context, command: "push", reader, about, signing, sts, request, one_time, configured };
        if let Some(name) = bare_role {
            acquisition.check()?;
            let account = acquisition.caller()?;
            name_role(&mut acquisition.request, &account, name);
        }
        if let Some(signing) = &acquisition.signing
            && reuse(context, common, &acquisition.reader, &acquisition.request, &signing.who.signer)?
        {
            return Ok(());
        }
        let Grant { acquired, shell, detail } = acquisition.acquire(mfa)?;
        push(context, common, "push", acquired, shell, detail)
    }
}

/// Puts a bare role name into the account of whoever signs.
fn name_role(request: &mut Request, account: &Arn, name: &str) {
    if let Request::AssumeRole(request) = request {
        request.role_arn = Arn::role(&account.partition, &account.account, name).to_string();
    }
}
