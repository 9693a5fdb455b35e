//! What a person writes about a model, checked once and turned into domain types.

use std::collections::HashSet;

use megarouter_domain::id::{DeploymentId, PriceId, ProviderId};
use megarouter_domain::model::{Deployment, Model};
use megarouter_domain::price::{Price, Tariff, Tier};
use megarouter_domain::provider::Provider;
use megarouter_store::settings::Everything;

use super::{NewDeployment, NewModel, NewPrice};
use crate::catalog::is_catalogue_price;
use crate::context::Context;
use crate::error::ApiError;

const LONGEST_NAME: usize = 200;
const MOST_ALIASES: usize = 50;
const MOST_DEPLOYMENTS: usize = 50;
const HIGHEST_OUTPUT_BOUND: u64 = 100_000_000;
const BY_HAND: &str = "set by hand";

/// Fills a model with what a request says; its id and age stay, and so do those of its deployments
/// that the request names again.
pub(super) fn filled(
    context: &Context,
    everything: &Everything,
    mut model: Model,
    request: NewModel,
) -> Result<Model, ApiError> {
    model.name = name(request.name, "name")?;
    model.aliases = aliases(request.aliases.unwrap_or_default(), &model.name, "aliases")?;
    if request.deployments.is_empty() || request.deployments.len() > MOST_DEPLOYMENTS {
        let message = format!(
            "A model needs 1 to {MOST_DEPLOYMENTS} deployments. Without one, nobody could answer for it, so nothing was \
             changed. Name a provider and its model."
        );
        return Err(ApiError::invalid("model.deployments_invalid", message).about("deployments"));
    }
    let mut deployments = Vec::with_capacity(request.deployments.len());
    for (index, wanted) in request.deployments.into_iter().enumerate() {
        let field = format!("deployments[{index}]");
        let next = deployment(context, everything, &model.deployments, wanted, &field)?;
        refuse_twice(&deployments, &next, index)?;
        deployments.push(next);
    }
    model.deployments = deployments;
    Ok(model)
}

/// Checks a name that apps ask for.
pub(super) fn name(text: String, field: &str) -> Result<String, ApiError> {
    let is_plain = |letter: char| !letter.is_whitespace() && !letter.is_control();
    if !text.is_empty() && text.chars().count() <= LONGEST_NAME && text.chars().all(is_plain) {
        return Ok(text);
    }
    let message = format!(
        "This cannot be a model's name. Apps could not ask for it, so nothing was changed. Use 1 to {LONGEST_NAME} \
         characters without spaces."
    );
    Err(ApiError::invalid("model.name_invalid", message).about(field))
}

/// The price of something that costs nothing.
pub(super) fn free(context: &Context) -> Price {
    Price {
        id: PriceId::new(context.now(), context.entropy()),
        valid_from: context.now(),
        tariff: Tariff::default(),
        source: "runs on your own machine".to_owned(),
    }
}

/// Checks the further names of a model.
pub(super) fn aliases(texts: Vec<String>, model: &str, field: &str) -> Result<Vec<String>, ApiError> {
    if texts.len() > MOST_ALIASES {
        let message = format!("A model has at most {MOST_ALIASES} aliases. Nothing was changed. Leave some out.");
        return Err(ApiError::invalid("model.aliases_invalid", message).about(field));
    }
    let mut seen = HashSet::from([model.to_owned()]);
    let mut aliases = Vec::with_capacity(texts.len());
    for (index, text) in texts.into_iter().enumerate() {
        let field = format!("{field}[{index}]");
        let alias = name(text, &field)?;
        if !seen.insert(alias.clone()) {
            let message = format!("The model would have the name `{alias}` twice. Nothing was changed. Leave one out.");
            return Err(ApiError::invalid("model.aliases_invalid", message).about(field));
        }
        aliases.push(alias);
    }
    Ok(aliases)
}

/// Checks a deployment, which keeps its id when it is one of the old ones. `field` is where it stands.
pub(super) fn deployment(
    context: &Context,
    everything: &Everything,
    old: &[Deployment],
    wanted: NewDeployment,
    field: &str,
) -> Result<Deployment, ApiError> {
    let provider_id = provider(everything, &wanted.provider, field)?.id;
    let upstream_model = name(wanted.upstream_model, &format!("{field}.upstream_model"))?;
    let known = old.iter().find(|known| known.provider_id == provider_id && known.upstream_model == upstream_model);
    let id = known.map_or_else(|| DeploymentId::new(context.now(), context.entropy()), |known| known.id);
    let mut price = wanted.price.map(|price| new_price(context, price));
    if let Some(price) = &mut price {
        disown(price, known.and_then(|known| known.price.as_ref()));
    }
    let bound = |bound| output_bound(bound, &format!("{field}.max_output_tokens"));
    let max_output_tokens = wanted.max_output_tokens.map(bound).transpose()?;
    Ok(Deployment { id, provider_id, upstream_model, price, max_output_tokens, can_reason: wanted.can_reason })
}

/// A price that somebody changed is not the catalogue's any more, whatever it came with.
fn disown(price: &mut Price, old: Option<&Price>) {
    let is_the_old_one = old.is_some_and(|old| old.source == price.source && old.tariff == price.tariff);
    if is_catalogue_price(price) && !is_the_old_one {
        BY_HAND.clone_into(&mut price.source);
    }
}

fn provider<'a>(everything: &'a Everything, wanted: &str, field: &str) -> Result<&'a Provider, ApiError> {
    let id: Option<ProviderId> = wanted.parse().ok();
    let is_wanted = |provider: &&Provider| provider.name == wanted || Some(provider.id) == id;
    everything.providers.iter().find(is_wanted).ok_or_else(|| {
        let message =
            format!("There is no provider `{wanted}`. Nothing was changed. Add it first, or name another one.");
        ApiError::invalid("provider.not_found", message).about(format!("{field}.provider"))
    })
}

/// Checks the bound of one answer.
pub(super) fn output_bound(tokens: u64, field: &str) -> Result<u64, ApiError> {
    if (1..=HIGHEST_OUTPUT_BOUND).contains(&tokens) {
        return Ok(tokens);
    }
    let message = format!(
        "An answer of at most {tokens} tokens is not possible. Nothing was changed. Use 1 to {HIGHEST_OUTPUT_BOUND}, or \
         leave it out when you do not know."
    );
    Err(ApiError::invalid("model.max_output_invalid", message).about(field))
}

/// A price that a person states.
pub(super) fn new_price(context: &Context, price: NewPrice) -> Price {
    let source = price.source.filter(|source| !source.trim().is_empty());
    Price {
        id: PriceId::new(context.now(), context.entropy()),
        valid_from: context.now(),
        tariff: Tariff {
            rates: price.rates.into(),
            tiers: price.tiers.unwrap_or_default().into_iter().map(Tier::from).collect(),
        },
        source: source.unwrap_or_else(|| BY_HAND.to_owned()),
    }
}

fn refuse_twice(deployments: &[Deployment], next: &Deployment, index: usize) -> Result<(), ApiError> {
    let is_same =
        |known: &Deployment| known.provider_id == next.provider_id && known.upstream_model == next.upstream_model;
    if !deployments.iter().any(is_same) {
        return Ok(());
    }
    let message = "The same provider and model are named twice. The second would never be of use, so nothing was changed. \
                   Leave it out.";
    Err(ApiError::invalid("model.deployments_invalid", message).about(format!("deployments[{index}]")))
}
