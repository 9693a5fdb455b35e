//! `gen`: writes the files that are made from code, and tells whether they were up to date.

use std::fmt::Write as _;
use std::fs;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::place::Place;
use crate::step::{self, Done};
use crate::{frontend, needs};

/// What examples print, and the file from the root that it is kept in.
const PRINTED: &[(&str, &str)] =
    &[("openapi", "crates/api/openapi.json"), ("settings", "docs/CONFIGURATION.md"), ("losses", "docs/DIALECTS.md")];

/// The UI's types, which npm makes from the OpenAPI document.
const CLIENT: &str = "ui/src/lib/api/schema.d.ts";

/// Writes the OpenAPI document, the reference of the settings and the table of losses from the code, then
/// the UI's types.
pub fn generate(place: &Place) -> Result<()> {
    needs::for_building()?;
    frontend::install(place)?;
    // As part of the workspace, so that nothing is built twice.
    let mut build = place.cargo("build");
    build.arg("--workspace");
    for (example, _) in PRINTED {
        build.args(["--example", example]);
    }
    step::run(&mut build)?;
    for (example, file) in PRINTED {
        let program = place.binary("debug", &format!("examples/{example}"));
        let text = step::answer(&mut place.command(&program)).with_context(|| format!("{example} says nothing"))?;
        fs::write(place.root.join(file), text + "\n").with_context(|| format!("cannot write {file}"))?;
    }
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

fn read(place: &Place) -> Vec<(&'static str, Option<Vec<u8>>)> {
    let files = PRINTED.iter().map(|(_, file)| *file).chain([CLIENT]);
    files.map(|file| (file, fs::read(place.root.join(file)).ok())).collect()
}
