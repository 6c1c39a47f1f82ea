//! Random sequences of operations through the real library, with a real database and a real vault, against a plain
//! model of aws.iam's list. The two must agree after every step.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "all of this is tests; Clippy's own exception ends at helper functions"
)]

mod log;
mod plain;
mod real;
mod steps;

use std::{cell::RefCell, thread};

use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed, TestRunner},
};

use plain::Model;
use real::Real;

const SEQUENCES: u32 = 10_000;
/// Each has a database of its own.
const THREADS: u32 = 4;

#[test]
fn random_sequences_agree_with_aws_iams_list() {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|seed| scope.spawn(move || walk(seed.into()))).collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

fn walk(seed: u64) {
    let config = Config {
        cases: SEQUENCES / THREADS,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    // One database for all sequences: it also shows that a long history disturbs nothing. A sequence that fails leaves
    // it in disorder, and shrinking goes on in a new one.
    let real = RefCell::new(Real::new());
    let run = TestRunner::new(config).run(&steps::sequences(1..13), |sequence| {
        let mut model = Model::default();
        let outcome = (|| {
            for (step, agreed) in &sequence {
                real.borrow_mut().take(*step, *agreed, &mut model)?;
            }
            real.borrow_mut().finish(&mut model)
        })();
        outcome.map_err(|difference| {
            *real.borrow_mut() = Real::new();
            TestCaseError::fail(difference)
        })
    });
    if let Err(failure) = run {
        panic!("{failure}");
    }
    let events = log::verify(&real.borrow().database());
    assert!(events > i64::from(SEQUENCES / THREADS), "{events} events");
}
