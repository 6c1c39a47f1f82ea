use credstack_core::{stack::Reader, sts::Sts};

use super::push::{inputs, signed_by::SignedBy};
use crate::{
    context::Context,
    failure::Failure,
    signer::{self, Choice},
    signing::Signing,
};

/// Who asks STS, and where: for questions that change nothing.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Who signs")]
pub struct Asking {
    #[command(flatten)]
    signed_by: SignedBy,
    /// The region to ask STS in
    #[arg(long, value_parser = inputs::region)]
    region: Option<String>,
}

impl Asking {
    /// The identity that signs, asked for again where that is due, and its way to STS.
    pub fn begin(&self, context: &Context, reader: &Reader) -> Result<(Signing, Sts), Failure> {
        let signing = signer::choose(context, reader, &Choice { is_push: false, ..self.signed_by.choice() })?;
        let sts = signing.sts(context, self.region.as_deref())?;
        Ok((signing, sts))
    }
}
