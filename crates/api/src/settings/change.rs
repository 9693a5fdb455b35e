//! `PATCH /settings`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Settings;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;

/// The settings to change; what is left out stays.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeSettings {
    /// The port apps connect to; 0 lets the system choose.
    pub proxy_port: Option<u16>,
    /// Whether the proxy goes on when the window is closed.
    pub keep_running_on_close: Option<bool>,
}

/// Changes settings.
#[utoipa::path(patch, path = "/settings", operation_id = "change_settings", tag = "settings",
    request_body = ChangeSettings, responses((status = 200, description = "The settings", body = Settings)))]
pub async fn change_settings(
    State(_context): State<Arc<Context>>,
    Body(_request): Body<ChangeSettings>,
) -> Result<Json<Settings>, ApiError> {
    unimplemented!()
}
