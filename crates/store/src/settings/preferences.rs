//! Preferences: small values that no other table has a place for, as JSON by name.

use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

use crate::error::Error;

pub(super) async fn load(connection: &mut SqliteConnection) -> Result<Vec<(String, String)>, Error> {
    let rows = sqlx::query("SELECT name, value FROM preferences ORDER BY name").fetch_all(connection).await?;
    rows.iter().map(|row| Ok((row.try_get("name")?, row.try_get("value")?))).collect()
}

pub(super) async fn put(connection: &mut SqliteConnection, name: &str, value: &str) -> Result<(), Error> {
    let text = "INSERT INTO preferences (name, value) VALUES (?, ?)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    sqlx::query(text).bind(name.to_owned()).bind(value.to_owned()).execute(connection).await?;
    Ok(())
}
