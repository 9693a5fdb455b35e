//! Saving what a batch of entries changes, table by table.

use std::sync::Arc;

use megarouter_domain::id::{AttemptId, KeyId, RequestId};
use megarouter_domain::record::UsageRecord;
use megarouter_ledger::state::{OpenAttempt, State};

use crate::db::Db;
use crate::error::Error;
use crate::ledger::derived::{AttemptRow, Correction, Derived, Note, RequestRow, micros};
use crate::ledger::journal::lsn_value;
use crate::ledger::sums::{Sums, cost_code, outcome_code};
use crate::row::{Bulk, Values, values};

static OPEN_ATTEMPTS: Bulk = Bulk::new("INSERT INTO open_attempts (node, attempt_id, body) VALUES", "(?, ?, ?)", "");

const OPEN_AS_OF: &str = "UPDATE ledgers SET open_as_of = $2 WHERE node = $1";

static ATTEMPTS: Bulk = Bulk::new(
    "INSERT INTO attempts (node, request_id, hold_lsn, lsn, attempt_id, route, started_at, amount, tokens,
         adjusted, adjusted_tokens) VALUES",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)",
    "",
);

static REQUESTS: Bulk = Bulk::new(
    "INSERT INTO requests
         (node, lsn, request_id, started_at, series, outcome, status, names, session, refused_by, tags, route, attempts,
          input_tokens, cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens, tokens,
          cost_state, amount, adjusted, adjusted_tokens, total_us) VALUES",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?)",
    "",
);

static REQUEST_TAGS: Bulk =
    Bulk::new("INSERT INTO request_tags (node, tag, started_at, lsn) VALUES", "(?, ?, ?, ?)", "");

static LAST_USES: Bulk = Bulk::new(
    "INSERT INTO last_uses (node, key_id, at) VALUES",
    "(?, ?, ?)",
    "ON CONFLICT (node, key_id) DO UPDATE SET at = excluded.at WHERE excluded.at > last_uses.at",
);

static NOTES: Bulk = Bulk::new("INSERT INTO notes (node, lsn, kind, at) VALUES", "(?, ?, ?, ?)", "");

const CORRECT_REQUEST: &str = "UPDATE requests SET adjusted = adjusted + $3, adjusted_tokens = adjusted_tokens + $4
    WHERE node = $1 AND request_id = $2";

const CORRECT_ATTEMPT: &str = "UPDATE attempts SET adjusted = adjusted + $3, adjusted_tokens = adjusted_tokens + $4
    WHERE node = $1 AND request_id = $2 AND attempt_id = $5";

/// Writes which attempts are open by a state, in place of those that were by an earlier one.
pub(crate) async fn save_open_attempts(db: &mut Db<'_>, node: i64, state: &State) -> Result<(), Error> {
    db.execute("DELETE FROM open_attempts WHERE node = $1", values![node]).await?;
    let open: Vec<&OpenAttempt> = state.attempts().collect();
    OPEN_ATTEMPTS
        .run(db, open.into_iter(), |values, attempt| {
            values.put(node).uuid(attempt.hold.attempt_id.as_uuid()).json(attempt);
        })
        .await?;
    db.execute(OPEN_AS_OF, values![node, lsn_value(state.last())]).await.map(drop)
}

/// Writes what a batch changed.
pub(crate) async fn save(db: &mut Db<'_>, node: i64, derived: &Derived) -> Result<(), Error> {
    let put = |values: &mut Values, row: &AttemptRow| put_attempt(values, node, row);
    ATTEMPTS.run(db, derived.attempts.iter(), put).await?;
    let put = |values: &mut Values, row: &RequestRow| put_request(values, node, row);
    REQUESTS.run(db, derived.requests.iter(), put).await?;
    save_tags(db, node, &derived.requests).await?;
    for ((request_id, attempt_id), correction) in &derived.corrections {
        correct(db, node, *request_id, *attempt_id, *correction).await?;
    }
    let uses = derived.last_uses.iter();
    LAST_USES
        .run(db, uses, |values, (key, at): (&KeyId, _)| {
            values.put(node).uuid(key.as_uuid()).put(at.as_micros());
        })
        .await?;
    let put = |values: &mut Values, note: &Note| {
        values.put(node).count(note.lsn.0).put(note.kind).put(note.at.as_micros());
    };
    NOTES.run(db, derived.notes.iter(), put).await
}

async fn save_tags(db: &mut Db<'_>, node: i64, requests: &[RequestRow]) -> Result<(), Error> {
    let tags: Vec<(i64, &RequestRow)> =
        requests.iter().flat_map(|row| row.place.tags.iter().map(move |tag| (*tag, row))).collect();
    REQUEST_TAGS
        .run(db, tags.into_iter(), |values, (tag, row)| {
            values.put(node).put(tag).put(row.record.started_at.as_micros()).count(row.lsn.0);
        })
        .await
}

async fn correct(
    db: &mut Db<'_>,
    node: i64,
    request_id: RequestId,
    attempt_id: AttemptId,
    correction: Correction,
) -> Result<(), Error> {
    let mut values = values![node, request_id.as_uuid(), correction.amount.0, correction.tokens];
    db.execute(CORRECT_REQUEST, values.clone()).await?;
    values.uuid(attempt_id.as_uuid());
    db.execute(CORRECT_ATTEMPT, values).await.map(drop)
}

fn put_attempt(values: &mut Values, node: i64, row: &AttemptRow) {
    values.put(node).uuid(row.request_id.as_uuid()).count(row.hold_lsn.0).count(row.lsn.0);
    values.uuid(row.attempt_id.as_uuid()).put(row.route).put(row.started_at.as_micros());
    values.put(row.amount.0).count(row.tokens);
}

fn put_request(values: &mut Values, node: i64, row: &RequestRow) {
    let (record, place) = (&row.record, &row.place);
    let sums = Sums::of(record, &row.totals);
    values.put(node).count(row.lsn.0).uuid(record.request_id.as_uuid()).put(record.started_at.as_micros());
    values.put(place.series).put(outcome_code(record.outcome)).put(i64::from(record.status));
    values.put(other_names(record)).put(record.session.clone());
    values.uuid_option(record.refusal.as_ref().map(|refusal| refusal.budget_id.as_uuid()));
    values.put(tags_text(&place.tags)).put(row.route).count(row.totals.attempts);
    values.count(sums.input_tokens).count(sums.cached_tokens).count(sums.cache_write_tokens);
    values.count(sums.output_tokens).count(sums.reasoning_tokens).count(row.totals.tokens);
    values.put(cost_code(record.cost)).put(row.totals.amount.0).count(micros(record.total));
}

fn tags_text(tags: &[i64]) -> Option<String> {
    let tags: Vec<String> = tags.iter().map(i64::to_string).collect();
    Some(tags.join(" ")).filter(|text| !text.is_empty())
}

/// The names a person may search for that are not those of the series.
fn other_names(record: &UsageRecord) -> Option<String> {
    let model = record.model.as_deref().unwrap_or_default();
    let asked = Some(&record.model_asked);
    let others: Vec<&str> = [asked, record.upstream_model.as_ref()]
        .into_iter()
        .flatten()
        .map(Arc::as_ref)
        .filter(|name| *name != model)
        .collect();
    Some(others.join(" ").to_lowercase()).filter(|names| !names.is_empty())
}
