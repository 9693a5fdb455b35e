//! Several nodes on the settings of one hub.

use std::time::{Duration, Instant};

use megarouter_domain::secret::Secret;
use megarouter_store::hub::HubPool;
use megarouter_store::settings::{Change, Settings};

use crate::postgres::Postgres;
use crate::world::NOW;

fn pool(url: &str) -> HubPool {
    HubPool::new(&Secret::new(url.to_owned())).unwrap()
}

fn theme(value: &str) -> Vec<Change> {
    vec![Change::PutPreference { name: "theme".to_owned(), value: format!("\"{value}\"") }]
}

/// What a query says of the connections that listen in a database.
fn listeners(server: &Postgres, url: &str, select: &str) -> String {
    let database = url.rsplit('/').next().unwrap();
    let of = format!("FROM pg_stat_activity WHERE datname = '{database}' AND query LIKE 'LISTEN%'");
    server.sql("postgres", &format!("{select} {of}"))
}

#[tokio::test]
async fn nodes_that_start_together_make_one_organization() {
    let url = Postgres::shared().database();
    let starts = (1..=6_u8).map(|seed| {
        let pool = pool(&url);
        tokio::spawn(async move { Settings::open(&pool, NOW, [seed; 10]).await.unwrap().load().await.unwrap() })
    });
    let mut seen = Vec::new();
    for start in starts {
        seen.push(start.await.unwrap());
    }
    assert!(seen.iter().all(|everything| everything.organization == seen[0].organization));
    assert_eq!(seen[0].keys.len(), 1);
}

#[tokio::test]
async fn a_change_reaches_the_other_node_at_once() {
    let server = Postgres::shared();
    let url = server.database();
    let (one, two) = (pool(&url), pool(&url));
    let writer = Settings::open(&one, NOW, [1; 10]).await.unwrap();
    let reader = Settings::open(&two, NOW, [2; 10]).await.unwrap();
    let mut seen = reader.load().await.unwrap().version;
    let mut slowest = Duration::ZERO;
    for value in ["light", "dark", "light"] {
        let (heard, told) = tokio::join!(reader.changed(seen), async {
            while listeners(server, &url, "SELECT count(*)") != "1" {
                tokio::task::yield_now().await;
            }
            writer.apply(theme(value)).await.unwrap();
            Instant::now()
        });
        slowest = slowest.max(told.elapsed());
        assert_eq!(heard, seen + 1);
        seen = heard;
    }
    assert!(slowest < Duration::from_secs(1), "{slowest:?}: heard, not found by looking");
}

#[tokio::test]
async fn a_change_is_seen_although_its_notice_was_lost() {
    let server = Postgres::shared();
    let url = server.database();
    let (one, two) = (pool(&url), pool(&url));
    let writer = Settings::open(&one, NOW, [1; 10]).await.unwrap();
    let reader = Settings::open(&two, NOW, [2; 10]).await.unwrap();
    let seen = reader.load().await.unwrap().version;
    let (heard, ()) = tokio::join!(reader.changed(seen), async {
        while listeners(server, &url, "SELECT pg_terminate_backend(pid)").is_empty() {
            tokio::task::yield_now().await;
        }
        writer.apply(theme("dark")).await.unwrap();
    });
    assert_eq!(heard, seen + 1);
}

#[tokio::test]
async fn changes_of_two_nodes_at_once_are_made_one_after_the_other() {
    let url = Postgres::shared().database();
    let (one, two) = (pool(&url), pool(&url));
    let first = Settings::open(&one, NOW, [1; 10]).await.unwrap();
    let second = Settings::open(&two, NOW, [2; 10]).await.unwrap();
    let before = first.load().await.unwrap().version;
    for _ in 0..10 {
        let (one, two) = tokio::join!(first.apply(theme("light")), second.apply(theme("dark")));
        one.unwrap();
        two.unwrap();
    }
    assert_eq!(first.load().await.unwrap().version, before + 20);
}

#[tokio::test]
async fn a_change_after_a_restart_of_the_database_is_seen_within_five_seconds() {
    let server = Postgres::start();
    let url = server.database();
    let (one, two) = (pool(&url), pool(&url));
    let writer = Settings::open(&one, NOW, [1; 10]).await.unwrap();
    let reader = Settings::open(&two, NOW, [2; 10]).await.unwrap();
    let seen = reader.load().await.unwrap().version;
    let (heard, changed) = tokio::join!(reader.changed(seen), async {
        while listeners(&server, &url, "SELECT count(*)") != "1" {
            tokio::task::yield_now().await;
        }
        server.control(&["restart", "-m", "immediate"]);
        while writer.apply(theme("dark")).await.is_err() {}
        Instant::now()
    });
    assert_eq!(heard, seen + 1);
    assert!(changed.elapsed() < Duration::from_secs(5), "{:?}", changed.elapsed());
}

#[tokio::test]
async fn settings_of_a_hub_that_is_away_can_be_opened_and_work_when_it_is_there() {
    let away = Settings::of_hub(&pool("postgres://nobody:secret@127.0.0.1:1/nothing"));
    let refused = away.load().await.unwrap_err();
    assert!(matches!(refused, megarouter_store::error::Error::Away(_)), "{refused:?}");

    let settings = Settings::of_hub(&pool(&Postgres::shared().database()));
    settings.prepare(NOW, [1; 10]).await.unwrap();
    settings.prepare(NOW, [2; 10]).await.unwrap();
    assert_eq!(settings.load().await.unwrap().keys.len(), 1);
}
