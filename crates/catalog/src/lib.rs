//! What is publicly known of models: sources read ([`litellm`], [`models_dev`], [`overrides`]), merged
//! ([`merge()`]) and packed ([`pack`]).
//!
//! The crate does no I/O: whoever fetches gives it text. [`embedded`] unpacks the catalogue that comes
//! with the program; its lines stand in `data/`, one file a kind of provider, and `cargo xtask gen
//! catalogue` writes them.

#![deny(clippy::float_arithmetic)]

pub mod decimal;
pub mod kinds;
mod line;
pub mod litellm;
pub mod makers;
mod merge;
pub mod models_dev;
pub mod overrides;
mod pack;
pub mod price;
pub mod reading;
#[cfg(test)]
mod testing;

use std::collections::BTreeSet;

use megarouter_domain::catalog::{CatalogModel, Date, Source};
use thiserror::Error;

pub use self::merge::{Editions, merge};
pub use self::pack::{UnpackError, pack, to_lines, unpack};

static EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/catalogue.gz"));

/// A new catalogue that has less than this share of the old one's models is not taken over.
const LEAST_SHARE_PERCENT: usize = 70;

/// Every model that is known, with where the figures come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalog {
    sources: Vec<Source>,
    /// Sorted by kind and id.
    models: Vec<CatalogModel>,
}

/// A catalogue that cannot be right.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{what} would go from {before} to {after}, which cannot be right")]
pub struct UnfitError {
    /// What is counted.
    pub what: &'static str,
    /// How many there are in the catalogue in use.
    pub before: usize,
    /// How many there would be.
    pub after: usize,
}

/// The catalogue that comes with the program. Unpacks it, which takes some ten milliseconds: keep it.
pub fn embedded() -> Catalog {
    unpack(EMBEDDED).expect("a test unpacks it")
}

impl Catalog {
    /// Puts models in their order; of several with one kind and id, the first stays.
    pub fn new(sources: Vec<Source>, mut models: Vec<CatalogModel>) -> Self {
        models.sort_by(|one, two| key(one).cmp(&key(two)));
        models.dedup_by(|two, one| key(one) == key(two));
        Self { sources, models }
    }

    /// Where the figures come from.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Every model, also those that are not served any more, by kind and id.
    pub fn models(&self) -> &[CatalogModel] {
        &self.models
    }

    /// The models that are still served on a day.
    pub fn current(&self, today: Date) -> impl Iterator<Item = &CatalogModel> {
        self.models.iter().filter(move |model| !model.is_gone(today))
    }

    /// The date of the newest source; `None` without any.
    pub fn date(&self) -> Option<Date> {
        self.sources.iter().map(|source| source.date).max()
    }

    /// A model by the kind of its provider and the provider's own id of it. Letter case does not
    /// matter, nor the word that some providers put before the id in their lists (`models/`).
    pub fn find(&self, kind: &str, id: &str) -> Option<&CatalogModel> {
        let kind = kinds::listed_as(kind);
        let exact = |id: &str| {
            let place = self.models.binary_search_by(|model| key(model).cmp(&(kind, id)));
            place.ok().and_then(|place| self.models.get(place))
        };
        exact(id).or_else(|| exact(bare(kind, id))).or_else(|| {
            let of_kind = self.of_kind(kind);
            of_kind.iter().find(|model| model.id.eq_ignore_ascii_case(bare(kind, id)))
        })
    }

    /// The models of one kind of provider.
    pub fn of_kind(&self, kind: &str) -> &[CatalogModel] {
        let kind = kinds::listed_as(kind);
        let from = self.models.partition_point(|model| &*model.kind < kind);
        let to = self.models.partition_point(|model| &*model.kind <= kind);
        self.models.get(from..to).unwrap_or_default()
    }

    /// How many makers the models have.
    pub fn makers(&self) -> usize {
        let known = self.models.iter().map(|model| &*model.maker).filter(|maker| *maker != makers::UNKNOWN);
        known.collect::<BTreeSet<_>>().len()
    }

    /// How many kinds of providers there are models of.
    pub fn kinds(&self) -> usize {
        self.models.iter().map(|model| &*model.kind).collect::<BTreeSet<_>>().len()
    }

    /// Checks that this catalogue may take the place of another one.
    ///
    /// # Errors
    /// When it has far fewer models, prices or makers, so that a source is likely broken.
    pub fn check_against(&self, old: &Self) -> Result<(), UnfitError> {
        let priced = |catalog: &Self| catalog.models.iter().filter(|model| model.tariff.is_some()).count();
        let counts = [
            ("the models", old.models.len(), self.models.len()),
            ("the models with a price", priced(old), priced(self)),
            ("the makers", old.makers(), self.makers()),
        ];
        for (what, before, after) in counts {
            if after * 100 < before * LEAST_SHARE_PERCENT {
                return Err(UnfitError { what, before, after });
            }
        }
        Ok(())
    }
}

fn key(model: &CatalogModel) -> (&str, &str) {
    (&model.kind, &model.id)
}

fn bare<'a>(kind: &str, id: &'a str) -> &'a str {
    let prefixes: &[&str] = match kind {
        "gemini" => &["models/"],
        "vertex" => &["publishers/google/models/", "publishers/anthropic/models/", "google/", "anthropic/"],
        _ => &[],
    };
    prefixes.iter().find_map(|prefix| id.strip_prefix(prefix)).unwrap_or(id)
}

#[cfg(test)]
mod tests;
