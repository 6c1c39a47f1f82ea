//! `pushd`/`popd` for AWS identities.
#![allow(missing_docs)]
fn main() {}
