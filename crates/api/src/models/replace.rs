//! `PUT /models/{id}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::ModelId;
use megarouter_store::settings::{Change, Noun};

use super::prefill::Prefill;
use super::{Model, NewModel, check};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::{Body, Id};

/// Replaces a public model. A changed price makes a new version; history keeps the old one.
#[utoipa::path(put, path = "/models/{id}", operation_id = "replace_model", tag = "models",
    params(("id" = String, Path, description = "The model's id")), request_body = NewModel,
    responses((status = 200, description = "The model", body = Model)))]
pub async fn replace_model(
    State(context): State<Arc<Context>>,
    Id(id): Id<ModelId>,
    Body(request): Body<NewModel>,
) -> Result<Json<Model>, ApiError> {
    let everything = context.everything().await?;
    let old = everything.models.iter().find(|model| model.id == id).cloned();
    let old = old.ok_or_else(|| ApiError::not_found(Noun::Model, id))?;
    let mut model = check::filled(&context, &everything, old, request)?;
    Prefill::new(&context).await.model(&everything, &mut model);
    let everything =
        context.change(vec![Change::PutModel(model)], Reread::Nothing, &[Tag::Models, Tag::Providers]).await?;
    super::one(&everything, id).map(Json)
}
