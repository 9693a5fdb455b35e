//! Figures that a person looked up, each with its page and date. They go before all other sources.
//!
//! They stand in `data/overrides.json`, in sources and what each of them says:
//! `{"sources": [...], "figures": [{"kind": "...", "id": "...", "source": "...", "replacement": "..."}]}`.

use std::collections::BTreeMap;

use megarouter_domain::catalog::{Date, Source, Status};
use megarouter_domain::price::{Rates, Tariff};
use serde::Deserialize;

use crate::decimal::{self, Per};
use crate::kinds;
use crate::reading::{Edition, ReadError, Reading, tokens};

const FILE: &str = include_str!("../data/overrides.json");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    sources: Vec<Source>,
    figures: Vec<Figures>,
}

/// What a source says of one model.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Figures {
    kind: String,
    id: String,
    source: String,
    shuts_down: Option<Date>,
    replacement: Option<String>,
    status: Option<Status>,
    context: Option<u64>,
    max_output: Option<u64>,
    price: Option<PriceText>,
}

/// US dollars per million tokens.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceText {
    input: String,
    output: String,
    cached_read: Option<String>,
    cache_write: Option<String>,
}

/// The overrides that come with the program.
pub fn embedded() -> Vec<Edition> {
    read(FILE).expect("a test reads the file")
}

/// Reads overrides.
///
/// # Errors
/// When the text is not in the form above, or names a price that cannot be.
pub fn read(json: &str) -> Result<Vec<Edition>, ReadError> {
    let malformed = |error| ReadError::Malformed { source_id: "overrides".to_owned(), error };
    let file: File = serde_json::from_str(json).map_err(malformed)?;
    let empty = |source| Edition { source, readings: BTreeMap::new(), unreadable: Vec::new() };
    let mut editions: Vec<Edition> = file.sources.into_iter().map(empty).collect();
    for figures in file.figures {
        let unknown =
            |what: &str| malformed(serde::de::Error::custom(format!("{what} of {} is not known", figures.id)));
        let kind = kinds::all().find(|kind| *kind == figures.kind).ok_or_else(|| unknown("the kind"))?;
        let edition = editions.iter_mut().find(|edition| *edition.source.id == *figures.source);
        let edition = edition.ok_or_else(|| unknown("the source"))?;
        let tariff = figures.price.as_ref().map(tariff).transpose();
        let reading = Reading {
            tariff: tariff.map_err(|error| malformed(serde::de::Error::custom(error)))?,
            context_tokens: tokens(figures.context),
            max_output_tokens: tokens(figures.max_output),
            shuts_down: figures.shuts_down,
            status: figures.status,
            replacement: figures.replacement,
            ..Reading::default()
        };
        edition.readings.insert((kind, figures.id), reading);
    }
    Ok(editions)
}

fn tariff(price: &PriceText) -> Result<Tariff, decimal::ReadPriceError> {
    let read = |text: &String| decimal::read(text, Per::Million);
    Ok(Tariff::of(Rates {
        input: read(&price.input)?,
        output: read(&price.output)?,
        cached_read: price.cached_read.as_ref().map(read).transpose()?,
        cache_write: price.cache_write.as_ref().map(read).transpose()?,
        ..Rates::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_comes_with_the_program_is_sourced() {
        for edition in read(FILE).unwrap() {
            let source = &edition.source;
            assert!(source.url.starts_with("https://") && !source.name.is_empty(), "{}", source.id);
            assert!(!edition.readings.is_empty(), "{} says nothing", source.id);
        }
    }

    #[test]
    fn what_names_no_source_or_kind_is_refused() {
        let file = |kind: &str, source: &str, price: &str| {
            let text = format!(
                r#"{{"sources": [{{"id": "page", "name": "n", "version": "", "date": "2026-11-22", "licence": "", "url": "", "sha256": ""}}],
                    "figures": [{{"kind": "{kind}", "id": "m", "source": "{source}", "price": {{"input": "{price}", "output": "2"}}}}]}}"#
            );
            read(&text).map(|editions| editions[0].readings.len())
        };
        assert_eq!(file("openai", "page", "1.5").unwrap(), 1);
        assert!(file("nobody", "page", "1.5").is_err());
        assert!(file("openai", "elsewhere", "1.5").is_err());
        assert!(file("openai", "page", "-1").is_err());
    }
}
