use credstack_core::values::{
    Kind,
    request::{GetSessionToken, OneTime, Request},
};

use super::{acquire::Acquisition, common::Common, inputs, mfa::Mfa, signed_by::SignedBy};
use crate::{context::Context, failure::Failure, signer};

/// Get a session for your own long-term keys (GetSessionToken)
///
/// With an MFA device the session carries it into every role assumed on top: one code for a day's
/// work.
///
/// Examples:
///   credstack push session --mfa-serial arn:aws:iam::111122223333:mfa/alice
///   credstack push session --duration 36h
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Session {
    /// How long: seconds, or 15m, 12h [default: 12h, by AWS]
    #[arg(long, value_parser = inputs::duration, allow_negative_numbers = true)]
    duration: Option<i32>,
    #[command(flatten)]
    mfa: Mfa,
    #[command(flatten)]
    signed_by: SignedBy,
    #[command(flatten)]
    common: Common,
}

impl Session {
    pub fn run(self, context: &Context) -> Result<(), Failure> {
        self.common.check()?;
        let reader = context.reader()?;
        let signing = signer::choose(context, &reader, &self.signed_by.choice())?;
        let sts = signing.sts(context, self.common.region.as_deref())?;
        let configured = self.duration.is_none().then_some("duration.session");
        let request = Request::GetSessionToken(GetSessionToken {
            duration_seconds: self.duration.or(signing.default_duration(context.configuration.duration.session)),
            serial_number: self.mfa.mfa_serial.clone(),
        });
        let (kind, one_time) = (Kind::SessionToken, OneTime::default());
        Acquisition { context, command: "push", reader, common: &self.common, signing, sts, kind, request, one_time, configured }
            .run(Some(&self.mfa))
    }
}
