//! `GET /requests/{id}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_domain::budget::Budget;
use megarouter_domain::id::RequestId;
use megarouter_domain::model::Model;
use megarouter_domain::scope::Scope;
use megarouter_domain::snapshot::Snapshot;
use megarouter_store::ledger::requests::Detail;

use super::RequestDetail;
use crate::budgets::state::States;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Id;

/// Gives one request with its attempts.
#[utoipa::path(get, path = "/requests/{id}", operation_id = "show_request", tag = "requests",
    params(("id" = String, Path, description = "The request's id")),
    responses((status = 200, description = "The request", body = RequestDetail)))]
pub async fn show_request(
    State(context): State<Arc<Context>>,
    Id(id): Id<RequestId>,
) -> Result<Json<RequestDetail>, ApiError> {
    let detail = context.questions().request(id).await?.ok_or_else(|| not_found(id))?;
    let snapshot = context.gateway.snapshot();
    let applying: Vec<&Budget> = applying(&detail, &snapshot).collect();
    let states = States::read(&context, &applying).await?;
    let budgets = applying.into_iter().map(|budget| states.brief(budget, &snapshot)).collect();
    Ok(Json(RequestDetail::of(&detail, budgets, &snapshot)))
}

/// The budgets in force on anything that the request was charged to, or would have been.
fn applying<'a>(detail: &'a Detail, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a Budget> {
    let record = &detail.record;
    let is_meant = move |scope: &Scope| match scope {
        Scope::Organization(id) => *id == snapshot.organization(),
        Scope::Unit(id) => record.units.contains(id),
        Scope::Key(id) => *id == record.key_id,
        Scope::Provider(id) => record.attempts.iter().any(|attempt| attempt.provider_id == *id),
        Scope::Model(id) => {
            let name = |model: &&Arc<Model>| Some(model.name.as_str()) == record.model.as_deref();
            snapshot.models().iter().find(name).is_some_and(|model| model.id == *id)
        }
        Scope::Tag(tag) => record.tags.contains(tag),
    };
    snapshot.budgets().iter().filter(move |budget| is_meant(&budget.scope))
}

pub(crate) fn not_found(id: RequestId) -> ApiError {
    let message = format!(
        "There is no finished request {id} on the ledger. It may be running, or its last entry on its way to the disk. \
         Try again in a moment."
    );
    ApiError::new(StatusCode::NOT_FOUND, "request.not_found", message)
}
