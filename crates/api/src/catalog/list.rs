//! `GET /catalog`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::catalog::{self as known, Date};
use serde::Deserialize;

use super::facts::Facts;
use super::{CatalogDate, CatalogList, CatalogMode, CatalogModel, worth};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;

/// Which models to list; all that are served when nothing is said.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CatalogQuery {
    /// Only of providers of this kind.
    pub kind: Option<String>,
    /// Only called for this.
    #[param(inline)]
    pub mode: Option<CatalogMode>,
    /// Only by this maker.
    pub maker: Option<String>,
    /// Only with this in id, name, maker or family; letter case does not matter.
    pub q: Option<String>,
    /// Only what configured providers could serve.
    pub mine: Option<bool>,
}

/// Lists what is known of models, without those that are not served any more.
#[utoipa::path(get, path = "/catalog", operation_id = "list_catalog", tag = "catalog", params(CatalogQuery),
    responses((status = 200, description = "The models", body = CatalogList)))]
pub async fn list_catalog(
    State(context): State<Arc<Context>>,
    Query(query): Query<CatalogQuery>,
) -> Result<Json<CatalogList>, ApiError> {
    let everything = context.everything().await?;
    let facts = Facts::read(&context, &everything).await?;
    let blend = worth::blend(&context).await?;
    let (catalog, origin) = context.shelf.catalog().await;
    let today = Date::of(context.now());
    let index = facts.index(&catalog);
    let query = query.folded();
    let fits = |model: &&known::CatalogModel| query.fits(model);
    let listed = catalog.current(today).filter(fits).map(|model| CatalogModel::of(model, index.mine(model)));
    let models = listed.filter(|model| query.mine != Some(true) || model.mine.is_some()).collect();
    Ok(Json(CatalogList {
        date: catalog.date().map(CatalogDate),
        origin,
        hidden: (catalog.models().len() - catalog.current(today).count()) as u64,
        blend,
        models,
        unlisted: facts.unlisted(&catalog),
    }))
}

impl CatalogQuery {
    fn folded(self) -> Self {
        let text = self.q.map(|text| text.trim().to_lowercase()).filter(|text| !text.is_empty());
        Self { q: text, ..self }
    }

    fn fits(&self, model: &known::CatalogModel) -> bool {
        let holds = |text: &str| {
            let names = [&*model.id, &*model.name, &*model.maker, model.family.as_deref().unwrap_or_default()];
            names.iter().any(|name| name.to_lowercase().contains(text))
        };
        self.kind.as_deref().is_none_or(|kind| *model.kind == *kind)
            && self.maker.as_deref().is_none_or(|maker| *model.maker == *maker)
            && self.mode.is_none_or(|mode| mode == model.mode.into())
            && self.q.as_deref().is_none_or(holds)
    }
}
