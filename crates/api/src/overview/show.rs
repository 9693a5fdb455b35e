//! `GET /overview`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::KeyId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::shape::{Amount, Cost, Time};

/// What to sum up.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct OverviewQuery {
    /// The beginning; 24 hours before the end when left out.
    pub from: Option<Time>,
    /// The end; now when left out.
    pub to: Option<Time>,
    /// How long one point of the series is; `auto` when left out.
    #[param(inline)]
    pub bucket: Option<BucketChoice>,
    /// Only requests with this key.
    #[param(value_type = Option<String>)]
    pub key_id: Option<KeyId>,
    /// Only requests for this public model.
    pub model: Option<String>,
    /// Only requests served by this provider.
    pub provider: Option<String>,
}

/// How long one point of the series is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BucketChoice {
    /// What suits the range.
    Auto,
    /// Five minutes.
    #[serde(rename = "5m")]
    FiveMinutes,
    /// An hour.
    Hour,
    /// A day, UTC.
    Day,
}

/// How long one point of the series is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bucket {
    /// Five minutes.
    #[serde(rename = "5m")]
    FiveMinutes,
    /// An hour.
    Hour,
    /// A day, UTC.
    Day,
}

/// The sums of a range, beside those of the range before it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Overview {
    /// The beginning.
    pub from: Time,
    /// The end.
    pub to: Time,
    /// How long one point of the series is.
    pub bucket: Bucket,
    /// When the figures were read.
    pub as_of: Time,
    /// The range asked for.
    pub current: Figures,
    /// The range of the same length before it.
    pub previous: Figures,
    /// The range in points, oldest first; points without requests are there as zeros.
    pub series: Vec<Point>,
    /// By public model, dearest first.
    pub by_model: Vec<ModelShare>,
    /// By key, dearest first.
    pub by_key: Vec<KeyShare>,
}

/// Sums over a range.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Figures {
    /// What the requests cost.
    pub cost: Cost,
    /// How many came.
    pub requests: u64,
    /// How many did not complete and were not left by their client.
    pub errors: u64,
    /// Input tokens.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Half were faster than this, in microseconds.
    pub p50_us: Option<u64>,
    /// 95 of 100 were faster than this, in microseconds.
    pub p95_us: Option<u64>,
    /// Requests whose cost is not known.
    pub unknown_cost_requests: u64,
    /// Requests whose cost is estimated.
    pub estimated_requests: u64,
}

/// One point of the series.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Point {
    /// When it begins.
    pub at: Time,
    /// What was spent.
    pub cost: Amount,
    /// Requests whose cost is not known.
    pub unknown_cost_requests: u64,
    /// How many requests came.
    pub requests: u64,
    /// How many failed.
    pub errors: u64,
    /// Input tokens.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Half were faster than this, in microseconds.
    pub p50_us: Option<u64>,
    /// 95 of 100 were faster than this, in microseconds.
    pub p95_us: Option<u64>,
}

/// One model's part.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ModelShare {
    /// The public model.
    pub name: String,
    /// What it cost.
    pub cost: Cost,
    /// How many requests.
    pub requests: u64,
}

/// One key's part.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KeyShare {
    /// The key's id.
    #[schema(value_type = String, format = "uuid")]
    pub key_id: KeyId,
    /// Its name.
    pub name: String,
    /// What it cost.
    pub cost: Cost,
    /// How many requests.
    pub requests: u64,
}

/// Sums up a range and compares it with the one before.
#[utoipa::path(get, path = "/overview", operation_id = "show_overview", tag = "requests", params(OverviewQuery),
    responses((status = 200, description = "The sums", body = Overview)))]
pub async fn show_overview(
    State(_context): State<Arc<Context>>,
    Query(_query): Query<OverviewQuery>,
) -> Result<Json<Overview>, ApiError> {
    unimplemented!()
}
