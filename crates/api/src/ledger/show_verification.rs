//! `GET /ledger/verify`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::Verification;
use crate::context::Context;

/// Gives the last self-check; `null` when none was made since the program started.
#[utoipa::path(get, path = "/ledger/verify", operation_id = "show_verification", tag = "ledger",
    responses((status = 200, description = "The last one", body = Option<Verification>)))]
pub async fn show_verification(State(context): State<Arc<Context>>) -> Json<Option<Verification>> {
    Json(context.verification.borrow().clone())
}
