//! `GET /catalog/status`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::catalog::Date;

use super::{CatalogDate, CatalogSource, CatalogStatus};
use crate::context::Context;
use crate::error::ApiError;
use crate::settings::Preferences;
use crate::shape::Time;

/// Says how the catalogue is doing: what it was made of, and when it is refreshed.
#[utoipa::path(get, path = "/catalog/status", operation_id = "show_catalog_status", tag = "catalog",
    responses((status = 200, description = "The catalogue's state", body = CatalogStatus)))]
pub async fn show_catalog_status(State(context): State<Arc<Context>>) -> Result<Json<CatalogStatus>, ApiError> {
    of(&context).await.map(Json)
}

pub(super) async fn of(context: &Context) -> Result<CatalogStatus, ApiError> {
    let preferences = Preferences::of(&context.everything().await?);
    let (catalog, origin) = context.shelf.catalog().await;
    let history = context.shelf.history();
    let today = Date::of(context.now());
    let current = catalog.current(today);
    let (models, disagreements) =
        current.fold((0, 0), |(all, differ), model| (all + 1, differ + u64::from(!model.disagreements.is_empty())));
    Ok(CatalogStatus {
        origin,
        date: catalog.date().map(CatalogDate),
        models,
        makers: catalog.makers() as u64,
        kinds: catalog.kinds() as u64,
        disagreements,
        hidden: catalog.models().len() as u64 - models,
        sources: catalog.sources().iter().map(CatalogSource::from).collect(),
        refresh: preferences.catalogue_refresh,
        is_running: history.is_running,
        last_attempt: history.last_attempt.map(Time),
        last_success: context.shelf.last_success().await.map(Time),
        last_error: history.last_error,
        next_attempt: history.next_attempt.map(Time),
        prices_changed: history.prices_changed,
        prices_held_back: history.prices_held_back,
    })
}
