//! What is known of the deployments in use, for routing.

use std::collections::HashMap;

use megarouter_catalog::Catalog;
use megarouter_domain::catalog::ListedModel;
use megarouter_domain::facts::Facts;
use megarouter_domain::id::{DeploymentId, ProviderId};
use megarouter_domain::model::Deployment;
use megarouter_domain::provider::Provider;
use megarouter_store::settings::{Everything, ModelList};

use crate::context::Context;
use crate::providers::is_local;

/// What the catalogue and the providers' own lists say of every deployment. Lists that cannot be read are passed
/// over: nothing is ruled out by what is not known.
pub(crate) async fn facts(context: &Context, everything: &Everything) -> HashMap<DeploymentId, Facts> {
    let (catalog, _) = context.shelf.catalog().await;
    let lists = context.settings.model_lists().await.unwrap_or_else(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "the lists of models could not be read");
        HashMap::new()
    });
    let deployments = everything.models.iter().flat_map(|model| &model.deployments);
    let known = deployments.filter_map(|deployment| {
        let provider = everything.providers.iter().find(|provider| provider.id == deployment.provider_id)?;
        Some((deployment.id, of(deployment, provider, &catalog, &lists)))
    });
    known.collect()
}

fn of(
    deployment: &Deployment,
    provider: &Provider,
    catalog: &Catalog,
    lists: &HashMap<ProviderId, ModelList>,
) -> Facts {
    let is_it = |listed: &&ListedModel| listed.id == deployment.upstream_model;
    let listed = lists.get(&provider.id).and_then(|list| list.models.iter().find(is_it));
    let known = catalog.find(&provider.kind, &deployment.upstream_model);
    // The provider's own list says how it runs the model, so it goes before the catalogue.
    let context_tokens = listed.and_then(|listed| listed.context_tokens).or_else(|| known?.context_tokens);
    let max_output_tokens = listed.and_then(|listed| listed.max_output_tokens).or_else(|| known?.max_output_tokens);
    let is_local = is_local(provider);
    let Some(known) = known else {
        return Facts { context_tokens, max_output_tokens, is_local, ..Facts::default() };
    };
    Facts {
        mode: Some(known.mode),
        context_tokens,
        max_output_tokens: deployment.max_output_tokens.or(max_output_tokens),
        input: known.input,
        output: known.output,
        features: known.features,
        released: known.released,
        shuts_down: known.shuts_down,
        is_local,
    }
}
