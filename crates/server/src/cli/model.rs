//! `model list`

use std::process::ExitCode;

use clap::Subcommand;
use serde::Deserialize;

use super::door::{Door, parse};
use super::output::{say, table};

/// List models.
#[derive(Subcommand)]
pub enum Model {
    /// List models with who serves them at what price
    List {
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    aliases: Vec<String>,
    deployments: Vec<Deployment>,
}

#[derive(Deserialize)]
struct Deployment {
    provider: String,
    upstream_model: String,
    price: Option<Price>,
    is_free: bool,
}

#[derive(Deserialize)]
struct Price {
    rates: Rates,
}

#[derive(Deserialize)]
struct Rates {
    input: String,
    output: String,
}

impl Model {
    pub async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let Self::List { json } = self;
        let answer = door.get_text("/models").await?;
        if json {
            say(&answer);
            return Ok(ExitCode::SUCCESS);
        }
        let rows: Vec<_> = parse::<Vec<Listed>>(&answer)?.iter().flat_map(rows).collect();
        table(&["MODEL", "ALIASES", "PROVIDER", "PROVIDER'S MODEL", "USD PER MILLION IN / OUT"], &rows);
        Ok(ExitCode::SUCCESS)
    }
}

fn rows(model: &Listed) -> Vec<Vec<String>> {
    let row = |deployment: &Deployment| {
        let price = match &deployment.price {
            _ if deployment.is_free => "free".to_owned(),
            Some(price) => format!("{} / {}", price.rates.input, price.rates.output),
            None => "unknown".to_owned(),
        };
        let (provider, upstream) = (deployment.provider.clone(), deployment.upstream_model.clone());
        vec![model.name.clone(), model.aliases.join(","), provider, upstream, price]
    };
    model.deployments.iter().map(row).collect()
}
