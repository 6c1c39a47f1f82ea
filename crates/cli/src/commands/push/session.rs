use credstack_core::values::request::{GetSessionToken, OneTime, Request};

use super::{common::Common, inputs, signed::Signed, signed_by::SignedBy};
use crate::{acquire::Mfa, context::Context, failure::Failure};

/// Get a session for your own long-term keys (GetSessionToken)
///
/// With an MFA device the session carries it into every role assumed on top: one code for a day's
/// work.
///
/// Examples:
///   credstack push session --mfa-serial arn:aws:iam::111122223333:mfa/alice
///   credstack push session --mfa-serial auto --mfa-command 'ykman oath accounts code -s aws'
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
        let signed = Signed {
            context,
            common: &self.common,
            signed_by: &self.signed_by,
            mfa: Some(&self.mfa),
            one_time: OneTime::default(),
            configured: self.duration.is_none().then_some("duration.session"),
            bare_role: None,
        };
        signed.run(|who| {
            Ok(Request::GetSessionToken(GetSessionToken {
                duration_seconds: self.duration.or(who.default_duration(context.configuration.duration.session)),
                serial_number: self.mfa.serial(),
                mfa_command: self.mfa.command(),
            }))
        })
    }
}
