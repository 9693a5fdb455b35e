//! A database that is away, only reads, or has no room: clear errors, soon.

use std::time::{Duration, Instant};

use megarouter_domain::secret::Secret;
use megarouter_ledger::lease::Grant;
use megarouter_store::error::Error;
use megarouter_store::hub::{Hub, HubError, HubPool, Node};

use crate::postgres::{PASSWORD, Postgres};
use crate::world::{ask, hub, hub_at, key, node};

#[tokio::test]
async fn a_database_that_is_not_there_is_said_soon() {
    let hub = hub_at("postgres://nobody:secret@127.0.0.1:1/nothing");
    let begin = Instant::now();
    let error = hub.nodes().await.unwrap_err();
    assert!(matches!(error, HubError::Store(Error::Away(_))), "{error:?}");
    assert!(begin.elapsed() < Duration::from_secs(6));
}

#[tokio::test]
async fn a_url_that_is_none_is_refused_without_being_repeated() {
    for url in ["mysql://user:canary@host/db", "canary", "", "postgres://user:canary@host:port/db"] {
        let error = HubPool::new(&Secret::new(url.to_owned())).unwrap_err();
        assert!(matches!(error, Error::HubUrl), "{error:?}");
        assert!(!format!("{error:?} {error}").contains("canary"));
    }
}

#[tokio::test]
async fn nothing_that_is_printed_holds_the_password() {
    let (hub, database) = hub();
    let wrong = Hub::new(HubPool::new(&Secret::new(Postgres::shared().url(&database) + "_is_not_there")).unwrap());
    let error = wrong.nodes().await.unwrap_err();
    let printed = format!("{hub:?} {wrong:?} {error:?} {error}");
    assert!(!printed.contains(PASSWORD), "{printed}");
}

#[tokio::test]
async fn a_server_that_only_reads_is_named_and_left_when_it_writes_again() {
    let server = Postgres::shared();
    let (hub, database) = hub();
    let node = node(&hub, 1).await;
    server.sql("postgres", &format!("ALTER DATABASE {database} SET default_transaction_read_only = on"));
    let disconnect =
        format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{database}'");
    server.sql("postgres", &disconnect);
    let refused = lease_on_a_living_connection(&hub, node).await.unwrap_err();
    assert!(matches!(refused, HubError::Store(Error::ReadOnly)), "{refused:?}");
    server.sql("postgres", &format!("ALTER DATABASE {database} RESET default_transaction_read_only"));
    lease_on_a_living_connection(&hub, node).await.unwrap();
}

/// Connections that were used a moment ago are not looked at first, so each dead one costs a try.
async fn lease_on_a_living_connection(hub: &Hub, node: Node) -> Result<Vec<Grant>, HubError> {
    for _ in 0..10 {
        match hub.lease(node, &[ask(&key(1), 100, 1)]).await {
            Err(HubError::Store(Error::Away(_))) => {}
            answer => return answer,
        }
    }
    panic!("there is still no living connection");
}

#[tokio::test]
async fn a_server_without_room_is_said_soon() {
    let server = Postgres::shared();
    let (_, database) = hub();
    server.sql("postgres", &format!("ALTER DATABASE {database} CONNECTION LIMIT 0"));
    // Superusers, such as the tests' own role, always have room.
    server.sql("postgres", &format!("CREATE ROLE {database} LOGIN PASSWORD 'plain'"));
    let plain = server.url(&database).replacen(&format!("megarouter:{PASSWORD}"), &format!("{database}:plain"), 1);
    let plain = hub_at(&plain);
    let begin = Instant::now();
    let error = plain.nodes().await.unwrap_err();
    assert!(matches!(error, HubError::Store(Error::Away(_))), "{error:?}");
    assert!(begin.elapsed() < Duration::from_secs(6));
}

#[tokio::test]
async fn a_server_that_stands_still_delays_a_lease_by_no_more_than_its_bound() {
    let server = Postgres::start();
    let hub = hub_at(&server.database());
    let node = node(&hub, 1).await;
    hub.lease(node, &[ask(&key(1), 100, 1)]).await.unwrap();
    let signal = |name: &str| {
        let all = format!("kill -{name} $(pgrep -P {0}) {0}", server.process_id());
        assert!(std::process::Command::new("sh").args(["-c", &all]).status().unwrap().success());
    };
    signal("STOP");
    let begin = Instant::now();
    let error = hub.lease(node, &[ask(&key(1), 100, 50)]).await.unwrap_err();
    let waited = begin.elapsed();
    signal("CONT");
    assert!(matches!(error, HubError::Store(Error::Away(_))), "{error:?}");
    assert!(waited < Duration::from_millis(400), "{waited:?}");
    hub.beat(node).await.unwrap();
}

#[tokio::test]
async fn a_restart_of_the_server_is_got_over() {
    let server = Postgres::start();
    let hub = hub_at(&server.database());
    let node = node(&hub, 1).await;
    hub.lease(node, &[ask(&key(1), 100, 10)]).await.unwrap();
    server.control(&["restart", "-m", "immediate"]);
    assert_eq!(hub.beat(node).await.unwrap().live_nodes, 1);
    assert_eq!(hub.lease(node, &[ask(&key(1), 100, 10)]).await.unwrap()[0].granted, 10);
}

#[tokio::test]
async fn a_node_takes_no_more_than_ten_connections() {
    let server = Postgres::shared();
    let (hub, database) = hub();
    let node = node(&hub, 1).await;
    // More than there are connections, and few enough for none to wait as long as it may.
    let calls: Vec<_> = (0..24)
        .map(|number: u8| {
            let hub = hub.clone();
            tokio::spawn(async move {
                match number % 3 {
                    0 => drop(hub.beat(node).await.unwrap()),
                    1 => drop(hub.nodes().await.unwrap()),
                    _ => drop(hub.accounts().await.unwrap()),
                }
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    let count = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'");
    let open: u32 = server.sql("postgres", &count).parse().unwrap();
    assert!((2..=10).contains(&open), "{open}");
}
