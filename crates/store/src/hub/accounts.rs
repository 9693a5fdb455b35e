//! The accounts' rows and the nodes' grants of them. Owns the tables `accounts` and `grants`.
//!
//! What lowers or replaces a grant locks the account first and looks then, so that the account's sum
//! is that of its grants at any time.

use std::collections::{HashMap, HashSet};

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::BudgetId;
use megarouter_ledger::account::AccountKey;

use crate::backend::postgres::HubPool;
use crate::db::Db;
use crate::error::Error;
use crate::hub::nodes::now;
use crate::hub::{HubError, Node, NodeNumber, SharedAccount, Use, nodes, seeds};
use crate::row::{Reading, values};

/// How long an account stays after nothing can be charged to it or carried over from it.
const KEPT: i64 = 24 * 3_600 * 1_000_000;

/// A node's part of an account whose row is locked.
struct Part {
    account: i64,
    key: AccountKey,
    granted: u64,
}

/// An account that may have to be made.
pub(super) struct Wanted<'a> {
    pub key: &'a AccountKey,
    pub ends_at: Timestamp,
    pub limit: u64,
}

impl<'a> From<&'a Use> for Wanted<'a> {
    fn from(part: &'a Use) -> Self {
        Self { key: &part.key, ends_at: part.ends_at, limit: part.limit }
    }
}

/// Makes the accounts that are not there, with what each node used of them before there was one.
pub(super) async fn make<'a>(db: &mut Db<'_>, wanted: impl Iterator<Item = Wanted<'a>>) -> Result<(), HubError> {
    let mut missing = Vec::new();
    for account in wanted {
        if find(db, account.key).await?.is_none() {
            missing.push(account);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    // Whoever makes the same account at the same time waits for the other, and finds it: in one order,
    // so that nobody waits for ever.
    missing.sort_unstable_by(|one, other| one.key.cmp(other.key));
    let mut transaction = db.begin().await?;
    let made = make_all(&mut transaction, &missing).await;
    transaction.end(made).await
}

async fn make_all(db: &mut Db<'_>, missing: &[Wanted<'_>]) -> Result<(), HubError> {
    for account in missing {
        make_one(db, account).await?;
    }
    Ok(())
}

async fn make_one(db: &mut Db<'_>, account: &Wanted<'_>) -> Result<(), HubError> {
    let Wanted { key, ends_at, limit } = account;
    let text = "INSERT INTO accounts (budget, subject, starts_at, ends_at, most, granted)
        VALUES ($1, $2, $3, $4, $5, 0) ON CONFLICT (budget, subject, starts_at) DO NOTHING RETURNING id";
    let mut values = values![key.budget.as_uuid(), subject_text(key), key.window.as_micros(), ends_at.as_micros()];
    values.count(*limit);
    let made: Option<i64> = db.fetch_value(text, values).await?;
    if let Some(made) = made {
        for (node, used) in seeds::of(db, key, *ends_at).await? {
            write(db, made, node, 0, used).await?;
        }
    }
    Ok(())
}

pub(super) async fn report(pool: &HubPool, node: Node, uses: &[Use]) -> Result<(), HubError> {
    let mut db = pool.work().await?;
    make(&mut db, uses.iter().map(Wanted::from)).await?;
    let wanted: HashMap<&AccountKey, u64> = uses.iter().map(|part| (&part.key, part.used)).collect();
    change(&mut db, node, wanted.keys().copied(), |part| wanted.get(&part.key).copied().unwrap_or(0).max(part.granted))
        .await
}

pub(super) async fn give_back(pool: &HubPool, node: Node, parts: &[(AccountKey, u64)]) -> Result<(), HubError> {
    let wanted: HashMap<&AccountKey, u64> = parts.iter().map(|(key, amount)| (key, *amount)).collect();
    let lowered = |part: &Part| wanted.get(&part.key).map_or(part.granted, |wanted| part.granted.min(*wanted));
    change(&mut pool.work().await?, node, wanted.keys().copied(), lowered).await
}

pub(super) async fn rejoin(pool: &HubPool, node: Node, uses: &[Use]) -> Result<(), HubError> {
    let mut db = pool.work().await?;
    make(&mut db, uses.iter().map(Wanted::from)).await?;
    let used: HashMap<&AccountKey, u64> = uses.iter().map(|part| (&part.key, part.used)).collect();
    let mut transaction = db.begin().await?;
    let begun = begin_anew(&mut transaction, node, &used).await;
    transaction.end(begun).await
}

async fn begin_anew(db: &mut Db<'_>, node: Node, used: &HashMap<&AccountKey, u64>) -> Result<(), HubError> {
    nodes::lock(db, node).await?;
    let granted = grants(db, node.number).await?;
    let keys: HashSet<&AccountKey> = granted.iter().map(|(key, _)| key).chain(used.keys().copied()).collect();
    for part in lock(db, node.number, keys.into_iter()).await? {
        match used.get(&part.key) {
            Some(used) => write(db, part.account, node.number, part.granted, *used).await?,
            None => lower_to_shipped(db, &part, node.number).await.map(|_| ())?,
        }
    }
    Ok(nodes::readmit(db, node.number).await?)
}

/// Lowers every grant of a node to what its shipped entries add up to; gives how many were lowered.
pub(super) async fn release(db: &mut Db<'_>, number: NodeNumber) -> Result<u64, HubError> {
    let granted = grants(db, number).await?;
    let mut lowered = 0;
    for part in lock(db, number, granted.iter().map(|(key, _)| key)).await? {
        lowered += u64::from(lower_to_shipped(db, &part, number).await?);
    }
    Ok(lowered)
}

async fn lower_to_shipped(db: &mut Db<'_>, part: &Part, number: NodeNumber) -> Result<bool, HubError> {
    let ends_at = ends_at(db, part.account).await?;
    let shipped = seeds::of(db, &part.key, ends_at).await?;
    let used = shipped.into_iter().find(|(node, _)| *node == number).map_or(0, |(_, used)| used);
    if used < part.granted {
        write(db, part.account, number, part.granted, used).await?;
    }
    Ok(used < part.granted)
}

async fn grants(db: &mut Db<'_>, number: NodeNumber) -> Result<Vec<(AccountKey, u64)>, HubError> {
    let text = "SELECT budget, subject, starts_at, amount FROM grants JOIN accounts ON accounts.id = grants.account_id
        WHERE node = $1 AND amount > 0 ORDER BY accounts.id";
    let rows = db.fetch_all(text, values![number.0]).await?;
    let read = |row| {
        let reading = Reading::new("accounts", "starts_at", row);
        Ok((read_key(&reading)?, reading.count("amount")?))
    };
    Ok(rows.iter().map(read).collect::<Result<_, Error>>()?)
}

pub(super) async fn load(db: &mut Db<'_>) -> Result<Vec<SharedAccount>, HubError> {
    let text = concat!(
        "SELECT accounts.*, node, amount FROM accounts LEFT JOIN grants ON grants.account_id = accounts.id
         WHERE ends_at > ",
        now!(),
        " ORDER BY accounts.id, node"
    );
    let mut accounts: Vec<(i64, SharedAccount)> = Vec::new();
    for row in &db.fetch_all(text, values![]).await? {
        let reading = Reading::new("accounts", "id", row);
        let id: i64 = reading.get("id")?;
        if accounts.last().is_none_or(|(last, _)| *last != id) {
            let (limit, granted) = (reading.count("most")?, reading.count("granted")?);
            let ends_at = Timestamp::from_micros(reading.get("ends_at")?);
            let account = SharedAccount { key: read_key(&reading)?, ends_at, limit, granted, by_node: Vec::new() };
            accounts.push((id, account));
        }
        let node: Option<i64> = reading.get("node")?;
        if let (Some((_, account)), Some(node)) = (accounts.last_mut(), node) {
            account.by_node.push((NodeNumber(node), reading.count("amount")?));
        }
    }
    Ok(accounts.into_iter().map(|(_, account)| account).collect())
}

pub(super) async fn retire(db: &mut Db<'_>, limit: u32) -> Result<u64, HubError> {
    // The window after it is as long, and may carry over what this one left.
    let text = concat!(
        "DELETE FROM accounts WHERE id IN (
            SELECT id FROM accounts WHERE ends_at < ",
        now!(),
        " - $1 AND ends_at - starts_at < ",
        now!(),
        " - $1 - ends_at ORDER BY ends_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
    );
    Ok(db.execute(text, values![KEPT, i64::from(limit)]).await?)
}

/// The text of a subject in its column.
pub(super) fn subject_text(key: &AccountKey) -> String {
    serde_json::to_string(&key.subject).expect("a subject is an id or a text")
}

/// Sets a node's grants of some accounts to what `to` says of each.
async fn change<'a>(
    db: &mut Db<'_>,
    node: Node,
    keys: impl Iterator<Item = &'a AccountKey>,
    to: impl Fn(&Part) -> u64,
) -> Result<(), HubError> {
    let mut transaction = db.begin().await?;
    let changed = change_within(&mut transaction, node, keys, to).await;
    transaction.end(changed).await
}

async fn change_within<'a>(
    db: &mut Db<'_>,
    node: Node,
    keys: impl Iterator<Item = &'a AccountKey>,
    to: impl Fn(&Part) -> u64,
) -> Result<(), HubError> {
    if nodes::lock(db, node).await? {
        return Err(HubError::Released);
    }
    for part in lock(db, node.number, keys).await? {
        let amount = to(&part);
        if amount != part.granted {
            write(db, part.account, node.number, part.granted, amount).await?;
        }
    }
    Ok(())
}

/// Locks accounts in the order of their ids, and looks at a node's part of each. Accounts that are
/// not there are passed over.
async fn lock<'a>(
    db: &mut Db<'_>,
    number: NodeNumber,
    keys: impl Iterator<Item = &'a AccountKey>,
) -> Result<Vec<Part>, HubError> {
    let mut accounts = Vec::new();
    for key in keys {
        accounts.extend(find(db, key).await?.map(|id| (id, key.clone())));
    }
    accounts.sort_unstable_by_key(|(id, _)| *id);
    let mut parts = Vec::with_capacity(accounts.len());
    for (account, key) in accounts {
        let locked: Option<i64> =
            db.fetch_value("SELECT id FROM accounts WHERE id = $1 FOR UPDATE", values![account]).await?;
        if locked.is_none() {
            continue;
        }
        let text = "SELECT amount FROM grants WHERE account_id = $1 AND node = $2";
        let granted: Option<i64> = db.fetch_value(text, values![account, number.0]).await?;
        parts.push(Part { account, key, granted: granted.and_then(|amount| amount.try_into().ok()).unwrap_or(0) });
    }
    Ok(parts)
}

/// Writes a grant of a locked account, and the account's sum.
async fn write(db: &mut Db<'_>, account: i64, number: NodeNumber, from: u64, to: u64) -> Result<(), Error> {
    let text = "INSERT INTO grants (account_id, node, amount) VALUES ($1, $2, $3)
        ON CONFLICT (account_id, node) DO UPDATE SET amount = excluded.amount";
    let mut values = values![account, number.0];
    values.count(to);
    db.execute(text, values).await?;
    let mut values = values![account];
    values.count(from).count(to);
    db.execute("UPDATE accounts SET granted = granted - $2 + $3 WHERE id = $1", values).await?;
    Ok(())
}

async fn find(db: &mut Db<'_>, key: &AccountKey) -> Result<Option<i64>, Error> {
    let text = "SELECT id FROM accounts WHERE budget = $1 AND subject = $2 AND starts_at = $3";
    db.fetch_value(text, values![key.budget.as_uuid(), subject_text(key), key.window.as_micros()]).await
}

async fn ends_at(db: &mut Db<'_>, account: i64) -> Result<Timestamp, Error> {
    let row = db.fetch_one("SELECT id, ends_at FROM accounts WHERE id = $1", values![account]).await?;
    Ok(Timestamp::from_micros(Reading::new("accounts", "id", &row).get("ends_at")?))
}

fn read_key(reading: &Reading<'_>) -> Result<AccountKey, Error> {
    Ok(AccountKey {
        budget: BudgetId::from_uuid(reading.uuid("budget")?),
        subject: reading.json("subject")?,
        window: Timestamp::from_micros(reading.get("starts_at")?),
    })
}
