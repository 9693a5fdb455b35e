//! A ledger in a file, and the same ledger on a hub: whatever is asked, both give the same answer.

use std::collections::HashMap;
use std::fmt::Debug;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{KeyId, ProviderId, RequestId, UnitId};
use megarouter_domain::secret::Secret;
use megarouter_domain::unit::Units;
use megarouter_ledger::engine::Engine;
use megarouter_ledger::entry::{Entry, Lsn};
use megarouter_ledger::limits::{Opening, OpeningQuery};
use megarouter_store::error::Error;
use megarouter_store::hub::HubPool;
use megarouter_store::ledger::Ledger;
use megarouter_store::ledger::activity::{KeyActivity, ProviderActivity};
use megarouter_store::ledger::overview::{Overview, Question};
use megarouter_store::ledger::pivot::{Pivot, PivotQuery};
use megarouter_store::ledger::requests::{Cursor, Detail, Filter, Page};
use megarouter_store::ledger::sums::Sums;
use tokio::sync::Mutex;

use crate::journal::assert_sound;
use crate::postgres::Postgres;
use crate::traffic::{Call, NOON};

/// The number of the node on the hub.
const NODE: i64 = 3;

/// Both.
pub struct Both {
    pub dir: tempfile::TempDir,
    pub file: Ledger,
    pub hub: Ledger,
    pub engine: Mutex<Engine>,
}

/// Asks both, and gives the one answer.
macro_rules! ask {
    ($both:expr, $question:ident($($argument:expr),*)) => {
        same($both.file.$question($($argument),*).await, $both.hub.$question($($argument),*).await)
    };
}

fn same<T: Debug + PartialEq>(file: Result<T, Error>, hub: Result<T, Error>) -> Result<T, Error> {
    match (file, hub) {
        (Ok(file), Ok(hub)) => {
            assert_eq!(file, hub, "the answers of file and hub");
            Ok(file)
        }
        (Err(file), Err(hub)) => {
            assert_eq!(file.to_string(), hub.to_string(), "the refusals of file and hub");
            Err(file)
        }
        (file, hub) => panic!("the file says {file:?}, the hub says {hub:?}"),
    }
}

impl Both {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = Ledger::open(dir.path()).await.expect("a new ledger");
        let engine = file.recover("test", NOON).await.expect("a first run");
        let url = Postgres::shared().database();
        let pool = HubPool::new(&Secret::new(url)).expect("the URL is good");
        let hub = Ledger::on_hub(&pool, NODE, file.id().await.expect("an open ledger"));
        Self { dir, file, hub, engine: Mutex::new(engine) }
    }

    /// Runs calls through the engine, writes what it says, and ships it.
    pub async fn run(&self, calls: &[Call]) {
        let mut engine = self.engine.lock().await;
        let entries: Vec<Entry> = calls.iter().flat_map(|call| call.run(&mut engine)).collect();
        self.append(&entries).await;
    }

    pub async fn append(&self, entries: &[Entry]) {
        self.file.append(entries).await.expect("room on the disk");
        self.ship().await;
    }

    /// Brings the hub up to date, in small steps.
    pub async fn ship(&self) {
        loop {
            let shipped = self.hub.durable().await.expect("the hub answers");
            let shipment = self.file.after(shipped, 50).await.expect("the file can be read");
            if shipment.entries.is_empty() {
                return;
            }
            self.hub.append_shipment(&shipment).await.expect("the hub takes entries");
        }
    }

    pub async fn assert_sound(&self) {
        assert_sound(&self.file).await;
        assert_sound(&self.hub).await;
    }

    pub async fn requests(&self, filter: &Filter, after: Option<Cursor>, limit: u32) -> Result<Page, Error> {
        ask!(self, requests(filter, after, limit))
    }

    pub async fn request_sums(&self, filter: &Filter) -> Result<Sums, Error> {
        ask!(self, request_sums(filter))
    }

    pub async fn request(&self, id: RequestId) -> Result<Option<Detail>, Error> {
        ask!(self, request(id))
    }

    pub async fn overview(&self, question: &Question) -> Result<Overview, Error> {
        ask!(self, overview(question))
    }

    pub async fn pivot(&self, query: &PivotQuery, units: &Units) -> Result<Pivot, Error> {
        ask!(self, pivot(query, units))
    }

    pub async fn provider_activity(&self, since: Timestamp) -> Result<HashMap<ProviderId, ProviderActivity>, Error> {
        ask!(self, provider_activity(since))
    }

    pub async fn key_activity(&self, since: Timestamp) -> Result<HashMap<KeyId, KeyActivity>, Error> {
        ask!(self, key_activity(since))
    }

    pub async fn unit_activity(&self, since: Timestamp) -> Result<HashMap<UnitId, KeyActivity>, Error> {
        ask!(self, unit_activity(since))
    }

    pub async fn openings(&self, queries: &[OpeningQuery]) -> Result<(Lsn, Vec<Opening>), Error> {
        let sorted = async |ledger: &Ledger| {
            let (lsn, mut openings) = ledger.openings(queries).await?;
            openings.sort_by_key(|opening| (opening.budget, opening.subject.clone(), opening.at));
            Ok((lsn, openings))
        };
        same(sorted(&self.file).await, sorted(&self.hub).await)
    }
}
