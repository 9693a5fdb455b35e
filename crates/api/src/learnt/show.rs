//! `GET /router/learnt`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_routing::learnt::Summary;

use super::{LearntModel, LearntState};
use crate::context::Context;
use crate::error::{ApiError, settings_unavailable};

/// Shows what the router learnt from this organisation's outcomes.
#[utoipa::path(get, path = "/router/learnt", operation_id = "show_learnt", tag = "feedback",
    responses((status = 200, description = "What was learnt", body = LearntState)))]
pub async fn show_learnt(State(context): State<Arc<Context>>) -> Result<Json<LearntState>, ApiError> {
    state(&context).await.map(Json)
}

pub(super) async fn state(context: &Context) -> Result<LearntState, ApiError> {
    let stored = context.settings.learnt().await.map_err(|error| settings_unavailable(&error))?;
    let learnt = context.gateway.learnt();
    Ok(LearntState {
        outcomes: learnt.outcomes(),
        changed_at: stored.changed_at.map(Into::into),
        size_bytes: stored.state.map_or(0, |state| state.len() as u64),
        models: learnt.summary().iter().map(LearntModel::from).collect(),
    })
}

impl From<&Summary<'_>> for LearntModel {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "thousandths, cut to what fits")]
    fn from(summary: &Summary<'_>) -> Self {
        Self {
            model: summary.model.to_owned(),
            family: summary.family.map(Into::into),
            weight_permille: (summary.weight.max(0.0) * 1_000.0) as u64,
            difference_permille: (summary.difference * 1_000.0) as i16,
        }
    }
}
