//! The AWS configuration of a program that runs under `exec`: two files in the state directory, in the place of the user's.
//! They hold no secret, so nothing has to be cleaned up.

mod place;

pub use place::{bases, originals, private_directory, read_only, touch};
