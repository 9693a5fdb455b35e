//! What nodes used before there was an account, and what stays of the grant of one that died.

use std::time::Duration;

use megarouter_domain::budget::{Action, Basis, Budget, Each, Measure, Rung};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::BudgetId;
use megarouter_domain::period::{Period, Zone};
use megarouter_domain::unit::{Unit, UnitKind};
use megarouter_ledger::account::{AccountKey, Subject};
use megarouter_store::hub::{Ask, Hub, HubError, Node};
use megarouter_store::ledger::Ledger;
use megarouter_store::settings::{Change, Settings};

use crate::nodes::silence;
use crate::traffic::{Call, NOON, organization, unit};
use crate::world::{granted, hub, lease, node};

/// What a call costs, in nano-dollars.
const COST: u64 = 2_600_000;
const LIMIT: u64 = 10_000_000;
const HALF_A_DAY: Duration = Duration::from_secs(12 * 3_600);

fn budget(each: Option<Each>) -> Budget {
    Budget {
        id: BudgetId::new(NOON, [1; 10]),
        name: String::new(),
        scope: organization(),
        each,
        measure: Measure::Cost,
        limit: LIMIT,
        period: Period::Day,
        zone: Zone::UTC,
        carries_over: false,
        is_strict: false,
        ladder: vec![Rung { at_percent: 100, basis: Basis::Actual, action: Action::Stop }],
        raises: vec![],
        created_at: NOON,
        archived_at: None,
    }
}

fn account(subject: Option<Subject>) -> AccountKey {
    AccountKey { budget: budget(None).id, subject, window: NOON.minus(HALF_A_DAY) }
}

fn ask(key: &AccountKey, need: u64) -> Ask {
    Ask { key: key.clone(), ends_at: NOON.plus(HALF_A_DAY), limit: LIMIT, carries_from: None, need }
}

/// A hub with this budget, whose account's window is made to be the present one.
async fn hub_with(each: Option<Each>) -> (Hub, String) {
    let (hub, database) = hub();
    let settings = Settings::open(hub.pool(), NOON, [0; 10]).await.unwrap();
    let ada = Unit {
        id: unit(7),
        kind: UnitKind::Member,
        name: "Ada".to_owned(),
        parent: None,
        email: None,
        created_at: NOON,
        archived_at: None,
    };
    settings.apply(vec![Change::PutUnit(ada), Change::PutBudget(budget(each))]).await.unwrap();
    (hub, database)
}

/// Ships what a node did.
pub async fn ship(hub: &Hub, node: Node, calls: &[Call]) {
    let dir = tempfile::tempdir().unwrap();
    let file = Ledger::open(dir.path()).await.unwrap();
    let mut engine = file.recover("test", NOON).await.unwrap();
    let entries: Vec<_> = calls.iter().flat_map(|call| call.run(&mut engine)).collect();
    file.append(&entries).await.unwrap();
    let on_hub = Ledger::on_hub(hub.pool(), node.number.0, file.id().await.unwrap());
    let stored = on_hub.durable().await.unwrap();
    on_hub.append_shipment(&file.after(stored, 512).await.unwrap()).await.unwrap();
}

fn calls(numbers: std::ops::Range<u16>, at: Timestamp) -> Vec<Call> {
    numbers.map(|number| Call::new(number, at)).collect()
}

#[tokio::test]
async fn an_account_begins_with_what_each_node_used() {
    let (hub, _) = hub_with(None).await;
    let (one, two, three) = (node(&hub, 1).await, node(&hub, 2).await, node(&hub, 3).await);
    let yesterday = NOON.minus(HALF_A_DAY + Duration::from_secs(1));
    ship(&hub, one, &[calls(1..3, NOON), calls(10..12, yesterday)].concat()).await;
    ship(&hub, two, &calls(20..21, NOON)).await;
    let left = LIMIT - 3 * COST;
    let Err(HubError::NotEnough(short)) = lease(&hub, three, &[ask(&account(None), left + 1)]).await else {
        panic!("others used more")
    };
    assert_eq!(short.left, left);
    lease(&hub, three, &[ask(&account(None), left)]).await.unwrap();
    assert_eq!(lease(&hub, one, &[ask(&account(None), 2 * COST)]).await.unwrap()[0].granted, 2 * COST);
}

#[tokio::test]
async fn each_parts_account_begins_with_its_own_use() {
    let (hub, _) = hub_with(Some(Each::Member)).await;
    let (one, two) = (node(&hub, 1).await, node(&hub, 2).await);
    let of_ada = |call: Call| Call { units: vec![7], ..call };
    let ada: Vec<Call> = calls(1..3, NOON).into_iter().map(of_ada).collect();
    ship(&hub, one, &[ada, calls(3..9, NOON)].concat()).await;
    let key = account(Some(Subject::Unit(unit(7))));
    let Err(HubError::NotEnough(short)) = lease(&hub, two, &[ask(&key, LIMIT)]).await else { panic!("Ada used some") };
    assert_eq!(short.left, LIMIT - 2 * COST);
}

#[tokio::test]
async fn what_a_dead_node_shipped_stays_charged() {
    let (hub, database) = hub_with(None).await;
    let (one, two) = (node(&hub, 1).await, node(&hub, 2).await);
    lease(&hub, one, &[ask(&account(None), LIMIT)]).await.unwrap();
    ship(&hub, one, &calls(1..3, NOON)).await;
    silence(&database, one.number);
    assert_eq!(hub.force_release(one.number).await.unwrap(), 1);
    let Err(HubError::NotEnough(short)) = lease(&hub, two, &[ask(&account(None), LIMIT)]).await else {
        panic!("the dead node used some")
    };
    assert_eq!(short.left, LIMIT - 2 * COST);
}

#[tokio::test]
async fn a_node_that_begins_anew_keeps_what_it_shipped_of_accounts_that_it_does_not_name() {
    let (hub, database) = hub_with(None).await;
    let one = node(&hub, 1).await;
    lease(&hub, one, &[ask(&account(None), LIMIT)]).await.unwrap();
    ship(&hub, one, &calls(1..2, NOON)).await;
    hub.rejoin(one, &[]).await.unwrap();
    // Its window is over by this machine's clock, or far from it: people see only those that are not.
    crate::postgres::Postgres::shared().sql(&database, "UPDATE accounts SET ends_at = 4102444800000000");
    assert_eq!(granted(&hub, &account(None)).await, (COST, COST));
}
