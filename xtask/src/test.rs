//! `test`: everything that proves the program, with a count at the end.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::place::Place;
use crate::step::{self, Done};
use crate::tally::{self, Tally};
use crate::{check, frontend, gen_api, needs};

/// Runs every test of the repository. The last line it prints is `N passed, N failed`.
pub fn test(place: &Place) -> Result<()> {
    let start = Instant::now();
    needs::for_testing()?;
    frontend::install(place)?;

    let mut report = Report::default();
    report.add(step::watch("UI check and tests", place.npm(&["run", "check"]))?);
    report.add(step::watch("UI build", place.npm(&["run", "build"]))?);
    report.add(step::watch("build", build(place))?);
    // Without programs and UI there is nothing to drive from outside, and each test would say so on its own.
    if report.is_ok() {
        report.add(gen_api::verify(place)?);
        report.add(step::watch("Rust tests", tests(place))?);
        report.add(step::watch("documentation tests", doc_tests(place))?);
    }
    report.add(step::watch("format", check::format(place))?);
    report.add(step::watch("lints", check::lints(place))?);
    report.print(start.elapsed());
    if report.is_ok() { Ok(()) } else { bail!("not everything passed") }
}

/// Programs, tests and examples in one command: one selection gives one set of features, so nothing is built twice.
fn build(place: &Place) -> Command {
    let mut command = place.cargo("build");
    command.args(["--workspace", "--bins", "--tests", "--examples"]);
    command
}

fn tests(place: &Place) -> Command {
    let has_nextest = step::answer(place.command("cargo").args(["nextest", "--version"])).is_some();
    let mut command = if has_nextest {
        let mut command = place.command("cargo");
        command.args(["nextest", "run", "--locked"]);
        command
    } else {
        place.cargo("test")
    };
    command.args(["--workspace", "--bins", "--lib", "--tests", "--no-fail-fast"]);
    command
}

fn doc_tests(place: &Place) -> Command {
    let mut command = place.cargo("test");
    command.args(["--workspace", "--doc"]);
    command
}

/// What has been run so far.
#[derive(Default)]
struct Report {
    steps: Vec<Done>,
    total: Tally,
}

impl Report {
    /// Adds a step. One that failed without a failed test (a build, a lint) counts as one failure.
    fn add(&mut self, done: Done) {
        let mut tally = tally::count(&done.output);
        if !done.is_ok && tally.failed == 0 {
            tally.failed = 1;
        }
        self.total += tally;
        self.steps.push(done);
    }

    fn is_ok(&self) -> bool {
        self.steps.iter().all(|done| done.is_ok)
    }

    fn print(&self, took: Duration) {
        println!();
        for done in &self.steps {
            let verdict = if done.is_ok { "ok" } else { "FAILED" };
            println!("{verdict:>6}  {:>7.1} s  {}", done.took.as_secs_f64(), done.name);
        }
        println!("        {:>7.1} s  in all", took.as_secs_f64());
        println!("{} passed, {} failed", self.total.passed, self.total.failed);
    }
}
