//! `status`

use std::process::ExitCode;

use clap::Args;
use serde::Deserialize;

use super::door::{Door, parse};
use super::output::{Cost, say};

/// Say how MegaRouter is doing.
#[derive(Args)]
pub struct Status {
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct Answer {
    version: String,
    proxy: Proxy,
    ledger: Ledger,
    secret_store: SecretStore,
    data_dir: String,
    today: Option<Today>,
}

#[derive(Deserialize)]
struct Proxy {
    state: String,
    addresses: Vec<String>,
    base_url: String,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Ledger {
    state: String,
    durable_lsn: u64,
    error: Option<String>,
}

#[derive(Deserialize)]
struct SecretStore {
    state: String,
    detail: String,
}

#[derive(Deserialize)]
struct Today {
    cost: Cost,
    requests: u64,
}

impl Status {
    pub async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let text = door.get_text("/status").await?;
        if self.json {
            say(&text);
            return Ok(ExitCode::SUCCESS);
        }
        let answer: Answer = parse(&text)?;
        let proxy = &answer.proxy;
        say(&format!("MegaRouter {}", answer.version));
        say(&match (door.is_running(), &proxy.error) {
            (false, _) => "proxy:    not running".to_owned(),
            (true, Some(error)) => format!("proxy:    {} ({error})", proxy.state),
            (true, None) => {
                format!("proxy:    {} at {} (base URL {})", proxy.state, proxy.addresses.join(", "), proxy.base_url)
            }
        });
        let why = answer.ledger.error.map(|error| format!(" ({error})")).unwrap_or_default();
        say(&format!("ledger:   {}, {} entries{why}", answer.ledger.state, answer.ledger.durable_lsn));
        say(&format!("secrets:  {}, {}", answer.secret_store.state, answer.secret_store.detail));
        if let Some(today) = answer.today {
            say(&format!("today:    {} requests, {}", today.requests, today.cost.in_words()));
        }
        say(&format!("data:     {}", answer.data_dir));
        Ok(ExitCode::SUCCESS)
    }
}
