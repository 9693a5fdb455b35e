//! Saving a batch: its entries and what they change, table by table.

use megarouter_domain::code::Code;
use megarouter_domain::record::UsageRecord;
use megarouter_domain::usage::UsageSource;
use megarouter_ledger::chain::Link;
use megarouter_ledger::entry::Entry;
use megarouter_ledger::state::{OpenAttempt, State};

use crate::db::Db;
use crate::error::Error;
use crate::ledger::derived::{Derived, ResolvedAttempt, RollupKey, micros};
use crate::ledger::durations::Durations;
use crate::ledger::sums::Sums;
use crate::row::{Bulk, Values};

static ENTRIES: Bulk = Bulk::new("INSERT INTO entries (lsn, at, body, hash) VALUES", "(?, ?, ?, ?)", "");

static OPEN_ATTEMPTS: Bulk = Bulk::new(
    "INSERT INTO open_attempts
         (attempt_id, lsn, epoch, at, hold, progress_at, progress, resolution, is_left_behind) VALUES",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "ON CONFLICT (attempt_id) DO UPDATE SET
         progress_at = excluded.progress_at, progress = excluded.progress,
         resolution = excluded.resolution, is_left_behind = excluded.is_left_behind",
);

static CLOSED_ATTEMPTS: Bulk = Bulk::new("DELETE FROM open_attempts WHERE attempt_id IN (", "?", ")");

static ATTEMPTS: Bulk = Bulk::new(
    "INSERT INTO attempts
         (lsn, attempt_id, request_id, hold_lsn, held_at, amount, price_id, tariff, resolution,
          input, cached_read, cache_write, output, reasoning, audio_input, audio_output,
          cache_write_1h, image_input, image_output, images, audio_ms, characters, searches, service_tier,
          usage_source, cost_state, cost_amount, overage) VALUES",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "",
);

static REQUESTS: Bulk = Bulk::new(
    "INSERT INTO requests
         (lsn, request_id, started_at, key_id, operation, model_asked, model, provider, upstream_model,
          is_streaming, status, outcome, error,
          input, cached_read, cache_write, output, reasoning, audio_input, audio_output,
          cache_write_1h, image_input, image_output, images, audio_ms, characters, searches, service_tier,
          usage_source, cost_state, cost_amount, first_output_us, total_us, overhead_us, attempts, losses,
          user_agent) VALUES",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "",
);

// Durations are written as they stand. The amounts of rollups stop at the most that an
// integer holds instead of failing the whole batch.
static ROLLUPS: Bulk = Bulk::new(
    "INSERT INTO rollups
         (bucket, at, key_id, model, provider, requests, errors, input_tokens, output_tokens,
          amount, exact, estimated, unknown, durations) VALUES",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "ON CONFLICT (bucket, at, key_id, model, provider) DO UPDATE SET
         requests = requests + excluded.requests, errors = errors + excluded.errors,
         input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + excluded.output_tokens,
         amount = min(amount + excluded.amount, 9223372036854775807), exact = exact + excluded.exact,
         estimated = estimated + excluded.estimated, unknown = unknown + excluded.unknown,
         durations = excluded.durations",
);

static CALLS: Bulk = Bulk::new(
    "INSERT INTO calls (at, provider_id, calls, errors, amount, exact, estimated, unknown, durations) VALUES",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "ON CONFLICT (at, provider_id) DO UPDATE SET
         calls = calls + excluded.calls, errors = errors + excluded.errors,
         amount = min(amount + excluded.amount, 9223372036854775807), exact = exact + excluded.exact,
         estimated = estimated + excluded.estimated, unknown = unknown + excluded.unknown,
         durations = excluded.durations",
);

static LAST_USES: Bulk = Bulk::new(
    "INSERT INTO last_uses (key_id, at) VALUES",
    "(?, ?)",
    "ON CONFLICT (key_id) DO UPDATE SET at = max(at, excluded.at)",
);

/// An entry on its way to its row.
pub(crate) struct Encoded<'a> {
    pub entry: &'a Entry,
    pub body: String,
    pub hash: Link,
}

/// Writes entries and what they changed; `after` is the state with them applied.
pub(crate) async fn save(
    connection: &mut Db<'_>,
    entries: Vec<Encoded<'_>>,
    derived: Derived,
    after: &State,
    durations: &mut Durations,
) -> Result<(), Error> {
    durations.add(connection, &derived).await?;
    ENTRIES.run(connection, entries.into_iter(), put_entry).await?;
    ATTEMPTS.run(connection, derived.attempts.iter(), put_attempt).await?;
    REQUESTS
        .run(connection, derived.requests.iter(), |values, (lsn, record)| put_request(values, lsn.0, record))
        .await?;
    save_open_attempts(connection, &derived, after).await?;
    save_sums(connection, &derived, durations).await
}

async fn save_open_attempts(connection: &mut Db<'_>, derived: &Derived, after: &State) -> Result<(), Error> {
    let is_open = |id| after.attempt(id);
    let open: Vec<&OpenAttempt> = derived.touched.keys().filter_map(|id| is_open(*id)).collect();
    let was_stored = |(id, was_stored): (&_, &bool)| (*was_stored && is_open(*id).is_none()).then_some(*id);
    let closed: Vec<_> = derived.touched.iter().filter_map(was_stored).collect();
    OPEN_ATTEMPTS.run(connection, open.into_iter(), put_open_attempt).await?;
    CLOSED_ATTEMPTS
        .run(connection, closed.into_iter(), |values, id| {
            values.uuid(id.as_uuid());
        })
        .await
}

async fn save_sums(connection: &mut Db<'_>, derived: &Derived, durations: &Durations) -> Result<(), Error> {
    ROLLUPS
        .run(connection, derived.rollups.iter(), |values, (key, rollup)| {
            put_rollup(values, key, &rollup.sums);
            values.json(durations.of_rollup(key));
        })
        .await?;
    CALLS
        .run(connection, derived.calls.iter(), |values, (key, sums)| {
            values.put(key.at.as_micros()).uuid(key.provider_id.as_uuid()).count(sums.calls).count(sums.errors);
            let costs = &sums.costs;
            values.put(costs.amount.0).count(costs.exact).count(costs.estimated).count(costs.unknown);
            values.json(durations.of_calls(key));
        })
        .await?;
    LAST_USES
        .run(connection, derived.last_uses.iter(), |values, (key, at)| {
            values.uuid(key.as_uuid()).put(at.as_micros());
        })
        .await
}

fn put_entry(values: &mut Values, encoded: Encoded<'_>) {
    values.count(encoded.entry.lsn.0).put(encoded.entry.at.as_micros());
    values.put(encoded.body).put(encoded.hash.to_vec());
}

fn put_open_attempt(values: &mut Values, attempt: &OpenAttempt) {
    let hold = &attempt.hold;
    values.uuid(hold.attempt_id.as_uuid()).count(attempt.lsn.0).count(attempt.epoch.0);
    values.put(attempt.at.as_micros()).json(hold);
    values.put(attempt.progress.map(|(at, _)| at.as_micros()));
    values.json_option(attempt.progress.as_ref().map(|(_, usage)| usage));
    values.json_option(attempt.resolution.as_ref()).put(attempt.is_left_behind);
}

fn put_attempt(values: &mut Values, attempt: &ResolvedAttempt) {
    values.count(attempt.lsn.0).uuid(attempt.attempt_id.as_uuid()).uuid(attempt.request_id.as_uuid());
    values.count(attempt.hold_lsn.0).put(attempt.held_at.as_micros()).put(attempt.amount.0);
    values.uuid_option(attempt.price.as_ref().map(|price| price.id.as_uuid()));
    values.json_option(attempt.price.as_ref().map(|price| &price.tariff));
    let resolution = &attempt.resolution;
    values.put(resolution.as_str()).usage(&resolution.usage());
    values.put(resolution.source().map(UsageSource::as_str)).cost(resolution.cost());
    values.put(resolution.overage().0);
}

fn put_request(values: &mut Values, lsn: u64, record: &UsageRecord) {
    values.count(lsn).uuid(record.request_id.as_uuid()).put(record.started_at.as_micros());
    values.uuid(record.key_id.as_uuid()).put(record.operation.as_str()).put(record.model_asked.clone());
    values.put(record.model.clone()).put(record.provider.clone()).put(record.upstream_model.clone());
    values.put(record.is_streaming).put(i64::from(record.status)).put(record.outcome.as_str());
    values.put(record.error.map(Code::as_str)).usage(&record.usage);
    values.put(record.usage_source.as_str()).cost(record.cost);
    values.count_option(record.first_output.map(micros)).count(micros(record.total));
    values.count_option(record.overhead.map(micros)).json(&record.attempts);
    values.json_option(Some(&record.losses).filter(|losses| !losses.is_empty())).put(record.user_agent.clone());
}

fn put_rollup(values: &mut Values, key: &RollupKey, sums: &Sums) {
    values.put(key.bucket.seconds()).put(key.at.as_micros()).uuid(key.key_id.as_uuid());
    values.put(key.model.clone()).put(key.provider.clone());
    values.count(sums.requests).count(sums.errors).count(sums.input_tokens).count(sums.output_tokens);
    values.put(sums.amount.0).count(sums.exact).count(sums.estimated).count(sums.unknown);
}
