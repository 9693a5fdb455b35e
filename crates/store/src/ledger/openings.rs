//! What accounts begin with: what was used in a window before this run, added up exactly.
//!
//! From the rollups as far as whole buckets go, and row by row where a window or a slot begins or ends
//! within one. See [`OpeningQuery`] for what counts where.

use std::collections::HashMap;

use megarouter_domain::budget::{Each, Measure};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{KeyId, UnitId};
use megarouter_domain::scope::Scope;
use megarouter_ledger::account::Subject;
use megarouter_ledger::entry::Lsn;
use megarouter_ledger::limits::{Opening, OpeningQuery};

use crate::db::Db;
use crate::error::Error;
use crate::ledger::activity::read_units;
use crate::ledger::derived::micros;
use crate::ledger::requests::id_at;
use crate::ledger::selection::{Selection, series_condition};
use crate::ledger::span::{FAR, LENGTHS, LENGTHS_OF_CALLS, LENGTHS_OF_TAGS, Length, Piece, cut};
use crate::row::{Reading, Row, Values, values};

/// How long before its request an id may have been drawn.
const EARLY: i64 = 3_600_000_000;

const LAST: &str = "SELECT max(lsn) FROM entries WHERE node = $1";

/// Sums by attribution and slot. The first parameters are those of `head`, then come those of `series_condition`.
const ROLLED_UP: &str = concat!(
    "SELECT r.node AS node, a.id AS attribution, a.key_id AS key_id, a.units AS units, r.at / $1 AS slot,
         CAST(sum(r.amount) AS BIGINT) AS amount, CAST(sum(r.tokens) AS BIGINT) AS tokens,
         CAST(sum(r.admitted) AS BIGINT) AS requests
     FROM rollups r JOIN series s ON s.node = r.node AND s.id = r.series
         JOIN attributions a ON a.node = s.node AND a.id = s.attribution
     WHERE r.bucket = $2 AND r.at >= $3 AND r.at < $4 AND r.slice = $5 AND ($6 IS NULL OR r.node = $6) AND ",
    series_condition!("$7", "$8", "$9", "$10"),
    " GROUP BY r.node, a.id, a.key_id, a.units, r.at / $1"
);

const ROWS: &str = concat!(
    "SELECT r.node AS node, a.id AS attribution, a.key_id AS key_id, a.units AS units, r.started_at / $1 AS slot,
         CAST(sum(r.amount + r.adjusted) AS BIGINT) AS amount,
         CAST(sum(r.tokens + r.adjusted_tokens) AS BIGINT) AS tokens,
         CAST(sum(CASE WHEN r.attempts > 0 THEN 1 ELSE 0 END) AS BIGINT) AS requests
     FROM requests r JOIN series s ON s.node = r.node AND s.id = r.series
         JOIN attributions a ON a.node = s.node AND a.id = s.attribution
     WHERE $2 = $2 AND r.started_at >= $3 AND r.started_at < $4
         AND ($5 = 0 OR EXISTS (SELECT 1 FROM request_tags t
             WHERE t.node = r.node AND t.tag = $5 AND t.started_at = r.started_at AND t.lsn = r.lsn))
         AND ($6 IS NULL OR r.node = $6) AND ",
    series_condition!("$7", "$8", "$9", "$10"),
    " GROUP BY r.node, a.id, a.key_id, a.units, r.started_at / $1"
);

const SESSIONS: &str = concat!(
    "SELECT r.session AS session, r.started_at / $1 AS slot,
         CAST(sum(r.amount + r.adjusted) AS BIGINT) AS amount,
         CAST(sum(r.tokens + r.adjusted_tokens) AS BIGINT) AS tokens,
         CAST(sum(CASE WHEN r.attempts > 0 THEN 1 ELSE 0 END) AS BIGINT) AS requests
     FROM requests r JOIN series s ON s.node = r.node AND s.id = r.series
         JOIN attributions a ON a.node = s.node AND a.id = s.attribution
     WHERE $2 = $2 AND r.started_at >= $3 AND r.started_at < $4 AND r.session IS NOT NULL
         AND ($5 = 0 OR EXISTS (SELECT 1 FROM request_tags t
             WHERE t.node = r.node AND t.tag = $5 AND t.started_at = r.started_at AND t.lsn = r.lsn))
         AND ($6 IS NULL OR r.node = $6) AND ",
    series_condition!("$7", "$8", "$9", "$10"),
    " GROUP BY r.session, r.started_at / $1"
);

const CALLS: &str = "SELECT c.node AS node, a.id AS attribution, a.key_id AS key_id, a.units AS units,
         c.at / $1 AS slot, CAST(sum(c.amount) AS BIGINT) AS amount, CAST(sum(c.tokens) AS BIGINT) AS tokens,
         CAST(sum(c.resolved) AS BIGINT) AS requests
     FROM calls c JOIN routes t ON t.node = c.node AND t.id = c.route
         JOIN attributions a ON a.node = t.node AND a.id = t.attribution
     WHERE c.bucket = $2 AND c.at >= $3 AND c.at < $4
         AND ($5 IS NULL OR t.provider_id = $5) AND ($6 IS NULL OR t.model_id = $6)
     GROUP BY c.node, a.id, a.key_id, a.units, c.at / $1";

/// Ids are in the order of time, so that few rows are looked at.
const CALL_ROWS: &str = "SELECT p.node AS node, a.id AS attribution, a.key_id AS key_id, a.units AS units,
         p.started_at / $1 AS slot, CAST(sum(p.amount + p.adjusted) AS BIGINT) AS amount,
         CAST(sum(p.tokens + p.adjusted_tokens) AS BIGINT) AS tokens, count(*) AS requests
     FROM attempts p JOIN routes t ON t.node = p.node AND t.id = p.route
         JOIN attributions a ON a.node = t.node AND a.id = t.attribution
     WHERE $2 = $2 AND p.request_id >= $7 AND p.request_id < $8 AND p.started_at >= $3 AND p.started_at < $4
         AND ($5 IS NULL OR t.provider_id = $5) AND ($6 IS NULL OR t.model_id = $6)
     GROUP BY p.node, a.id, a.key_id, a.units, p.started_at / $1";

const CALL_SESSIONS: &str = "SELECT r.session AS session, p.started_at / $1 AS slot,
         CAST(sum(p.amount + p.adjusted) AS BIGINT) AS amount,
         CAST(sum(p.tokens + p.adjusted_tokens) AS BIGINT) AS tokens, count(*) AS requests
     FROM attempts p JOIN routes t ON t.node = p.node AND t.id = p.route
         JOIN requests r ON r.request_id = p.request_id
     WHERE $2 = $2 AND p.request_id >= $7 AND p.request_id < $8 AND p.started_at >= $3 AND p.started_at < $4
         AND r.session IS NOT NULL
         AND ($5 IS NULL OR t.provider_id = $5) AND ($6 IS NULL OR t.model_id = $6)
     GROUP BY r.session, p.started_at / $1";

/// Whose account a sum belongs to.
enum Whose {
    /// All share one.
    Shared,
    /// Somebody's.
    Own(Subject),
    /// It counts for no part.
    Nobody,
}

/// What is added up, and for whom.
struct Asked<'a> {
    query: &'a OpeningQuery,
    /// The length of a slot in microseconds; longer than all time for one sum.
    slot: i64,
    /// By node (0 for sessions, which belong to no node), subject and beginning.
    sums: HashMap<(i64, Option<Subject>, Timestamp), i64>,
}

/// What each question's accounts begin with, and the last entry that counts in it; all of one state.
pub(crate) async fn answer(db: &mut Db<'_>, node: i64, queries: &[OpeningQuery]) -> Result<(Lsn, Vec<Opening>), Error> {
    let mut transaction = db.begin_reading().await?;
    let last: Option<Option<i64>> = transaction.fetch_value(LAST, values![node]).await?;
    let mut openings = Vec::new();
    for query in queries {
        let mut asked = Asked::of(query);
        asked.ask(&mut transaction).await?;
        openings.extend(asked.into_openings());
    }
    transaction.commit().await?;
    let last = u64::try_from(last.flatten().unwrap_or(0)).unwrap_or(0);
    Ok((Lsn(last), openings))
}

/// What the entries of each node say to one question without slots, as the open transaction sees it.
pub(crate) async fn by_node(db: &mut Db<'_>, query: &OpeningQuery) -> Result<Vec<(i64, Opening)>, Error> {
    let mut asked = Asked::of(query);
    asked.ask(db).await?;
    let opening = |((node, subject, at), amount)| (node, Opening { budget: query.budget, subject, at, amount });
    Ok(asked.sums.into_iter().map(opening).collect())
}

impl<'a> Asked<'a> {
    fn of(query: &'a OpeningQuery) -> Self {
        let slot = query.slot.map_or(i64::MAX, |slot| i64::try_from(micros(slot)).unwrap_or(i64::MAX).max(1));
        Self { query, slot, sums: HashMap::new() }
    }

    async fn ask(&mut self, db: &mut Db<'_>) -> Result<(), Error> {
        match &self.query.scope {
            Scope::Organization(_) => self.of_requests(db, &Selection::default()).await,
            Scope::Unit(unit) => self.of_requests(db, &Selection { unit: Some(*unit), ..Selection::default() }).await,
            Scope::Key(key) => self.of_requests(db, &Selection { key_id: Some(*key), ..Selection::default() }).await,
            Scope::Tag(tag) => {
                self.of_requests(db, &Selection { tag: Some(tag.clone()), ..Selection::default() }).await
            }
            Scope::Provider(provider) => self.of_calls(db, Some(provider.as_uuid()), None).await,
            Scope::Model(model) => self.of_calls(db, None, Some(model.as_uuid())).await,
        }
    }

    async fn of_requests(&mut self, db: &mut Db<'_>, selection: &Selection) -> Result<(), Error> {
        let lengths: &[Length] = if selection.tag.is_some() { &LENGTHS_OF_TAGS } else { &LENGTHS };
        for slice in selection.slices(db, true).await? {
            for piece in self.pieces(lengths) {
                let text = match piece.bucket {
                    Some(_) => ROLLED_UP,
                    None if self.query.each == Some(Each::Session) => SESSIONS,
                    None => ROWS,
                };
                let mut values = self.head(piece);
                values.put(slice.number).put(slice.node);
                selection.put(&mut values);
                let rows = db.fetch_all(text, values).await?;
                self.add(&rows)?;
            }
        }
        Ok(())
    }

    async fn of_calls(
        &mut self,
        db: &mut Db<'_>,
        provider: Option<uuid::Uuid>,
        model: Option<uuid::Uuid>,
    ) -> Result<(), Error> {
        for piece in self.pieces(&LENGTHS_OF_CALLS) {
            let mut values = self.head(piece);
            values.uuid_option(provider).uuid_option(model);
            let text = if piece.bucket.is_some() {
                CALLS
            } else {
                values.uuid(id_at(piece.from.as_micros().saturating_sub(EARLY)));
                values.uuid(id_at(piece.to.as_micros().saturating_add(EARLY)));
                if self.query.each == Some(Each::Session) { CALL_SESSIONS } else { CALL_ROWS }
            };
            let rows = db.fetch_all(text, values).await?;
            self.add(&rows)?;
        }
        Ok(())
    }

    /// The range in the longest buckets that lie within one slot each. Sessions are known to rows only.
    fn pieces(&self, lengths: &[Length]) -> Vec<Piece> {
        let fits = |bucket: &&Length| self.query.slot.is_none() || self.slot % bucket.micros() == 0;
        let is_of_sessions = self.query.each == Some(Each::Session);
        let lengths: Vec<Length> = lengths.iter().filter(fits).filter(|_| !is_of_sessions).copied().collect();
        cut(self.query.from.max(Timestamp::default()), self.query.to.min(FAR), &lengths)
    }

    /// The parameters that all questions begin with.
    fn head(&self, piece: Piece) -> Values {
        let seconds = piece.bucket.map_or(0, Length::seconds);
        values![self.slot, seconds, piece.from.as_micros(), piece.to.as_micros()]
    }

    fn add(&mut self, rows: &[Row]) -> Result<(), Error> {
        for row in rows {
            let reading = Reading::new("rollups", "slot", row);
            let amount: i64 = match self.query.measure {
                Measure::Cost => reading.get("amount")?,
                Measure::Tokens => reading.get("tokens")?,
                Measure::Requests => reading.get("requests")?,
                Measure::Concurrent => 0,
            };
            let subject = match self.subject(&reading)? {
                Whose::Nobody => continue,
                Whose::Shared => None,
                Whose::Own(subject) => Some(subject),
            };
            let at = match self.query.slot {
                Some(_) => Timestamp::from_micros(reading.get::<i64>("slot")?.saturating_mul(self.slot)),
                None => self.query.from,
            };
            let node = if self.query.each == Some(Each::Session) { 0 } else { reading.get("node")? };
            let sum = self.sums.entry((node, subject, at)).or_default();
            *sum = sum.saturating_add(amount);
        }
        Ok(())
    }

    /// Whose account it is.
    fn subject(&self, reading: &Reading<'_>) -> Result<Whose, Error> {
        let subject = match self.query.each {
            None => return Ok(Whose::Shared),
            Some(Each::Session) => Some(Subject::Session(reading.get::<&str>("session")?.into())),
            Some(Each::Key) => Some(Subject::Key(KeyId::from_uuid(reading.uuid("key_id")?))),
            Some(Each::Team | Each::Member | Each::App) => {
                let is_part = |unit: &UnitId| self.query.units.contains(unit);
                read_units(reading)?.into_iter().find(is_part).map(Subject::Unit)
            }
        };
        Ok(subject.map_or(Whose::Nobody, Whose::Own))
    }

    fn into_openings(self) -> impl Iterator<Item = Opening> {
        let budget = self.query.budget;
        let mut sums = HashMap::<_, i64>::new();
        for ((_, subject, at), amount) in self.sums {
            let sum = sums.entry((subject, at)).or_default();
            *sum = sum.saturating_add(amount);
        }
        let used = sums.into_iter().filter(|(_, amount)| *amount != 0);
        used.map(move |((subject, at), amount)| Opening { budget, subject, at, amount })
    }
}
