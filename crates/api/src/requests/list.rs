//! `GET /requests`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::{BudgetId, KeyId, UnitId};
use megarouter_domain::tag::{self, TagError};
use megarouter_store::ledger::requests::{Cursor, Filter, MOST_ROWS};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Outcome, RequestRow};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::shape::{Cost, Time};

const ROWS_TO_A_PAGE: u64 = 100;

/// Which requests.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RequestFilter {
    /// Where the page before ended: its `next_cursor`.
    pub cursor: Option<String>,
    /// Rows to a page; 100 when left out.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u64>,
    /// Only requests that arrived at or after this time.
    pub from: Option<Time>,
    /// Only requests that arrived before this time.
    pub to: Option<Time>,
    /// Only requests with this key.
    #[param(value_type = Option<String>)]
    pub key_id: Option<KeyId>,
    /// Only requests for this public model.
    pub model: Option<String>,
    /// Only requests served by this provider.
    pub provider: Option<String>,
    /// Only requests that ended so.
    #[param(inline)]
    pub outcome: Option<Outcome>,
    /// Only requests charged to this unit.
    #[param(value_type = Option<String>)]
    pub unit: Option<UnitId>,
    /// Only requests with this tag, as `name=value`.
    pub tag: Option<String>,
    /// Only requests that this budget refused.
    #[param(value_type = Option<String>)]
    pub budget: Option<BudgetId>,
    /// Only requests of this session.
    pub session: Option<String>,
    /// Only requests whose model's or provider's name contains this text, or whose id it is.
    pub q: Option<String>,
}

/// One page of requests, newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RequestPage {
    /// The rows.
    pub rows: Vec<RequestRow>,
    /// What asks for the next page; `null` on the last.
    pub next_cursor: Option<String>,
    /// Everything the filter matches, not only this page.
    pub total: RequestTotal,
}

/// Everything a filter matches.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct RequestTotal {
    /// How many requests.
    pub requests: u64,
    /// What they cost together.
    pub cost: Cost,
}

/// Lists finished requests, newest first.
#[utoipa::path(get, path = "/requests", operation_id = "list_requests", tag = "requests", params(RequestFilter),
    responses((status = 200, description = "One page", body = RequestPage)))]
pub async fn list_requests(
    State(context): State<Arc<Context>>,
    Query(filter): Query<RequestFilter>,
) -> Result<Json<RequestPage>, ApiError> {
    let after = filter.cursor.as_deref().map(cursor).transpose()?;
    let limit = limit(filter.limit.unwrap_or(ROWS_TO_A_PAGE))?;
    let filter = checked(filter)?;
    let page = context.questions().requests(&filter, after, limit).await?;
    let sums = context.questions().request_sums(&filter).await?;
    let snapshot = context.gateway.snapshot();
    Ok(Json(RequestPage {
        rows: page.rows.iter().map(|record| RequestRow::of(record, &snapshot)).collect(),
        next_cursor: page.next.map(|cursor| cursor.to_string()),
        total: RequestTotal { requests: sums.requests, cost: sums.cost().into() },
    }))
}

fn cursor(text: &str) -> Result<Cursor, ApiError> {
    text.parse().map_err(|_| {
        let message =
            "The cursor is not one that this program gave. Nothing was read. Leave it out to begin at the first page.";
        ApiError::invalid("request.invalid", message).about("cursor")
    })
}

fn limit(rows: u64) -> Result<u32, ApiError> {
    if let Ok(rows @ 1..=MOST_ROWS) = u32::try_from(rows) {
        return Ok(rows);
    }
    let message = format!("A page has 1 to {MOST_ROWS} rows, not {rows}. Nothing was read. Choose a number between.");
    Err(ApiError::invalid("request.invalid", message).about("limit"))
}

fn checked(filter: RequestFilter) -> Result<Filter, ApiError> {
    let named = |text: Option<String>| text.filter(|text| !text.is_empty());
    Ok(Filter {
        from: filter.from.map(|time| time.0),
        to: filter.to.map(|time| time.0),
        key_id: filter.key_id,
        unit: filter.unit,
        model: named(filter.model),
        provider: named(filter.provider),
        tag: named(filter.tag).map(|text| tag(&text)).transpose()?,
        outcome: filter.outcome.map(Into::into),
        refused_by: filter.budget,
        session: named(filter.session),
        search: named(filter.q),
    })
}

/// Reads `name=value`.
pub(crate) fn tag(text: &str) -> Result<tag::Tag, ApiError> {
    let tag = text.split_once('=').ok_or(TagError::NoValue).and_then(|(name, value)| tag::Tag::new(name, value));
    tag.map_err(|error| {
        let message = format!("The tag is not valid: {error}. Nothing was read. Correct it.");
        ApiError::invalid("request.invalid", message).about("tag")
    })
}
