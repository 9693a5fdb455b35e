//! Fetching the catalogue anew, and taking its prices over.
//!
//! Bad data never takes the place of good: both sources must be read, merged and found fit before
//! anything is kept. Only prices that came from the catalogue follow it, each as a new version, so that
//! a request keeps the price it was charged at. One that would change tenfold waits for a person. What
//! never had a price gets one as soon as there is one; a price that somebody took away stays away.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use megarouter_catalog::reading::ReadError;
use megarouter_catalog::{Catalog, UnfitError, litellm, merge, models_dev, overrides, pack, price as catalogue_price};
use megarouter_domain::catalog::{CatalogModel, Date, Source};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::PriceId;
use megarouter_domain::model::Deployment;
use megarouter_domain::price::{Price, Tariff};
use megarouter_providers::client::Download;
use megarouter_providers::errors::CallError;
use megarouter_store::settings::{Change, Everything};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::shelf::{Editions, KeptEdition};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::{ApiError, settings_unavailable};
use crate::events::Tag;

/// LiteLLM's map has 3 MB, models.dev's list 4.
const SIZE_LIMIT: usize = 32 << 20;

const TIMEOUT: Duration = Duration::from_secs(90);

/// A price that changes by this factor or more is not taken over by itself.
const TOO_FAR: u64 = 10;

/// Why the catalogue was not refreshed. The last good one stays in use.
#[derive(Debug, Error)]
pub enum RefreshError {
    /// A source could not be fetched.
    #[error("{id} could not be fetched")]
    Fetch {
        /// Which.
        id: &'static str,
        /// Why.
        #[source]
        error: CallError,
    },
    /// A source is not what it was.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Together they make no catalogue.
    #[error(transparent)]
    Unfit(#[from] UnfitError),
    /// It could not be kept.
    #[error("the new catalogue cannot be written to the data folder")]
    Keep(#[from] io::Error),
    /// The configuration could not be read or changed.
    #[error("the prices could not be renewed")]
    Prices(#[source] ApiError),
}

/// A source's file, with what names its edition.
struct Fetched {
    id: &'static str,
    content: Bytes,
    is_new: bool,
    kept: KeptEdition,
}

/// Fetches the catalogue's sources, puts what they say in use and renews prices. Waits for a refresh
/// that is under way.
///
/// # Errors
/// When a source cannot be fetched or read, or the outcome cannot be right or kept.
pub async fn refresh(context: &Context) -> Result<(), RefreshError> {
    let shelf = &context.shelf;
    let _running = shelf.refreshing.lock().await;
    let now = context.now();
    shelf.note(|history| (history.is_running, history.last_attempt) = (true, Some(now)));
    context.events.changed(&[Tag::Catalog]);
    let outcome = run(context, now).await;
    shelf.note(|history| {
        history.is_running = false;
        history.last_error = outcome.as_ref().err().map(in_words);
        if let Ok((changed, held_back)) = outcome {
            history.last_success = Some(now);
            (history.prices_changed, history.prices_held_back) = (changed, held_back);
        }
    });
    context.events.changed(&[Tag::Catalog]);
    outcome.map(|_| ())
}

async fn run(context: &Context, now: Timestamp) -> Result<(u64, u64), RefreshError> {
    let shelf = &context.shelf;
    let kept = shelf.editions().await;
    let litellm = fetch(context, litellm::ID, &shelf.addresses.litellm, &kept, now).await?;
    let models_dev = fetch(context, models_dev::ID, &shelf.addresses.models_dev, &kept, now).await?;
    let editions = Editions { checked_at: Some(now), sources: vec![litellm.kept.clone(), models_dev.kept.clone()] };
    if !litellm.is_new && !models_dev.is_new {
        shelf.keep_editions(&editions).await?;
        return Ok((0, 0));
    }
    let (old, _) = shelf.catalog().await;
    for fetched in [&litellm, &models_dev].into_iter().filter(|fetched| fetched.is_new) {
        tracing::info!(source = fetched.id, bytes = fetched.content.len(), "the catalogue has a new edition");
    }
    let contents = [(litellm.id, litellm.content.clone()), (models_dev.id, models_dev.content.clone())];
    let made = tokio::task::spawn_blocking(move || make(&litellm, &models_dev, &old)).await;
    let (catalog, packed) = made.map_err(|error| io::Error::other(error.to_string()))??;
    for (id, content) in contents {
        shelf.keep_source(id, &content).await?;
    }
    shelf.keep(&packed, &editions).await?;
    let catalog = Arc::new(catalog);
    shelf.replace(Arc::clone(&catalog));
    let renewed = renew_prices(context, &catalog).await.map_err(RefreshError::Prices)?;
    context.refresh_facts().await.map_err(RefreshError::Prices)?;
    Ok(renewed)
}

/// The newest edition of a source; the one that is kept where its server says that it is.
async fn fetch(
    context: &Context,
    id: &'static str,
    address: &str,
    kept: &Editions,
    now: Timestamp,
) -> Result<Fetched, RefreshError> {
    let known = kept.sources.iter().find(|kept| kept.id == id);
    // Without the file its name is of no use.
    let old = if known.is_some() { context.shelf.source(id).await.ok() } else { None };
    let etag = known.filter(|_| old.is_some()).and_then(|known| known.etag.as_deref());
    let client = context.gateway.client();
    let found = client.download(address, etag, SIZE_LIMIT, TIMEOUT).await;
    match (found.map_err(|error| RefreshError::Fetch { id, error })?, known, old) {
        (Download::Changed { body, etag }, known, old) => {
            let is_new = old.as_deref() != Some(&*body);
            let fetched_at = known.filter(|_| !is_new).map_or(now, |known| known.fetched_at);
            Ok(Fetched { id, content: body, is_new, kept: KeptEdition { id: id.to_owned(), etag, fetched_at } })
        }
        (Download::Unchanged, Some(known), Some(content)) => {
            Ok(Fetched { id, content: content.into(), is_new: false, kept: known.clone() })
        }
        (Download::Unchanged, ..) => {
            let error = CallError::Unacceptable("it says that nothing changed since never".to_owned());
            Err(RefreshError::Fetch { id, error })
        }
    }
}

/// Reads, merges and checks. Takes a while, on a thread of its own.
fn make(litellm: &Fetched, models_dev: &Fetched, old: &Catalog) -> Result<(Catalog, Vec<u8>), RefreshError> {
    let base = litellm::read(&String::from_utf8_lossy(&litellm.content), litellm.source())?;
    let other = models_dev::read(&String::from_utf8_lossy(&models_dev.content), models_dev.source())?;
    let editions = megarouter_catalog::Editions {
        overrides: &overrides::embedded(),
        litellm: &base,
        models_dev: std::slice::from_ref(&other),
    };
    let catalog = merge(editions);
    catalog.check_against(old)?;
    let packed = pack(&catalog);
    Ok((catalog, packed))
}

impl Fetched {
    fn source(&self) -> Source {
        let sha256: String = Sha256::digest(&self.content).iter().map(|byte| format!("{byte:02x}")).collect();
        let (name, url) = match self.id {
            litellm::ID => ("LiteLLM price map", litellm::URL),
            _ => ("models.dev", models_dev::URL),
        };
        Source {
            id: self.id.into(),
            name: name.to_owned(),
            version: sha256.get(..12).unwrap_or_default().to_owned(),
            date: Date::of(self.kept.fetched_at),
            licence: "MIT".to_owned(),
            url: url.to_owned(),
            sha256,
        }
    }
}

/// Gives every deployment that has the catalogue's price, or never had any, the newest one; how many
/// changed, and how many were held back.
async fn renew_prices(context: &Context, catalog: &Catalog) -> Result<(u64, u64), ApiError> {
    let everything = context.everything().await?;
    let (mut changes, mut held_back) = (Vec::new(), 0);
    for deployment in everything.models.iter().flat_map(|model| &model.deployments) {
        let old = deployment.price.as_ref();
        if old.is_some_and(|old| !is_catalogue_price(old)) {
            continue;
        }
        let Some(entry) = entry(catalog, &everything, deployment) else { continue };
        let Some(price) = price_of(context, entry) else { continue };
        if old.map(|old| &old.tariff) == Some(&price.tariff)
            || (old.is_none() && had_price(context, deployment).await?)
        {
            continue;
        }
        if old.is_some_and(|old| is_too_far(&old.tariff, &price.tariff)) {
            tracing::warn!(model = %deployment.upstream_model, "a price would change tenfold; it is left as it is");
            held_back += 1;
            continue;
        }
        changes.push(Change::RenewPrice { deployment: deployment.id, old: old.map(|old| old.id), price });
    }
    let changed = changes.len() as u64;
    if changed > 0 {
        context.change(changes, Reread::Nothing, &[Tag::Models]).await?;
    }
    Ok((changed, held_back))
}

/// True when there was a price once, which somebody took away.
async fn had_price(context: &Context, deployment: &Deployment) -> Result<bool, ApiError> {
    let versions = context.settings.prices(deployment.id).await.map_err(|error| settings_unavailable(&error))?;
    Ok(!versions.is_empty())
}

fn entry<'a>(catalog: &'a Catalog, everything: &Everything, deployment: &Deployment) -> Option<&'a CatalogModel> {
    let provider = everything.providers.iter().find(|provider| provider.id == deployment.provider_id)?;
    catalog.find(&provider.kind, &deployment.upstream_model)
}

fn is_too_far(old: &Tariff, new: &Tariff) -> bool {
    let pairs = [(old.rates.input, new.rates.input), (old.rates.output, new.rates.output)];
    pairs.iter().any(|(one, two)| {
        let (low, high) = (one.0.min(two.0), one.0.max(two.0));
        high > 0 && high / low.max(1) >= TOO_FAR
    })
}

/// True for a price that follows the catalogue.
pub(crate) fn is_catalogue_price(price: &Price) -> bool {
    catalogue_price::is_source(&price.source)
}

/// A model's price as a new version; `None` when the catalogue has none.
pub(crate) fn price_of(context: &Context, model: &CatalogModel) -> Option<Price> {
    let (tariff, source) = catalogue_price::of(model)?;
    Some(Price { id: PriceId::new(context.now(), context.entropy()), valid_from: context.now(), tariff, source })
}

fn in_words(error: &RefreshError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
