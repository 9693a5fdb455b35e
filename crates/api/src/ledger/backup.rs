//! `POST /ledger/backup`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use tokio::sync::oneshot;

use super::Backup;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;

/// Copies the ledger and checks the copy.
#[utoipa::path(post, path = "/ledger/backup", operation_id = "back_up_ledger", tag = "ledger",
    responses((status = 201, description = "The copy", body = Backup)))]
pub async fn back_up_ledger(State(context): State<Arc<Context>>) -> Result<(StatusCode, Json<Backup>), ApiError> {
    let (answer, answered) = oneshot::channel();
    if context.backups.send(answer).await.is_err() {
        return Err(failed("no backups are made here; it runs for one command only"));
    }
    let done = answered.await.map_err(|_| failed("the program is stopping"))?;
    let done = done.map_err(|reason| failed(&reason))?;
    context.events.changed(&[Tag::Ledger]);
    Ok((StatusCode::CREATED, Json(Backup::from(&done))))
}

fn failed(reason: &str) -> ApiError {
    let message =
        format!("The backup was not made: {reason}. The ledger is as it was. Look at the disk and try again.");
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "backup.failed", message)
}
