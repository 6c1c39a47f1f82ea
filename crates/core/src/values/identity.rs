use serde::{Deserialize, Serialize};

/// Who a credential set is, as STS says it (GetCallerIdentity, or the answer that made the set).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The twelve-digit account id.
    pub account: String,
    /// The ARN of the user, root, assumed-role session or federated user.
    pub arn: String,
    /// STS's unique id, such as `AROA…:session-name`.
    pub user_id: String,
}
