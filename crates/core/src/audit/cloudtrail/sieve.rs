use std::hash::{BuildHasher, RandomState};

/// Which keys were seen, in 8 MiB however many there are: what was is always told, and of a million that were not about one in
/// a hundred thousand is told too (a Bloom filter). Whoever asks looks again.
pub struct Sieve {
    bits: Vec<u64>,
    hasher: RandomState,
}

const BITS: u64 = 1 << 26;

impl Sieve {
    pub fn new() -> Sieve {
        Sieve { bits: vec![0; (BITS / 64) as usize], hasher: RandomState::new() }
    }

    pub fn add(&mut self, key: &str) {
        for bit in self.bits_of(key) {
            self.bits[(bit / 64) as usize] |= 1 << (bit % 64);
        }
    }

    pub fn may_have(&self, key: &str) -> bool {
        self.bits_of(key).into_iter().all(|bit| self.bits[(bit / 64) as usize] >> (bit % 64) & 1 == 1)
    }

    fn bits_of(&self, key: &str) -> [u64; 4] {
        let hash = self.hasher.hash_one(key);
        // Two halves give as many as one wants. Source: Kirsch and Mitzenmacher, "Less hashing, same performance", 2006.
        let (one, other) = (hash & 0xffff_ffff, hash >> 32 | 1);
        [0, 1, 2, 3].map(|times| (one + times * other) % BITS)
    }
}
