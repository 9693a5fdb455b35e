//! `PATCH /units/{id}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::UnitId;
use megarouter_domain::unit;
use megarouter_store::settings::{Change, Everything, Noun};

use super::{Unit, UnitChange, check, view};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::{Body, Id};

/// Renames, moves, archives or restores a unit.
#[utoipa::path(patch, path = "/units/{id}", operation_id = "change_unit", tag = "organization",
    params(("id" = String, Path, description = "The unit's id")), request_body = UnitChange,
    responses((status = 200, description = "The unit", body = Unit)))]
pub async fn change_unit(
    State(context): State<Arc<Context>>,
    Id(id): Id<UnitId>,
    Body(request): Body<UnitChange>,
) -> Result<Json<Unit>, ApiError> {
    let changes = changes(&context, &context.everything().await?, id, request)?;
    let everything = context.change(changes, Reread::Nothing, &[Tag::Units, Tag::Keys, Tag::Budgets]).await?;
    view::one(&context, &everything, id).await.map(Json)
}

/// What is restored is so before it is changed, and what is archived after: either way the changes fit a unit in use.
fn changes(
    context: &Context,
    everything: &Everything,
    id: UnitId,
    request: UnitChange,
) -> Result<Vec<Change>, ApiError> {
    let stored =
        everything.units.iter().find(|unit| unit.id == id).ok_or_else(|| ApiError::not_found(Noun::Unit, id))?;
    let with_content = request.with_content.unwrap_or(false);
    let archived = request.archived.filter(|archived| *archived != stored.archived_at.is_some());
    let mut changes = Vec::new();
    let mut wanted = changed(stored, request)?;
    if archived == Some(false) {
        wanted.archived_at = None;
        changes.push(Change::RestoreUnit(id));
    }
    if wanted != *stored || archived == Some(false) {
        check::place(&everything.units, &wanted)?;
        changes.push(Change::PutUnit(wanted));
    }
    if archived == Some(true) {
        changes.push(Change::ArchiveUnit { id, at: context.now(), with_content });
    }
    Ok(changes)
}

fn changed(stored: &unit::Unit, request: UnitChange) -> Result<unit::Unit, ApiError> {
    let mut unit = stored.clone();
    if let Some(name) = request.name {
        unit.name = check::name(&name)?;
    }
    if let Some(parent) = request.parent {
        unit.parent = parent;
    }
    match request.email {
        Some(Some(_)) if unit.kind != unit::UnitKind::Member => return Err(check::only_members()),
        Some(email) => unit.email = email.map(|email| check::email(&email)).transpose()?,
        None => {}
    }
    Ok(unit)
}
