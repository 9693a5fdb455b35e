//! What an installation makes of the catalogue: who could serve a model, who listed it, who does.

use std::collections::{HashMap, HashSet};

use megarouter_catalog::Catalog;
use megarouter_catalog::kinds::listed_as;
use megarouter_domain::catalog::{CatalogModel, ListedModel};
use megarouter_domain::id::ProviderId;
use megarouter_domain::model::{Deployment, Model};
use megarouter_domain::provider::Provider;
use megarouter_store::settings::{Everything, ModelList};

use super::{CatalogDeployment, CouldServe, Mine, PublicModel, UnlistedModel, is_catalogue_price};
use crate::context::Context;
use crate::error::{ApiError, settings_unavailable};
use crate::models::Price;
use crate::providers::is_local;

/// The kind and id of a catalogue's model.
type Key<'a> = (&'a str, &'a str);

/// The configuration, seen from the catalogue.
pub(super) struct Facts<'a> {
    everything: &'a Everything,
    lists: HashMap<ProviderId, ModelList>,
}

/// The same, with every name looked up once.
pub(super) struct Index<'a> {
    facts: &'a Facts<'a>,
    served: HashMap<Key<'a>, Vec<(&'a Model, &'a Deployment)>>,
    seen: HashSet<(ProviderId, Key<'a>)>,
}

impl<'a> Facts<'a> {
    /// Reads what providers listed.
    pub(super) async fn read(context: &Context, everything: &'a Everything) -> Result<Self, ApiError> {
        let lists = context.settings.model_lists().await.map_err(|error| settings_unavailable(&error))?;
        Ok(Self { everything, lists })
    }

    /// Looks every name up in a catalogue.
    pub(super) fn index(&'a self, catalog: &'a Catalog) -> Index<'a> {
        let mut served = HashMap::<_, Vec<_>>::new();
        for (model, deployment) in self.deployments() {
            if let Some(entry) = self.entry(catalog, deployment) {
                served.entry((&*entry.kind, &*entry.id)).or_default().push((model, deployment));
            }
        }
        let mut seen = HashSet::new();
        for provider in &self.everything.providers {
            let listed = self.listed(provider).iter().filter_map(|listed| catalog.find(&provider.kind, &listed.id));
            seen.extend(listed.map(|entry| (provider.id, (&*entry.kind, &*entry.id))));
        }
        Index { facts: self, served, seen }
    }

    fn deployments(&self) -> impl Iterator<Item = (&'a Model, &'a Deployment)> {
        self.everything.models.iter().flat_map(|model| model.deployments.iter().map(move |it| (model, it)))
    }

    fn entry<'b>(&self, catalog: &'b Catalog, deployment: &Deployment) -> Option<&'b CatalogModel> {
        catalog.find(&self.provider(deployment.provider_id)?.kind, &deployment.upstream_model)
    }

    fn provider(&self, id: ProviderId) -> Option<&'a Provider> {
        self.everything.providers.iter().find(|provider| provider.id == id)
    }

    fn listed(&self, provider: &Provider) -> &[ListedModel] {
        self.lists.get(&provider.id).map(|list| list.models.as_slice()).unwrap_or_default()
    }

    /// What providers list and the catalogue does not know.
    pub(super) fn unlisted(&self, catalog: &Catalog) -> Vec<UnlistedModel> {
        let of_provider = |provider: &'a Provider| {
            let unknown = self.listed(provider).iter().filter(|it| catalog.find(&provider.kind, &it.id).is_none());
            unknown.map(|listed| self.unlisted_model(provider, listed)).collect::<Vec<_>>()
        };
        self.everything.providers.iter().flat_map(of_provider).collect()
    }

    fn unlisted_model(&self, provider: &Provider, listed: &ListedModel) -> UnlistedModel {
        let is_of =
            |deployment: &Deployment| deployment.provider_id == provider.id && deployment.upstream_model == listed.id;
        let serving = self.everything.models.iter().filter(|model| model.deployments.iter().any(is_of));
        UnlistedModel {
            provider_id: provider.id,
            provider: provider.name.clone(),
            kind: provider.kind.clone(),
            is_local: is_local(provider),
            id: listed.id.clone(),
            name: listed.name.clone(),
            context: listed.context_tokens,
            max_output: listed.max_output_tokens,
            models: serving.map(PublicModel::of).collect(),
        }
    }
}

impl<'a> Index<'a> {
    /// What the installation makes of a model; `None` when no provider is of its kind.
    pub(super) fn mine(&self, model: &'a CatalogModel) -> Option<Mine> {
        let providers: Vec<_> = self.of_kind(&model.kind).map(|provider| self.could_serve(provider, model)).collect();
        let mut models: Vec<_> = self.served(model).iter().map(|(model, _)| PublicModel::of(model)).collect();
        models.dedup();
        (!providers.is_empty()).then_some(Mine { providers, models })
    }

    /// True when a configured provider is of a kind.
    pub(super) fn has_kind(&self, kind: &str) -> bool {
        self.of_kind(kind).next().is_some()
    }

    /// The public models and deployments that serve a model.
    pub(super) fn served(&self, model: &'a CatalogModel) -> &[(&'a Model, &'a Deployment)] {
        self.served.get(&(&*model.kind, &*model.id)).map(Vec::as_slice).unwrap_or_default()
    }

    /// The provider's name of a deployment.
    pub(super) fn provider_name(&self, deployment: &Deployment) -> String {
        self.facts.provider(deployment.provider_id).map(|provider| provider.name.clone()).unwrap_or_default()
    }

    /// The deployments that serve a model, as answers show them.
    pub(super) fn deployments(&self, model: &'a CatalogModel) -> Vec<CatalogDeployment> {
        let view = |(model, deployment): &(&Model, &Deployment)| CatalogDeployment {
            model_id: model.id,
            model: model.name.clone(),
            deployment_id: deployment.id,
            provider_id: deployment.provider_id,
            provider: self.provider_name(deployment),
            price: deployment.price.as_ref().map(Price::from),
            is_catalogue_price: deployment.price.as_ref().is_some_and(is_catalogue_price),
        };
        self.served(model).iter().map(view).collect()
    }

    fn of_kind(&self, kind: &str) -> impl Iterator<Item = &'a Provider> {
        self.facts.everything.providers.iter().filter(move |provider| listed_as(&provider.kind) == kind)
    }

    fn could_serve(&self, provider: &Provider, model: &'a CatalogModel) -> CouldServe {
        let was_asked = self.facts.lists.contains_key(&provider.id);
        let is_seen = was_asked.then(|| self.seen.contains(&(provider.id, (&*model.kind, &*model.id))));
        CouldServe { id: provider.id, name: provider.name.clone(), is_seen }
    }
}

impl PublicModel {
    pub(crate) fn of(model: &Model) -> Self {
        Self { id: model.id, name: model.name.clone() }
    }
}
