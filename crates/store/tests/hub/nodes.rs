//! Nodes that come, fall silent, are released and come back.

use megarouter_store::hub::{HubError, NodeNumber};

use crate::postgres::Postgres;
use crate::world::{ask, granted, hub, key, lease, ledger, node, used};

/// As if a node had been silent for two minutes.
pub fn silence(database: &str, number: NodeNumber) {
    let text = format!("UPDATE nodes SET beat_at = beat_at - 120000000 WHERE number = {}", number.0);
    Postgres::shared().sql(database, &text);
}

#[tokio::test]
async fn a_node_keeps_its_number_and_only_its_last_session_acts() {
    let (hub, _) = hub();
    let first = node(&hub, 1).await;
    lease(&hub, first, &[ask(&key(1), 100, 10)]).await.unwrap();
    let second = hub.register(ledger(1), "renamed", "1.0.1").await.unwrap();
    assert_eq!(second.number, first.number);
    assert!(matches!(hub.beat(first).await, Err(HubError::Superseded)));
    assert!(matches!(lease(&hub, first, &[ask(&key(1), 100, 10)]).await, Err(HubError::Superseded)));
    assert!(matches!(hub.report(first, &[used(&key(1), 100, 90)]).await, Err(HubError::Superseded)));
    assert!(matches!(hub.give_back(first, &[(key(1), 0)]).await, Err(HubError::Superseded)));
    assert!(matches!(hub.rejoin(first, &[]).await, Err(HubError::Superseded)));
    assert_eq!(granted(&hub, &key(1)).await, (10, 10), "a new session changes no grant");
    let nodes = hub.nodes().await.unwrap();
    assert_eq!((nodes.len(), nodes[0].name.as_str(), nodes[0].accounts), (1, "renamed", 1));
}

#[tokio::test]
async fn a_beat_counts_who_is_alive() {
    let (hub, database) = hub();
    let (one, two) = (node(&hub, 1).await, node(&hub, 2).await);
    hub.register(ledger(3), "never heard of", "1.0.0").await.unwrap();
    assert_eq!(hub.beat(one).await.unwrap().live_nodes, 2);
    silence(&database, two.number);
    let beat = hub.beat(one).await.unwrap();
    assert_eq!((beat.live_nodes, beat.is_released), (1, false));
    assert!(matches!(lease(&hub, two, &[ask(&key(1), 100, 1)]).await, Err(HubError::Expired)));
    let alive: Vec<bool> = hub.nodes().await.unwrap().iter().map(|node| node.is_alive).collect();
    assert_eq!(alive, [true, false, false]);
}

#[tokio::test]
async fn a_silent_nodes_grant_stays_until_it_is_released() {
    let (hub, database) = hub();
    let (one, two) = (node(&hub, 1).await, node(&hub, 2).await);
    lease(&hub, one, &[ask(&key(1), 100, 80)]).await.unwrap();
    assert!(matches!(hub.force_release(one.number).await, Err(HubError::Alive)));
    silence(&database, one.number);
    lease(&hub, two, &[ask(&key(1), 100, 60)]).await.unwrap_err();
    assert_eq!(hub.force_release(one.number).await.unwrap(), 1);
    lease(&hub, two, &[ask(&key(1), 100, 60)]).await.unwrap();

    assert!(hub.beat(one).await.unwrap().is_released);
    assert!(matches!(lease(&hub, one, &[ask(&key(1), 100, 1)]).await, Err(HubError::Released)));
    assert!(matches!(hub.report(one, &[used(&key(1), 100, 1)]).await, Err(HubError::Released)));
    hub.rejoin(one, &[used(&key(1), 100, 70)]).await.unwrap();
    assert_eq!(granted(&hub, &key(1)).await, (130, 130), "what it used while nobody heard of it is the truth");
    assert!(!hub.beat(one).await.unwrap().is_released);
    assert!(matches!(lease(&hub, one, &[ask(&key(1), 100, 71)]).await, Err(HubError::NotEnough(_))));
    assert!(matches!(hub.force_release(NodeNumber(99)).await, Err(HubError::NoNode)));
}

#[tokio::test]
async fn a_node_that_begins_anew_keeps_what_it_used_and_no_more() {
    let (hub, _) = hub();
    let one = node(&hub, 1).await;
    lease(&hub, one, &[ask(&key(1), 100, 80), ask(&key(2), 100, 80)]).await.unwrap();
    hub.rejoin(one, &[used(&key(1), 100, 30), used(&key(3), 100, 5)]).await.unwrap();
    let mut sums = Vec::new();
    for seed in 1..=3 {
        sums.push(granted(&hub, &key(seed)).await);
    }
    assert_eq!(sums, [(30, 30), (0, 0), (5, 5)]);
}
