use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use credstack_core::values::Entry;

/// What an endpoint has given: whose keys, and how often. A stack that it follows may have gone through many.
#[derive(Clone, Default)]
pub struct Tally(Arc<Mutex<BTreeMap<String, (Entry, u64)>>>);

impl Tally {
    /// One more answer with somebody's keys.
    pub(super) fn add(&self, access_key_id: &str, whose: &Entry) {
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        given.entry(access_key_id.to_owned()).or_insert_with(|| (whose.clone(), 0)).1 += 1;
    }

    /// Whose keys were given, and how often; `otherwise`, where none were.
    pub fn given(&self, otherwise: &Entry) -> Vec<(Entry, u64)> {
        let given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match given.is_empty() {
            true => vec![(otherwise.clone(), 0)],
            false => given.values().cloned().collect(),
        }
    }
}
