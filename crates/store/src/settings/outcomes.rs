//! How good answers were, and what was learnt from that. Owns the tables `outcomes` and `learnt`.
//!
//! Outcomes are numbered in the order they are written, by one transaction at a time, and never changed:
//! whoever folds them by their numbers has the same state as every other node. What is learnt is one text of
//! bytes whose meaning is the router's.

use megarouter_domain::clock::Timestamp;
use megarouter_domain::feedback::Feedback;
use megarouter_domain::id::{DeploymentId, KeyId, PolicyId, RequestId};
use megarouter_domain::permille::Permille;
use megarouter_domain::task::TaskRecord;

use crate::db::Db;
use crate::error::Error;
use crate::row::{Reading, Row, Values, values};

/// The most statements on one request: who changes their mind is heard, and nobody floods.
const MOST_FOR_REQUEST: i64 = 20;

/// The most outcomes that a question gives.
pub const MOST_OUTCOMES: u32 = 10_000;

/// How good an answer was, with what was known of its request and its model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its place among all; 0 before it is stored.
    pub number: u64,
    /// What is said.
    pub feedback: Feedback,
    /// Whose key the request came with.
    pub key_id: Option<KeyId>,
    /// The policy that decided the request.
    pub policy_id: Option<PolicyId>,
    /// The public model that answered; `None` when that is not known any more.
    pub model: Option<String>,
    /// The deployment of it.
    pub deployment_id: Option<DeploymentId>,
    /// The quality that was expected of it.
    pub expected: Option<Permille>,
    /// What the request was about.
    pub task: Option<TaskRecord>,
    /// The same, condensed, in the router's own form.
    pub sketch: Option<Vec<u8>>,
    /// What was known of the model, as JSON in the router's own form.
    pub traits: String,
}

/// What was learnt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LearntState {
    /// The state, in the router's own form; `None` for nothing.
    pub state: Option<Vec<u8>>,
    /// The last outcome in it.
    pub upto: u64,
    /// How many times somebody reset or replaced it.
    pub generation: u64,
    /// When it last changed.
    pub changed_at: Option<Timestamp>,
}

/// How far outcomes and what is learnt have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// How many times somebody reset or replaced what was learnt.
    pub generation: u64,
    /// The number of the last outcome; 0 for none.
    pub last: u64,
}

/// Stores outcomes and gives the number of the last one of all. What says again what was said of a request
/// before, or is too much, is passed over.
pub(super) async fn add(db: &mut Db<'_>, outcomes: &[Outcome]) -> Result<u64, Error> {
    lock(db).await?;
    let mut last = last(db).await?;
    for outcome in outcomes {
        if is_news(db, &outcome.feedback).await? {
            last += 1;
            insert(db, outcome, last).await?;
        }
    }
    Ok(last)
}

/// Whether there is something to learn.
pub(super) async fn news(db: &mut Db<'_>) -> Result<News, Error> {
    let text = "SELECT generation, (SELECT coalesce(max(number), 0) FROM outcomes) AS last FROM learnt";
    let row = db.fetch_one(text, values![]).await?;
    let reading = Reading::new("learnt", "generation", &row);
    Ok(News { generation: reading.count("generation")?, last: reading.count("last")? })
}

/// The number of the last outcome; 0 for none.
async fn last(db: &mut Db<'_>) -> Result<u64, Error> {
    let row = db.fetch_one("SELECT coalesce(max(number), 0) AS number FROM outcomes", values![]).await?;
    Reading::new("outcomes", "number", &row).count("number")
}

/// At most `limit` outcomes after a number, in their order.
pub(super) async fn after(db: &mut Db<'_>, number: u64, limit: u32) -> Result<Vec<Outcome>, Error> {
    let mut values = Values::default();
    values.count(number).put(i64::from(limit.min(MOST_OUTCOMES)));
    let text = "SELECT * FROM outcomes WHERE number > $1 ORDER BY number LIMIT $2";
    db.fetch_all(text, values).await?.iter().map(read).collect()
}

/// At most `limit` outcomes before a number, newest first.
pub(super) async fn before(db: &mut Db<'_>, number: u64, limit: u32) -> Result<Vec<Outcome>, Error> {
    let mut values = Values::default();
    values.count(number).put(i64::from(limit.min(MOST_OUTCOMES)));
    let text = "SELECT * FROM outcomes WHERE number < $1 ORDER BY number DESC LIMIT $2";
    db.fetch_all(text, values).await?.iter().map(read).collect()
}

/// The newest [`MOST_OUTCOMES`] outcomes of a span of time, newest first.
pub(super) async fn between(db: &mut Db<'_>, from: Timestamp, to: Timestamp) -> Result<Vec<Outcome>, Error> {
    let text = "SELECT * FROM outcomes WHERE at >= $1 AND at < $2 ORDER BY at DESC, number DESC LIMIT $3";
    let values = values![from.as_micros(), to.as_micros(), i64::from(MOST_OUTCOMES)];
    db.fetch_all(text, values).await?.iter().map(read).collect()
}

/// Every outcome of a request, in their order.
pub(super) async fn of_request(db: &mut Db<'_>, id: RequestId) -> Result<Vec<Outcome>, Error> {
    let text = "SELECT * FROM outcomes WHERE request_id = $1 ORDER BY number";
    db.fetch_all(text, values![id.as_uuid()]).await?.iter().map(read).collect()
}

/// What was learnt.
pub(super) async fn learnt(db: &mut Db<'_>) -> Result<LearntState, Error> {
    let row = db.fetch_one("SELECT * FROM learnt", values![]).await?;
    let reading = Reading::new("learnt", "upto", &row);
    Ok(LearntState {
        state: reading.get("state")?,
        upto: reading.count("upto")?,
        generation: reading.count("generation")?,
        changed_at: reading.get::<Option<i64>>("changed_at")?.map(Timestamp::from_micros),
    })
}

/// Keeps a state that more outcomes are in; false when there is one with as many, or of another generation.
pub(super) async fn keep(db: &mut Db<'_>, learnt: &LearntState) -> Result<bool, Error> {
    let text = "UPDATE learnt SET state = $1, upto = $2, changed_at = $3 WHERE upto < $2 AND generation = $4";
    let mut values = values![learnt.state.clone()];
    values.count(learnt.upto).put(learnt.changed_at.map(Timestamp::as_micros)).count(learnt.generation);
    Ok(db.execute(text, values).await? > 0)
}

/// Writes what another database says.
pub(super) async fn mirror(db: &mut Db<'_>, learnt: &LearntState) -> Result<(), Error> {
    let text = "UPDATE learnt SET state = $1, upto = $2, changed_at = $3, generation = $4";
    let mut values = values![learnt.state.clone()];
    values.count(learnt.upto).put(learnt.changed_at.map(Timestamp::as_micros)).count(learnt.generation);
    db.execute(text, values).await?;
    Ok(())
}

/// Puts a state, or nothing, in the place of what was learnt; outcomes until now are not learnt from again.
pub(super) async fn replace(db: &mut Db<'_>, state: Option<Vec<u8>>, at: Timestamp) -> Result<(), Error> {
    lock(db).await?;
    let text = "UPDATE learnt SET state = $1, upto = $2, changed_at = $3, generation = generation + 1";
    let mut values = values![state];
    values.count(last(db).await?).put(at.as_micros());
    db.execute(text, values).await?;
    Ok(())
}

/// Makes other transactions that lock wait until this one is done.
async fn lock(db: &mut Db<'_>) -> Result<(), Error> {
    db.execute("UPDATE learnt SET upto = upto", values![]).await?;
    Ok(())
}

async fn is_news(db: &mut Db<'_>, feedback: &Feedback) -> Result<bool, Error> {
    let text = "SELECT count(*) AS said, (SELECT score FROM outcomes WHERE request_id = $1 AND signal = $2
            ORDER BY number DESC LIMIT 1) AS score
        FROM outcomes WHERE request_id = $1";
    let mut values = values![feedback.request_id.as_uuid()];
    values.name(&feedback.signal);
    let row = db.fetch_one(text, values).await?;
    let reading = Reading::new("outcomes", "said", &row);
    let is_same = reading.get::<Option<i64>>("score")? == Some(i64::from(feedback.score.get()));
    let adds_words = feedback.comment.is_some();
    Ok(reading.get::<i64>("said")? < MOST_FOR_REQUEST && (!is_same || adds_words))
}

async fn insert(db: &mut Db<'_>, outcome: &Outcome, number: u64) -> Result<(), Error> {
    let text = "INSERT INTO outcomes
            (number, request_id, at, signal, score, comment, key_id, policy_id, model, deployment_id, expected, task,
             sketch, traits)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    let Feedback { request_id, at, signal, score, comment } = &outcome.feedback;
    let mut values = Values::default();
    values.count(number).uuid(request_id.as_uuid()).put(at.as_micros()).name(signal);
    values.put(i64::from(score.get())).put(comment.clone());
    values.uuid_option(outcome.key_id.map(KeyId::as_uuid)).uuid_option(outcome.policy_id.map(PolicyId::as_uuid));
    values.put(outcome.model.as_deref()).uuid_option(outcome.deployment_id.map(DeploymentId::as_uuid));
    values.put(outcome.expected.map(|expected| i64::from(expected.get()))).json_option(outcome.task.as_ref());
    values.put(outcome.sketch.clone()).put(outcome.traits.as_str());
    db.execute(text, values).await?;
    Ok(())
}

fn read(row: &Row) -> Result<Outcome, Error> {
    let reading = Reading::new("outcomes", "number", row);
    let permille = |column| {
        let thousandths: Option<u16> = reading.count_option(column)?;
        let share = |thousandths| Permille::new(thousandths).ok_or_else(|| reading.wrong(column, &"it is no share"));
        thousandths.map(share).transpose()
    };
    let feedback = Feedback {
        request_id: RequestId::from_uuid(reading.uuid("request_id")?),
        at: Timestamp::from_micros(reading.get("at")?),
        signal: reading.name("signal")?,
        score: permille("score")?.unwrap_or_default(),
        comment: reading.get::<Option<String>>("comment")?.map(Into::into),
    };
    Ok(Outcome {
        number: reading.count("number")?,
        feedback,
        key_id: reading.uuid_option("key_id")?.map(KeyId::from_uuid),
        policy_id: reading.uuid_option("policy_id")?.map(PolicyId::from_uuid),
        model: reading.get("model")?,
        deployment_id: reading.uuid_option("deployment_id")?.map(DeploymentId::from_uuid),
        expected: permille("expected")?,
        task: reading.json_option("task")?,
        sketch: reading.get("sketch")?,
        traits: reading.get("traits")?,
    })
}
