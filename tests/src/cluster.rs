//! Several real nodes on one real PostgreSQL, the load on them, and what is done to them.
//!
//! Start at [`Cluster::start`]; [`traffic`] is the load and its count, [`outage`] what happens to the
//! database.

pub mod fence;
pub mod outage;
pub mod ship;
pub mod spend;
pub mod traffic;

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::control::Control;
use crate::mock_provider::MockProvider;
use crate::postgres::Postgres;
use crate::process;
use crate::program::{Install, Program};
use crate::setup::Setup;
use crate::world::{PRICE, PROVIDER};

/// Models of the mock: what they say is up to the test's scripts.
pub const MODELS: [&str; 4] = ["brief", "medium", "long", "endless"];

/// Nodes that share a database.
pub struct Cluster {
    /// Their database's server.
    pub postgres: Postgres,
    /// Their only provider.
    pub mock: MockProvider,
    /// The nodes, in the order they joined.
    pub nodes: Vec<Node>,
    url: String,
}

/// One of them.
pub struct Node {
    install: Install,
    program: Option<Program>,
    /// Its control API.
    pub control: Control,
    /// Where its proxy listens.
    pub proxy: String,
}

impl Cluster {
    /// Starts so many nodes before a mock provider.
    pub async fn start(count: usize) -> Result<Self> {
        Self::start_with(count, |_| ()).await
    }

    /// The same on a server that is prepared first, and started again after that.
    pub async fn start_with(count: usize, prepare: fn(&Postgres)) -> Result<Self> {
        let postgres = tokio::task::spawn_blocking(move || {
            let postgres = Postgres::start();
            // As managed ones come; also few enough that a test can take all places.
            postgres.sql("postgres", "ALTER SYSTEM SET max_connections = 100");
            prepare(&postgres);
            postgres.control(&["restart", "-m", "fast"]);
            postgres
        });
        let postgres = postgres.await?;
        let mock = MockProvider::listen(0, false).await?;
        let mut cluster = Self { url: postgres.database(), postgres, mock, nodes: Vec::new() };
        cluster.join()?;
        let setup = MODELS.iter().fold(Setup::new().provider(PROVIDER, &cluster.mock.base_url()), |setup, model| {
            setup.model(model, &[PROVIDER], PRICE.0, PRICE.1)
        });
        cluster.nodes[0].install.apply(&setup)?;
        for _ in 1..count {
            cluster.join()?;
        }
        cluster.until_live(count).await?;
        Ok(cluster)
    }

    /// The name of their database.
    pub fn database(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or_default()
    }

    /// Starts one more node.
    pub fn join(&mut self) -> Result<()> {
        let install = Install::new()?;
        let control = Control::of(&install.data_folder());
        let mut node = Node { install, program: None, control, proxy: String::new() };
        node.start(&self.url, self.nodes.len())?;
        self.nodes.push(node);
        Ok(())
    }

    /// Starts a node again that was killed.
    pub fn restart(&mut self, index: usize) -> Result<()> {
        self.nodes[index].start(&self.url, index)
    }

    /// Makes a key that every node knows, once they all do.
    pub async fn create_key(&self, name: &str) -> Result<(String, String)> {
        let text = self.nodes[0].install.create_key(name)?;
        let keys = self.nodes[0].control.get("/keys").await?;
        let rows = keys.as_array().or_else(|| keys["rows"].as_array()).context("no keys")?;
        let key = rows.iter().find(|key| key["name"] == name).context("the new key is not listed")?;
        let id = key["id"].as_str().context("a key has an id")?.to_owned();
        for node in &self.nodes {
            let url = format!("{}/v1/models", node.proxy);
            until("a node knows the new key", Duration::from_secs(10), async || {
                let answer = crate::client::new().get(&url).bearer_auth(&text).send().await?;
                Ok(answer.status() == 200)
            })
            .await?;
        }
        Ok((text, id))
    }

    /// Waits until every running node says that so many live.
    pub async fn until_live(&self, count: usize) -> Result<()> {
        for node in self.nodes.iter().filter(|node| node.program.is_some()) {
            until("a node knows how many live", Duration::from_secs(40), async || {
                Ok(node.this().await?["live_nodes"].as_u64() == u64::try_from(count).ok())
            })
            .await?;
        }
        Ok(())
    }

    /// Waits until the hub has every entry of every running node; says how long that took.
    pub async fn until_shipped(&self, limit: Duration) -> Result<Duration> {
        let start = Instant::now();
        for node in self.nodes.iter().filter(|node| node.program.is_some()) {
            let left = limit.saturating_sub(start.elapsed());
            until("the hub has every entry", left, async || Ok(node.this().await?["lag"] == 0)).await?;
        }
        Ok(start.elapsed())
    }

    /// What the program of every running node makes of its own ledger.
    pub fn verify(&self) -> Result<()> {
        for node in self.nodes.iter().filter(|node| node.program.is_some()) {
            crate::faults::verify(&node.install)?;
        }
        Ok(())
    }
}

impl Node {
    fn start(&mut self, url: &str, index: usize) -> Result<()> {
        let name = format!("node-{index}");
        // In the environment, as a container has it: an argument would be seen by everybody.
        let program = self.install.start_as(&["--node-name", &name], &[("MEGAROUTER_DATABASE_URL", url)])?;
        self.proxy = program.url("");
        self.program = Some(program);
        Ok(())
    }

    /// What it says of itself.
    pub async fn this(&self) -> Result<Value> {
        Ok(self.control.get("/nodes").await?["this"].clone())
    }

    /// Kills it.
    pub fn kill(&mut self) -> Result<()> {
        self.program.take().context("the node does not run")?.kill()?;
        Ok(())
    }

    /// Its process.
    pub fn process_id(&self) -> Result<u32> {
        Ok(self.program.as_ref().context("the node does not run")?.process_id())
    }

    /// Stops its process in its tracks.
    pub fn pause(&self) -> Result<()> {
        signal("STOP", &[self.process_id()?])
    }

    /// Lets it go on.
    pub fn resume(&self) -> Result<()> {
        signal("CONT", &[self.process_id()?])
    }

    /// The command line on its data folder.
    pub const fn install(&self) -> &Install {
        &self.install
    }
}

/// Sends a signal to processes; one that is gone is no failure, none left is.
fn signal(name: &str, processes: &[u32]) -> Result<()> {
    let ids = processes.iter().map(u32::to_string);
    let done = Command::new("kill").arg(format!("-{name}")).args(ids).output()?;
    let gone = String::from_utf8_lossy(&done.stderr).matches("No such process").count();
    ensure!(done.status.success() || gone < processes.len(), "{}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

/// Sends a signal to the processes of a server and its connections.
fn signal_tree(name: &str, root: u32) -> Result<()> {
    signal(name, &process::members(root))
}

/// Waits until a condition holds; one that cannot be asked does not.
pub async fn until(what: &str, limit: Duration, mut holds: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    loop {
        let answer = holds().await;
        if matches!(answer, Ok(true)) {
            return Ok(());
        }
        ensure!(start.elapsed() < limit, "not within {limit:?}: {what}; last: {answer:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
