//! What a node of a fleet carries, and what its PostgreSQL sees of that.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::budget::Budget;
use crate::cluster::{Cluster, spend, traffic};
use crate::load::{self, Pace, Plan};
use crate::postgres::Postgres;

const AMPLE: u64 = 1_000_000_000_000_000;
/// The loads: nothing, a quiet node, a busy one, and as much as it takes.
const PACES: [(&str, Option<Pace>); 4] = [
    ("idle", None),
    ("20 a second", Some(Pace::Open { per_second: 20, connections: 64 })),
    ("500 a second", Some(Pace::Open { per_second: 500, connections: 256 })),
    ("64 connections", Some(Pace::Closed { connections: 64 })),
];

/// What PostgreSQL counted.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    statements: u64,
    transactions: u64,
    rows: u64,
}

impl Seen {
    /// Of everything that was asked of the fleet's database so far.
    fn of(postgres: &Postgres, database: &str) -> Result<Self> {
        // A connection tells what it did with a delay, unless it is asked to.
        postgres.sql("postgres", "SELECT pg_stat_clear_snapshot()");
        let one = |question: &str| -> Result<u64> {
            let answer = postgres.sql("postgres", question);
            answer.trim().parse().with_context(|| format!("{question} is {answer:?}"))
        };
        let of_database = format!("FROM pg_stat_database WHERE datname = '{database}'");
        Ok(Self {
            statements: one(&format!(
                "SELECT coalesce(sum(s.calls), 0)::bigint FROM pg_stat_statements s \
                 JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = '{database}'"
            ))?,
            transactions: one(&format!("SELECT xact_commit + xact_rollback {of_database}"))?,
            rows: one(&format!("SELECT tup_inserted + tup_updated + tup_deleted {of_database}"))?,
        })
    }

    const fn since(self, before: Self) -> Self {
        Self {
            statements: self.statements - before.statements,
            transactions: self.transactions - before.transactions,
            rows: self.rows - before.rows,
        }
    }
}

/// Measures one node on a hub with three budgets on every request, for `duration` with each load, and
/// renders what came of it.
pub async fn run(duration: Duration) -> Result<String> {
    let cluster = Cluster::start_with(1, |postgres| {
        postgres.sql("postgres", "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'");
    })
    .await?;
    cluster.postgres.sql("postgres", "CREATE EXTENSION pg_stat_statements");
    spend::script(&cluster);
    let control = &cluster.nodes[0].control;
    let (key, id) = cluster.create_key("bench").await?;
    for budget in [
        Budget::nanos(AMPLE).with("period", json!({"kind": "month"})),
        Budget::nanos(AMPLE).on_key(&id).with("period", json!({"kind": "day"})),
        Budget::requests(AMPLE, &json!({"kind": "rolling", "seconds": 60})).on_key(&id),
    ] {
        budget.set(control).await?;
    }
    let mut text = format!(
        "{:<18} {:>9} {:>9} {:>9} {:>9} {:>12} {:>12} {:>12}\n",
        "one node, a hub", "requests", "req/s", "p50 ms", "p99 ms", "statements", "transactions", "rows written"
    );
    for (name, pace) in PACES {
        cluster.until_shipped(Duration::from_secs(60)).await?;
        let before = Seen::of(&cluster.postgres, cluster.database())?;
        let report = match pace {
            None => {
                tokio::time::sleep(duration).await;
                load::Report::default()
            }
            Some(pace) => load::run(plan(&cluster, &key, pace, duration)?).await?,
        };
        ensure!(report.errors.is_empty(), "{:?}", report.errors);
        cluster.until_shipped(Duration::from_secs(60)).await?;
        let seen = Seen::of(&cluster.postgres, cluster.database())?.since(before);
        let _infallible = row(&mut text, name, &report, seen, duration);
    }
    cluster.verify()?;
    Ok(text)
}

/// Figures of PostgreSQL are by a thousand requests; when there are none, by a second.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn row(text: &mut String, name: &str, report: &load::Report, seen: Seen, duration: Duration) -> std::fmt::Result {
    let requests = report.answered_in_all;
    let (unit, by) = if requests == 0 { ("/s", duration.as_secs_f64()) } else { ("/1k", requests as f64 / 1_000.0) };
    let figure = |count: u64| format!("{:.1}{unit}", count as f64 / by);
    writeln!(
        text,
        "{name:<18} {requests:>9} {:>9.0} {:>9.2} {:>9.2} {:>12} {:>12} {:>12}",
        report.answered as f64 / duration.as_secs_f64(),
        report.latency.percentile_ms(0.5),
        report.latency.percentile_ms(0.99),
        figure(seen.statements),
        figure(seen.transactions),
        figure(seen.rows),
    )
}

fn plan(cluster: &Cluster, key: &str, pace: Pace, duration: Duration) -> Result<Plan> {
    Ok(Plan {
        url: format!("{}/v1/chat/completions", cluster.nodes[0].proxy).parse()?,
        key: key.to_owned(),
        body: traffic::body("brief", false).to_string().into(),
        headers: Vec::new(),
        first_mark: "word0 ",
        end_mark: "total_tokens",
        pace,
        warm_up: Duration::ZERO,
        duration,
        watched: Vec::new(),
    })
}
