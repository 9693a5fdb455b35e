//! What one source says, in the shape that all sources are read into.

use std::collections::BTreeMap;

use megarouter_domain::catalog::{Date, Feature, Modality, Mode, Set, Source, Status};
use megarouter_domain::price::Tariff;
use thiserror::Error;

/// More tokens than any model takes; a larger figure is a slip.
const MOST_TOKENS: u64 = 100_000_000;

/// The kind of provider and the provider's own id of the model.
pub type Key = (&'static str, String);

/// One edition of a source.
#[derive(Clone, Debug)]
pub struct Edition {
    /// Which.
    pub source: Source,
    /// What it says of each model.
    pub readings: BTreeMap<Key, Reading>,
    /// Entries that could not be read, with the reason.
    pub unreadable: Vec<String>,
}

/// What a source says of one model. `None` and empty mean that it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The display name.
    pub name: Option<String>,
    /// The line of models it belongs to.
    pub family: Option<String>,
    /// What it is called for.
    pub mode: Option<Mode>,
    /// What it costs; all zeros where the source writes zeros, whether it is free or not known.
    pub tariff: Option<Tariff>,
    /// The most tokens of input and output together.
    pub context_tokens: Option<u64>,
    /// The most tokens of input.
    pub input_tokens: Option<u64>,
    /// The most tokens of one answer.
    pub max_output_tokens: Option<u64>,
    /// What it takes in.
    pub input: Set<Modality>,
    /// What it gives out.
    pub output: Set<Modality>,
    /// What it can do.
    pub features: Set<Feature>,
    /// Until when its training data reaches.
    pub knowledge: Option<Date>,
    /// When it was published.
    pub released: Option<Date>,
    /// When its provider stops serving it.
    pub shuts_down: Option<Date>,
    /// Whether it is meant for use.
    pub status: Option<Status>,
    /// Its successor.
    pub replacement: Option<String>,
    /// Whether its weights are public.
    pub open_weights: Option<bool>,
    /// The page that the price was read from.
    pub page: Option<String>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// A source could not be read at all.
#[derive(Debug, Error)]
pub enum ReadError {
    /// It is not the JSON that this source publishes.
    #[error("{source_id} is not in the form that is known")]
    Malformed {
        /// Which source.
        source_id: String,
        /// Where and why.
        #[source]
        error: serde_json::Error,
    },
}

/// A count of tokens, if it is one that a model can have.
pub(crate) fn tokens(count: Option<u64>) -> Option<u64> {
    count.filter(|count| (1..=MOST_TOKENS).contains(count))
}

/// A text that says something.
pub(crate) fn text(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}
