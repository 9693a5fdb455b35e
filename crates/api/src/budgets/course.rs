//! `GET /budgets/{id}/course`

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use megarouter_domain::budget::{Budget, Measure};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::BudgetId;
use megarouter_domain::period::Period;
use megarouter_domain::snapshot::Snapshot;
use megarouter_ledger::account::Account;

use super::forecast::{History, Outlook};
use super::state::{States, by_slots, end_of, exhausts_at};
use super::{Course, CoursePoint, ForecastPoint, Window, in_use};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Id;
use crate::shape::{Quantity, Time};

/// The lengths of slots that the course of a window is told in, shortest first.
const SLOTS: [Duration; 4] = [
    Duration::from_secs(5 * 60),
    Duration::from_secs(60 * 60),
    Duration::from_secs(6 * 60 * 60),
    Duration::from_secs(24 * 60 * 60),
];
/// The most points that the slots of a window are to give.
const MOST_POINTS: u64 = 800;
/// How many points the forecast has.
const FORECAST_POINTS: i64 = 40;

/// Gives the use of a budget in the course of its window, and where it is going.
///
/// Of a budget with an account for each part of its scope, it is that of the account with the least left.
#[utoipa::path(get, path = "/budgets/{id}/course", operation_id = "show_course", tag = "budgets",
    params(("id" = String, Path, description = "The budget's id")),
    responses((status = 200, description = "Its course", body = Course)))]
pub async fn show_course(State(context): State<Arc<Context>>, Id(id): Id<BudgetId>) -> Result<Json<Course>, ApiError> {
    let everything = context.everything().await?;
    let budget = in_use(&everything, id)?;
    let states = States::read(&context, &[budget]).await?;
    let account = states.accounts(id).first().cloned().unwrap_or_else(|| states.untouched(budget));
    let now = context.now();
    let windows = Windows::of(budget, &account, now);
    let (current, previous) = windows.read(&context, budget, &account).await?;
    Ok(Json(windows.course(budget, &account, &current, &previous, states.history(id))))
}

/// The window whose course is told, and the one before.
struct Windows {
    window: Range<Timestamp>,
    previous: Option<Range<Timestamp>>,
    slot: Duration,
    now: Timestamp,
}

/// What was used in each slot.
type Sums = Vec<(Timestamp, i64)>;

impl Windows {
    fn of(budget: &Budget, account: &Account, now: Timestamp) -> Self {
        let window = account.window.clone();
        let previous = budget.period.before(budget.zone, &window);
        // What never ends is told from the first use on, and that only the ledger knows.
        let length = if budget.period == Period::Total { now } else { window.end }.since(window.start);
        let fits = |slot: &Duration| length.as_secs() / slot.as_secs() <= MOST_POINTS;
        let slot = SLOTS.into_iter().find(fits).unwrap_or(SLOTS[SLOTS.len() - 1]);
        Self { window, previous, slot, now }
    }

    async fn read(&self, context: &Context, budget: &Budget, account: &Account) -> Result<(Sums, Sums), ApiError> {
        if budget.measure == Measure::Concurrent {
            return Ok((vec![], vec![]));
        }
        let snapshot = context.gateway.snapshot();
        let current = self.sums(context, budget, account, &snapshot, &self.window).await?;
        let previous = match &self.previous {
            Some(previous) => self.sums(context, budget, account, &snapshot, previous).await?,
            None => vec![],
        };
        Ok((current, previous))
    }

    async fn sums(
        &self,
        context: &Context,
        budget: &Budget,
        account: &Account,
        snapshot: &Snapshot,
        window: &Range<Timestamp>,
    ) -> Result<Sums, ApiError> {
        let Some(query) = by_slots(budget, snapshot, window.clone(), self.slot) else { return Ok(vec![]) };
        let (_, sums) = context.questions().openings(&[query]).await?;
        let own = sums.into_iter().filter(|sum| sum.subject == account.key.subject);
        let mut own: Sums = own.map(|sum| (sum.at, sum.amount)).collect();
        own.sort_unstable();
        Ok(own)
    }

    /// Puts the course together from what was used in each slot.
    fn course(
        &self,
        budget: &Budget,
        account: &Account,
        current: &Sums,
        previous: &Sums,
        history: Option<&History>,
    ) -> Course {
        let end = end_of(budget.period, &self.window, self.now);
        let has_end = !matches!(budget.period, Period::Total | Period::Rolling { .. });
        let ideal = [(self.window.start, 0), (self.window.end, account.limit)];
        let mut points = self.cumulated(&self.window, current, self.now);
        // The engine knows better than the rollups what was used until now.
        points.retain(|(at, _)| *at < self.now);
        points.push((self.now, account.posted));
        let shift = |at: Timestamp| match &self.previous {
            Some(previous) => self.window.start.plus(at.since(previous.start)),
            None => at,
        };
        let before =
            self.previous.as_ref().map(|window| self.cumulated(window, previous, window.end)).unwrap_or_default();
        Course {
            window: Window::of(budget.period, &self.window),
            limit: Quantity(account.limit),
            points: points.into_iter().map(CoursePoint::from).collect(),
            previous: self.fitted(before.into_iter().map(|(at, used)| (shift(at), used))),
            ideal: if has_end { ideal.map(CoursePoint::from).to_vec() } else { vec![] },
            forecast: history.map(|history| outlooks(history, account.posted, self.now, end)).unwrap_or_default(),
            exhausts_at: history.and_then(|history| exhausts_at(history, account, self.now, end)).map(Time),
        }
    }

    /// The points of another window that fit into this one; a longer one is cut at this one's end.
    fn fitted(&self, points: impl Iterator<Item = (Timestamp, u64)>) -> Vec<CoursePoint> {
        let end = self.window.end;
        let mut fitted: Vec<_> = points.map(|(at, used)| (at.min(end), used)).collect();
        let within = fitted.iter().position(|(at, _)| *at == end).map_or(fitted.len(), |place| place + 1);
        fitted.truncate(within);
        fitted.into_iter().map(CoursePoint::from).collect()
    }

    /// The sums of slots as the use up to the end of each, from the start of a window up to an instant.
    fn cumulated(&self, window: &Range<Timestamp>, sums: &Sums, until: Timestamp) -> Vec<(Timestamp, u64)> {
        let mut points = vec![(window.start, 0)];
        let mut sum: i64 = 0;
        let mut used = 0;
        for (at, amount) in sums {
            let start = (*at).max(window.start);
            // A slot without use has no sum: the line is level up to the next one's start.
            if points.last().is_some_and(|(last, _)| *last < start) {
                points.push((start, used));
            }
            sum = sum.saturating_add(*amount);
            used = u64::try_from(sum).unwrap_or(0);
            points.push((at.plus(self.slot).min(window.end).min(until), used));
        }
        points.retain(|(at, _)| *at <= until);
        if points.last().is_some_and(|(last, _)| *last < until) && until == window.end {
            points.push((until, used));
        }
        points
    }
}

fn outlooks(history: &History, used: u64, now: Timestamp, end: Timestamp) -> Vec<ForecastPoint> {
    let length = end.as_micros().saturating_sub(now.as_micros());
    if length <= 0 {
        return vec![];
    }
    let instant = |step: i64| Timestamp::from_micros(now.as_micros() + length / FORECAST_POINTS * step);
    let ends = (0..FORECAST_POINTS).map(instant).chain([end]);
    ends.map(|at| ForecastPoint::of(at, history.outlook(now, at), used)).collect()
}

impl ForecastPoint {
    fn of(at: Timestamp, outlook: Outlook, used: u64) -> Self {
        let ((low_50, high_50), (low_90, high_90)) = (outlook.half(used), outlook.nine_tenths(used));
        Self {
            at: Time(at),
            median: Quantity(outlook.total(used)),
            low_50: Quantity(low_50),
            high_50: Quantity(high_50),
            low_90: Quantity(low_90),
            high_90: Quantity(high_90),
        }
    }
}

impl From<(Timestamp, u64)> for CoursePoint {
    fn from((at, used): (Timestamp, u64)) -> Self {
        Self { at: Time(at), used: Quantity(used) }
    }
}
