//! The organisation's units. Owns the table `units`.
//!
//! Whether they make a tree is said by the domain, not here.

use std::collections::HashSet;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::UnitId;
use megarouter_domain::scope::Scope;
use megarouter_domain::unit::{Unit, UnitKind, Units};

use crate::db::Db;
use crate::error::Error;
use crate::row::{Reading, Row, values};
use crate::settings::{ChangeError, Noun, budgets, keys};

pub(super) async fn load(db: &mut Db<'_>) -> Result<Vec<Unit>, Error> {
    let rows = db.fetch_all("SELECT * FROM units ORDER BY created_at, id", values![]).await?;
    rows.iter().map(read).collect()
}

/// Adds a unit, or changes the name, place and address of the one with its id.
pub(super) async fn put(db: &mut Db<'_>, unit: &Unit) -> Result<(), ChangeError> {
    let mut unit = unit.clone();
    let old = one(db, unit.id).await?;
    if let Some(old) = &old {
        // What a unit is never changes, and what is out of use is changed by its own words.
        (unit.kind, unit.created_at, unit.archived_at) = (old.kind, old.created_at, old.archived_at);
    }
    check(db, &unit).await?;
    let saved = if old.is_some() { update(db, &unit).await } else { insert(db, &unit).await };
    Ok(saved?)
}

/// Takes a unit out of use, and its budgets. What is in it goes with it when `with_content`.
pub(super) async fn archive(db: &mut Db<'_>, id: UnitId, at: Timestamp, with_content: bool) -> Result<(), ChangeError> {
    let stored = load(db).await?;
    let unit = find(&stored, id)?;
    let content = Content::of(db, &stored, id).await?;
    if !with_content && !content.names.is_empty() {
        return Err(ChangeError::Holding { name: unit.name.clone(), content: content.names });
    }
    for key in content.keys {
        keys::revoke(db, key, at).await?;
    }
    for id in &content.units {
        let text = "UPDATE units SET archived_at = $1 WHERE id = $2 AND archived_at IS NULL";
        db.execute(text, values![at.as_micros(), id.as_uuid()]).await?;
    }
    for budget in budgets::load(db).await?.iter().filter(|budget| budget.is_active()) {
        if matches!(budget.scope, Scope::Unit(id) if content.units.contains(&id)) {
            budgets::archive(db, budget.id, at).await?;
        }
    }
    Ok(())
}

/// Takes a unit back into use, where it was.
pub(super) async fn restore(db: &mut Db<'_>, id: UnitId) -> Result<(), ChangeError> {
    let stored = one(db, id).await?.ok_or_else(|| not_found(id))?;
    check(db, &Unit { archived_at: None, ..stored }).await?;
    db.execute("UPDATE units SET archived_at = NULL WHERE id = $1", values![id.as_uuid()]).await?;
    Ok(())
}

/// Refuses what is no unit in use of one of these kinds.
pub(super) async fn check_in_use(db: &mut Db<'_>, id: UnitId, kinds: &[UnitKind]) -> Result<(), ChangeError> {
    let unit = one(db, id).await?.filter(|unit| kinds.contains(&unit.kind)).ok_or_else(|| not_found(id))?;
    if unit.archived_at.is_some() {
        return Err(ChangeError::Archived { noun: Noun::Unit, name: unit.name });
    }
    Ok(())
}

/// What is in a unit.
struct Content {
    /// The unit itself and the units in it that are in use.
    units: HashSet<UnitId>,
    /// Keys that they own, and that can be used.
    keys: Vec<megarouter_domain::id::KeyId>,
    /// What people call all of that, without the unit itself.
    names: Vec<String>,
}

impl Content {
    async fn of(db: &mut Db<'_>, stored: &[Unit], id: UnitId) -> Result<Self, ChangeError> {
        let tree = Units::new(stored.iter().cloned())?;
        let is_within = |unit: &Unit| tree.chain(unit.id).any(|above| above.id == id);
        let within: Vec<&Unit> = stored.iter().filter(|unit| unit.archived_at.is_none() && is_within(unit)).collect();
        let units: HashSet<UnitId> = within.iter().map(|unit| unit.id).chain([id]).collect();
        let inner = within.iter().filter(|unit| unit.id != id);
        let mut names: Vec<String> = inner.map(|unit| format!("the {} {}", unit.kind.as_str(), unit.name)).collect();
        let mut held = Vec::new();
        for key in keys::load(db).await?.into_iter().filter(|key| key.revoked_at.is_none()) {
            if [key.owner, key.project].iter().flatten().any(|holder| units.contains(holder)) {
                names.push(format!("the key {}", key.name));
                held.push(key.id);
            }
        }
        Ok(Self { units, keys: held, names })
    }
}

/// Refuses a unit whose name or address is taken, or that fits nowhere. Nothing in it can come to be wrong by it, as
/// what it is stays and so does whether it is in use; so only what it is in is looked at.
async fn check(db: &mut Db<'_>, unit: &Unit) -> Result<(), ChangeError> {
    if unit.archived_at.is_none() {
        let id = unit.id.as_uuid();
        let same_name = "SELECT * FROM units WHERE kind = $1 AND name = $2 AND id <> $3 AND archived_at IS NULL";
        let row = db.fetch_optional(same_name, values![unit.kind.as_str(), unit.name.clone(), id]).await?;
        refuse_taken(row.as_ref(), "name", &unit.name)?;
    }
    if let (None, Some(email)) = (unit.archived_at, &unit.email) {
        let same_email = "SELECT * FROM units WHERE email = $1 AND id <> $2 AND archived_at IS NULL";
        let row = db.fetch_optional(same_email, values![email.clone(), unit.id.as_uuid()]).await?;
        refuse_taken(row.as_ref(), "email", email)?;
    }
    let mut chain = vec![unit.clone()];
    let mut above = unit.parent;
    while let Some(id) = above.filter(|id| chain.iter().all(|known| known.id != *id)) {
        let Some(parent) = one(db, id).await? else { break };
        above = parent.parent;
        chain.push(parent);
    }
    Units::new(chain)?;
    Ok(())
}

fn refuse_taken(row: Option<&Row>, field: &'static str, name: &str) -> Result<(), ChangeError> {
    let Some(row) = row else { return Ok(()) };
    Err(ChangeError::NameTaken { noun: Noun::Unit, field, name: name.to_owned(), by: read(row)?.name })
}

async fn one(db: &mut Db<'_>, id: UnitId) -> Result<Option<Unit>, Error> {
    let row = db.fetch_optional("SELECT * FROM units WHERE id = $1", values![id.as_uuid()]).await?;
    row.as_ref().map(read).transpose()
}

fn find(stored: &[Unit], id: UnitId) -> Result<&Unit, ChangeError> {
    stored.iter().find(|unit| unit.id == id).ok_or_else(|| not_found(id))
}

fn not_found(id: UnitId) -> ChangeError {
    ChangeError::NotFound { noun: Noun::Unit, id: id.to_string() }
}

pub(super) async fn insert(db: &mut Db<'_>, unit: &Unit) -> Result<(), Error> {
    let text = "INSERT INTO units (id, kind, name, parent, email, created_at, archived_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let mut values = values![unit.id.as_uuid(), unit.kind.as_str(), unit.name.as_str()];
    values.put(unit.parent.map(UnitId::as_uuid)).put(unit.email.as_deref());
    values.put(unit.created_at.as_micros()).put(unit.archived_at.map(Timestamp::as_micros));
    db.execute(text, values).await?;
    Ok(())
}

async fn update(db: &mut Db<'_>, unit: &Unit) -> Result<(), Error> {
    let text = "UPDATE units SET name = $1, parent = $2, email = $3 WHERE id = $4";
    let parent = unit.parent.map(UnitId::as_uuid);
    db.execute(text, values![unit.name.as_str(), parent, unit.email.as_deref(), unit.id.as_uuid()]).await?;
    Ok(())
}

fn read(row: &Row) -> Result<Unit, Error> {
    let reading = Reading::new("units", "name", row);
    Ok(Unit {
        id: UnitId::from_uuid(reading.uuid("id")?),
        kind: reading.name("kind")?,
        name: reading.get("name")?,
        parent: reading.uuid_option("parent")?.map(UnitId::from_uuid),
        email: reading.get("email")?,
        created_at: Timestamp::from_micros(reading.get("created_at")?),
        archived_at: reading.get::<Option<i64>>("archived_at")?.map(Timestamp::from_micros),
    })
}
