//! `soak`: what takes too long for every change.

use anyhow::Result;

use crate::place::Place;
use crate::{frontend, needs, step};

/// Builds for release and starts the long tests of the `tests` package; `arguments` go to them.
pub fn soak(place: &Place, arguments: &[String]) -> Result<()> {
    needs::for_testing()?;
    frontend::install(place)?;
    frontend::build(place)?;
    step::run(place.cargo("build").args(["--workspace", "--bins", "--release"]))?;
    step::run(place.command(place.binary("release", "soak")).args(arguments))
}
