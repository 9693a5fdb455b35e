//! Granting: one statement for all accounts of a request, all or none.
//!
//! The node's row is locked first, so that nothing of an older session is done. The accounts' rows are locked in the order of their ids, so that nodes wait for one another instead
//! of for ever, and what is added to a grant is added to the account's sum in the same statement.

use megarouter_ledger::account::AccountKey;
use megarouter_ledger::lease::{Grant, NotEnough};
use serde::Serialize;

use crate::backend::postgres::HubPool;
use crate::db::Db;
use crate::hub::accounts::{self, Wanted};
use crate::hub::nodes::{alive, now};
use crate::hub::{Ask, HubError, Node};
use crate::row::{Reading, Row, values};

/// The most that a limit or a need counts as, so that sums of two fit an integer: two billion dollars.
const MOST: u64 = i64::MAX as u64 / 4;

/// The parts of a grant's size are those of [`megarouter_ledger::lease::wish`].
const LEASE: &str = concat!(
    "WITH asked AS MATERIALIZED (
        SELECT * FROM json_to_recordset(CAST($3 AS JSON)) AS asked
            (place BIGINT, budget TEXT, subject TEXT, starts_at BIGINT, carries_from BIGINT, most BIGINT, need BIGINT)
     ), node AS MATERIALIZED (
        SELECT session = $2 AS is_current, released_at IS NOT NULL AS is_released, beat_at > ",
    now!(),
    " - $4 AS is_alive
        FROM nodes WHERE number = $1 FOR UPDATE
     ), live AS (
        SELECT greatest(count(*), 1) AS nodes FROM nodes WHERE beat_at > ",
    now!(),
    " - $4
     ), locked AS MATERIALIZED (
        SELECT asked.*, accounts.id, accounts.granted
        FROM asked JOIN accounts ON accounts.budget = decode(asked.budget, 'hex')
            AND accounts.subject = asked.subject AND accounts.starts_at = asked.starts_at
        WHERE (SELECT is_current FROM node)
        ORDER BY accounts.id
        FOR UPDATE OF accounts
     ), limited AS (
        SELECT locked.*, locked.carries_from IS NULL OR previous.id IS NOT NULL AS is_complete,
            locked.most + CASE WHEN locked.carries_from IS NULL THEN 0
                ELSE greatest(locked.most - coalesce(previous.granted, 0), 0) END AS whole
        FROM locked LEFT JOIN accounts AS previous ON previous.budget = decode(locked.budget, 'hex')
            AND previous.subject = locked.subject AND previous.starts_at = locked.carries_from
     ), planned AS MATERIALIZED (
        SELECT limited.*, coalesce(grants.amount, 0) AS own,
            greatest(limited.whole - limited.granted, 0) AS spare,
            greatest(limited.need - coalesce(grants.amount, 0), 0) AS more
        FROM limited LEFT JOIN grants ON grants.account_id = limited.id AND grants.node = $1
     ), verdict AS MATERIALIZED (
        SELECT node.*, whole.is_there,
            whole.is_there AND whole.is_enough AND node.is_current AND node.is_alive AND NOT node.is_released
                AS is_granted
        FROM node, (
            SELECT count(*) = json_array_length(CAST($3 AS JSON)) AND coalesce(bool_and(is_complete), FALSE)
                    AS is_there,
                coalesce(bool_and(more <= spare), FALSE) AS is_enough
            FROM planned
        ) AS whole
     ), raises AS MATERIALIZED (
        SELECT id, whole, least(greatest(more, least(spare / (4 * live.nodes), whole / 20)), spare) AS raise
        FROM planned, live, verdict WHERE verdict.is_granted AND more > 0
     ), raised AS (
        INSERT INTO grants (account_id, node, amount) SELECT id, $1, raise FROM raises
        ON CONFLICT (account_id, node) DO UPDATE SET amount = grants.amount + excluded.amount
        RETURNING account_id, amount
     ), summed AS (
        UPDATE accounts SET granted = accounts.granted + raises.raise, most = raises.whole
        FROM raises WHERE accounts.id = raises.id
        RETURNING accounts.id, accounts.granted
     )
     SELECT verdict.*, planned.place, planned.more, planned.spare,
        coalesce(raised.amount, planned.own) AS amount,
        greatest(planned.whole - coalesce(summed.granted, planned.granted), 0) AS left_over
     FROM verdict
        LEFT JOIN planned ON TRUE
        LEFT JOIN raised ON raised.account_id = planned.id
        LEFT JOIN summed ON summed.id = planned.id
     ORDER BY planned.place"
);

/// One ask, as the statement reads it.
#[derive(Serialize)]
struct Asked {
    place: usize,
    budget: String,
    subject: String,
    starts_at: i64,
    carries_from: Option<i64>,
    most: u64,
    need: u64,
}

/// Leases; makes the accounts that are not there yet.
pub(super) async fn lease(pool: &HubPool, node: Node, asks: &[Ask]) -> Result<Vec<Grant>, HubError> {
    if asks.is_empty() {
        return Ok(Vec::new());
    }
    let mut db = pool.work().await?;
    if let Some(grants) = attempt(&mut db, node, asks).await? {
        return Ok(grants);
    }
    accounts::make(&mut db, asks.iter().flat_map(accounts_of)).await?;
    // Only rows that are removed at once could be missing again, and those are of windows long over.
    attempt(&mut db, node, asks).await?.ok_or(HubError::Expired)
}

/// The accounts that an ask is about.
fn accounts_of(ask: &Ask) -> impl Iterator<Item = Wanted<'_>> {
    let own = Wanted { key: &ask.key, ends_at: ask.ends_at, limit: ask.limit };
    let previous = ask.carries_from.iter();
    std::iter::once(own).chain(previous.map(|key| Wanted { key, ends_at: ask.key.window, limit: ask.limit }))
}

/// Leases; `None` when an account is missing.
async fn attempt(db: &mut Db<'_>, node: Node, asks: &[Ask]) -> Result<Option<Vec<Grant>>, HubError> {
    let asked: Vec<Asked> = asks.iter().enumerate().map(|(place, ask)| Asked::new(place, ask)).collect();
    let mut values = values![node.number.0, node.session];
    values.json(&asked).put(alive());
    let rows = db.fetch_all(LEASE, values).await?;
    let Some(first) = rows.first() else { return Err(HubError::NoNode) };
    let verdict = Reading::new("nodes", "place", first);
    let says = |column| verdict.get::<bool>(column);
    match () {
        () if !says("is_current")? => Err(HubError::Superseded),
        () if says("is_released")? => Err(HubError::Released),
        () if !says("is_alive")? => Err(HubError::Expired),
        () if !says("is_there")? => Ok(None),
        () => read(&rows, asks, says("is_granted")?).map(Some),
    }
}

fn read(rows: &[Row], asks: &[Ask], is_granted: bool) -> Result<Vec<Grant>, HubError> {
    let mut grants = Vec::with_capacity(asks.len());
    for (row, ask) in rows.iter().zip(asks) {
        let reading = Reading::new("accounts", "place", row);
        let (more, spare): (u64, u64) = (reading.count("more")?, reading.count("spare")?);
        if !is_granted && more > spare {
            return Err(NotEnough { key: ask.key.clone(), left: spare }.into());
        }
        let (granted, left) = (reading.count("amount")?, reading.count("left_over")?);
        grants.push(Grant { key: ask.key.clone(), granted, left });
    }
    Ok(grants)
}

impl Asked {
    fn new(place: usize, ask: &Ask) -> Self {
        Self {
            place,
            budget: ask.key.budget.as_uuid().simple().to_string(),
            subject: accounts::subject_text(&ask.key),
            starts_at: ask.key.window.as_micros(),
            carries_from: ask.carries_from.as_ref().map(|previous: &AccountKey| previous.window.as_micros()),
            most: ask.limit.min(MOST),
            need: ask.need.min(MOST),
        }
    }
}
