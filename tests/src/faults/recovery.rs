//! How long a start takes after a kill, by what is on the ledger.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::client;
use crate::load::{self, Pace, Plan};
use crate::mock_provider::{DEFAULT_MODEL, MockProvider};
use crate::program::{Install, Program};
use crate::setup::Setup;
use crate::world::{PRICE, PROVIDER};

const CONNECTIONS: u32 = 32;

/// What a start after a kill took.
#[derive(Clone, Copy, Debug)]
pub struct Recovery {
    /// Entries on the ledger.
    pub entries: u64,
    /// From the start of the process until it said that it is ready.
    pub took: Duration,
    /// The same with an empty ledger.
    pub empty: Duration,
}

/// Puts load on a program until its ledger has so many entries, kills it under load and times its start.
pub async fn recover(entries: u64) -> Result<Recovery> {
    let mock = MockProvider::listen(0, false).await?;
    let setup = Setup::new().provider(PROVIDER, &mock.base_url()).model(DEFAULT_MODEL, &[PROVIDER], PRICE.0, PRICE.1);
    let install = Install::new()?;
    install.apply(&setup)?;
    let key = install.create_key("recovery")?;
    let (program, empty) = timed_start(&install)?;
    while written(&install)? < entries {
        let report = load::run(plan(&program, &key)?).await?;
        ensure!(report.errors.is_empty(), "{:?}", report.errors);
    }
    // Killed in the middle of further load, as a machine dies.
    let dying = tokio::spawn(load::run(plan(&program, &key)?));
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    program.kill()?;
    dying.abort();
    let (program, took) = timed_start(&install)?;
    let verified = crate::faults::verify(&install)?;
    ensure!(verified["open_holds"] == 0, "{verified}");
    program.stop()?;
    Ok(Recovery { entries: verified["entries"].as_u64().unwrap_or(0), took, empty })
}

fn timed_start(install: &Install) -> Result<(Program, Duration)> {
    let start = Instant::now();
    Ok((install.start()?, start.elapsed()))
}

/// Entries on the ledger.
fn written(install: &Install) -> Result<u64> {
    Ok(crate::faults::verify(install)?["entries"].as_u64().unwrap_or(0))
}

fn plan(program: &Program, key: &str) -> Result<Plan> {
    Ok(Plan {
        url: program.url("/v1/chat/completions").parse()?,
        key: key.to_owned(),
        body: client::chat_body(DEFAULT_MODEL).to_string().into(),
        headers: Vec::new(),
        first_mark: "word0 ",
        end_mark: "total_tokens",
        pace: Pace::Closed { connections: CONNECTIONS },
        warm_up: Duration::ZERO,
        duration: Duration::from_secs(4),
        watched: Vec::new(),
    })
}
