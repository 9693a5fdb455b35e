//! Prompts that are asked again of candidate models, with the answers. Owns the tables `replays`,
//! `replay_items` and `replay_answers`.
//!
//! One node runs a replay: it claims it for a while, again and again, and what it left undone when it
//! stopped is claimed by whichever node is next.

use std::collections::HashMap;
use std::time::Duration;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{LedgerId, ModelId, ReplayId, RequestId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost;
use megarouter_domain::record::Operation;
use serde::{Deserialize, Serialize};

use crate::db::Db;
use crate::error::Error;
use crate::row::{Reading, Row, Values, values};

/// How long a claim holds: a node that says nothing for so long has stopped.
pub const CLAIM: Duration = Duration::from_secs(60);

/// The most replays that are listed.
const MOST_REPLAYS: i64 = 200;

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Its id.
    pub id: ReplayId,
    /// What people call it.
    pub name: String,
    /// The models that are asked, by name.
    pub candidates: Vec<String>,
    /// The model that judges; `None` where people do.
    pub judge: Option<String>,
    /// The most that it may cost.
    pub max_cost: NanoUsd,
    /// What it cost so far, with the judge.
    pub cost: NanoUsd,
    /// How far it is.
    pub state: ReplayState,
    /// Why it ended early.
    pub detail: Option<String>,
    /// What was promoted because of it.
    pub promotion: Option<Promotion>,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayState {
    /// It waits for its turn.
    Waiting,
    /// Prompts are being answered.
    Running,
    /// All are answered.
    Finished,
    /// Somebody stopped it.
    Stopped,
    /// The most that it may cost was reached.
    CostReached,
    /// It could not go on.
    Failed,
}

/// A name that leads elsewhere since a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    /// The name.
    pub name: String,
    /// The model it led to.
    pub from: ModelId,
    /// That model's name then.
    pub from_name: String,
    /// The model it leads to.
    pub to: ModelId,
    /// That model's name then.
    pub to_name: String,
    /// When.
    pub at: Timestamp,
}

/// A prompt of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayItem {
    /// Its number, from 1.
    pub number: u32,
    /// The recorded request it is of.
    pub request_id: Option<RequestId>,
    /// The form of the body.
    pub operation: Operation,
    /// What is sent, but for the model's name: JSON.
    pub body: String,
    /// What was recorded, where it was, then the candidates' answers as far as they are there.
    pub answers: Vec<ReplayAnswer>,
    /// What people said: the position of the better answer; `Some(None)` when they were equally good.
    pub vote: Option<Option<u32>>,
    /// What the judge said, in the same way.
    pub judgement: Option<Option<u32>>,
    /// Why, in the judge's words.
    pub reason: Option<String>,
}

/// An answer to a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayAnswer {
    /// 0 for what was recorded, else the candidate, from 1.
    pub position: u32,
    /// The model.
    pub model: String,
    /// The request that gave it.
    pub request_id: Option<RequestId>,
    /// The text; `None` when the call failed.
    pub text: Option<String>,
    /// Why the call failed.
    pub error: Option<String>,
    /// What it cost.
    pub cost: Option<Cost>,
    /// How long it took, in milliseconds.
    pub total_ms: Option<u32>,
    /// Output tokens.
    pub output_tokens: Option<u64>,
}

impl ReplayState {
    /// Whether there is more to come.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Running)
    }
}

/// Stores a run with its prompts, and the answers that were recorded.
pub(super) async fn add(db: &mut Db<'_>, replay: &Replay, items: &[ReplayItem]) -> Result<(), Error> {
    let text = "INSERT INTO replays
            (id, name, candidates, judge, max_cost, cost, state, detail, promotion, created_at, finished_at, claimed_until)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0)";
    let mut values = values![replay.id.as_uuid(), replay.name.as_str()];
    values.json(&replay.candidates).put(replay.judge.as_deref()).put(replay.max_cost.0).put(replay.cost.0);
    values.name(&replay.state).put(replay.detail.as_deref()).json_option(replay.promotion.as_ref());
    values.put(replay.created_at.as_micros()).put(replay.finished_at.map(Timestamp::as_micros));
    db.execute(text, values).await?;
    for item in items {
        let text =
            "INSERT INTO replay_items (replay_id, number, request_id, operation, body) VALUES ($1, $2, $3, $4, $5)";
        let mut values = values![replay.id.as_uuid(), i64::from(item.number)];
        values.uuid_option(item.request_id.map(RequestId::as_uuid)).name(&item.operation).put(item.body.as_str());
        db.execute(text, values).await?;
        for answer in &item.answers {
            put_answer(db, replay.id, item.number, answer).await?;
        }
    }
    Ok(())
}

/// The latest runs, newest first.
pub(super) async fn load(db: &mut Db<'_>) -> Result<Vec<Replay>, Error> {
    let text = "SELECT * FROM replays ORDER BY created_at DESC, id DESC LIMIT $1";
    db.fetch_all(text, values![MOST_REPLAYS]).await?.iter().map(read).collect()
}

/// A run with its prompts in their order.
pub(super) async fn one(db: &mut Db<'_>, id: ReplayId) -> Result<Option<(Replay, Vec<ReplayItem>)>, Error> {
    let row = db.fetch_optional("SELECT * FROM replays WHERE id = $1", values![id.as_uuid()]).await?;
    let Some(replay) = row.as_ref().map(read).transpose()? else { return Ok(None) };
    let text = "SELECT * FROM replay_answers WHERE replay_id = $1 ORDER BY number, position";
    let mut answers: HashMap<i64, Vec<ReplayAnswer>> = HashMap::new();
    for row in &db.fetch_all(text, values![id.as_uuid()]).await? {
        let reading = Reading::new("replay_answers", "number", row);
        answers.entry(reading.get("number")?).or_default().push(read_answer(&reading)?);
    }
    let text = "SELECT * FROM replay_items WHERE replay_id = $1 ORDER BY number";
    let rows = db.fetch_all(text, values![id.as_uuid()]).await?;
    let items = rows.iter().map(|row| {
        let reading = Reading::new("replay_items", "number", row);
        let answers = answers.remove(&reading.get("number")?).unwrap_or_default();
        read_item(&reading, answers)
    });
    Ok(Some((replay, items.collect::<Result<_, Error>>()?)))
}

/// The oldest run with work left that no other node has claimed, now claimed by this one.
pub(super) async fn claim(db: &mut Db<'_>, runner: LedgerId, now: Timestamp) -> Result<Option<Replay>, Error> {
    let text = "SELECT id FROM replays WHERE state IN ('waiting', 'running') AND (runner = $1 OR claimed_until <= $2)
        ORDER BY created_at, id LIMIT 1";
    let Some(row) = db.fetch_optional(text, values![runner.as_uuid(), now.as_micros()]).await? else { return Ok(None) };
    let id = Reading::new("replays", "id", &row).uuid("id")?;
    let text = "UPDATE replays SET state = 'running', runner = $1, claimed_until = $3
        WHERE id = $4 AND state IN ('waiting', 'running') AND (runner = $1 OR claimed_until <= $2)";
    let until = now.plus(CLAIM).as_micros();
    if db.execute(text, values![runner.as_uuid(), now.as_micros(), until, id]).await? == 0 {
        return Ok(None);
    }
    let row = db.fetch_one("SELECT * FROM replays WHERE id = $1", values![id]).await?;
    read(&row).map(Some)
}

/// Claims a run that this node runs for some more time; the run as it is now, or `None` when it has ended or is
/// another node's.
pub(super) async fn renew(
    db: &mut Db<'_>,
    id: ReplayId,
    runner: LedgerId,
    now: Timestamp,
) -> Result<Option<Replay>, Error> {
    let text = "UPDATE replays SET claimed_until = $1 WHERE id = $2 AND runner = $3 AND state = 'running'";
    let until = now.plus(CLAIM).as_micros();
    if db.execute(text, values![until, id.as_uuid(), runner.as_uuid()]).await? == 0 {
        return Ok(None);
    }
    let row = db.fetch_one("SELECT * FROM replays WHERE id = $1", values![id.as_uuid()]).await?;
    read(&row).map(Some)
}

/// Stores an answer, and adds to what the run cost.
pub(super) async fn answer(db: &mut Db<'_>, id: ReplayId, number: u32, answer: &ReplayAnswer) -> Result<(), Error> {
    put_answer(db, id, number, answer).await?;
    charge(db, id, answer.cost.map_or(NanoUsd::ZERO, Cost::amount)).await
}

/// Stores what the judge said, and what that cost.
pub(super) async fn judge(
    db: &mut Db<'_>,
    id: ReplayId,
    number: u32,
    (better, reason): (Option<u32>, &str),
    cost: NanoUsd,
) -> Result<(), Error> {
    let text = "UPDATE replay_items SET judgement = $1, reason = $2 WHERE replay_id = $3 AND number = $4";
    db.execute(text, values![written(better), plain(reason), id.as_uuid(), i64::from(number)]).await?;
    charge(db, id, cost).await
}

/// Stores what people said; false when there is no such prompt.
pub(super) async fn vote(db: &mut Db<'_>, id: ReplayId, number: u32, better: Option<u32>) -> Result<bool, Error> {
    let text = "UPDATE replay_items SET vote = $1 WHERE replay_id = $2 AND number = $3";
    Ok(db.execute(text, values![written(better), id.as_uuid(), i64::from(number)]).await? > 0)
}

/// Ends a run that is open; false when it is not.
pub(super) async fn end(
    db: &mut Db<'_>,
    id: ReplayId,
    state: ReplayState,
    detail: Option<&str>,
    at: Timestamp,
) -> Result<bool, Error> {
    let text = "UPDATE replays SET state = $1, detail = $2, finished_at = $3
        WHERE id = $4 AND state IN ('waiting', 'running')";
    let mut values = Values::default();
    values.name(&state).put(detail).put(at.as_micros()).uuid(id.as_uuid());
    Ok(db.execute(text, values).await? > 0)
}

/// Notes what was promoted, or that it is so no more.
pub(super) async fn promote(db: &mut Db<'_>, id: ReplayId, promotion: Option<&Promotion>) -> Result<(), Error> {
    let mut values = Values::default();
    values.json_option(promotion).uuid(id.as_uuid());
    db.execute("UPDATE replays SET promotion = $1 WHERE id = $2", values).await?;
    Ok(())
}

/// Removes a run with everything of it.
pub(super) async fn remove(db: &mut Db<'_>, id: ReplayId) -> Result<bool, Error> {
    Ok(db.execute("DELETE FROM replays WHERE id = $1", values![id.as_uuid()]).await? > 0)
}

async fn charge(db: &mut Db<'_>, id: ReplayId, cost: NanoUsd) -> Result<(), Error> {
    db.execute("UPDATE replays SET cost = cost + $1 WHERE id = $2", values![cost.0, id.as_uuid()]).await?;
    Ok(())
}

async fn put_answer(db: &mut Db<'_>, id: ReplayId, number: u32, answer: &ReplayAnswer) -> Result<(), Error> {
    let text = "INSERT INTO replay_answers
            (replay_id, number, position, model, request_id, text, error, cost, total_ms, output_tokens)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (replay_id, number, position) DO UPDATE SET
            request_id = excluded.request_id, text = excluded.text, error = excluded.error, cost = excluded.cost,
            total_ms = excluded.total_ms, output_tokens = excluded.output_tokens";
    let mut values = values![id.as_uuid(), i64::from(number), i64::from(answer.position), answer.model.as_str()];
    values.uuid_option(answer.request_id.map(RequestId::as_uuid)).put(answer.text.as_deref().map(plain));
    values.put(answer.error.as_deref()).json_option(answer.cost.as_ref()).put(answer.total_ms.map(i64::from));
    values.count_option(answer.output_tokens);
    db.execute(text, values).await?;
    Ok(())
}

fn read(row: &Row) -> Result<Replay, Error> {
    let reading = Reading::new("replays", "name", row);
    Ok(Replay {
        id: ReplayId::from_uuid(reading.uuid("id")?),
        name: reading.get("name")?,
        candidates: reading.json("candidates")?,
        judge: reading.get("judge")?,
        max_cost: NanoUsd(reading.get("max_cost")?),
        cost: NanoUsd(reading.get("cost")?),
        state: reading.name("state")?,
        detail: reading.get("detail")?,
        promotion: reading.json_option("promotion")?,
        created_at: Timestamp::from_micros(reading.get("created_at")?),
        finished_at: reading.get::<Option<i64>>("finished_at")?.map(Timestamp::from_micros),
    })
}

fn read_item(reading: &Reading<'_>, answers: Vec<ReplayAnswer>) -> Result<ReplayItem, Error> {
    let better = |column| Ok::<_, Error>(reading.get::<Option<i64>>(column)?.map(|number| u32::try_from(number).ok()));
    Ok(ReplayItem {
        number: reading.count("number")?,
        request_id: reading.uuid_option("request_id")?.map(RequestId::from_uuid),
        operation: reading.name("operation")?,
        body: reading.get("body")?,
        answers,
        vote: better("vote")?,
        judgement: better("judgement")?,
        reason: reading.get("reason")?,
    })
}

fn read_answer(reading: &Reading<'_>) -> Result<ReplayAnswer, Error> {
    Ok(ReplayAnswer {
        position: reading.count("position")?,
        model: reading.get("model")?,
        request_id: reading.uuid_option("request_id")?.map(RequestId::from_uuid),
        text: reading.get("text")?,
        error: reading.get("error")?,
        cost: reading.json_option("cost")?,
        total_ms: reading.count_option("total_ms")?,
        output_tokens: reading.count_option("output_tokens")?,
    })
}

/// A text that both engines take: PostgreSQL has none with a NUL in it.
fn plain(text: &str) -> String {
    text.replace('\0', "")
}

/// A position as it is stored: -1 for "equally good", as 0 is what was recorded.
fn written(better: Option<u32>) -> i64 {
    better.map_or(-1, i64::from)
}
