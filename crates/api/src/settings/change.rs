//! `PATCH /settings`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_store::settings::Change;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CATALOGUE_REFRESH, KEEP_RUNNING_ON_CLOSE, PROXY_PORT, Settings, UNKNOWN_PRICE, UnknownPrice};
use crate::configuration::Reread;
use crate::context::{ConfiguredPort, Context};
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::Body;

/// The settings to change; what is left out stays.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeSettings {
    /// The port apps connect to; 0 lets the system choose.
    pub proxy_port: Option<u16>,
    /// Whether the proxy goes on when the window is closed.
    pub keep_running_on_close: Option<bool>,
    /// Whether to refresh the catalogue of models once a day from its public sources.
    pub catalogue_refresh: Option<bool>,
    /// What becomes of requests whose price is not known, where a hard budget in money applies.
    pub unknown_price: Option<UnknownPrice>,
}

/// Changes settings.
#[utoipa::path(patch, path = "/settings", operation_id = "change_settings", tag = "settings",
    request_body = ChangeSettings, responses((status = 200, description = "The settings", body = Settings)))]
pub async fn change_settings(
    State(context): State<Arc<Context>>,
    Body(request): Body<ChangeSettings>,
) -> Result<Json<Settings>, ApiError> {
    if request.proxy_port.is_some() {
        refuse_fixed_port(&context)?;
    }
    let changes = [
        request.proxy_port.map(|port| preference(PROXY_PORT, &port)),
        request.keep_running_on_close.map(|keep| preference(KEEP_RUNNING_ON_CLOSE, &keep)),
        request.catalogue_refresh.map(|refresh| preference(CATALOGUE_REFRESH, &refresh)),
        request.unknown_price.map(|choice| preference(UNKNOWN_PRICE, &choice)),
    ];
    context.change(changes.into_iter().flatten().collect(), Reread::Nothing, &[Tag::Settings, Tag::Catalog]).await?;
    if request.catalogue_refresh.is_some() {
        context.shelf.reconsider();
    }
    super::read(&context).await.map(Json)
}

fn refuse_fixed_port(context: &Context) -> Result<(), ApiError> {
    let ConfiguredPort::Fixed(port) = context.host.listening().configured_port else { return Ok(()) };
    let message = format!(
        "The port is set to {port} by a flag, a file or the environment. A setting would have no effect, so nothing \
         was changed. Change it there, or remove it there first."
    );
    Err(ApiError::new(StatusCode::CONFLICT, "settings.port_fixed", message).about("proxy_port"))
}

fn preference(name: &str, value: &impl Serialize) -> Change {
    // No preference is anything that JSON could not hold.
    Change::PutPreference { name: name.to_owned(), value: serde_json::to_string(value).unwrap_or_default() }
}
