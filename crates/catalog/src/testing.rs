//! What the tests of several modules make.

use megarouter_domain::catalog::Source;
use megarouter_domain::price::{Rates, Tariff};

use crate::decimal::{self, Per};
use crate::reading::{Edition, Reading};

pub(crate) fn source(id: &str) -> Source {
    let text = str::to_owned;
    Source {
        id: id.into(),
        name: text(id),
        version: text("1"),
        date: "2026-11-22".parse().unwrap(),
        licence: text("MIT"),
        url: text("https://example.com"),
        sha256: String::new(),
    }
}

/// An edition that speaks of models of one kind.
pub(crate) fn edition(id: &str, readings: Vec<(&str, Reading)>) -> Edition {
    let readings = readings.into_iter().map(|(id, reading)| (("openai", id.to_owned()), reading)).collect();
    Edition { source: source(id), readings, unreadable: Vec::new() }
}

/// A reading of a price and nothing else.
pub(crate) fn priced(input: &str, output: &str) -> Reading {
    let read = |text| decimal::read(text, Per::Million).unwrap();
    let rates = Rates { input: read(input), output: read(output), ..Rates::default() };
    Reading { tariff: Some(Tariff::of(rates)), ..Reading::default() }
}
