//! `POST /budgets/simulate`

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use megarouter_domain::budget;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{BudgetId, ModelId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::period::Period;
use megarouter_domain::price;
use megarouter_domain::scope::Scope;
use megarouter_domain::snapshot::Snapshot;
use megarouter_store::ledger::replay::Replayed;
use megarouter_store::ledger::selection::Selection;

use super::draft::{Kept, checked};
use super::replay::{Findings, Past, Tally, TimeMachine};
use super::{BudgetSubject, Simulate, SimulatedDay, SimulatedSubject, SimulatedWindow, Simulation, Window};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::shape::{Cost, Quantity, Time};

/// The most days that are looked back on.
const MOST_DAYS: u16 = 90;
/// The most requests that are replayed.
const MOST_REQUESTS: u64 = 5_000_000;
/// The most subjects of one answer.
const MOST_SUBJECTS: usize = 100;

/// Tells what a budget would have done to recorded traffic; changes nothing. Ends when its caller leaves.
#[utoipa::path(post, path = "/budgets/simulate", operation_id = "simulate_budget", tag = "budgets",
    request_body = Simulate, responses((status = 200, description = "What it would have done", body = Simulation)))]
pub async fn simulate_budget(
    State(context): State<Arc<Context>>,
    Body(request): Body<Simulate>,
) -> Result<Json<Simulation>, ApiError> {
    if !(1..=MOST_DAYS).contains(&request.days) {
        let message = format!("The time machine goes back 1 to {MOST_DAYS} days. Nothing was read. Choose between.");
        return Err(ApiError::invalid("request.invalid", message).about("days"));
    }
    let now = context.now();
    let kept = Kept { id: BudgetId::new(now, context.entropy()), raises: vec![], created_at: now };
    let budget = checked(&context.everything().await?, request.budget, kept)?;
    let snapshot = context.gateway.snapshot();
    let (from, to) = span(&budget, request.days, now);
    let mut machine = TimeMachine::new(budget.clone(), snapshot.units(), from);
    let is_cut = pass_all(&context, &snapshot, &budget, &mut machine, (from, to)).await?;
    Ok(Json(Simulation::of(&budget, machine.findings(), (from, to), is_cut, &snapshot)))
}

/// The days, from the beginning of the window that the first of them is in, so that it is whole.
fn span(budget: &budget::Budget, days: u16, now: Timestamp) -> (Timestamp, Timestamp) {
    let from = now.minus(Duration::from_secs(u64::from(days) * 24 * 60 * 60));
    let day = Period::Day.window(budget.zone, from).start;
    let is_short = matches!(budget.period, Period::Hour | Period::Day | Period::Total | Period::Rolling { .. });
    let from = if is_short { day } else { budget.period.window(budget.zone, from).start.max(day) };
    // What arrived in this very microsecond is of the past too.
    (from, now.plus(Duration::from_micros(1)))
}

/// Lets all recorded requests of a span of time pass, piece by piece. True when there were too many.
async fn pass_all(
    context: &Context,
    snapshot: &Snapshot,
    budget: &budget::Budget,
    machine: &mut TimeMachine,
    (from, to): (Timestamp, Timestamp),
) -> Result<bool, ApiError> {
    let ledger = context.questions();
    let names: HashMap<&str, ModelId> = snapshot.models().iter().map(|model| (model.name.as_str(), model.id)).collect();
    let mut walk = ledger.replay(selection(budget), from, to);
    let mut passed = 0;
    loop {
        let requests = ledger.replay_next(&mut walk).await?;
        if requests.is_empty() {
            return Ok(false);
        }
        passed += requests.len() as u64;
        for request in requests.into_iter().filter(|request| request.is_admitted) {
            machine.pass(&past(request, snapshot, &names));
        }
        if passed >= MOST_REQUESTS {
            return Ok(true);
        }
        tokio::task::yield_now().await;
    }
}

/// What the ledger can leave out by itself.
fn selection(budget: &budget::Budget) -> Selection {
    match &budget.scope {
        Scope::Unit(id) => Selection { unit: Some(*id), ..Selection::default() },
        Scope::Key(id) => Selection { key_id: Some(*id), ..Selection::default() },
        _ => Selection::default(),
    }
}

fn past(request: Replayed, snapshot: &Snapshot, names: &HashMap<&str, ModelId>) -> Past {
    let model = request.model_id.or_else(|| names.get(request.model.as_deref()?).copied());
    let mut scopes = vec![Scope::Organization(snapshot.organization()), Scope::Key(request.key_id)];
    scopes.extend(request.units.iter().copied().map(Scope::Unit));
    scopes.extend(request.provider_id.map(Scope::Provider));
    scopes.extend(model.map(Scope::Model));
    scopes.extend(request.tags.into_iter().map(Scope::Tag));
    Past {
        at: request.started_at,
        duration: request.total,
        request: request.request_id,
        key: request.key_id,
        units: request.units,
        scopes,
        session: request.session,
        amount: request.amount.max(NanoUsd::ZERO),
        tokens: request.tokens,
    }
}

impl Simulation {
    fn of(
        budget: &budget::Budget,
        findings: Findings,
        (from, to): (Timestamp, Timestamp),
        is_cut: bool,
        snapshot: &Snapshot,
    ) -> Self {
        let told = if matches!(budget.period, Period::Rolling { .. }) { Period::Day } else { budget.period };
        let mut subjects: Vec<_> = findings.subjects.into_iter().filter(|(_, tally)| tally.refused > 0).collect();
        subjects.sort_by_key(|(subject, tally)| (Reverse(tally.refused), subject.clone()));
        let subject = |(subject, tally): (_, Tally)| SimulatedSubject {
            subject: BudgetSubject::of(&subject, snapshot),
            requests: tally.requests,
            refused: tally.refused,
            cost: cost(tally.refused_cost),
        };
        let window = |(window, limit, tally): (_, u64, Tally)| SimulatedWindow {
            window: Window::of(told, &window),
            limit: Quantity(limit),
            used: Quantity(tally.used),
            refused: tally.refused,
            exhausted_at: tally.first_refused_at.map(Time),
        };
        let day = |(day, tally): (Range<Timestamp>, Tally)| SimulatedDay {
            day: Time(day.start),
            used: Quantity(tally.used),
            requests: tally.requests,
            refused: tally.refused,
        };
        Self {
            from: Time(from),
            to: Time(findings.last_at.filter(|_| is_cut).unwrap_or(to)),
            requests: findings.all.requests,
            cost: cost(findings.all.cost),
            refused: findings.all.refused,
            refused_cost: cost(findings.all.refused_cost),
            first_refused_at: findings.all.first_refused_at.map(Time),
            is_cut,
            windows: findings.windows.into_iter().map(window).collect(),
            days: findings.days.into_iter().map(day).collect(),
            subjects: subjects.into_iter().take(MOST_SUBJECTS).map(subject).collect(),
            samples: findings.samples,
        }
    }
}

fn cost(amount: NanoUsd) -> Cost {
    price::Cost::Exact(amount).into()
}
