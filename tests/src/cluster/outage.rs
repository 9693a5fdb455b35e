//! What happens to a database, and what the clients of its nodes see of it (22).

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::task::block_in_place;

use super::traffic::{OpenStreams, Tally, Traffic};
use super::{Cluster, signal_tree, spend};
use crate::budget::Budget;
use crate::mock_provider::Script;
use crate::postgres::Postgres;
use crate::world::NANOS_PER_TOKEN;

/// The promise: so soon after the database is back, budgets can be leased again.
const BACK_LIMIT: Duration = Duration::from_secs(10);

/// What happens to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// It is started anew.
    Restart,
    /// It stands still, with all connections open.
    Pause(Duration),
    /// It takes no writes, as after a failover to a replica.
    ReadOnly(Duration),
    /// It loses its connections, and others take all places there are.
    TooManyClients(Duration),
}

/// What the clients saw.
#[derive(Clone, Debug)]
pub struct OutageReport {
    /// What happened.
    pub outage: Outage,
    /// Streams that were open and did not end whole.
    pub aborted_streams: usize,
    /// Clients of a key that no budget limits.
    pub unlimited: Tally,
    /// Clients of a key with a budget.
    pub limited: Tally,
    /// From the end of the outage until the hub had every entry.
    pub caught_up_in: Duration,
}

/// Lets something happen to the database under load and checks every promise about that.
pub async fn suffer(cluster: &Cluster, outage: Outage) -> Result<OutageReport> {
    spend::script(cluster);
    let calls = cluster.mock.totals().calls;
    let (limited_key, id) = cluster.create_key(&format!("limited-{calls}")).await?;
    let (unlimited_key, _) = cluster.create_key(&format!("unlimited-{calls}")).await?;
    // Enough for the whole run, so that only what a node may not lease is refused.
    let limit = 1_000_000 * NANOS_PER_TOKEN.1 * 100;
    let budget = Budget::nanos(limit).on_key(&id).set(&cluster.nodes[0].control).await?;
    spend::until_every_node_has(cluster, &budget).await?;
    let length = outage.length();
    let gaps = u32::try_from(length.as_millis() / 100)? + 40;
    cluster.mock.script("endless", Script { chunks: gaps, gap_ms: 100, ..Script::default() });
    let limited_streams = OpenStreams::open(cluster, &limited_key, "endless").await?;
    let unlimited_streams = OpenStreams::open(cluster, &unlimited_key, "endless").await?;
    let limited = spend::spenders(cluster, &limited_key, 1);
    let unlimited = spend::spenders(cluster, &unlimited_key, 1);
    tokio::time::sleep(Duration::from_millis(500)).await;

    outage.happen(cluster).await?;
    let back = Instant::now();
    until_answered(&limited).await.with_context(|| format!("{outage:?}: {:?}", limited.tally()))?;
    until_answered(&unlimited).await?;
    let aborted_streams = limited_streams.aborted().await? + unlimited_streams.aborted().await?;
    let (limited, unlimited) = (limited.end().await?, unlimited.end().await?);
    cluster.until_shipped(Duration::from_secs(60)).await?;
    let report = OutageReport { outage, aborted_streams, unlimited, limited, caught_up_in: back.elapsed() };
    ensure!(report.aborted_streams == 0, "{report:?}");
    ensure!(report.unlimited.others.is_empty() && report.unlimited.unavailable == 0, "{report:?}");
    // Only leases may run short: never a 401, a 403 or a 5xx.
    ensure!(report.limited.others.is_empty(), "{report:?}");
    Ok(report)
}

async fn until_answered(traffic: &Traffic) -> Result<()> {
    let before = traffic.tally().answered;
    super::until("requests are answered again", BACK_LIMIT, async || Ok(traffic.tally().answered > before + 5)).await
}

impl Outage {
    const fn length(self) -> Duration {
        match self {
            Self::Restart => Duration::from_secs(3),
            Self::Pause(length) | Self::ReadOnly(length) | Self::TooManyClients(length) => length,
        }
    }

    async fn happen(self, cluster: &Cluster) -> Result<()> {
        let postgres = &cluster.postgres;
        match self {
            Self::Restart => block_in_place(|| postgres.control(&["restart", "-m", "fast"])),
            Self::Pause(length) => {
                let server = postgres.process_id();
                signal_tree("STOP", server)?;
                tokio::time::sleep(length).await;
                signal_tree("CONT", server)?;
            }
            Self::ReadOnly(length) => {
                block_in_place(|| set_read_only(postgres, true));
                tokio::time::sleep(length).await;
                block_in_place(|| set_read_only(postgres, false));
            }
            Self::TooManyClients(length) => {
                let taken = block_in_place(|| take_all_places(postgres, cluster.database()))?;
                tokio::time::sleep(length).await;
                drop(taken);
            }
        }
        Ok(())
    }
}

fn set_read_only(postgres: &Postgres, is_read_only: bool) {
    let value = if is_read_only { "on" } else { "off" };
    postgres.sql("postgres", &format!("ALTER SYSTEM SET default_transaction_read_only = {value}"));
    postgres.sql("postgres", "SELECT pg_reload_conf()");
}

/// More connections than any server of the tests has places for.
const MOST_PLACES: usize = 1_000;

/// Takes every place for a connection, while the ones in use are ended. Connections that say nothing
/// have a place for a minute.
fn take_all_places(postgres: &Postgres, database: &str) -> Result<Vec<TcpStream>> {
    let end = format!(
        "SELECT pg_sleep(6); SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{database}'"
    );
    std::thread::scope(|scope| {
        let ending = scope.spawn(|| postgres.sql("postgres", &end));
        // The other one must have its place before there is none.
        postgres.sql("postgres", "SELECT pg_sleep(1)");
        let mut taken = Vec::new();
        take_until_full(postgres, &mut taken)?;
        ensure!(!ending.is_finished(), "the connections in use were ended before all places were taken");
        let _counted = ending.join();
        // Their places too, in a race with whoever wants them back.
        take_until_full(postgres, &mut taken)?;
        Ok(taken)
    })
}

fn take_until_full(postgres: &Postgres, taken: &mut Vec<TcpStream>) -> Result<()> {
    while !is_full(postgres)? {
        ensure!(taken.len() < MOST_PLACES, "{MOST_PLACES} connections did not take all places");
        for _ in 0..20 {
            taken.push(TcpStream::connect((Ipv4Addr::LOCALHOST, postgres.port()))?);
        }
    }
    Ok(())
}

/// Whether a new connection is turned away: one that says who it is is asked for its password, or told
/// of an error.
fn is_full(postgres: &Postgres) -> Result<bool> {
    let names = b"\0\x03\0\0user\0megarouter\0database\0postgres\0\0";
    let length = u32::try_from(names.len() + 4)?.to_be_bytes();
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, postgres.port()))?;
    connection.write_all(&[&length[..], names].concat())?;
    let mut letter = [0];
    Ok(!matches!((connection.read(&mut letter), letter), (Ok(1), [b'R'])))
}
