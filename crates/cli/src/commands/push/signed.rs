use credstack_core::values::{
    Arn,
    request::{OneTime, Request},
};

use super::{common::Common, landing::push, signed_by::SignedBy};
use crate::{
    acquire::{Acquisition, Grant, Mfa},
    context::Context,
    failure::Failure,
    signer,
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
            if let Request::AssumeRole(request) = &mut acquisition.request {
                request.role_arn = Arn::role(&account.partition, &account.account, name).to_string();
            }
        }
        let Grant { acquired, shell, detail } = acquisition.acquire(mfa)?;
        push(context, common, "push", acquired, shell, detail)
    }
}
