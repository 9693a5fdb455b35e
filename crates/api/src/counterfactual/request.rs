//! `GET /requests/{id}/counterfactual`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::RequestId;
use megarouter_domain::model::{Deployment, Model};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price;
use megarouter_domain::record::UsageRecord;
use megarouter_domain::snapshot::Snapshot;

use super::{RepricedModel, RequestCounterfactual, reprice};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Id;
use crate::shape::Amount;

/// Prices one request on every model it could have gone to: the tokens that were used, at the prices of today.
#[utoipa::path(get, path = "/requests/{id}/counterfactual", operation_id = "show_request_counterfactual",
    tag = "requests", params(("id" = String, Path, description = "The request's id")),
    responses((status = 200, description = "What it would have cost", body = RequestCounterfactual)))]
pub async fn show_request_counterfactual(
    State(context): State<Arc<Context>>,
    Id(id): Id<RequestId>,
) -> Result<Json<RequestCounterfactual>, ApiError> {
    let detail = context.questions().request(id).await?.ok_or_else(|| crate::requests::show::not_found(id))?;
    let (snapshot, record) = (context.gateway.snapshot(), &detail.record);
    let mut models: Vec<_> = snapshot.models().iter().filter_map(|it| repriced(it, record, &snapshot)).collect();
    models.sort_by(|one, two| (one.would.0, &one.model).cmp(&(two.would.0, &two.model)));
    Ok(Json(RequestCounterfactual {
        actual: record.cost.into(),
        models,
        uncertainties: reprice::uncertainties(),
        measured: vec!["What it cost, and the tokens it used.".to_owned()],
        estimated: vec![
            "What other models would have cost: the same tokens at their present prices. The range is for longer or \
             shorter answers, another count of tokens, and a cold prompt cache."
                .to_owned(),
        ],
    }))
}

/// A model's first deployment with a price, or the one that served.
fn repriced(model: &Model, record: &UsageRecord, snapshot: &Snapshot) -> Option<RepricedModel> {
    let is_used = record.model.as_deref() == Some(&model.name);
    let name = |it: &Deployment| snapshot.target(it.provider_id).map(|target| target.provider.name.clone());
    let has_price = |it: &&Deployment| it.price.is_some();
    let served = |it: &&Deployment| is_used && has_price(it) && name(it).as_deref() == record.provider.as_deref();
    let deployments = &model.deployments;
    let deployment = deployments.iter().find(served).or_else(|| deployments.iter().find(has_price))?;
    let would = match record.cost {
        price::Cost::Exact(amount) | price::Cost::Estimated(amount) if is_used => reprice::Would::exactly(amount),
        _ => reprice::call(&deployment.price.as_ref()?.tariff, &record.usage)?,
    };
    let actual = record.cost.amount();
    let asked = |name: &String| *name == *record.model_asked;
    Some(RepricedModel {
        model: model.name.clone(),
        provider: name(deployment)?,
        would: Amount(would.amount),
        low: Amount(would.low),
        high: Amount(would.high),
        saved: Amount(NanoUsd(would.amount.0.saturating_sub(actual.0))),
        is_used,
        is_asked: asked(&model.name) || model.aliases.iter().any(asked),
    })
}
