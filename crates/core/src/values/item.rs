use uuid::Uuid;

/// The name of a credential set's item in the secret store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// A time-ordered UUID (version 7).
    pub id: Uuid,
    /// Stands in the database and in the item: an item with another nonce is stale or was swapped.
    pub nonce: String,
}
