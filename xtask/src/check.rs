//! `check`: what a reviewer should not have to say.

use std::process::Command;

use anyhow::{Result, bail};

use crate::place::Place;
use crate::{frontend, gen_api, needs, step};

/// Runs every check, then names the ones that failed.
pub fn check(place: &Place) -> Result<()> {
    needs::for_building()?;
    frontend::install(place)?;
    // The desktop crate embeds the built UI, so linting it needs one.
    frontend::build(place)?;

    let mut failed = Vec::new();
    for (name, command) in commands(place) {
        if !step::watch(name, command)?.is_ok {
            failed.push(name);
        }
    }
    let generated = gen_api::verify(place)?;
    if !generated.is_ok {
        failed.push(generated.name);
    }
    if failed.is_empty() {
        return Ok(());
    }
    bail!("not in order: {}", failed.join(", "))
}

/// Whether the code is in its one form.
pub fn format(place: &Place) -> Command {
    let mut command = place.command("cargo");
    command.args(["fmt", "--all", "--check"]);
    command
}

/// The workspace's lints, each a failure.
pub fn lints(place: &Place) -> Command {
    let mut command = place.cargo("clippy");
    command.args(["--workspace", "--all-targets", "--keep-going", "--", "-D", "warnings"]);
    command
}

fn commands(place: &Place) -> Vec<(&'static str, Command)> {
    let mut docs = place.cargo("doc");
    docs.args(["--workspace", "--no-deps", "--document-private-items", "--keep-going"])
        .env("RUSTDOCFLAGS", "-D warnings");
    let mut rules = place.cargo("test");
    rules.args(["--package", "xtask"]);
    let mut commands = vec![
        ("format", format(place)),
        ("lints", lints(place)),
        ("docs", docs),
        ("house rules", rules),
        ("UI check", place.npm(&["run", "check"])),
    ];
    // Needs the advisory database, so it is a step of the release workflow and of machines that have it.
    if step::answer(place.command("cargo").args(["deny", "--version"])).is_some() {
        let mut deny = place.command("cargo");
        deny.args(["deny", "check"]);
        commands.push(("cargo deny", deny));
    }
    commands
}
