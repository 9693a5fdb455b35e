//! `GET /counterfactual`

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::decision::Removal;
use megarouter_domain::model::Model;
use megarouter_domain::money::NanoUsd;
use megarouter_domain::period::Zone;
use megarouter_domain::policy::Policy;
use megarouter_domain::price::{self, Tariff};
use megarouter_domain::record::UsageRecord;
use megarouter_domain::snapshot::Snapshot;
use megarouter_domain::usage::Usage;
use megarouter_gateway::route::seed_of;
use megarouter_routing::decide::decide_by;
use megarouter_routing::{Affinity, Health, Surroundings};
use megarouter_store::ledger::pivot::{Dimension, Label, PivotQuery};
use megarouter_store::ledger::requests::Filter;
use megarouter_store::ledger::selection::Selection;
use megarouter_store::ledger::sums::Sums;

use super::reprice::{self, Would};
use super::{Baseline, BaselineKind, Counterfactual, CounterfactualQuery, CounterfactualShare, Savings};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::requests::list::tag;
use crate::route::thought::Thought;
use crate::settings::{self, ASKED};
use crate::shape::{Amount, Time};

const USUAL: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The most requests that are priced one by one.
const MOST_RECORDS: usize = 5_000;
/// Requests to a page of the ledger.
const PAGE: u32 = 200;

/// Prices what was used in a time again: as if other models had served it.
#[utoipa::path(get, path = "/counterfactual", operation_id = "show_counterfactual", tag = "requests",
    params(CounterfactualQuery),
    responses((status = 200, description = "What it would have cost", body = Counterfactual)))]
pub async fn show_counterfactual(
    State(context): State<Arc<Context>>,
    Query(query): Query<CounterfactualQuery>,
) -> Result<Json<Counterfactual>, ApiError> {
    let to = query.to.map_or_else(|| context.now().plus(Duration::from_micros(1)), |time| time.0);
    let from = query.from.map_or_else(|| to.minus(USUAL), |time| time.0);
    if from >= to {
        let message = "The range of time is empty. There is nothing to show. Choose an earlier beginning.";
        return Err(ApiError::invalid("range.invalid", message).about("from"));
    }
    let named = |text: Option<String>| text.filter(|text| !text.is_empty());
    let selection = Selection {
        key_id: query.key_id,
        unit: query.unit,
        model: named(query.model),
        provider: named(query.provider),
        tag: named(query.tag).map(|text| tag(&text)).transpose()?,
    };
    let baseline = match query.baseline {
        Some(baseline) => baseline,
        None => settings::savings_baseline(&context.everything().await?),
    };
    let against = Against::named(&baseline, &context.gateway.snapshot())?;
    compare(&context, &against, &Range { from, to, selection, most: MOST_RECORDS }).await.map(Json)
}

/// What was saved against the baseline of the settings; `None` when its model is not there any more.
pub(crate) async fn savings(context: &Context, range: &Range) -> Result<Option<Savings>, ApiError> {
    let baseline = settings::savings_baseline(&context.everything().await?);
    let Ok(against) = Against::named(&baseline, &context.gateway.snapshot()) else { return Ok(None) };
    let found = compare(context, &against, range).await?;
    Ok(Some(Savings {
        baseline: found.baseline,
        amount: found.saved,
        low: found.saved_low,
        high: found.saved_high,
        requests: found.requests,
        unpriced: found.unpriced,
    }))
}

/// Which requests.
pub(crate) struct Range {
    pub from: Timestamp,
    pub to: Timestamp,
    pub selection: Selection,
    /// The most that are priced one by one.
    pub most: usize,
}

/// What to compare with.
enum Against {
    Asked,
    Model(Arc<Model>),
    Policy(Arc<Policy>),
}

impl Against {
    fn named(name: &str, snapshot: &Snapshot) -> Result<Self, ApiError> {
        if name == ASKED {
            return Ok(Self::Asked);
        }
        if let Some(policy) = snapshot.policies().iter().find(|policy| policy.name == name) {
            return Ok(Self::Policy(Arc::clone(policy)));
        }
        snapshot.resolve(name).map(|resolved| Self::Model(resolved.model)).ok_or_else(|| {
            let message = format!(
                "There is no model and no policy `{name}`. There is nothing to compare with. Choose another baseline."
            );
            ApiError::new(StatusCode::NOT_FOUND, "model.not_found", message).about("baseline")
        })
    }

    fn told(&self) -> Baseline {
        let (kind, name, title) = match self {
            Self::Asked => (
                BaselineKind::Asked,
                None,
                "the models that were asked for; for policies, the best one they could have chosen".to_owned(),
            ),
            Self::Model(model) => {
                (BaselineKind::Model, Some(model.name.clone()), format!("{} for everything", model.name))
            }
            Self::Policy(policy) => {
                (BaselineKind::Policy, Some(policy.name.clone()), format!("the policy {}", policy.name))
            }
        };
        Baseline { kind, name, title }
    }
}

/// Shares by the model that served and the one it is compared with.
#[derive(Default)]
struct Found {
    shares: BTreeMap<(String, String), Share>,
    unpriced: u64,
    unpriced_cost: NanoUsd,
    is_cut: bool,
}

#[derive(Clone, Copy, Default)]
struct Share {
    requests: u64,
    actual: NanoUsd,
    would: Would,
}

impl Found {
    fn add(&mut self, model: &str, against: &str, share: Share) {
        let known = self.shares.entry((model.to_owned(), against.to_owned())).or_default();
        known.requests += share.requests;
        known.actual = NanoUsd(known.actual.0.saturating_add(share.actual.0));
        known.would.add(share.would);
    }

    fn pass_over(&mut self, requests: u64, cost: NanoUsd) {
        self.unpriced += requests;
        self.unpriced_cost = NanoUsd(self.unpriced_cost.0.saturating_add(cost.0));
    }
}

async fn compare(context: &Context, against: &Against, range: &Range) -> Result<Counterfactual, ApiError> {
    let found = match against {
        Against::Model(model) => by_sums(context, model, range).await?,
        Against::Asked => by_records(context, range, None).await?,
        Against::Policy(policy) => by_records(context, range, Some(policy)).await?,
    };
    Ok(told(against, range, found))
}

/// From the rollups: exact for any number of requests.
async fn by_sums(context: &Context, model: &Model, range: &Range) -> Result<Found, ApiError> {
    let query = PivotQuery {
        from: range.from,
        to: range.to,
        zone: Zone::UTC,
        rows: Dimension::Model,
        columns: None,
        selection: range.selection.clone(),
        outcome: None,
    };
    let snapshot = context.gateway.snapshot();
    let pivot = context.questions().pivot(&query, snapshot.units()).await?;
    let tariff = tariff(model);
    let mut found = Found::default();
    for (label, figures) in &pivot.rows {
        let (sums, served) = (figures.sums, name(label));
        let known = sums.exact + sums.estimated;
        let is_own = served == model.name;
        let would = if is_own {
            Some(Would::exactly(sums.amount))
        } else {
            tariff.and_then(|tariff| reprice::sum(tariff, &usage(&sums)))
        };
        match would {
            Some(would) if sums.unknown == 0 && known > 0 => {
                found.add(served, &model.name, Share { requests: known, actual: sums.amount, would });
            }
            // What is not known of some cannot be told apart from the sum of all.
            _ => found.pass_over(known + sums.unknown, sums.amount),
        }
    }
    Ok(found)
}

/// Request by request, the newest ones: what each asked for, or what a policy would have chosen.
async fn by_records(context: &Context, range: &Range, policy: Option<&Policy>) -> Result<Found, ApiError> {
    let Selection { key_id, unit, model, provider, tag } = range.selection.clone();
    let (from, to) = (Some(range.from), Some(range.to));
    let filter = Filter { from, to, key_id, unit, model, provider, tag, ..Filter::default() };
    let (mut found, mut after, mut seen) = (Found::default(), None, 0);
    loop {
        let page = context.questions().requests(&filter, after, PAGE).await?;
        seen += page.rows.len();
        match policy {
            None => page.rows.iter().for_each(|record| asked(&mut found, record, &context.gateway.snapshot())),
            Some(policy) => decided(&mut found, &page.rows, policy, context),
        }
        after = page.next;
        found.is_cut = after.is_some() && seen >= range.most;
        if after.is_none() || found.is_cut {
            return Ok(found);
        }
    }
}

fn asked(found: &mut Found, record: &UsageRecord, snapshot: &Snapshot) {
    let model = snapshot.resolve(&record.model_asked).map(|resolved| resolved.model);
    let model = model.or_else(|| best_considered(record, snapshot));
    price(found, record, model.as_deref().map(|model| (model.name.as_str(), tariff(model))));
}

/// What somebody would have asked for who knows no policies: of the models that the policy could choose from, the one
/// of which the best answer was expected.
fn best_considered(record: &UsageRecord, snapshot: &Snapshot) -> Option<Arc<Model>> {
    let candidates = record.decision.as_ref()?.candidates.iter();
    let best = candidates
        .filter(|candidate| matches!(candidate.removed, None | Some(Removal::Outranked)))
        .max_by_key(|candidate| candidate.quality)?;
    snapshot.resolve(&best.model).map(|resolved| resolved.model)
}

fn decided(found: &mut Found, records: &[UsageRecord], policy: &Policy, context: &Context) {
    context.gateway.look_around(|table, around| {
        let (health, affinity) = (Health::default(), Affinity::default());
        let around = Surroundings { health: &health, affinity: &affinity, ..*around };
        let policy = table.compile(policy);
        for record in records {
            let thought = Thought::of_record(record, table.snapshot());
            let seed = seed_of(record.request_id);
            let decided =
                thought.and_then(|thought| thought.ask(|it| decide_by(table, &policy, it, &around, seed)).ok());
            let choice = decided.as_ref().and_then(|decided| decided.choices.first());
            let target = choice.map(|choice| {
                let tariff = choice.deployment().price.as_ref().map(|price| &price.tariff);
                (choice.model.name.as_str(), tariff)
            });
            price(found, record, target);
        }
    });
}

/// Prices one request as if a model had served it.
fn price(found: &mut Found, record: &UsageRecord, target: Option<(&str, Option<&Tariff>)>) {
    let actual = match record.cost {
        price::Cost::Exact(amount) | price::Cost::Estimated(amount) => amount,
        // Nothing was used.
        price::Cost::NotBillable if record.usage.is_unreported() => return,
        price::Cost::NotBillable => NanoUsd::ZERO,
        price::Cost::Unknown => return found.pass_over(1, NanoUsd::ZERO),
    };
    let served = record.model.as_deref().unwrap_or_default();
    let Some((name, tariff)) = target else { return found.pass_over(1, actual) };
    let would = if name == served {
        Some(Would::exactly(actual))
    } else {
        tariff.and_then(|tariff| reprice::call(tariff, &record.usage))
    };
    match would {
        Some(would) => found.add(served, name, Share { requests: 1, actual, would }),
        None => found.pass_over(1, actual),
    }
}

/// What a model's first deployment with a price charges.
fn tariff(model: &Model) -> Option<&Tariff> {
    model.deployments.iter().find_map(|deployment| deployment.price.as_ref()).map(|price| &price.tariff)
}

fn name(label: &Label) -> &str {
    match label {
        Label::Name(name) => name,
        _ => "",
    }
}

/// The tokens of many requests by class.
const fn usage(sums: &Sums) -> Usage {
    let uncached = sums.input_tokens.saturating_sub(sums.cached_tokens).saturating_sub(sums.cache_write_tokens);
    Usage {
        input: Some(uncached),
        cached_read: Some(sums.cached_tokens),
        cache_write: Some(sums.cache_write_tokens),
        output: Some(sums.output_tokens.saturating_sub(sums.reasoning_tokens)),
        reasoning: Some(sums.reasoning_tokens),
        ..Usage::UNREPORTED
    }
}

fn told(against: &Against, range: &Range, found: Found) -> Counterfactual {
    let mut all = Share::default();
    for share in found.shares.values() {
        all.requests += share.requests;
        all.actual = NanoUsd(all.actual.0.saturating_add(share.actual.0));
        all.would.add(share.would);
    }
    let less = |one: NanoUsd, two: NanoUsd| Amount(NanoUsd(one.0.saturating_sub(two.0)));
    let mut by_model: Vec<_> = found
        .shares
        .into_iter()
        .map(|((model, against), share)| CounterfactualShare {
            model,
            against,
            requests: share.requests,
            actual: share.actual.into(),
            would: share.would.amount.into(),
            would_low: share.would.low.into(),
            would_high: share.would.high.into(),
            saved: less(share.would.amount, share.actual),
        })
        .collect();
    by_model.sort_by_key(|share| std::cmp::Reverse(share.actual.0));
    Counterfactual {
        from: Time(range.from),
        to: Time(range.to),
        baseline: against.told(),
        requests: all.requests,
        unpriced: found.unpriced,
        unpriced_cost: price::Cost::Exact(found.unpriced_cost).into(),
        actual: all.actual.into(),
        would: all.would.amount.into(),
        would_low: all.would.low.into(),
        would_high: all.would.high.into(),
        saved: less(all.would.amount, all.actual),
        saved_low: less(all.would.low, all.actual),
        saved_high: less(all.would.high, all.actual),
        by_model,
        uncertainties: reprice::uncertainties(),
        measured: vec!["What requests cost, and the tokens they used.".to_owned()],
        estimated: estimated(against, found.is_cut, range.most),
    }
}

fn estimated(against: &Against, is_cut: bool, most: usize) -> Vec<String> {
    let mut said = vec![
        "What it would have cost: the same tokens at today's price of the other model; the range is for longer or shorter \
         answers, another count of tokens, and a cold prompt cache."
            .to_owned(),
    ];
    if matches!(against, Against::Model(_)) {
        said.push(
            "Prices that depend on a single call's length are left out: the tokens of all calls are priced together."
                .to_owned(),
        );
    }
    if is_cut {
        said.push(format!("There were too many requests to price one by one: these are the newest {most} or so."));
    }
    said
}
