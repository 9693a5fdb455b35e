//! `gen`: writes the files that are made from code, and tells whether they were up to date.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::place::Place;
use crate::step::{self, Done};
use crate::{frontend, needs};

/// The OpenAPI document, from the root.
const DOCUMENT: &str = "crates/api/openapi.json";

/// Every generated file, from the root.
const GENERATED: &[&str] = &[DOCUMENT, "ui/src/lib/api/schema.d.ts"];

/// Writes the OpenAPI document from the API's code, then the UI's types from the document.
pub fn generate(place: &Place) -> Result<()> {
    needs::for_building()?;
    frontend::install(place)?;
    write_document(place)?;
    step::run(&mut place.npm(&["run", "gen"]))
}

/// Writes the generated files again and compares. Different ones stay in place, ready to be committed.
pub fn verify(place: &Place) -> Result<Done> {
    let start = Instant::now();
    let before = read(place);
    generate(place)?;
    let mut output = String::new();
    for ((name, old), (_, new)) in before.iter().zip(read(place)) {
        if *old != new {
            writeln!(output, "{name} was out of date; commit the new one")?;
        }
    }
    eprint!("{output}");
    Ok(Done { name: "generated files", took: start.elapsed(), is_ok: output.is_empty(), output })
}

/// An example of the API crate prints its document. It is built as part of the workspace, so that nothing is built twice.
fn write_document(place: &Place) -> Result<()> {
    step::run(place.cargo("build").args(["--workspace", "--example", "openapi"]))?;
    let program = place.binary("debug", "examples/openapi");
    let document = step::answer(&mut place.command(&program)).context("the API's document could not be made")?;
    let path = place.root.join(DOCUMENT);
    fs::write(&path, document + "\n").with_context(|| format!("cannot write {}", path.display()))
}

fn read(place: &Place) -> Vec<(&'static str, Option<Vec<u8>>)> {
    let path = |name: &str| -> PathBuf { place.root.join(name) };
    GENERATED.iter().map(|name| (*name, fs::read(path(name)).ok())).collect()
}
