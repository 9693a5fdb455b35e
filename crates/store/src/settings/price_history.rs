//! The versions of a price that there were. [`super::models`] writes them.

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{DeploymentId, PriceId};
use megarouter_domain::price::Price;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::error::Error;
use crate::row::Reading;

/// Every version, newest first.
pub(super) async fn load(connection: &mut SqliteConnection, id: DeploymentId) -> Result<Vec<Price>, Error> {
    let text = "SELECT id, valid_from, tariff, source FROM prices WHERE deployment_id = ? ORDER BY valid_from DESC, id DESC";
    let rows = sqlx::query(text).bind(id.as_uuid().as_bytes().to_vec()).fetch_all(connection).await?;
    let read = |row: &SqliteRow| {
        let reading = Reading::new("prices", "id", row);
        Ok(Price {
            id: PriceId::from_uuid(reading.uuid("id")?),
            valid_from: Timestamp::from_micros(reading.get("valid_from")?),
            tariff: reading.json("tariff")?,
            source: reading.get("source")?,
        })
    };
    rows.iter().map(read).collect()
}
