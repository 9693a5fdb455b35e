//! `GET /overview`

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::KeyId;
use megarouter_domain::snapshot::Snapshot;
use megarouter_store::ledger::overview::{self, Question};
use megarouter_store::ledger::selection::Selection;
use megarouter_store::ledger::sums::Sums;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::context::Context;
use crate::counterfactual::Savings;
use crate::counterfactual::period::{self, Range};
use crate::error::ApiError;
use crate::extract::Query;
use crate::shape::{Amount, Cost, Time, micros};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What to sum up.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
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
    /// What was saved against the baseline of the settings; `null` when its model is not there any more.
    pub savings: Option<Savings>,
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
    /// The public model; empty for requests that named none that exists.
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
    State(context): State<Arc<Context>>,
    Query(query): Query<OverviewQuery>,
) -> Result<Json<Overview>, ApiError> {
    let now = context.now();
    let question = question(query, now);
    let found = context.questions().overview(&question).await?;
    let savings = savings(&context, question, &found).await?;
    let snapshot = context.gateway.snapshot();
    Ok(Json(Overview {
        from: found.from.into(),
        to: found.to.into(),
        bucket: found.bucket.into(),
        as_of: now.into(),
        current: found.current.into(),
        previous: found.previous.into(),
        series: found.series.into_iter().map(Point::from).collect(),
        by_model: found.by_model.into_iter().map(ModelShare::from).collect(),
        by_key: found.by_key.into_iter().map(|(id, sums)| KeyShare::of(id, &sums, &snapshot)).collect(),
        savings,
    }))
}

/// The most requests that are priced one by one for the overview.
const MOST_PRICED: usize = 1_000;

async fn savings(
    context: &Context,
    question: Question,
    found: &overview::Overview,
) -> Result<Option<Savings>, ApiError> {
    let Question { key_id, model, provider, .. } = question;
    let selection = Selection { key_id, model, provider, ..Selection::default() };
    period::savings(context, &Range { from: found.from, to: found.to, selection, most: MOST_PRICED }).await
}

fn question(query: OverviewQuery, now: Timestamp) -> Question {
    // The end does not belong to the range, and what happened this very moment is to be in it.
    let to = query.to.map_or(now.plus(Duration::from_micros(1)), |time| time.0);
    let named = |text: Option<String>| text.filter(|text| !text.is_empty());
    Question {
        from: query.from.map_or_else(|| to.minus(DAY), |time| time.0),
        to,
        bucket: match query.bucket {
            None | Some(BucketChoice::Auto) => None,
            Some(BucketChoice::FiveMinutes) => Some(overview::Bucket::FiveMinutes),
            Some(BucketChoice::Hour) => Some(overview::Bucket::Hour),
            Some(BucketChoice::Day) => Some(overview::Bucket::Day),
        },
        key_id: query.key_id,
        model: named(query.model),
        provider: named(query.provider),
    }
}

impl From<overview::Bucket> for Bucket {
    fn from(bucket: overview::Bucket) -> Self {
        match bucket {
            overview::Bucket::FiveMinutes => Self::FiveMinutes,
            overview::Bucket::Hour => Self::Hour,
            overview::Bucket::Day => Self::Day,
        }
    }
}

impl From<overview::Figures> for Figures {
    fn from(figures: overview::Figures) -> Self {
        let sums = figures.sums;
        Self {
            cost: sums.cost().into(),
            requests: sums.requests,
            errors: sums.errors,
            input_tokens: sums.input_tokens,
            output_tokens: sums.output_tokens,
            p50_us: figures.p50.map(micros),
            p95_us: figures.p95.map(micros),
            unknown_cost_requests: sums.unknown,
            estimated_requests: sums.estimated,
        }
    }
}

impl From<overview::Point> for Point {
    fn from(point: overview::Point) -> Self {
        let sums = point.figures.sums;
        Self {
            at: point.at.into(),
            cost: sums.amount.into(),
            unknown_cost_requests: sums.unknown,
            requests: sums.requests,
            errors: sums.errors,
            input_tokens: sums.input_tokens,
            output_tokens: sums.output_tokens,
            p50_us: point.figures.p50.map(micros),
            p95_us: point.figures.p95.map(micros),
        }
    }
}

impl From<(Option<String>, Sums)> for ModelShare {
    fn from((name, sums): (Option<String>, Sums)) -> Self {
        Self { name: name.unwrap_or_default(), cost: sums.cost().into(), requests: sums.requests }
    }
}

impl KeyShare {
    fn of(key_id: KeyId, sums: &Sums, snapshot: &Snapshot) -> Self {
        let name = snapshot.key(key_id).map(|key| key.name.clone()).unwrap_or_default();
        Self { key_id, name, cost: sums.cost().into(), requests: sums.requests }
    }
}
