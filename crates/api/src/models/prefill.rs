//! What the catalogue fills in where nobody says anything about a deployment.

use std::sync::Arc;

use megarouter_catalog::Catalog;
use megarouter_domain::model::{Deployment, Model};
use megarouter_domain::provider::Provider;
use megarouter_store::settings::Everything;

use super::check;
use crate::catalog::price_of;
use crate::context::Context;
use crate::providers::is_local;

/// The catalogue, at hand to fill deployments in.
pub(super) struct Prefill<'a> {
    context: &'a Context,
    catalog: Arc<Catalog>,
}

impl<'a> Prefill<'a> {
    /// Takes the catalogue in use.
    pub(super) async fn new(context: &'a Context) -> Self {
        Self { context, catalog: context.shelf.catalog().await.0 }
    }

    /// Fills in what is left out of a model's deployments.
    pub(super) fn model(&self, everything: &Everything, model: &mut Model) {
        for deployment in &mut model.deployments {
            let provider = everything.providers.iter().find(|provider| provider.id == deployment.provider_id);
            if let Some(provider) = provider {
                self.deployment(provider, deployment);
            }
        }
    }

    /// Fills in price, longest answer and whether it thinks; what somebody said stays.
    pub(super) fn deployment(&self, provider: &Provider, deployment: &mut Deployment) {
        if is_local(provider) {
            deployment.price.get_or_insert_with(|| check::free(self.context));
        }
        let Some(known) = self.catalog.find(&provider.kind, &deployment.upstream_model) else { return };
        if deployment.price.is_none() {
            deployment.price = price_of(self.context, known);
        }
        deployment.max_output_tokens = deployment.max_output_tokens.or(known.max_output_tokens);
        deployment.can_reason = deployment.can_reason.or_else(|| known.can_reason());
    }
}
