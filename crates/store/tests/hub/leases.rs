//! What a node gets, and what it does not get.

use megarouter_ledger::account::{AccountKey, Subject};
use megarouter_store::hub::{Ask, HubError};

use crate::world::{NOW, ask, granted, hub, key, lease, node, used};

#[tokio::test]
async fn a_lease_covers_the_need_and_a_part_of_the_rest() {
    let (hub, _) = hub();
    let (one, two) = (node(&hub, 1).await, node(&hub, 2).await);
    let grants = lease(&hub, one, &[ask(&key(1), 1_000, 10)]).await.unwrap();
    assert_eq!((grants[0].granted, grants[0].left), (50, 950), "5 % of the limit");
    let grants = lease(&hub, one, &[ask(&key(1), 1_000, 50)]).await.unwrap();
    assert_eq!((grants[0].granted, grants[0].left), (50, 950), "what is granted already is not granted again");
    let grants = lease(&hub, two, &[ask(&key(1), 1_000, 900)]).await.unwrap();
    assert_eq!((grants[0].granted, grants[0].left), (900, 50));
    let grants = lease(&hub, one, &[ask(&key(1), 1_000, 51)]).await.unwrap();
    assert_eq!(grants[0].granted, 56, "an eighth of what is left");
    assert_eq!(granted(&hub, &key(1)).await, (956, 956));
}

#[tokio::test]
async fn all_accounts_are_granted_or_none() {
    let (hub, _) = hub();
    let node = node(&hub, 1).await;
    let asks = [ask(&key(1), 1_000, 10), ask(&key(2), 5, 6), ask(&key(3), 1_000, 10)];
    let Err(HubError::NotEnough(short)) = lease(&hub, node, &asks).await else { panic!("more than its limit") };
    assert_eq!((short.key, short.left), (key(2), 5));
    assert_eq!(granted(&hub, &key(1)).await, (0, 0));
    assert_eq!(granted(&hub, &key(3)).await, (0, 0));
}

#[tokio::test]
async fn a_window_carries_over_what_no_node_was_granted_before() {
    let (hub, _) = hub();
    let node = node(&hub, 1).await;
    let before = AccountKey { window: NOW.minus(std::time::Duration::from_secs(3_600)), ..key(1) };
    hub.report(node, &[used(&before, 100, 30)]).await.unwrap();
    let carried = |need| Ask { carries_from: Some(before.clone()), ..ask(&key(1), 100, need) };
    let Err(HubError::NotEnough(short)) = lease(&hub, node, &[carried(171)]).await else { panic!("more than both") };
    assert_eq!(short.left, 170);
    assert_eq!(lease(&hub, node, &[carried(170)]).await.unwrap()[0].left, 0);
}

#[tokio::test]
async fn a_use_beyond_the_grant_is_reported_even_beyond_the_limit() {
    let (hub, _) = hub();
    let (one, two) = (node(&hub, 1).await, node(&hub, 2).await);
    lease(&hub, one, &[ask(&key(1), 100, 60)]).await.unwrap();
    hub.report(one, &[used(&key(1), 100, 130)]).await.unwrap();
    hub.report(one, &[used(&key(1), 100, 90)]).await.unwrap();
    assert_eq!(granted(&hub, &key(1)).await, (130, 130), "a report lowers nothing");
    let Err(HubError::NotEnough(short)) = lease(&hub, two, &[ask(&key(1), 100, 1)]).await else {
        panic!("all is used")
    };
    assert_eq!(short.left, 0);
}

#[tokio::test]
async fn what_is_given_back_is_there_for_the_others() {
    let (hub, _) = hub();
    let (one, two) = (node(&hub, 1).await, node(&hub, 2).await);
    lease(&hub, one, &[ask(&key(1), 100, 90)]).await.unwrap();
    hub.give_back(one, &[(key(1), 40), (key(9), 1)]).await.unwrap();
    hub.give_back(one, &[(key(1), 70)]).await.unwrap();
    assert_eq!(granted(&hub, &key(1)).await, (40, 40), "giving back raises nothing");
    assert_eq!(lease(&hub, two, &[ask(&key(1), 100, 60)]).await.unwrap()[0].granted, 60);
}

#[tokio::test]
async fn each_part_of_a_budget_has_an_account_of_its_own() {
    let (hub, _) = hub();
    let node = node(&hub, 1).await;
    let of = |name: &str| AccountKey { subject: Some(Subject::Session(name.into())), ..key(1) };
    lease(&hub, node, &[ask(&of("a"), 10, 10), ask(&of("it's \"b\""), 10, 10)]).await.unwrap();
    assert_eq!(granted(&hub, &of("it's \"b\"")).await, (10, 10));
    lease(&hub, node, &[ask(&of("a"), 10, 11)]).await.unwrap_err();
}

#[tokio::test]
async fn a_huge_limit_is_no_overflow() {
    let (hub, _) = hub();
    let node = node(&hub, 1).await;
    let before = AccountKey { window: NOW.minus(std::time::Duration::from_secs(3_600)), ..key(1) };
    let all = Ask { carries_from: Some(before), ..ask(&key(1), u64::MAX, 5) };
    assert!(lease(&hub, node, &[all]).await.unwrap()[0].granted >= 5);
}

#[tokio::test]
async fn accounts_of_windows_long_over_are_removed_in_batches() {
    let (hub, database) = hub();
    let node = node(&hub, 1).await;
    let asks: Vec<Ask> = (1..=5).map(|seed| ask(&key(seed), 10, 1)).collect();
    lease(&hub, node, &asks).await.unwrap();
    assert_eq!(hub.retire_accounts(100).await.unwrap(), 0);
    // An attempt that was made again has used up numbers, so the ids need not follow each other.
    let long_ago = "UPDATE accounts SET starts_at = 0, ends_at = 3600000000 WHERE id > (SELECT min(id) FROM accounts)";
    crate::postgres::Postgres::shared().sql(&database, long_ago);
    assert_eq!(hub.retire_accounts(3).await.unwrap(), 3);
    assert_eq!(hub.retire_accounts(3).await.unwrap(), 1);
    assert_eq!(hub.accounts().await.unwrap().len(), 1);
}
