//! What is talked about: plain data, checked when it is made. No I/O, no clock.

#[macro_use]
mod text_form;

mod acquired;
mod ambient;
mod arn;
mod credential;
mod credential_set;
mod duration;
mod event;
mod frame;
mod frames;
mod identity;
mod item;
mod partition;
pub mod request;
mod source;
mod stack_name;
mod way;

pub use acquired::{Acquired, Signer, SignerKey};
pub use ambient::Ambient;
pub use arn::{Arn, ArnError};
pub use credential::{Credential, CredentialId, CredentialIdError, Kind, State};
pub use credential_set::CredentialSet;
pub use duration::{DurationError, display_duration, parse_duration};
pub use event::{Actor, Entry, Event, EventKind};
pub use frame::{Frame, FrameName, FrameNameError};
pub use frames::{Frames, NothingSaved};
pub use identity::Identity;
pub use item::Item;
pub use partition::{is_partition, partition_of};
pub use source::{AwsFiles, FixedSource, SourceId};
pub use stack_name::{StackName, StackNameError};
pub(crate) use text_form::text_form;
pub use way::Way;
