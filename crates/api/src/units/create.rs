//! `POST /units`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_domain::id::UnitId;
use megarouter_domain::unit;
use megarouter_store::settings::{Change, Everything};

use super::{NewUnit, Unit, UnitKind, check, view};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::Body;

/// Makes a unit.
#[utoipa::path(post, path = "/units", operation_id = "create_unit", tag = "organization", request_body = NewUnit,
    responses((status = 201, description = "The new unit", body = Unit)))]
pub async fn create_unit(
    State(context): State<Arc<Context>>,
    Body(request): Body<NewUnit>,
) -> Result<(StatusCode, Json<Unit>), ApiError> {
    let unit = checked(&context, &context.everything().await?, &request)?;
    let id = unit.id;
    let everything = context.change(vec![Change::PutUnit(unit)], Reread::Nothing, &[Tag::Units]).await?;
    Ok((StatusCode::CREATED, Json(view::one(&context, &everything, id).await?)))
}

fn checked(context: &Context, everything: &Everything, request: &NewUnit) -> Result<unit::Unit, ApiError> {
    let now = context.now();
    let unit = unit::Unit {
        id: UnitId::new(now, context.entropy()),
        kind: request.kind.into(),
        name: check::name(&request.name)?,
        parent: request.parent,
        email: address(request.kind, request.email.as_deref())?,
        created_at: now,
        archived_at: None,
    };
    check::place(&everything.units, &unit)?;
    Ok(unit)
}

fn address(kind: UnitKind, email: Option<&str>) -> Result<Option<String>, ApiError> {
    match email {
        None => Ok(None),
        Some(email) if kind == UnitKind::Member => Ok(Some(check::email(email)?)),
        Some(_) => Err(check::only_members()),
    }
}
