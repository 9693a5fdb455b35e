//! `PATCH /settings`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_store::bodies::redact::Redactor;
use megarouter_store::settings::Change;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    ASKED, BODIES, BodyRules, CATALOGUE_REFRESH, KEEP_RUNNING_ON_CLOSE, PROBES, PROXY_PORT, REDACTION_PATTERNS,
    SAVINGS_BASELINE, Settings, UNKNOWN_PRICE, UnknownPrice,
};
use crate::configuration::Reread;
use crate::context::{ConfiguredPort, Context};
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::Body;

/// The settings to change; what is left out stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
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
    /// Whether and how the text of requests and answers is kept.
    pub bodies: Option<BodyRules>,
    /// Regular expressions of what is made unreadable beside the usual; at most 50.
    pub redaction_patterns: Option<Vec<String>>,
    /// What savings are told against: `asked`, or the name of a model.
    pub savings_baseline: Option<String>,
    /// Whether every provider is asked now and then whether it answers; those that rest always are.
    pub probes: Option<bool>,
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
    check(&context, &request)?;
    let changes = [
        request.proxy_port.map(|port| preference(PROXY_PORT, &port)),
        request.keep_running_on_close.map(|keep| preference(KEEP_RUNNING_ON_CLOSE, &keep)),
        request.catalogue_refresh.map(|refresh| preference(CATALOGUE_REFRESH, &refresh)),
        request.unknown_price.map(|choice| preference(UNKNOWN_PRICE, &choice)),
        request.bodies.map(|rules| preference(BODIES, &rules)),
        request.redaction_patterns.map(|patterns| preference(REDACTION_PATTERNS, &patterns)),
        request.savings_baseline.map(|baseline| preference(SAVINGS_BASELINE, &baseline)),
        request.probes.map(|probes| preference(PROBES, &probes)),
    ];
    context.change(changes.into_iter().flatten().collect(), Reread::Nothing, &[Tag::Settings, Tag::Catalog]).await?;
    if request.catalogue_refresh.is_some() {
        context.shelf.reconsider();
    }
    super::read(&context).await.map(Json)
}

/// The most patterns of one's own.
const MOST_PATTERNS: usize = 50;

/// Refuses what could not work.
fn check(context: &Context, request: &ChangeSettings) -> Result<(), ApiError> {
    let wrong = |field: &str, reason: &str| {
        let message = format!("{reason} Nothing was changed. Correct it.");
        Err(ApiError::invalid("settings.invalid", message).about(field))
    };
    if let Some(rules) = &request.bodies {
        if !(1..=365).contains(&rules.retention_days) {
            return wrong("bodies.retention_days", "Texts are kept for 1 to 365 days.");
        }
        if !(10..=100_000).contains(&rules.max_mb) {
            return wrong("bodies.max_mb", "Texts take 10 to 100,000 megabytes.");
        }
    }
    if let Some(patterns) = &request.redaction_patterns {
        if patterns.len() > MOST_PATTERNS {
            return wrong("redaction_patterns", &format!("There are at most {MOST_PATTERNS} patterns."));
        }
        if let Err(error) = Redactor::new(patterns) {
            return wrong("redaction_patterns", &format!("A pattern cannot be used: {error}."));
        }
    }
    let is_known = |name: &str| name == ASKED || context.gateway.snapshot().resolve(name).is_some();
    if let Some(name) = request.savings_baseline.as_deref().filter(|name| !is_known(name)) {
        return wrong("savings_baseline", &format!("There is no model `{name}`."));
    }
    Ok(())
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
