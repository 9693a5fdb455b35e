//! `POST /router/learnt/import`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use megarouter_routing::learnt::Learnt;

use super::{FORMAT, LearntImport, LearntState, replace, show};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;

/// Puts what was learnt elsewhere in the place of what was learnt here.
#[utoipa::path(post, path = "/router/learnt/import", operation_id = "import_learnt", tag = "feedback",
    request_body = LearntImport, responses((status = 200, description = "What is known now", body = LearntState)))]
pub async fn import_learnt(
    State(context): State<Arc<Context>>,
    Body(request): Body<LearntImport>,
) -> Result<Json<LearntState>, ApiError> {
    if request.format != FORMAT {
        return Err(unreadable(&format!("its format is not {FORMAT}")).about("format"));
    }
    let bytes = STANDARD.decode(&request.content).map_err(|error| unreadable(&error.to_string()).about("content"))?;
    let learnt = Learnt::from_bytes(&bytes).map_err(|error| unreadable(&error.to_string()).about("content"))?;
    replace(&context, Some(bytes), learnt, "what was learnt by an import").await?;
    show::state(&context).await.map(Json)
}

fn unreadable(reason: &str) -> ApiError {
    let message = format!("This is not what an export gives: {reason}. Nothing was changed. Export it again.");
    ApiError::invalid("learnt.invalid", message)
}
