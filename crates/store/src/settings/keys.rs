//! Virtual keys, by the hash of their text. Owns the table `keys`.

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::KeyId;
use megarouter_domain::key::{KeyHash, ModelAccess, VirtualKey};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::error::Error;
use crate::row::{Reading, Values};
use crate::settings::{ChangeError, Noun};

/// What the playground's own key is called.
const BUILT_IN_NAME: &str = "Playground";

pub(super) async fn load(connection: &mut SqliteConnection) -> Result<Vec<VirtualKey>, Error> {
    let rows = sqlx::query("SELECT * FROM keys ORDER BY created_at, id").fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn load_builtin(connection: &mut SqliteConnection) -> Result<KeyId, Error> {
    let row = sqlx::query("SELECT id FROM keys WHERE is_builtin").fetch_one(connection).await?;
    Ok(KeyId::from_uuid(Reading::new("keys", "id", &row).uuid("id")?))
}

pub(super) async fn add_builtin(connection: &mut SqliteConnection, id: KeyId, now: Timestamp) -> Result<(), Error> {
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
    insert(connection, &key, true).await
}

pub(super) async fn put(connection: &mut SqliteConnection, key: &VirtualKey) -> Result<(), ChangeError> {
    let stored = find(connection, key.id).await?;
    let is_builtin = stored.as_ref().map_or(key.hash.is_none(), |stored| stored.hash.is_none());
    if is_builtin {
        return Err(ChangeError::BuiltIn);
    }
    if key.revoked_at.is_none() {
        check_name(connection, key).await?;
    }
    if stored.is_some() {
        return Ok(update(connection, key).await?);
    }
    check_hash(connection, key).await?;
    Ok(insert(connection, key, false).await?)
}

pub(super) async fn revoke(connection: &mut SqliteConnection, id: KeyId, at: Timestamp) -> Result<(), ChangeError> {
    let not_found = || ChangeError::NotFound { noun: Noun::Key, id: id.to_string() };
    if find(connection, id).await?.ok_or_else(not_found)?.hash.is_none() {
        return Err(ChangeError::BuiltIn);
    }
    let text = "UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL";
    sqlx::query(text).bind(at.as_micros()).bind(bytes(id)).execute(connection).await?;
    Ok(())
}

async fn find(connection: &mut SqliteConnection, id: KeyId) -> Result<Option<VirtualKey>, Error> {
    let row = sqlx::query("SELECT * FROM keys WHERE id = ?").bind(bytes(id)).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

async fn insert(connection: &mut SqliteConnection, key: &VirtualKey, is_builtin: bool) -> Result<(), Error> {
    let text = "INSERT INTO keys
            (id, name, hint, hash, models, is_strict, created_at, expires_at, revoked_at, is_builtin)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let mut values = Values::default();
    values.uuid(key.id.as_uuid()).put(key.name.clone()).put(key.hint.clone());
    values.put(key.hash.map(|hash| hash.as_bytes().to_vec())).json(&key.models).put(key.is_strict);
    values.put(key.created_at.as_micros());
    values.put(key.expires_at.map(Timestamp::as_micros)).put(key.revoked_at.map(Timestamp::as_micros));
    values.put(is_builtin);
    sqlx::query_with(text, values.into_arguments()).execute(connection).await?;
    Ok(())
}

async fn update(connection: &mut SqliteConnection, key: &VirtualKey) -> Result<(), Error> {
    let text = "UPDATE keys SET name = ?, models = ?, is_strict = ?, expires_at = ? WHERE id = ?";
    let mut values = Values::default();
    values.put(key.name.clone()).json(&key.models).put(key.is_strict);
    values.put(key.expires_at.map(Timestamp::as_micros)).uuid(key.id.as_uuid());
    sqlx::query_with(text, values.into_arguments()).execute(connection).await?;
    Ok(())
}

async fn check_name(connection: &mut SqliteConnection, key: &VirtualKey) -> Result<(), ChangeError> {
    let text = "SELECT name FROM keys WHERE name = ? AND id <> ? AND revoked_at IS NULL";
    let taken: Option<String> =
        sqlx::query_scalar(text).bind(key.name.clone()).bind(bytes(key.id)).fetch_optional(connection).await?;
    let Some(by) = taken else { return Ok(()) };
    Err(ChangeError::NameTaken { noun: Noun::Key, field: "name", name: by.clone(), by })
}

async fn check_hash(connection: &mut SqliteConnection, key: &VirtualKey) -> Result<(), ChangeError> {
    let hash = key.hash.map(|hash| hash.as_bytes().to_vec());
    let taken: Option<String> =
        sqlx::query_scalar("SELECT name FROM keys WHERE hash = ?").bind(hash).fetch_optional(connection).await?;
    taken.map_or(Ok(()), |by| Err(ChangeError::SecretTaken { by }))
}

fn read(row: &SqliteRow) -> Result<VirtualKey, Error> {
    let reading = Reading::new("keys", "name", row);
    let time = |column| Ok::<_, Error>(reading.get::<Option<i64>>(column)?.map(Timestamp::from_micros));
    Ok(VirtualKey {
        id: KeyId::from_uuid(reading.uuid("id")?),
        name: reading.get("name")?,
        owner: None,
        project: None,
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

fn bytes(id: KeyId) -> Vec<u8> {
    id.as_uuid().as_bytes().to_vec()
}
