//! `soak`: what takes too long for every change.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::place::Place;
use crate::{frontend, needs, step};

/// How long everything that reads what others send is fuzzed, in seconds.
const FUZZED_SECONDS: &str = "300";
/// Runs of the simulator, each with another seed.
const SEEDS: &str = "10000";

/// How cargo-mutants ends when a change went unnoticed, and when a test ran for too long.
const UNNOTICED: [i32; 2] = [2, 3];

/// Runs the part that the first argument names, or all of them: `fuzz`, `simulate`, and those of the
/// `tests` package, which get the `arguments`. `simulate` takes `--seeds`, the others take `--seed`.
/// `mutants`, which takes hours, runs when it is named.
pub fn soak(place: &Place, arguments: &[String]) -> Result<()> {
    if arguments.first().is_some_and(|part| part == "mutants") {
        return mutants(place);
    }
    needs::for_testing()?;
    let part = arguments.first().map(String::as_str).filter(|part| !part.starts_with('-'));
    if matches!(part, None | Some("fuzz")) {
        fuzz(place, arguments)?;
    }
    if matches!(part, None | Some("simulate")) {
        simulate(place, arguments)?;
    }
    if matches!(part, Some("fuzz" | "simulate")) {
        return Ok(());
    }
    frontend::install(place)?;
    frontend::build(place)?;
    step::run(place.cargo("build").args(["--workspace", "--bins", "--release"]))?;
    step::run(place.command(place.binary("release", "soak")).args(arguments))
}

/// What follows a word among the arguments.
fn after<'a>(arguments: &'a [String], word: &str) -> Option<&'a str> {
    arguments.iter().skip_while(|argument| *argument != word).nth(1).map(String::as_str)
}

fn fuzz(place: &Place, arguments: &[String]) -> Result<()> {
    step::run(place.cargo("build").args(["--package", "megarouter-dialect", "--example", "fuzz", "--release"]))?;
    let program: PathBuf = place.binary("release", "examples/fuzz");
    step::run(place.command(program).args([FUZZED_SECONDS, after(arguments, "--seed").unwrap_or("1")]))
}

/// Changes the ledger in hundreds of small ways, and says which of them no test notices. The quick tests
/// are asked about all of them, the slow ones about the rest.
fn mutants(place: &Place) -> Result<()> {
    if step::answer(place.command("cargo").args(["mutants", "--version"])).is_none() {
        bail!("cargo-mutants is missing. Please run `cargo install --locked cargo-mutants`, then try again");
    }
    let status = of_ledger(place, &[], &["rules", "leases"]).status()?;
    if status.success() || !status.code().is_some_and(|code| UNNOTICED.contains(&code)) {
        return if status.success() { Ok(()) } else { bail!("cargo-mutants ended with {status}") };
    }
    step::run(&mut of_ledger(place, &["--iterate"], &["rules", "leases", "reference", "properties"]))
}

fn of_ledger(place: &Place, options: &[&str], tests: &[&str]) -> Command {
    let mut command = place.command("cargo");
    command.args(["mutants", "--package", "megarouter-ledger", "--output"]).arg(&place.target).args(options);
    command.args(["--", "--lib"]).args(tests.iter().flat_map(|test| ["--test", test]));
    // The first case that fails is enough.
    command.env("PROPTEST_MAX_SHRINK_ITERS", "0");
    command
}

/// The ledger's simulator with more seeds than `test` gives it.
fn simulate(place: &Place, arguments: &[String]) -> Result<()> {
    let mut command = place.cargo("test");
    command.args(["--package", "megarouter-ledger", "--test", "simulation", "--release", "many_seeds"]);
    command.args(["--", "--ignored", "--nocapture"]);
    command.env("SEEDS", after(arguments, "--seeds").unwrap_or(SEEDS));
    step::run(&mut command)
}
