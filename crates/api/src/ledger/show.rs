//! `GET /ledger`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::{Backup, FileCheck, LedgerStatus};
use crate::context::Context;
use crate::error::ApiError;
use crate::shape::Time;
use crate::upkeep::BackupDone;

/// Gives the state of the ledger of this node.
#[utoipa::path(get, path = "/ledger", operation_id = "show_ledger", tag = "ledger",
    responses((status = 200, description = "Its state", body = LedgerStatus)))]
pub async fn show_ledger(State(context): State<Arc<Context>>) -> Result<Json<LedgerStatus>, ApiError> {
    let id = context.ledger.id().await?;
    let books = context.gateway.books();
    let upkeep = context.upkeep.borrow().clone();
    let verification = context.verification.borrow().clone();
    Ok(Json(LedgerStatus {
        id,
        entries: books.durability().lsn.0,
        pending: books.queued() as u64,
        size_bytes: context.ledger.size(),
        open_holds: books.open_holds() as u64,
        oldest_hold_at: books.oldest_hold().map(Time),
        stuck_holds: upkeep.stuck_holds,
        last_backup: upkeep.last_backup.as_ref().map(Backup::from),
        backup_failure: upkeep.backup_failure,
        last_check: upkeep.last_check.map(|check| FileCheck { at: Time(check.at), failure: check.failure }),
        last_retention_at: upkeep.last_retention.map(Time),
        limits_failure: upkeep.limits_failure,
        verification,
    }))
}

impl From<&BackupDone> for Backup {
    fn from(done: &BackupDone) -> Self {
        Self {
            at: Time(done.at),
            path: done.path.clone(),
            size_bytes: done.bytes,
            entry: done.lsn.0,
            is_encrypted: done.is_encrypted,
        }
    }
}
