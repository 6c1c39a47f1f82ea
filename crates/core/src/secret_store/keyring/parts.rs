use zeroize::Zeroizing;

use super::{Entries, Result};
use crate::secret_store::SecretStoreError;

/// Splits what is larger than one entry can be (2,560 bytes on Windows): parts named `NAME.1`, `NAME.2`, … and, under
/// the name itself, a header that says how many.
///
/// The header is written last and removed first, so a secret is whole or absent, whenever the process is killed. The
/// parts that are there without a header are always the first ones: the next `set` or `delete` finds them all.
pub(super) struct Parts<E>(pub E);

const LIMIT: usize = 2_560;
/// No payload starts like this: those are JSON objects.
const HEADER: &str = "credstack-parts:";
/// More than the largest payload needs.
const MOST: usize = 64;

impl<E: Entries> Entries for Parts<E> {
    fn set(&self, name: &str, secret: &[u8]) -> Result<()> {
        self.delete(name)?;
        if secret.len() <= LIMIT {
            return self.0.set(name, secret);
        }
        let parts = secret.chunks(LIMIT);
        let count = parts.len();
        if count > MOST {
            return Err(SecretStoreError::KeyringFailed { what: "the entry is too long for it".into() });
        }
        for (index, part) in parts.enumerate() {
            self.0.set(&format!("{name}.{}", index + 1), part)?;
        }
        self.0.set(name, format!("{HEADER}{count}").as_bytes())
    }

    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let Some(first) = self.0.get(name)? else { return Ok(None) };
        let Some(count) = count(&first)? else { return Ok(Some(first)) };
        // Reserved whole: growing would leave copies that are not wiped.
        let mut whole = Zeroizing::new(Vec::with_capacity(count * LIMIT));
        for index in 1..=count {
            let part = self.0.get(&format!("{name}.{index}"))?.ok_or_else(damaged)?;
            if part.len() > LIMIT {
                return Err(damaged());
            }
            whole.extend_from_slice(&part);
        }
        Ok(Some(whole))
    }

    fn delete(&self, name: &str) -> Result<()> {
        self.0.delete(name)?;
        let mut last = 0;
        while last < MOST && self.0.get(&format!("{name}.{}", last + 1))?.is_some() {
            last += 1;
        }
        // Backwards, so that what a kill leaves are still the first ones.
        (1..=last).rev().try_for_each(|index| self.0.delete(&format!("{name}.{index}")))
    }
}

fn count(header: &[u8]) -> Result<Option<usize>> {
    let Some(count) = header.strip_prefix(HEADER.as_bytes()) else { return Ok(None) };
    let count = std::str::from_utf8(count).ok().and_then(|count| count.parse().ok());
    count.filter(|count| (2..=MOST).contains(count)).map(Some).ok_or_else(damaged)
}

fn damaged() -> SecretStoreError {
    SecretStoreError::KeyringFailed { what: "an entry in several parts is damaged".into() }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::{Cell, RefCell},
        collections::BTreeMap,
    };

    use super::*;

    /// A keyring with the limit of Windows, which dies after so many changes.
    struct Small {
        entries: RefCell<BTreeMap<String, Vec<u8>>>,
        changes_left: Cell<usize>,
    }

    impl Small {
        fn change(&self) -> Result<()> {
            let left = self.changes_left.get().checked_sub(1).ok_or_else(damaged)?;
            self.changes_left.set(left);
            Ok(())
        }
    }

    impl Entries for Small {
        fn set(&self, name: &str, secret: &[u8]) -> Result<()> {
            assert!(secret.len() <= 2_560);
            self.change()?;
            self.entries.borrow_mut().insert(name.into(), secret.into());
            Ok(())
        }

        fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>> {
            Ok(self.entries.borrow().get(name).cloned().map(Zeroizing::new))
        }

        fn delete(&self, name: &str) -> Result<()> {
            if self.entries.borrow().contains_key(name) {
                self.change()?;
                self.entries.borrow_mut().remove(name);
            }
            Ok(())
        }
    }

    fn small() -> Parts<Small> {
        Parts(Small { entries: RefCell::default(), changes_left: Cell::new(usize::MAX) })
    }

    fn secret(length: usize, seed: usize) -> Vec<u8> {
        (0..length).map(|index| b'a' + ((index / 7 + seed) % 26) as u8).collect()
    }

    #[test]
    fn every_size_comes_back_and_leaves_nothing() {
        let keyring = small();
        for length in [0, 1, 2_559, 2_560, 2_561, 5_120, 5_121, 65_536, 64 * 2_560, 10] {
            keyring.set("a", &secret(length, length)).unwrap();
            assert_eq!(**keyring.get("a").unwrap().unwrap(), secret(length, length), "{length}");
        }
        keyring.set("b", &secret(6_000, 0)).unwrap();
        keyring.delete("a").unwrap();
        keyring.delete("a").unwrap();
        assert!(keyring.get("a").unwrap().is_none());
        assert_eq!(**keyring.get("b").unwrap().unwrap(), secret(6_000, 0));
        keyring.delete("b").unwrap();
        assert_eq!(keyring.0.entries.borrow().len(), 0);
        assert!(keyring.set("a", &secret(64 * 2_560 + 1, 0)).is_err());
        assert_eq!(keyring.0.entries.borrow().len(), 0);
    }

    #[test]
    fn a_kill_leaves_a_whole_secret_or_none_and_no_part_for_ever() {
        for killed_after in 0..20 {
            let keyring = small();
            keyring.set("a", &secret(12_000, 0)).unwrap();
            keyring.0.changes_left.set(killed_after);
            let written = keyring.set("a", &secret(9_000, 5));
            let read = keyring.get("a").unwrap();
            assert_eq!(written.is_ok(), killed_after >= 11);
            if let Some(read) = read {
                assert!(**read == secret(12_000, 0) || **read == secret(9_000, 5), "mixed after {killed_after}");
            }
            // A second process is killed while it clears up, and a third clears up.
            keyring.0.changes_left.set(2);
            let _ = keyring.delete("a");
            assert!(keyring.get("a").unwrap().is_none());
            keyring.0.changes_left.set(usize::MAX);
            keyring.delete("a").unwrap();
            assert_eq!(keyring.0.entries.borrow().len(), 0, "left after {killed_after}");
        }
    }

    #[test]
    fn a_lost_part_is_damage() {
        let keyring = small();
        keyring.set("a", &secret(6_000, 0)).unwrap();
        keyring.0.delete("a.2").unwrap();
        assert!(keyring.get("a").is_err());
        keyring.0.set("a", b"credstack-parts:99999999").unwrap();
        assert!(keyring.get("a").is_err());
    }
}
