//! `GET /catalog/model`

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_domain::catalog::{self as known, Date};
use megarouter_domain::id::KeyId;
use megarouter_store::ledger::overview::{Figures, Question};
use megarouter_store::ledger::sums::Sums;
use megarouter_store::settings::Everything;
use serde::Deserialize;

use super::facts::{Facts, Index};
use super::{CatalogDetail, CatalogModel, CatalogUse, FigureDisagreement, FigureSource, KeyUse, QualityFigure, worth};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::shape::{Rate, Tariff, micros};

/// Which model.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CatalogModelQuery {
    /// The id of the provider's kind.
    pub kind: String,
    /// The provider's own id of the model.
    pub id: String,
}

/// Shows everything that is known of a model, also of one that is not served any more.
#[utoipa::path(get, path = "/catalog/model", operation_id = "show_catalog_model", tag = "catalog",
    params(CatalogModelQuery), responses((status = 200, description = "The model", body = CatalogDetail)))]
pub async fn show_catalog_model(
    State(context): State<Arc<Context>>,
    Query(query): Query<CatalogModelQuery>,
) -> Result<Json<CatalogDetail>, ApiError> {
    let everything = context.everything().await?;
    let facts = Facts::read(&context, &everything).await?;
    let blend = worth::blend(&context).await?;
    let (catalog, _) = context.shelf.catalog().await;
    let model = catalog.find(&query.kind, &query.id).ok_or_else(|| not_known(&query))?;
    let index = facts.index(&catalog);
    let last_30d = recent_use(&context, &everything, &index, model).await?;
    let today = Date::of(context.now());
    Ok(Json(CatalogDetail {
        model: CatalogModel::of(model, index.mine(model)),
        tariff: model.tariff.as_ref().map(Tariff::from),
        replacement: model.replacement.as_deref().map(str::to_owned),
        page: model.page.as_deref().map(str::to_owned),
        notes: model.notes.iter().map(ToString::to_string).collect(),
        quality: model.quality.iter().map(QualityFigure::from).collect(),
        provenance: model.provenance.iter().map(FigureSource::from).collect(),
        disagreement_list: model.disagreements.iter().map(FigureDisagreement::from).collect(),
        deployments: index.deployments(model),
        last_30d,
        blend,
        blended: blend.of(model).map(Rate),
        alternatives: worth::alternatives(&catalog, model, blend, today, |kind| index.has_kind(kind)),
    }))
}

async fn recent_use(
    context: &Context,
    everything: &Everything,
    index: &Index<'_>,
    model: &known::CatalogModel,
) -> Result<Option<CatalogUse>, ApiError> {
    let served: Vec<_> = index.served(model).iter().map(|(model, it)| (*model, index.provider_name(it))).collect();
    if served.is_empty() {
        return Ok(None);
    }
    let (mut all, mut most, mut keys) = (Sums::default(), Figures::default(), HashMap::<KeyId, Sums>::new());
    for (model, provider) in served {
        let question =
            Question { model: Some(model.name.clone()), provider: Some(provider), ..worth::recently(context) };
        let answer = context.questions().overview(&question).await?;
        all.add(&answer.current.sums);
        // Percentiles cannot be added up: those of the deployment with the most requests stand for all.
        if answer.current.sums.requests > most.sums.requests {
            most = answer.current;
        }
        answer.by_key.iter().for_each(|(key, sums)| keys.entry(*key).or_default().add(sums));
    }
    Ok(Some(CatalogUse {
        requests: all.requests,
        cost: all.cost().into(),
        p50_us: most.p50.map(micros),
        p95_us: most.p95.map(micros),
        keys: key_uses(everything, keys),
    }))
}

/// Keys with what they did, dearest first.
pub(crate) fn key_uses(everything: &Everything, keys: HashMap<KeyId, Sums>) -> Vec<KeyUse> {
    let mut keys: Vec<_> = keys.into_iter().collect();
    keys.sort_by_key(|(key, sums)| (std::cmp::Reverse((sums.amount, sums.requests)), *key));
    let name = |id: KeyId| everything.keys.iter().find(|key| key.id == id).map(|key| key.name.clone());
    let view = |(id, sums): (KeyId, Sums)| KeyUse {
        key_id: id,
        name: name(id).unwrap_or_default(),
        requests: sums.requests,
        cost: sums.cost().into(),
    };
    keys.into_iter().map(view).collect()
}

fn not_known(query: &CatalogModelQuery) -> ApiError {
    let message = format!(
        "The catalogue has no model `{}` of providers of the kind `{}`. Nothing can be said about it. Take kind and id \
         from the list.",
        query.id, query.kind
    );
    ApiError::new(StatusCode::NOT_FOUND, "catalog.not_found", message).about("id")
}
