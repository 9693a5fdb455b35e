//! Requests one after the other, as the time machine goes through them again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{KeyId, ModelId, ProviderId, RequestId, UnitId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::tag::Tag;

use crate::db::Db;
use crate::error::Error;
use crate::ledger::activity::read_units;
use crate::ledger::selection::{Selection, series_condition};
use crate::row::{Reading, Row, values};

/// The most requests of one step.
pub const MOST_REPLAYED: u32 = 10_000;

/// A request as it was charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// When it arrived.
    pub started_at: Timestamp,
    /// Which one.
    pub request_id: RequestId,
    /// Whose key.
    pub key_id: KeyId,
    /// Whom it was charged to, nearest first.
    pub units: Arc<[UnitId]>,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// Its session.
    pub session: Option<Arc<str>>,
    /// The provider of its last call.
    pub provider_id: Option<ProviderId>,
    /// The model of its last call.
    pub model_id: Option<ModelId>,
    /// The public model; `None` when there was none of that name.
    pub model: Option<Arc<str>>,
    /// From arrival to the end.
    pub total: Duration,
    /// What it cost, with what admins corrected.
    pub amount: NanoUsd,
    /// The tokens that count against limits.
    pub tokens: u64,
    /// Whether a provider was to be called.
    pub is_admitted: bool,
}

const NEXT: &str = concat!(
    "SELECT r.node AS node, r.lsn AS lsn, r.started_at AS started_at, r.request_id AS request_id, a.key_id AS key_id,
         a.units AS units, r.tags AS tags, r.session AS session, s.model AS model, r.total_us AS total_us,
         r.amount + r.adjusted AS amount, r.tokens + r.adjusted_tokens AS tokens, r.attempts AS attempts,
         t.provider_id AS provider_id, t.model_id AS model_id
     FROM requests r JOIN series s ON s.node = r.node AND s.id = r.series
         JOIN attributions a ON a.node = s.node AND a.id = s.attribution
         LEFT JOIN routes t ON t.node = r.node AND t.id = r.route
     WHERE r.started_at >= $1 AND r.started_at < $2 AND (r.started_at, r.request_id) > ($3, $4) AND ",
    series_condition!("$5", "$6", "$7", "$8"),
    " ORDER BY r.started_at, r.request_id LIMIT $9"
);

const TAGS: &str = "SELECT node, id, name, value FROM tags WHERE node = $1 AND id = $2";

/// The next requests after one, in the order of time; none when there are no more. The selection's tag is
/// not looked at.
pub(crate) async fn next(
    db: &mut Db<'_>,
    selection: &Selection,
    (from, to): (Timestamp, Timestamp),
    after: Option<(Timestamp, RequestId)>,
    tags: &mut HashMap<(i64, i64), Tag>,
) -> Result<Vec<Replayed>, Error> {
    let (at, id) = after.map_or((i64::MIN, uuid::Uuid::nil()), |(at, id)| (at.as_micros(), id.as_uuid()));
    let begin = from.as_micros().max(at);
    let mut parameters = values![begin, to.as_micros(), at, id];
    selection.put(&mut parameters);
    parameters.put(i64::from(MOST_REPLAYED));
    let rows = db.fetch_all(NEXT, parameters).await?;
    let mut replayed = Vec::with_capacity(rows.len());
    for row in &rows {
        let tags = read_tags(db, row, tags).await?;
        replayed.push(read(row, tags)?);
    }
    Ok(replayed)
}

async fn read_tags(db: &mut Db<'_>, row: &Row, known: &mut HashMap<(i64, i64), Tag>) -> Result<Vec<Tag>, Error> {
    let reading = Reading::new("requests", "lsn", row);
    let node: i64 = reading.get("node")?;
    let mut tags = Vec::new();
    for number in reading.get::<Option<&str>>("tags")?.unwrap_or_default().split_whitespace() {
        let number: i64 = number.parse().map_err(|error| reading.wrong("tags", &error))?;
        if let Some(tag) = known.get(&(node, number)) {
            tags.push(tag.clone());
            continue;
        }
        let row = db.fetch_one(TAGS, values![node, number]).await?;
        let found = Reading::new("tags", "id", &row);
        let tag = Tag { name: found.get::<&str>("name")?.into(), value: found.get::<&str>("value")?.into() };
        known.insert((node, number), tag.clone());
        tags.push(tag);
    }
    Ok(tags)
}

fn read(row: &Row, tags: Vec<Tag>) -> Result<Replayed, Error> {
    let reading = Reading::new("requests", "lsn", row);
    let model = Some(reading.get::<&str>("model")?).filter(|model| !model.is_empty());
    let model_id = reading.get::<Option<&[u8]>>("model_id")?.filter(|bytes| !bytes.is_empty());
    let model_id =
        model_id.map(uuid::Uuid::from_slice).transpose().map_err(|error| reading.wrong("model_id", &error))?;
    Ok(Replayed {
        started_at: Timestamp::from_micros(reading.get("started_at")?),
        request_id: RequestId::from_uuid(reading.uuid("request_id")?),
        key_id: KeyId::from_uuid(reading.uuid("key_id")?),
        units: read_units(&reading)?.into(),
        tags,
        session: reading.get::<Option<&str>>("session")?.map(Arc::from),
        provider_id: reading.uuid_option("provider_id")?.map(ProviderId::from_uuid),
        model_id: model_id.map(ModelId::from_uuid),
        model: model.map(Arc::from),
        total: Duration::from_micros(reading.count("total_us")?),
        amount: NanoUsd(reading.get("amount")?),
        tokens: u64::try_from(reading.get::<i64>("tokens")?).unwrap_or(0),
        is_admitted: reading.get::<i64>("attempts")? > 0,
    })
}
