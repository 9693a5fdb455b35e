//! Policies with their versions. Owns the tables `policies` and `policy_versions`.
//!
//! Versions are never changed: what says something else than the version of its number becomes a new one.

use std::collections::BTreeMap;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{Entropy, PolicyId};
use megarouter_domain::policy::{Body, Policy, Route, Rule, Setting, Trial, TrialMode, Version};
use serde::{Deserialize, Serialize};

use crate::db::Db;
use crate::error::Error;
use crate::row::{Reading, Row, Values, values};
use crate::settings::{ChangeError, Noun};

/// A trial as it is stored.
#[derive(Serialize, Deserialize)]
struct TrialRow {
    number: u32,
    #[serde(flatten)]
    mode: TrialMode,
    since: Timestamp,
}

pub(super) async fn load(db: &mut Db<'_>) -> Result<Vec<Policy>, Error> {
    let text = "SELECT policies.*, policy_versions.number, body, text, note, made_at
        FROM policies JOIN policy_versions ON policy_id = policies.id AND number = live
        ORDER BY created_at, id";
    let rows = db.fetch_all(text, values![]).await?;
    let mut policies = Vec::with_capacity(rows.len());
    for row in &rows {
        policies.push(read(db, row).await?);
    }
    Ok(policies)
}

/// Every version of a policy, newest first.
pub(super) async fn versions(db: &mut Db<'_>, id: PolicyId) -> Result<Vec<Version>, Error> {
    let text = "SELECT * FROM policy_versions WHERE policy_id = $1 ORDER BY number DESC";
    db.fetch_all(text, values![id.as_uuid()]).await?.iter().map(read_version).collect()
}

/// Adds a policy, or replaces the one with its id; versions that are not stored as they are become new ones.
pub(super) async fn put(db: &mut Db<'_>, policy: &Policy) -> Result<(), ChangeError> {
    policy.check()?;
    if policy.is_active() {
        check_name(db, policy).await?;
    }
    let live = put_version(db, policy.id, &policy.live).await?;
    let trial = match &policy.trial {
        Some(Trial { version, mode, since }) => {
            Some(TrialRow { number: put_version(db, policy.id, version).await?, mode: *mode, since: *since })
        }
        None => None,
    };
    Ok(write_row(db, policy, live, trial.as_ref()).await?)
}

/// Writes a policy with its versions in force as they are, unchecked, where no versions are.
pub(super) async fn write(db: &mut Db<'_>, policy: &Policy) -> Result<(), Error> {
    insert_version(db, policy.id, &policy.live, policy.live.number).await?;
    let trial = policy.trial.as_ref();
    if let Some(Trial { version, .. }) = trial.filter(|trial| trial.version.number != policy.live.number) {
        insert_version(db, policy.id, version, version.number).await?;
    }
    let row = trial.map(|trial| TrialRow { number: trial.version.number, mode: trial.mode, since: trial.since });
    write_row(db, policy, policy.live.number, row.as_ref()).await
}

/// Takes a policy out of use; one that was archived before keeps its time.
pub(super) async fn archive(db: &mut Db<'_>, id: PolicyId, at: Timestamp) -> Result<(), ChangeError> {
    let text = "UPDATE policies SET archived_at = coalesce(archived_at, $1) WHERE id = $2";
    if db.execute(text, values![at.as_micros(), id.as_uuid()]).await? == 0 {
        return Err(ChangeError::NotFound { noun: Noun::Policy, id: id.to_string() });
    }
    Ok(())
}

/// The policy in use of this name.
pub(super) async fn named(db: &mut Db<'_>, name: &str) -> Result<Option<String>, Error> {
    db.fetch_value("SELECT name FROM policies WHERE name = $1 AND archived_at IS NULL", values![name]).await
}

/// What a new organisation has, so that an app can ask for `auto` at once.
pub(super) fn first(now: Timestamp, entropy: Entropy) -> Policy {
    let settings = BTreeMap::from([("goal".to_owned(), Setting::Text("balanced".to_owned()))]);
    let route = Route { strategy: "learned_utility".to_owned(), settings, ..Route::default() };
    let rule = Rule { name: "Everything".to_owned(), when: Vec::new(), route };
    let live = Version {
        number: 1,
        body: Body { takes_over: Vec::new(), rules: vec![rule] },
        text: None,
        note: "Made with the organization".to_owned(),
        made_at: now,
    };
    Policy {
        id: PolicyId::new(now, entropy),
        name: "auto".to_owned(),
        description: "The most suitable of all models, weighing quality, cost and speed".to_owned(),
        live,
        trial: None,
        created_at: now,
        archived_at: None,
    }
}

/// The number of a version: its own where it is stored like this, else a new one, now stored.
async fn put_version(db: &mut Db<'_>, id: PolicyId, version: &Version) -> Result<u32, ChangeError> {
    let stored = versions(db, id).await?;
    let is_same = |stored: &&Version| stored.body == version.body && stored.text == version.text;
    if stored.iter().filter(|stored| stored.number == version.number).any(|stored| is_same(&stored)) {
        return Ok(version.number);
    }
    let number = stored.first().map_or(1, |newest| newest.number.saturating_add(1));
    insert_version(db, id, version, number).await?;
    Ok(number)
}

async fn insert_version(db: &mut Db<'_>, id: PolicyId, version: &Version, number: u32) -> Result<(), Error> {
    let text = "INSERT INTO policy_versions (policy_id, number, body, text, note, made_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    let mut values = values![id.as_uuid(), i64::from(number)];
    values.json(&version.body).put(version.text.as_deref()).put(version.note.as_str());
    values.put(version.made_at.as_micros());
    db.execute(text, values).await?;
    Ok(())
}

async fn write_row(db: &mut Db<'_>, policy: &Policy, live: u32, trial: Option<&TrialRow>) -> Result<(), Error> {
    let text = "INSERT INTO policies (id, name, description, live, trial, created_at, archived_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (id) DO UPDATE SET
            name = excluded.name, description = excluded.description, live = excluded.live,
            trial = excluded.trial, archived_at = excluded.archived_at";
    let mut values = Values::default();
    values.uuid(policy.id.as_uuid()).put(policy.name.as_str()).put(policy.description.as_str());
    values.put(i64::from(live)).json_option(trial).put(policy.created_at.as_micros());
    values.put(policy.archived_at.map(Timestamp::as_micros));
    db.execute(text, values).await?;
    Ok(())
}

/// A policy's name is a model name, so no model and no other policy may answer to it.
async fn check_name(db: &mut Db<'_>, policy: &Policy) -> Result<(), ChangeError> {
    let text = "SELECT first.name FROM model_names AS taken
        JOIN model_names AS first ON first.model_id = taken.model_id AND first.position = 0
        WHERE taken.name = $1";
    let model: Option<String> = db.fetch_value(text, values![policy.name.as_str()]).await?;
    let text = "SELECT name FROM policies WHERE name = $1 AND id <> $2 AND archived_at IS NULL";
    let other: Option<String> = db.fetch_value(text, values![policy.name.as_str(), policy.id.as_uuid()]).await?;
    let (noun, by) = match (model, other) {
        (Some(model), _) => (Noun::Model, model),
        (None, Some(other)) => (Noun::Policy, other),
        (None, None) => return Ok(()),
    };
    Err(ChangeError::NameTaken { noun, field: "name", name: policy.name.clone(), by })
}

async fn read(db: &mut Db<'_>, row: &Row) -> Result<Policy, Error> {
    let reading = Reading::new("policies", "name", row);
    let id = PolicyId::from_uuid(reading.uuid("id")?);
    let trial = match reading.json_option::<TrialRow>("trial")? {
        Some(TrialRow { number, mode, since }) => {
            let text = "SELECT * FROM policy_versions WHERE policy_id = $1 AND number = $2";
            let row = db.fetch_one(text, values![id.as_uuid(), i64::from(number)]).await?;
            Some(Trial { version: read_version(&row)?, mode, since })
        }
        None => None,
    };
    Ok(Policy {
        id,
        name: reading.get("name")?,
        description: reading.get("description")?,
        live: read_version(row)?,
        trial,
        created_at: Timestamp::from_micros(reading.get("created_at")?),
        archived_at: reading.get::<Option<i64>>("archived_at")?.map(Timestamp::from_micros),
    })
}

fn read_version(row: &Row) -> Result<Version, Error> {
    let reading = Reading::new("policy_versions", "number", row);
    Ok(Version {
        number: reading.count("number")?,
        body: reading.json("body")?,
        text: reading.get("text")?,
        note: reading.get("note")?,
        made_at: Timestamp::from_micros(reading.get("made_at")?),
    })
}
