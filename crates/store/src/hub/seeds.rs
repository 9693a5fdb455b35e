//! What each node used of an account, by the entries that it shipped.

use megarouter_domain::clock::Timestamp;
use megarouter_ledger::account::AccountKey;

use crate::db::Db;
use crate::hub::{HubError, NodeNumber};

pub(super) async fn of(
    _db: &mut Db<'_>,
    _key: &AccountKey,
    _ends_at: Timestamp,
) -> Result<Vec<(NodeNumber, u64)>, HubError> {
    Ok(Vec::new())
}
