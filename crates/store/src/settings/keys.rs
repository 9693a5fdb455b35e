//! Virtual keys, by the hash of their text. Owns the table `keys`.

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{KeyId, UnitId};
use megarouter_domain::key::{KeyHash, ModelAccess, VirtualKey};
use megarouter_domain::unit::UnitKind;

use crate::db::Db;
use crate::error::Error;
use crate::row::{Reading, Row, Values, values};
use crate::settings::{ChangeError, Noun, units};

/// What the playground's own key is called.
const BUILT_IN_NAME: &str = "Playground";

pub(super) async fn load(db: &mut Db<'_>) -> Result<Vec<VirtualKey>, Error> {
    let rows = db.fetch_all("SELECT * FROM keys ORDER BY created_at, id", values![]).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn load_builtin(db: &mut Db<'_>) -> Result<KeyId, Error> {
    let row = db.fetch_one("SELECT id FROM keys WHERE is_builtin", values![]).await?;
    Ok(KeyId::from_uuid(Reading::new("keys", "id", &row).uuid("id")?))
}

pub(super) async fn add_builtin(db: &mut Db<'_>, id: KeyId, now: Timestamp) -> Result<(), Error> {
    let key = VirtualKey {
        id,
        name: BUILT_IN_NAME.to_owned(),
        owner: None,
        project: None,
        hint: String::new(),
        hash: None,
        models: ModelAccess::All,
        is_strict: false,
        created_at: now,
        expires_at: None,
        revoked_at: None,
    };
    insert(db, &key, true).await
}

pub(super) async fn put(db: &mut Db<'_>, key: &VirtualKey) -> Result<(), ChangeError> {
    let stored = find(db, key.id).await?;
    let is_builtin = stored.as_ref().map_or(key.hash.is_none(), |stored| stored.hash.is_none());
    if is_builtin {
        return Err(ChangeError::BuiltIn);
    }
    if key.revoked_at.is_none() {
        check_name(db, key).await?;
        check_owner(db, key).await?;
    }
    if stored.is_some() {
        return Ok(update(db, key).await?);
    }
    check_hash(db, key).await?;
    Ok(insert(db, key, false).await?)
}

pub(super) async fn revoke(db: &mut Db<'_>, id: KeyId, at: Timestamp) -> Result<(), ChangeError> {
    let not_found = || ChangeError::NotFound { noun: Noun::Key, id: id.to_string() };
    if find(db, id).await?.ok_or_else(not_found)?.hash.is_none() {
        return Err(ChangeError::BuiltIn);
    }
    let text = "UPDATE keys SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL";
    db.execute(text, values![at.as_micros(), id.as_uuid()]).await?;
    Ok(())
}

async fn find(db: &mut Db<'_>, id: KeyId) -> Result<Option<VirtualKey>, Error> {
    let row = db.fetch_optional("SELECT * FROM keys WHERE id = $1", values![id.as_uuid()]).await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn insert(db: &mut Db<'_>, key: &VirtualKey, is_builtin: bool) -> Result<(), Error> {
    let text = "INSERT INTO keys
            (id, name, hint, hash, models, is_strict, created_at, expires_at, revoked_at, is_builtin, owner, project)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let mut values = Values::default();
    values.uuid(key.id.as_uuid()).put(key.name.clone()).put(key.hint.clone());
    values.put(key.hash.map(|hash| hash.as_bytes().to_vec())).json(&key.models).put(key.is_strict);
    values.put(key.created_at.as_micros());
    values.put(key.expires_at.map(Timestamp::as_micros)).put(key.revoked_at.map(Timestamp::as_micros));
    values.put(is_builtin).put(key.owner.map(UnitId::as_uuid)).put(key.project.map(UnitId::as_uuid));
    db.execute(text, values).await?;
    Ok(())
}

async fn update(db: &mut Db<'_>, key: &VirtualKey) -> Result<(), Error> {
    let text = "UPDATE keys SET name = $1, models = $2, is_strict = $3, expires_at = $4, owner = $5, project = $6
        WHERE id = $7";
    let mut values = Values::default();
    values.put(key.name.clone()).json(&key.models).put(key.is_strict);
    values.put(key.expires_at.map(Timestamp::as_micros));
    values.put(key.owner.map(UnitId::as_uuid)).put(key.project.map(UnitId::as_uuid)).put(key.id.as_uuid());
    db.execute(text, values).await?;
    Ok(())
}

async fn check_name(db: &mut Db<'_>, key: &VirtualKey) -> Result<(), ChangeError> {
    let text = "SELECT name FROM keys WHERE name = $1 AND id <> $2 AND revoked_at IS NULL";
    let taken: Option<String> = db.fetch_value(text, values![key.name.clone(), key.id.as_uuid()]).await?;
    let Some(by) = taken else { return Ok(()) };
    Err(ChangeError::NameTaken { noun: Noun::Key, field: "name", name: by.clone(), by })
}

/// A project cuts across the tree, so it owns nothing, and nothing else is a project.
async fn check_owner(db: &mut Db<'_>, key: &VirtualKey) -> Result<(), ChangeError> {
    const OWNERS: &[UnitKind] = &[UnitKind::Department, UnitKind::Team, UnitKind::Member, UnitKind::App];

    if let Some(owner) = key.owner {
        units::check_in_use(db, owner, OWNERS).await?;
    }
    if let Some(project) = key.project {
        units::check_in_use(db, project, &[UnitKind::Project]).await?;
    }
    Ok(())
}

async fn check_hash(db: &mut Db<'_>, key: &VirtualKey) -> Result<(), ChangeError> {
    let hash = key.hash.map(|hash| hash.as_bytes().to_vec());
    let taken: Option<String> = db.fetch_value("SELECT name FROM keys WHERE hash = $1", values![hash]).await?;
    taken.map_or(Ok(()), |by| Err(ChangeError::SecretTaken { by }))
}

fn read(row: &Row) -> Result<VirtualKey, Error> {
    let reading = Reading::new("keys", "name", row);
    let time = |column| Ok::<_, Error>(reading.get::<Option<i64>>(column)?.map(Timestamp::from_micros));
    Ok(VirtualKey {
        id: KeyId::from_uuid(reading.uuid("id")?),
        name: reading.get("name")?,
        owner: reading.uuid_option("owner")?.map(UnitId::from_uuid),
        project: reading.uuid_option("project")?.map(UnitId::from_uuid),
        hint: reading.get("hint")?,
        hash: read_hash(&reading)?,
        models: reading.json("models")?,
        is_strict: reading.get("is_strict")?,
        created_at: Timestamp::from_micros(reading.get("created_at")?),
        expires_at: time("expires_at")?,
        revoked_at: time("revoked_at")?,
    })
}

/// Only the built-in key may do without a hash.
fn read_hash(reading: &Reading<'_>) -> Result<Option<KeyHash>, Error> {
    let Some(bytes) = reading.get::<Option<&[u8]>>("hash")? else {
        let is_builtin: bool = reading.get("is_builtin")?;
        return if is_builtin { Ok(None) } else { Err(reading.wrong("hash", &"it is missing")) };
    };
    let bytes = bytes.try_into().map_err(|error| reading.wrong("hash", &error))?;
    Ok(Some(KeyHash::from_bytes(bytes)))
}
