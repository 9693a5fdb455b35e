//! The repository's own commands, started as `cargo xtask VERB`.
//!
//! Each verb is a module of its own. `place` knows where things are, `step` runs and times other programs, `needs` knows
//! what must be installed, `frontend` builds the UI. Nothing here talks to a network; npm, apt and cargo do.
#![expect(clippy::print_stdout, reason = "a command line program answers on standard output")]

use std::process::ExitCode;

use anyhow::{Result, bail};

mod bench;
mod bundle;
mod catalogue;
mod check;
mod eval_router;
mod frontend;
mod gen_api;
mod icons;
mod needs;
mod place;
mod run;
mod soak;
mod step;
mod tally;
mod test;
#[cfg(test)]
mod tidy;
mod train_router;

use place::Place;

const USAGE: &str = "\
cargo xtask VERB [ARGUMENT...]

  run      install what is missing, build, start the desktop app (or, without a display, the server)
  test     everything: Rust, UI, end to end in the real window
  check    format, lints, docs, house rules, UI check, generated files
  gen      write the OpenAPI document, the UI's client types and the settings' reference
           gen catalogue: write the model catalogue from its sources
  icons    draw the PNG, ICO and ICNS files from the SVG files in icons/
  bundle   release build and installers for this system
  bench    proxy, nginx and direct side by side
  soak     the long tests: kills, seeds, many rows
           soak mutants: change the ledger, and see whether a test notices

  train-router --data DIR   write the router's weights from prompts with many models' outcomes
  eval-router --data DIR    say how good the router is on benchmarks that it was not trained on

Arguments after the verb go to the program that it starts.
Build output goes to $CARGO_TARGET_DIR, or else to megarouter/target in the user's cache folder.";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let verb = arguments.next().unwrap_or_default();
    match dispatch(&verb, &arguments.collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(verb: &str, arguments: &[String]) -> Result<()> {
    if matches!(verb, "" | "help" | "-h" | "--help") {
        println!("{USAGE}");
        return Ok(());
    }
    let place = Place::find()?;
    match verb {
        "run" => run::run(&place, arguments),
        "test" => test::test(&place),
        "check" => check::check(&place),
        "gen" if arguments.first().is_some_and(|what| what == "catalogue") => catalogue::generate(&place),
        "gen" => gen_api::generate(&place),
        "icons" => icons::draw(&place),
        "bundle" => bundle::bundle(&place, arguments),
        "bench" => bench::bench(&place, arguments),
        "soak" => soak::soak(&place, arguments),
        "train-router" => train_router::train_router(&place, arguments),
        "eval-router" => eval_router::eval_router(arguments),
        _ => bail!("there is no verb {verb:?}\n\n{USAGE}"),
    }
}
