//! `POST /models`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_domain::id::ModelId;
use megarouter_domain::model;
use megarouter_store::settings::Change;

use super::prefill::Prefill;
use super::{Model, NewModel, check};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::Body;

/// Adds a public model. Prices and bounds that are left out are the catalogue's, where it knows them.
#[utoipa::path(post, path = "/models", operation_id = "create_model", tag = "models", request_body = NewModel,
    responses((status = 201, description = "The new model", body = Model)))]
pub async fn create_model(
    State(context): State<Arc<Context>>,
    Body(request): Body<NewModel>,
) -> Result<(StatusCode, Json<Model>), ApiError> {
    let everything = context.everything().await?;
    let mut model = check::filled(&context, &everything, empty(&context), request)?;
    Prefill::new(&context).await.model(&everything, &mut model);
    let id = model.id;
    let everything =
        context.change(vec![Change::PutModel(model)], Reread::Nothing, &[Tag::Models, Tag::Providers]).await?;
    Ok((StatusCode::CREATED, Json(super::one(&everything, id)?)))
}

/// A model with an id and nothing else.
pub(super) fn empty(context: &Context) -> model::Model {
    let now = context.now();
    let id = ModelId::new(now, context.entropy());
    model::Model { id, name: String::new(), aliases: vec![], deployments: vec![], created_at: now }
}
