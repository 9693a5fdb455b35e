//! The versions of prices: their history, and a new one that nobody set by hand. [`super::models`]
//! writes those of people.

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{DeploymentId, PriceId};
use megarouter_domain::price::Price;

use crate::db::Db;
use crate::error::Error;
use crate::row::{Reading, Row, Values, values};

/// Every version, newest first.
pub(super) async fn load(db: &mut Db<'_>, id: DeploymentId) -> Result<Vec<Price>, Error> {
    let text =
        "SELECT id, valid_from, tariff, source FROM prices WHERE deployment_id = $1 ORDER BY valid_from DESC, id DESC";
    let rows = db.fetch_all(text, values![id.as_uuid()]).await?;
    let read = |row: &Row| {
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

/// Puts a new version in the place of `old`. Does nothing when the deployment is gone or has another
/// one by now: whoever set that knew better.
pub(super) async fn renew(
    db: &mut Db<'_>,
    deployment: DeploymentId,
    old: Option<PriceId>,
    price: &Price,
) -> Result<(), Error> {
    let text = "INSERT INTO prices (id, deployment_id, valid_from, tariff, source)
        SELECT $1, id, $2, $3, $4 FROM deployments WHERE id = $5 AND price_id IS NOT DISTINCT FROM $6";
    let mut values = Values::default();
    values.uuid(price.id.as_uuid()).put(price.valid_from.as_micros()).json(&price.tariff).put(price.source.clone());
    values.uuid(deployment.as_uuid()).uuid_option(old.map(PriceId::as_uuid));
    db.execute(text, values).await?;
    let text = "UPDATE deployments SET price_id = $1 WHERE id = $2 AND price_id IS NOT DISTINCT FROM $3";
    let mut values = Values::default();
    values.uuid(price.id.as_uuid()).uuid(deployment.as_uuid()).uuid_option(old.map(PriceId::as_uuid));
    db.execute(text, values).await?;
    Ok(())
}
