//! For tests: a configuration of random cases whose seed is printed, which the test runner shows of what failed.

use proptest::test_runner::{Config, RngSeed};

/// So many cases, by PROPTEST_RNG_SEED or a seed of its own.
#[allow(clippy::print_stdout, reason = "the test runner shows it of what failed")]
pub(crate) fn seeded(cases: u32) -> Config {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let seed = match config.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => {
            let mut bytes = [0; 8];
            getrandom::fill(&mut bytes).expect("the system has randomness");
            u64::from_le_bytes(bytes)
        }
    };
    println!("again with PROPTEST_RNG_SEED={seed}");
    Config { rng_seed: RngSeed::Fixed(seed), ..config }
}
