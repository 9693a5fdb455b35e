//! `POST /attempts/{id}/adjust`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_domain::id::AttemptId;
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price;
use megarouter_ledger::engine::AdjustError;
use megarouter_ledger::entry::Adjustment;

use super::{Adjust, Adjusted};
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::{Body, Id};
use crate::shape::{Amount, Time};

/// The longest reason, in characters.
const LONGEST_REASON: usize = 200;
/// More than this for one call is a slip of the finger.
const HIGHEST: NanoUsd = NanoUsd(1_000_000_000_000_000);

/// Corrects what a finished call cost. Both figures stay on the ledger, and its budgets count the new one.
#[utoipa::path(post, path = "/attempts/{id}/adjust", operation_id = "adjust_attempt", tag = "ledger",
    params(("id" = String, Path, description = "The attempt's id")), request_body = Adjust,
    responses((status = 200, description = "The correction", body = Adjusted)))]
pub async fn adjust_attempt(
    State(context): State<Arc<Context>>,
    Id(id): Id<AttemptId>,
    Body(request): Body<Adjust>,
) -> Result<Json<Adjusted>, ApiError> {
    let (reason, amount) = (reason(&request.reason)?, amount(request.amount.0)?);
    // Two at a time would both go by the cost before.
    let _adjusting = context.adjusting.lock().await;
    let attempt = context.ledger.attempt(id).await?.ok_or_else(|| not_found(id))?;
    let request = context.ledger.request(attempt.fact.request_id).await?.ok_or_else(|| not_found(id))?;
    let cost = corrected(request.record.cost, amount)?;
    let (by, reason) = ("owner".into(), reason.into());
    let adjustment = Adjustment { hold: Arc::clone(&attempt.fact), amount, tokens: 0, usage: None, by, reason };
    let entry = context.gateway.books().adjust(adjustment)?;
    context.until_durable(entry).await?;
    context.events.changed(&[Tag::Requests, Tag::Budgets, Tag::Units]);
    Ok(Json(Adjusted { amount: Amount(amount), cost: cost.into(), at: Time(context.now()), entry: entry.0 }))
}

/// What a request costs with a correction. A correction that is an estimate of nothing known is still no more.
fn corrected(before: price::Cost, amount: NanoUsd) -> Result<price::Cost, ApiError> {
    let sum = before.amount() + amount;
    if sum < NanoUsd::ZERO {
        let message = format!(
            "The request would cost less than nothing: it costs {}. Nothing was changed. Take back no more than that.",
            before.amount()
        );
        return Err(ApiError::invalid("adjustment.amount_invalid", message).about("amount"));
    }
    Ok(match before {
        price::Cost::Exact(_) => price::Cost::Exact(sum),
        price::Cost::Estimated(_) | price::Cost::Unknown | price::Cost::NotBillable => price::Cost::Estimated(sum),
    })
}

fn reason(text: &str) -> Result<&str, ApiError> {
    let reason = text.trim();
    let is_said =
        !reason.is_empty() && reason.chars().count() <= LONGEST_REASON && !reason.chars().any(char::is_control);
    if is_said {
        return Ok(reason);
    }
    let message = format!(
        "A correction needs a reason of 1 to {LONGEST_REASON} characters. Nothing was changed. Say where the figure is from."
    );
    Err(ApiError::invalid("adjustment.reason_invalid", message).about("reason"))
}

fn amount(amount: NanoUsd) -> Result<NanoUsd, ApiError> {
    if (-HIGHEST..=HIGHEST).contains(&amount) {
        return Ok(amount);
    }
    let message = "No call costs more than a million dollars. Nothing was changed. Give billionths of a dollar.";
    Err(ApiError::invalid("adjustment.amount_invalid", message).about("amount"))
}

fn not_found(id: AttemptId) -> ApiError {
    let message =
        format!("There is no finished call {id} on this node's ledger. Nothing was changed. It may be running.");
    ApiError::new(StatusCode::NOT_FOUND, "attempt.not_found", message)
}

impl From<AdjustError> for ApiError {
    fn from(error: AdjustError) -> Self {
        let message = format!("The correction was not made: {error}. Nothing was changed.");
        Self::new(StatusCode::CONFLICT, "adjustment.refused", message)
    }
}
