//! `pushd`/`popd` for AWS identities.
fn main() {}
