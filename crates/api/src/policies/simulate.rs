//! `POST /policies/simulate`

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::PolicyId;
use megarouter_domain::money::NanoUsd;
use megarouter_domain::permille::Permille;
use megarouter_domain::policy::{Policy, Version};
use megarouter_domain::record::{Outcome, UsageRecord};
use megarouter_gateway::route::seed_of;
use megarouter_routing::decide::{Decided, decide_by};
use megarouter_routing::table::Compiled;
use megarouter_routing::{Affinity, Health, Surroundings, Table};
use megarouter_store::ledger::requests::Filter;

use super::{ChangedRoute, PolicySimulation, RouteMove, RuleShare, SimulatePolicy, SimulatedSide, check, view};
use crate::context::Context;
use crate::counterfactual::reprice::{self, Would};
use crate::error::ApiError;
use crate::extract::Body;
use crate::route::thought::Thought;
use crate::shape::{Amount, micros};

/// Requests that are replayed where nobody says how many.
const USUAL: u32 = 1_000;
/// The most.
const MOST: u32 = 10_000;
/// The most that are looked through for those of one policy.
const MOST_LOOKED_AT: usize = 50_000;
/// Requests to a page of the ledger.
const PAGE: u32 = 200;
/// The most requests of one answer.
const MOST_SAMPLES: usize = 50;
/// Requests that are decided between two breaths.
const AT_ONCE: usize = 100;

/// Replays the latest recorded requests under a draft and compares with the live version, or with what really
/// happened. Nothing is sent and nothing changes. Ends when its caller leaves.
#[utoipa::path(post, path = "/policies/simulate", operation_id = "simulate_policy", tag = "policies",
    request_body = SimulatePolicy,
    responses((status = 200, description = "What it would have done", body = PolicySimulation)))]
pub async fn simulate_policy(
    State(context): State<Arc<Context>>,
    Body(request): Body<SimulatePolicy>,
) -> Result<Json<PolicySimulation>, ApiError> {
    let began = context.clock.monotonic();
    let last = request.last.unwrap_or(USUAL);
    if !(1..=MOST).contains(&last) {
        let message = format!("A simulation replays 1 to {MOST} requests. Nothing was read. Choose a number between.");
        return Err(ApiError::invalid("request.invalid", message).about("last"));
    }
    let everything = context.everything().await?;
    let stored = request.policy_id.map(|id| view::find(&everything, id)).transpose()?;
    let said = check::required(check::said(&everything, request.body, request.text, None)?)?;
    let live = Version { number: 0, body: said.body, text: said.text, note: String::new(), made_at: context.now() };
    let draft = Policy {
        id: stored.map_or_else(|| PolicyId::new(context.now(), [0; 10]), |policy| policy.id),
        name: stored.map_or_else(|| "draft".to_owned(), |policy| policy.name.clone()),
        description: String::new(),
        live,
        trial: None,
        created_at: context.now(),
        archived_at: None,
    };
    check::policy(&context, &everything, &draft)?;
    let records = recorded(&context, request.policy_id, last as usize).await?;
    let live = stored.map(|policy| Policy { trial: None, ..policy.clone() });
    let mut found = replay(&context, &draft, live.as_ref(), &records).await;
    found.took_us = micros(context.clock.monotonic().saturating_sub(began));
    Ok(Json(found))
}

/// The latest requests that can be replayed: those that the policy decided, or all.
async fn recorded(context: &Context, policy: Option<PolicyId>, last: usize) -> Result<Vec<UsageRecord>, ApiError> {
    let is_meant = |record: &UsageRecord| {
        let decided_by = record.decision.as_ref().and_then(|it| it.rule.as_ref()).map(|rule| rule.policy_id);
        record.outcome != Outcome::Refused && (policy.is_none() || decided_by == policy)
    };
    let (mut records, mut after, mut looked_at) = (Vec::new(), None, 0);
    while records.len() < last && looked_at < MOST_LOOKED_AT {
        let page = context.questions().requests(&Filter::default(), after, PAGE).await?;
        looked_at += page.rows.len();
        records.extend(page.rows.into_iter().filter(is_meant));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    records.truncate(last);
    Ok(records)
}

/// What one side does with a request.
#[derive(Clone, Default)]
struct Side {
    model: Option<String>,
    cost: Option<Would>,
    total_ms: Option<u32>,
    quality: Option<(Permille, Permille)>,
    rule: Option<u64>,
}

#[derive(Default)]
struct Sums {
    cost: Would,
    costs: u64,
    times: Vec<u32>,
    quality: u64,
    deviation: u64,
    qualities: u64,
}

/// What was found so far.
#[derive(Default)]
struct Findings {
    live: Sums,
    draft: Sums,
    difference: Would,
    quality_difference: i64,
    quality_deviation: u64,
    compared_qualities: u64,
    moves: BTreeMap<(Option<String>, Option<String>), (u64, i64)>,
    rules: BTreeMap<u64, u64>,
    samples: Vec<(u64, ChangedRoute)>,
    requests: u64,
    left_out: u64,
    refused: u64,
    changed: u64,
    without_task: u64,
}

async fn replay(context: &Context, draft: &Policy, live: Option<&Policy>, records: &[UsageRecord]) -> PolicySimulation {
    let mut findings = Findings::default();
    for some in records.chunks(AT_ONCE) {
        context.gateway.look_around(|table, around| {
            // Who rests at present says nothing of the past, nor which session is where.
            let (health, affinity) = (Health::default(), Affinity::default());
            let around = Surroundings { health: &health, affinity: &affinity, ..*around };
            let (draft, live) = (table.compile(draft), live.map(|policy| table.compile(policy)));
            for record in some {
                findings.pass(record, table, &around, &draft, live.as_ref());
            }
        });
        tokio::task::yield_now().await;
    }
    findings.told(draft, live.is_some(), records)
}

impl Findings {
    fn pass(
        &mut self,
        record: &UsageRecord,
        table: &Table,
        around: &Surroundings<'_>,
        draft: &Compiled,
        live: Option<&Compiled>,
    ) {
        let Some(thought) = Thought::of_record(record, table.snapshot()) else {
            self.left_out += 1;
            return;
        };
        self.requests += 1;
        self.without_task += u64::from(thought.task.is_none());
        let seed = seed_of(record.request_id);
        let by = |policy: &Compiled| thought.ask(|question| decide_by(table, policy, question, around, seed)).ok();
        let decided = by(draft);
        let (before, after) = match live {
            Some(live) => (by(live).map(|decided| chosen(&decided, record)), decided.as_ref()),
            None => (Some(happened(record, decided.as_ref())), decided.as_ref()),
        };
        let after = after.map(|decided| chosen(decided, record));
        self.refused += u64::from(after.is_none());
        self.compare(record, before.unwrap_or_default(), after.unwrap_or_default());
    }

    fn compare(&mut self, record: &UsageRecord, before: Side, after: Side) {
        self.live.add(&before);
        self.draft.add(&after);
        if let Some(rule) = after.rule {
            *self.rules.entry(rule).or_default() += 1;
        }
        let difference = difference(before.cost, after.cost);
        self.difference.add(difference);
        if let (Some((old, _)), Some((new, deviation))) = (before.quality, after.quality) {
            let is_same = before.model == after.model;
            self.quality_difference += if is_same { 0 } else { i64::from(new.get()) - i64::from(old.get()) };
            self.quality_deviation += if is_same { 0 } else { u64::from(deviation.get()) };
            self.compared_qualities += 1;
        }
        if before.model == after.model {
            return;
        }
        self.changed += 1;
        let moved = self.moves.entry((before.model.clone(), after.model.clone())).or_default();
        moved.0 += 1;
        moved.1 = moved.1.saturating_add(difference.amount.0);
        let sample = ChangedRoute {
            request_id: record.request_id,
            started_at: record.started_at.into(),
            model_asked: record.model_asked.to_string(),
            from: before.model,
            to: after.model,
            cost_from: before.cost.map(|cost| Amount(cost.amount)),
            cost_to: after.cost.map(|cost| Amount(cost.amount)),
            rule: after.rule,
        };
        self.samples.push((difference.amount.0.unsigned_abs(), sample));
        if self.samples.len() > MOST_SAMPLES * 4 {
            self.keep_samples();
        }
    }

    /// Keeps those that differ most in cost.
    fn keep_samples(&mut self) {
        self.samples.sort_by_key(|(weight, sample)| (std::cmp::Reverse(*weight), sample.request_id));
        self.samples.truncate(MOST_SAMPLES);
    }

    fn told(mut self, draft: &Policy, is_against_live: bool, records: &[UsageRecord]) -> PolicySimulation {
        self.keep_samples();
        let mut moves: Vec<RouteMove> = std::mem::take(&mut self.moves).into_iter().map(route_move).collect();
        moves.sort_by_key(|it| std::cmp::Reverse(it.requests));
        let share = |(index, rule): (usize, &megarouter_domain::policy::Rule)| {
            let number = index as u64 + 1;
            let requests = self.rules.get(&number).copied().unwrap_or(0);
            RuleShare { rule: number, name: rule.name.clone(), requests }
        };
        let rules = draft.live.body.rules.iter().enumerate().map(share).collect();
        let count = i64::try_from(self.compared_qualities).unwrap_or(i64::MAX);
        let quality_difference = (count > 0).then(|| self.quality_difference / count);
        let quality_deviation = (count > 0).then(|| self.quality_deviation / self.compared_qualities);
        PolicySimulation {
            from: records.last().map(|record| record.started_at.into()),
            to: records.first().map(|record| record.started_at.into()),
            requests: self.requests,
            left_out: self.left_out,
            cost_difference: Amount(self.difference.amount),
            cost_difference_low: Amount(self.difference.low),
            cost_difference_high: Amount(self.difference.high),
            quality_difference_permille: quality_difference.and_then(|it| i16::try_from(it).ok()),
            quality_deviation_permille: quality_deviation.and_then(|it| u16::try_from(it).ok()),
            changed: self.changed,
            refused: self.refused,
            moves,
            rules,
            samples: std::mem::take(&mut self.samples).into_iter().map(|(_, sample)| sample).collect(),
            measured: measured(is_against_live),
            estimated: estimated(is_against_live, self.without_task),
            live: self.live.told(),
            draft: self.draft.told(),
            took_us: 0,
        }
    }
}

/// What a decision would have come to with a request's own tokens.
fn chosen(decided: &Decided, record: &UsageRecord) -> Side {
    let Some((first, choice)) = decided.decision.candidates.first().zip(decided.choices.first()) else {
        return Side::default();
    };
    let is_same = record.model.as_deref() == Some(&*first.model);
    let tariff = choice.deployment().price.as_ref().map(|price| &price.tariff);
    let own = (is_same && record.usage.total_input().is_some()).then(|| Would::exactly(record.cost.amount()));
    let own = own.filter(|_| record.cost.state() == "exact" || record.cost.state() == "estimated");
    Side {
        model: Some(first.model.to_string()),
        cost: own.or_else(|| reprice::call(tariff?, &record.usage)),
        total_ms: if is_same { Some(millis(record)) } else { first.total_ms },
        quality: first.quality.zip(first.quality_deviation),
        rule: decided.decision.rule.as_ref().map(|rule| u64::from(rule.index)),
    }
}

/// What really happened. What was to be expected of the model is what is expected of it today, so that both sides
/// are measured alike.
fn happened(record: &UsageRecord, decided: Option<&Decided>) -> Side {
    let own = record.model.as_deref();
    let today = decided.map(|decided| decided.decision.candidates.iter());
    let then = record.decision.as_ref().map(|decision| decision.candidates.iter());
    let mut known = today.into_iter().flatten().chain(then.into_iter().flatten());
    let considered = known.find(|candidate| Some(&*candidate.model) == own && candidate.quality.is_some());
    let is_priced = matches!(record.cost.state(), "exact" | "estimated" | "not_billable");
    Side {
        model: own.map(str::to_owned),
        cost: is_priced.then(|| Would::exactly(record.cost.amount())),
        total_ms: Some(millis(record)),
        quality: considered.and_then(|candidate| candidate.quality.zip(candidate.quality_deviation)),
        rule: None,
    }
}

fn millis(record: &UsageRecord) -> u32 {
    u32::try_from(record.total.as_millis()).unwrap_or(u32::MAX)
}

/// What the second costs more than the first; nothing where one of them is not known.
fn difference(before: Option<Would>, after: Option<Would>) -> Would {
    let (Some(before), Some(after)) = (before, after) else { return Would::default() };
    let less = |one: NanoUsd, two: NanoUsd| NanoUsd(one.0.saturating_sub(two.0));
    Would {
        amount: less(after.amount, before.amount),
        low: less(after.low, before.high),
        high: less(after.high, before.low),
    }
}

fn route_move(((from, to), (requests, cost)): ((Option<String>, Option<String>), (u64, i64))) -> RouteMove {
    RouteMove { from, to, requests, cost_difference: Amount(NanoUsd(cost)) }
}

impl Sums {
    fn add(&mut self, side: &Side) {
        if let Some(cost) = side.cost {
            self.cost.add(cost);
            self.costs += 1;
        }
        self.times.extend(side.total_ms);
        if let Some((quality, deviation)) = side.quality {
            self.quality += u64::from(quality.get());
            self.deviation += u64::from(deviation.get());
            self.qualities += 1;
        }
    }

    fn told(mut self) -> SimulatedSide {
        self.times.sort_unstable();
        let at = |percent: usize| {
            let last = self.times.len().checked_sub(1)?;
            self.times.get(last * percent / 100).copied()
        };
        let quality = self.quality.checked_div(self.qualities).and_then(|mean| u16::try_from(mean).ok());
        SimulatedSide {
            cost: (self.costs > 0).then_some(Amount(self.cost.amount)),
            p50_ms: at(50),
            p95_ms: at(95),
            quality_permille: quality,
        }
    }
}

fn measured(is_against_live: bool) -> Vec<String> {
    let tokens = "The tokens of every request, and the prices.";
    let own = "What requests cost and took on the model that served them.";
    let mut said = vec![tokens.to_owned(), own.to_owned()];
    if !is_against_live {
        said.push("The live side: what really happened.".to_owned());
    }
    said
}

fn estimated(is_against_live: bool, without_task: u64) -> Vec<String> {
    let mut said = vec![
        "What other models would have cost: the same tokens at their prices; the range is for longer or shorter answers, \
         another count of tokens, and a cold prompt cache."
            .to_owned(),
        "Times on other models: as they are at present, where they are known.".to_owned(),
        "Qualities: what the router expects, with the standard deviation of that.".to_owned(),
        "Rests, limits of providers, budgets and sessions of that time are not replayed.".to_owned(),
    ];
    if is_against_live {
        said.push("Both sides are replayed, the live version too.".to_owned());
    }
    if without_task > 0 {
        said.push(format!(
            "{without_task} requests were recorded without what they are about, and count as ordinary ones."
        ));
    }
    said
}
