//! `POST /keys/{id}/revoke`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::KeyId;
use megarouter_store::settings::Change;

use super::Key;
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::Id;

/// Refuses a key for good, from before the answer is sent.
#[utoipa::path(post, path = "/keys/{id}/revoke", operation_id = "revoke_key", tag = "keys",
    params(("id" = String, Path, description = "The key's id")),
    responses((status = 200, description = "The key", body = Key)))]
pub async fn revoke_key(State(context): State<Arc<Context>>, Id(id): Id<KeyId>) -> Result<Json<Key>, ApiError> {
    let change = Change::RevokeKey { id, at: context.now() };
    let everything = context.change(vec![change], Reread::Nothing, &[Tag::Keys]).await?;
    super::one(&context, &everything, id).await.map(Json)
}
