//! `GET /provider-kinds`

use axum::Json;
use megarouter_providers::catalog;

use super::ProviderKind;

/// Lists the providers MegaRouter knows how to talk to.
#[utoipa::path(get, path = "/provider-kinds", operation_id = "list_provider_kinds", tag = "providers",
    responses((status = 200, description = "All kinds", body = Vec<ProviderKind>)))]
pub async fn list_provider_kinds() -> Json<Vec<ProviderKind>> {
    Json(catalog::ALL.iter().map(ProviderKind::from).collect())
}
