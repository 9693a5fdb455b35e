//! `bench`: the proxy, nginx and direct calls side by side.

use anyhow::Result;

use crate::place::Place;
use crate::{frontend, needs, step};

/// Builds for release and starts the benchmark of the `tests` package; `arguments` go to it.
pub fn bench(place: &Place, arguments: &[String]) -> Result<()> {
    needs::for_building()?;
    needs::for_benchmarks()?;
    frontend::install(place)?;
    frontend::build(place)?;
    step::run(place.cargo("build").args(["--workspace", "--bins", "--release"]))?;
    step::run(place.command(place.binary("release", "bench")).args(arguments))
}
