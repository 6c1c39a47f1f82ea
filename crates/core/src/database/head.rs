use std::{fmt, str::FromStr};

use super::GENESIS;

/// Where a log ends, or ended: how many events there are and the hash of the newest. Written `COUNT:HASH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The sequence of the newest event; 0 before the first.
    pub count: i64,
    /// Its hash.
    pub hash: [u8; 32],
}

impl Default for Head {
    fn default() -> Head {
        Head { count: 0, hash: GENESIS }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.count, hex::encode(self.hash))
    }
}

impl FromStr for Head {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Head, Self::Err> {
        let form = "a head is COUNT:HASH, as `credstack audit head` prints it";
        let (count, hash) = text.trim().split_once(':').ok_or(form)?;
        let mut head = Head { count: count.parse().map_err(|_| form)?, hash: GENESIS };
        hex::decode_to_slice(hash, &mut head.hash).map_err(|_| form)?;
        let is_head = head.count > 0 || (head.count == 0 && head.hash == GENESIS);
        if is_head { Ok(head) } else { Err(form) }
    }
}
