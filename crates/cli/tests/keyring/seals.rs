//! The seal of the log in a real keyring.

use std::fs;

use crate::machine::{Machine, Store};

/// Whoever can write the state directory brings a vault of their own, with a seal of its own.
#[test]
fn a_vault_of_somebody_elses_does_not_hide_the_keyrings_seal() {
    let machine = Machine::new(Store::Keyring);
    machine.run(&["push", "assume", "Developer"]).ok();
    machine.assert_verifies();
    let kept = fs::read(machine.env.database()).unwrap();

    fs::remove_file(machine.env.database()).unwrap();
    machine.run(&["audit", "verify"]).exits(9).says("it was cut off");
    let key = machine.env.scratch("key");
    machine.run(&["setup", "--store", "vault", "--key-file", key.to_str().unwrap()]).ok();
    machine.run(&["push", "assume", "Developer"]).ok();
    machine.run(&["audit", "verify"]).exits(9).says("was replaced or computed anew");

    // A person may accept it all the same.
    machine.run(&["audit", "seal", "--yes"]).ok();
    machine.assert_verifies();

    fs::write(machine.env.database(), kept).unwrap();
    machine.run(&["audit", "verify"]).exits(9).says("has no seal");
}

#[test]
fn a_keyring_that_is_locked_cannot_say() {
    let machine = Machine::new(Store::Keyring);
    machine.run(&["push", "assume", "Developer"]).ok();
    machine.desktop.as_ref().unwrap().lock();
    machine.run(&["audit", "verify"]).exits(6).says("--chain-only");
    machine.run(&["audit", "verify", "--chain-only"]).ok();
}

#[test]
fn a_purge_takes_the_seal_along_and_what_comes_later_begins_anew() {
    let machine = Machine::new(Store::Keyring);
    machine.run(&["push", "assume", "Developer"]).ok();
    machine.run(&["purge", "--yes"]).ok();
    assert_eq!(machine.desktop.as_ref().unwrap().items(), Vec::<String>::new());
    machine.run(&["push", "assume", "Developer"]).ok();
    machine.assert_verifies();
}
