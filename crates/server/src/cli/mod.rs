//! The command line: one file for each verb.
//!
//! Every verb calls the control API, of the running instance if there is one and else of one opened
//! for the moment, so a verb and the window cannot disagree.

mod apply;
mod budget;
mod catalogue;
mod door;
mod explain;
mod key;
mod ledger;
mod model;
mod output;
mod policy;
mod provider;
mod report;
mod requests;
mod route;
mod serve;
mod signin_link;
mod status;
mod unit;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use megarouter_secrets::OpenError;

use crate::config::{Common, Config, ConfigError, Sections, without_label};
use door::Door;

/// The exit code for a configuration that cannot be used (`EX_CONFIG`).
const EXIT_CONFIG: u8 = 78;

/// MegaRouter without a window: a local AI proxy that accounts for every cent.
#[derive(Parser)]
#[command(name = "megarouter-server", version)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the proxy and the web UI until stopped
    Serve(Box<Sections>),
    /// Make the configuration what a file says
    Apply(apply::Apply),
    /// Make, list and revoke the keys that apps present
    #[command(subcommand)]
    Key(key::Key),
    /// Look at and change the organisation
    #[command(subcommand)]
    Unit(unit::Unit),
    /// Look at and change budgets
    #[command(subcommand)]
    Budget(budget::Budget),
    /// List, test and find providers
    #[command(subcommand)]
    Provider(provider::Provider),
    /// List models
    #[command(subcommand)]
    Model(model::Model),
    /// Look at and change policies
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Look up what is known of models
    #[command(subcommand, alias = "catalog")]
    Catalogue(catalogue::Catalogue),
    /// Look at requests
    #[command(subcommand)]
    Requests(requests::Requests),
    /// See what the router makes of prompts
    #[command(subcommand)]
    Route(route::Route),
    /// Say how MegaRouter is doing
    Status(status::Status),
    /// Write a report to a file or to standard output
    Report(report::Report),
    /// Check, copy and mend the ledger
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    /// Print a one-time link to the web UI
    #[command(alias = "link")]
    SigninLink(signin_link::SigninLink),
}

/// Runs a command line to its end.
pub async fn run(cli: Cli) -> ExitCode {
    match dispatch(cli).await {
        Ok(code) => code,
        Err(error) => {
            output::complain(&error);
            let is_config = error.chain().any(|cause| cause.is::<ConfigError>() || cause.is::<OpenError>());
            if is_config { ExitCode::from(EXIT_CONFIG) } else { ExitCode::FAILURE }
        }
    }
}

async fn dispatch(cli: Cli) -> anyhow::Result<ExitCode> {
    let Cli { common, command } = cli;
    let command = match command {
        Command::Serve(sections) => return serve::run(Config::load(common, *sections)?).await,
        // It works on the files that it is given alone.
        Command::Route(route::Route::Score(verb)) => return verb.run(),
        // It works on files that no instance can be opened over, too.
        Command::Ledger(verb) => return verb.run(Config::load(common, from_environment()?)?).await,
        command => command,
    };
    let config = Config::load(common, from_environment()?)?;
    let mut door = Door::open(config).await?;
    let outcome = run_verb(command, &mut door).await;
    door.close().await;
    outcome
}

/// The settings of the environment, which hold for verbs that do the work themselves too.
fn from_environment() -> Result<Sections, ConfigError> {
    Sections::from_environment().map_err(|error| {
        let said = error.to_string();
        ConfigError::Environment(without_label(said.lines().next().unwrap_or_default()))
    })
}

async fn run_verb(command: Command, door: &mut Door) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(_) | Command::Ledger(_) | Command::Route(route::Route::Score(_)) => Ok(ExitCode::SUCCESS),
        Command::Route(route::Route::Explain(verb)) => verb.run(door).await,
        Command::Policy(verb) => verb.run(door).await,
        Command::Apply(verb) => verb.run(door).await,
        Command::Key(verb) => verb.run(door).await,
        Command::Unit(verb) => verb.run(door).await,
        Command::Budget(verb) => verb.run(door).await,
        Command::Provider(verb) => verb.run(door).await,
        Command::Model(verb) => verb.run(door).await,
        Command::Catalogue(verb) => verb.run(door).await,
        Command::Requests(verb) => verb.run(door).await,
        Command::Status(verb) => verb.run(door).await,
        Command::Report(verb) => verb.run(door).await,
        Command::SigninLink(verb) => verb.run(door).await,
    }
}
