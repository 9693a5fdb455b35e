//! `PATCH /organization`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_store::settings::Change;

use super::OrganizationChange;
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::Body;
use crate::units::{self, Organization};

/// Renames the organisation.
#[utoipa::path(patch, path = "/organization", operation_id = "change_organization", tag = "organization",
    request_body = OrganizationChange, responses((status = 200, description = "The organisation", body = Organization)))]
pub async fn change_organization(
    State(context): State<Arc<Context>>,
    Body(request): Body<OrganizationChange>,
) -> Result<Json<Organization>, ApiError> {
    let change = Change::RenameOrganization(units::checked_name(&request.name)?);
    let everything = context.change(vec![change], Reread::Nothing, &[Tag::Units]).await?;
    units::tree(&context, &everything).await.map(|tree| Json(tree.organization))
}
