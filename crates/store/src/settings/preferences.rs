//! Preferences: small values that no other table has a place for, as JSON by name.

use crate::db::Db;
use crate::error::Error;
use crate::row::{Reading, values};

pub(super) async fn load(db: &mut Db<'_>) -> Result<Vec<(String, String)>, Error> {
    let rows = db.fetch_all("SELECT name, value FROM preferences ORDER BY name", values![]).await?;
    rows.iter()
        .map(|row| {
            let reading = Reading::new("preferences", "name", row);
            Ok((reading.get("name")?, reading.get("value")?))
        })
        .collect()
}

pub(super) async fn put(db: &mut Db<'_>, name: &str, value: &str) -> Result<(), Error> {
    let text = "INSERT INTO preferences (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    db.execute(text, values![name, value]).await?;
    Ok(())
}
