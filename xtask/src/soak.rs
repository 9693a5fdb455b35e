//! `soak`: what takes too long for every change.

use anyhow::Result;

use crate::place::Place;
use crate::{frontend, needs, step};

/// How long everything that reads what others send is fuzzed, in seconds.
const FUZZED_SECONDS: &str = "300";

/// Builds for release, fuzzes the dialects and starts the long tests of the `tests` package; `arguments` go
/// to them, and their `--seed` to both.
pub fn soak(place: &Place, arguments: &[String]) -> Result<()> {
    needs::for_testing()?;
    step::run(place.cargo("build").args(["--package", "megarouter-dialect", "--example", "fuzz", "--release"]))?;
    let seed = arguments.iter().skip_while(|argument| *argument != "--seed").nth(1).map_or("1", String::as_str);
    step::run(place.command(place.binary("release", "examples/fuzz")).args([FUZZED_SECONDS, seed]))?;
    frontend::install(place)?;
    frontend::build(place)?;
    step::run(place.cargo("build").args(["--workspace", "--bins", "--release"]))?;
    step::run(place.command(place.binary("release", "soak")).args(arguments))
}
