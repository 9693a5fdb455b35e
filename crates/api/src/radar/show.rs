//! `GET /radar`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_catalog::Catalog;
use megarouter_domain::catalog::{self, Date, Status};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::model::{Deployment, Model};
use megarouter_store::ledger::sums::Sums;
use megarouter_store::settings::Everything;

use super::{Radar, RadarEntry, StandIn};
use crate::catalog::{Blend, CatalogDate, PublicModel, worth};
use crate::context::Context;
use crate::error::ApiError;
use crate::shape::Rate;

/// The most stand-ins of one deployment.
const MOST_STAND_INS: usize = 5;

/// Shows which deployments in use their providers end, with what could take their place.
#[utoipa::path(get, path = "/radar", operation_id = "show_radar", tag = "models",
    responses((status = 200, description = "What goes away", body = Radar)))]
pub async fn show_radar(State(context): State<Arc<Context>>) -> Result<Json<Radar>, ApiError> {
    let (everything, now) = (context.everything().await?, context.now());
    let (catalog, _) = context.shelf.catalog().await;
    let blend = worth::blend(&context).await?;
    let today = Date::of(now);
    let mut entries = Vec::new();
    for (model, deployment) in deployments(&everything) {
        let Some(known) = known(&everything, deployment, &catalog).filter(|known| is_ending(known)) else { continue };
        let question = megarouter_store::ledger::overview::Question {
            model: Some(model.name.clone()),
            ..worth::recently(&context)
        };
        let used = context.questions().overview(&question).await?.current.sums;
        let look = Look { everything: &everything, catalog: &catalog, blend, today, now };
        entries.push(look.entry(model, deployment, known, &used));
    }
    entries.sort_by_key(|entry| (entry.days_left.is_none(), entry.days_left, std::cmp::Reverse(entry.requests_30d)));
    Ok(Json(Radar { as_of: now.into(), catalogue_date: catalog.date().map(CatalogDate), entries }))
}

fn deployments(everything: &Everything) -> impl Iterator<Item = (&Model, &Deployment)> {
    everything.models.iter().flat_map(|model| model.deployments.iter().map(move |it| (model, it)))
}

fn known<'a>(
    everything: &Everything,
    deployment: &Deployment,
    catalog: &'a Catalog,
) -> Option<&'a catalog::CatalogModel> {
    let provider = everything.providers.iter().find(|provider| provider.id == deployment.provider_id)?;
    catalog.find(&provider.kind, &deployment.upstream_model)
}

/// Days until a date begins; one that says no day begins with its first.
fn days_until(date: Date, now: Timestamp) -> Option<u32> {
    let text = date.to_string();
    let first = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        _ => text,
    };
    let begins = Timestamp::parse_rfc3339(&format!("{first}T00:00:00Z")).ok()?;
    let seconds = begins.as_micros().saturating_sub(now.as_micros()).max(0) / 1_000_000;
    u32::try_from(seconds.unsigned_abs().div_ceil(24 * 60 * 60)).ok()
}

fn is_ending(known: &catalog::CatalogModel) -> bool {
    known.shuts_down.is_some() || known.status == Status::Deprecated
}

/// What an entry is made of.
struct Look<'a> {
    everything: &'a Everything,
    catalog: &'a Catalog,
    blend: Blend,
    today: Date,
    now: Timestamp,
}

impl Look<'_> {
    fn entry(&self, model: &Model, deployment: &Deployment, it: &catalog::CatalogModel, used: &Sums) -> RadarEntry {
        let provider = self.everything.providers.iter().find(|provider| provider.id == deployment.provider_id);
        let stays = |other: &Deployment| {
            other.id != deployment.id && !known(self.everything, other, self.catalog).is_some_and(is_ending)
        };
        RadarEntry {
            model_id: model.id,
            model: model.name.clone(),
            deployment_id: deployment.id,
            provider: provider.map(|provider| provider.name.clone()).unwrap_or_default(),
            upstream_model: deployment.upstream_model.clone(),
            name: it.name.to_string(),
            status: it.status.into(),
            shuts_down: it.shuts_down.map(CatalogDate),
            days_left: it.shuts_down.and_then(|day| days_until(day, self.now)),
            is_gone: it.is_gone(self.today),
            has_other: model.deployments.iter().any(stays),
            successor: it.replacement.as_deref().map(str::to_owned),
            requests_30d: used.requests,
            cost_30d: used.cost().into(),
            stand_ins: self.stand_ins(it),
        }
    }

    /// Models that do at least as much, cheapest first; the successor that the provider names is always among them.
    fn stand_ins(&self, to: &catalog::CatalogModel) -> Vec<StandIn> {
        let price = self.blend.of(to);
        let is_successor =
            |it: &catalog::CatalogModel| it.kind == to.kind && to.replacement.as_deref() == Some(&*it.id);
        let is_other = |it: &&catalog::CatalogModel| (&it.kind, &it.id) != (&to.kind, &to.id) && !is_ending(it);
        let fits = |it: &&catalog::CatalogModel| it.can_stand_in_for(to) || is_successor(it);
        let could = self.catalog.current(self.today).filter(is_other).filter(fits);
        let mut could: Vec<_> = could.filter_map(|it| Some((self.blend.of(it)?, it))).collect();
        // Whatever a configured provider serves goes first: the others need another account.
        could.sort_by_key(|(blended, it)| (!is_successor(it), self.server(&it.kind).is_none(), *blended));
        could.truncate(MOST_STAND_INS);
        let stand_in = |(blended, it): (megarouter_domain::money::NanoUsdPerMillion, &catalog::CatalogModel)| {
            let server = self.server(&it.kind);
            let percent = |price: u64| {
                let part = i128::from(price) - i128::from(blended.0);
                i64::try_from(part * 100 / i128::from(price.max(1))).unwrap_or(i64::MIN)
            };
            StandIn {
                kind: it.kind.to_string(),
                upstream_model: it.id.to_string(),
                name: it.name.to_string(),
                provider_id: server.map(|provider| provider.id),
                provider: server.map(|provider| provider.name.clone()),
                models: self.serving(it),
                blended: Rate(blended),
                saving_percent: price.map(|price| percent(price.0)),
                is_successor: is_successor(it),
            }
        };
        could.into_iter().map(stand_in).collect()
    }

    fn server(&self, kind: &str) -> Option<&megarouter_domain::provider::Provider> {
        self.everything.providers.iter().find(|provider| provider.kind == kind && provider.is_enabled)
    }

    fn serving(&self, it: &catalog::CatalogModel) -> Vec<PublicModel> {
        let is_it = |deployment: &Deployment| {
            let found = known(self.everything, deployment, self.catalog);
            found.is_some_and(|found| (&found.kind, &found.id) == (&it.kind, &it.id))
        };
        let models = self.everything.models.iter().filter(|model| model.deployments.iter().any(is_it));
        models.map(PublicModel::of).collect()
    }
}
