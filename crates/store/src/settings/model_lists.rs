//! What each provider listed when it was last asked. Owns the table `model_lists`.

use std::collections::HashMap;

use megarouter_domain::catalog::ListedModel;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::ProviderId;

use crate::db::Db;
use crate::error::Error;
use crate::row::{Reading, Row, Values, values};

/// A provider's list of models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelList {
    /// When it was read.
    pub read_at: Timestamp,
    /// What it named.
    pub models: Vec<ListedModel>,
}

pub(super) async fn load(db: &mut Db<'_>) -> Result<HashMap<ProviderId, ModelList>, Error> {
    let rows = db.fetch_all("SELECT provider_id, read_at, models FROM model_lists", values![]).await?;
    let read = |row: &Row| {
        let reading = Reading::new("model_lists", "provider_id", row);
        let read_at = Timestamp::from_micros(reading.get("read_at")?);
        let list = ModelList { read_at, models: reading.json("models")? };
        Ok((ProviderId::from_uuid(reading.uuid("provider_id")?), list))
    };
    rows.iter().map(read).collect()
}

/// Keeps a list. A provider that was removed meanwhile has none.
pub(super) async fn put(db: &mut Db<'_>, id: ProviderId, list: &ModelList) -> Result<(), Error> {
    let text = "INSERT INTO model_lists (provider_id, read_at, models)
        SELECT id, $2, $3 FROM providers WHERE id = $1
        ON CONFLICT (provider_id) DO UPDATE SET read_at = excluded.read_at, models = excluded.models";
    let mut values = Values::default();
    values.uuid(id.as_uuid()).put(list.read_at.as_micros()).json(&list.models);
    db.execute(text, values).await?;
    Ok(())
}
