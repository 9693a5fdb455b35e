//! `GET /requests`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::KeyId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Outcome, RequestRow};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::shape::{Cost, Time};

/// Which requests.
#[derive(Clone, Debug, Deserialize, IntoParams)]
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
    /// Only requests whose id, model, provider, key or program contains this text.
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
    State(_context): State<Arc<Context>>,
    Query(_filter): Query<RequestFilter>,
) -> Result<Json<RequestPage>, ApiError> {
    unimplemented!()
}
