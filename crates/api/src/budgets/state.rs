//! Where budgets stand: their accounts, and where those are going.

use std::collections::HashMap;
use std::ops::Range;
use std::slice;
use std::time::Duration;

use megarouter_domain::budget::{Action, Basis, Budget, Measure, UnknownPrice};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::BudgetId;
use megarouter_domain::period::{self, Period};
use megarouter_domain::snapshot::Snapshot;
use megarouter_ledger::account::{Account, AccountKey};
use megarouter_ledger::limits::{Limits, OpeningQuery};
use megarouter_store::ledger::requests::Filter;

use super::forecast::History;
use super::{BudgetBrief, BudgetLevel, BudgetState, BudgetSubject, Forecast, Window};
use crate::context::Context;
use crate::error::ApiError;
use crate::shape::{Quantity, Time};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How far ahead a budget without an end is looked at.
const HORIZON: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Where the budgets of a configuration stand.
pub(crate) struct States {
    accounts: HashMap<BudgetId, Vec<Account>>,
    histories: HashMap<BudgetId, History>,
    refused: HashMap<BudgetId, u64>,
    now: Timestamp,
}

/// How use is looked back on to tell where it is going.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lookback {
    /// The length of a slot.
    pub slot: Duration,
    /// After how many slots use repeats itself.
    pub cycle: usize,
    /// How many slots to look at.
    pub slots: u32,
}

impl Lookback {
    /// What fits a budget; `None` where nothing can be foretold.
    pub fn of(budget: &Budget) -> Option<Self> {
        if budget.measure == Measure::Concurrent {
            return None;
        }
        match budget.period {
            Period::Rolling { .. } => None,
            Period::Hour => Some(Self { slot: 5 * MINUTE, cycle: 1, slots: 6 * 12 }),
            Period::Day => Some(Self { slot: HOUR, cycle: 24, slots: 14 * 24 }),
            _ => Some(Self { slot: DAY, cycle: 7, slots: 8 * 7 }),
        }
    }

    /// The span of whole slots before now.
    fn span(self, now: Timestamp) -> Range<Timestamp> {
        let to = period::slot_start(now, self.slot);
        to.minus(self.slot * self.slots)..to
    }

    /// What to ask the ledger for.
    pub fn query(self, budget: &Budget, snapshot: &Snapshot, now: Timestamp) -> Option<OpeningQuery> {
        by_slots(budget, snapshot, self.span(now), self.slot)
    }

    /// The history that answers to the query give, of one account.
    pub fn history(self, now: Timestamp, sums: impl Iterator<Item = (Timestamp, i64)>) -> Option<History> {
        let Range { start, end } = self.span(now);
        let length = i64::try_from(self.slot.as_micros()).ok()?;
        let mut slots = vec![0_i64; self.slots as usize];
        for (at, amount) in sums {
            let place = usize::try_from((at.as_micros() - start.as_micros()).div_euclid(length)).ok();
            if let Some(slot) = place.and_then(|place| slots.get_mut(place)) {
                *slot = slot.saturating_add(amount);
            }
        }
        // Corrections can make a slot negative.
        let slots: Vec<u64> = slots.into_iter().map(|used| u64::try_from(used).unwrap_or(0)).collect();
        History::new(&slots, end, length, self.cycle)
    }
}

/// What adds up the use of a budget by slots of time; `None` where there is no use to add up.
pub(super) fn by_slots(
    budget: &Budget,
    snapshot: &Snapshot,
    span: Range<Timestamp>,
    slot: Duration,
) -> Option<OpeningQuery> {
    let limits = Limits::new(slice::from_ref(budget), snapshot.units(), UnknownPrice::default());
    let query = limits.openings(span.end, span.end).pop()?;
    Some(OpeningQuery { from: span.start, to: span.end, slot: Some(slot), ..query })
}

impl States {
    /// Reads where some budgets stand.
    pub async fn read(context: &Context, budgets: &[&Budget]) -> Result<Self, ApiError> {
        let now = context.now();
        let mut accounts: HashMap<BudgetId, Vec<Account>> = HashMap::new();
        let is_current = |account: &Account| account.window.is_empty() || account.window.contains(&now);
        for account in context.accounts().await?.into_iter().filter(is_current) {
            accounts.entry(account.key.budget).or_default().push(account);
        }
        for accounts in accounts.values_mut() {
            accounts.sort_by_key(|account| (account.left(), account.key.subject.clone()));
        }
        let mut states = Self { accounts, histories: HashMap::new(), refused: HashMap::new(), now };
        states.read_histories(context, budgets).await?;
        states.read_refusals(context, budgets).await?;
        Ok(states)
    }

    async fn read_histories(&mut self, context: &Context, budgets: &[&Budget]) -> Result<(), ApiError> {
        let snapshot = context.gateway.snapshot();
        let mut asked = Vec::new();
        for budget in budgets {
            let lookback = Lookback::of(budget);
            let query = lookback.and_then(|lookback| lookback.query(budget, &snapshot, self.now));
            asked.extend(lookback.zip(query));
        }
        if asked.is_empty() {
            return Ok(());
        }
        let queries: Vec<_> = asked.iter().map(|(_, query)| query.clone()).collect();
        let (_, sums) = context.questions().openings(&queries).await?;
        for (lookback, OpeningQuery { budget, .. }) in asked {
            let subject = self.tightest(budget).and_then(|account| account.key.subject.as_ref());
            let own = sums.iter().filter(|sum| sum.budget == budget && sum.subject.as_ref() == subject);
            let history = lookback.history(self.now, own.map(|sum| (sum.at, sum.amount)));
            self.histories.extend(history.map(|history| (budget, history)));
        }
        Ok(())
    }

    async fn read_refusals(&mut self, context: &Context, budgets: &[&Budget]) -> Result<(), ApiError> {
        for budget in budgets.iter().filter(|budget| budget.stops_at().is_some()) {
            let from = budget.period.window(budget.zone, self.now).start;
            let filter = Filter { from: Some(from), refused_by: Some(budget.id), ..Filter::default() };
            self.refused.insert(budget.id, context.questions().request_sums(&filter).await?.requests);
        }
        Ok(())
    }

    /// The accounts of a budget, the one with the least left first.
    pub fn accounts(&self, id: BudgetId) -> &[Account] {
        self.accounts.get(&id).map_or(&[], Vec::as_slice)
    }

    /// How the use of a budget went, of the account with the least left.
    pub(super) fn history(&self, id: BudgetId) -> Option<&History> {
        self.histories.get(&id)
    }

    /// Where a budget stands.
    pub fn of(&self, budget: &Budget, snapshot: &Snapshot) -> BudgetState {
        let account = self.tightest(budget.id).cloned().unwrap_or_else(|| self.untouched(budget));
        let forecast = self.forecast(budget, &account);
        let subjects = budget.each.map(|_| self.accounts(budget.id).len() as u64);
        BudgetState {
            subject: account.key.subject.as_ref().map(|subject| BudgetSubject::of(subject, snapshot)),
            window: (budget.measure != Measure::Concurrent).then(|| Window::of(budget.period, &account.window)),
            limit: Quantity(account.limit),
            used: Quantity(account.posted),
            held: Quantity(account.held),
            left: Quantity(account.left()),
            percent: percent(account.posted, account.limit),
            level: level(budget, &account, forecast.as_ref()),
            forecast,
            subjects,
            refused: self.refused.get(&budget.id).copied().unwrap_or(0),
        }
    }

    /// The same, where a row has room for a bar.
    pub fn brief(&self, budget: &Budget, snapshot: &Snapshot) -> BudgetBrief {
        BudgetBrief {
            id: budget.id,
            name: budget.name.clone(),
            measure: budget.measure.into(),
            period: budget.period.into(),
            is_hard: budget.stops_at().is_some(),
            state: self.of(budget, snapshot),
        }
    }

    fn tightest(&self, id: BudgetId) -> Option<&Account> {
        self.accounts(id).first()
    }

    /// The account that nobody used yet.
    pub(super) fn untouched(&self, budget: &Budget) -> Account {
        let limit = budget.limit_at(self.now);
        let stop = budget.stops_at().map(|percent| part(limit, percent));
        let window = budget.period.window(budget.zone, self.now);
        let key = AccountKey { budget: budget.id, subject: None, window: window.start };
        Account {
            key,
            measure: budget.measure,
            limit,
            stop,
            posted: 0,
            held: 0,
            granted: None,
            reachable: None,
            window,
        }
    }

    fn forecast(&self, budget: &Budget, account: &Account) -> Option<Forecast> {
        let history = self.histories.get(&budget.id)?;
        let end = end_of(budget.period, &account.window, self.now);
        let outlook = history.outlook(self.now, end);
        let (low, high) = outlook.nine_tenths(account.posted);
        Some(Forecast {
            at_end: Quantity(outlook.total(account.posted)),
            low: Quantity(low),
            high: Quantity(high),
            exhausts_at: exhausts_at(history, account, self.now, end).map(Time),
        })
    }
}

/// When an account is most likely used up, before an instant.
pub(super) fn exhausts_at(history: &History, account: &Account, now: Timestamp, end: Timestamp) -> Option<Timestamp> {
    let left = account.stop.unwrap_or(account.limit).saturating_sub(account.posted);
    if left == 0 { Some(now) } else { history.reaches(left, now..=end) }
}

/// The end of a window, or how far ahead to look where there is none.
pub(super) fn end_of(period: Period, window: &Range<Timestamp>, now: Timestamp) -> Timestamp {
    if period == Period::Total { now.plus(HORIZON) } else { window.end }
}

/// A part of a limit, rounded down.
fn part(limit: u64, percent: u16) -> u64 {
    u64::try_from(u128::from(limit) * u128::from(percent) / 100).unwrap_or(u64::MAX)
}

/// How much of a limit an amount is, in percent, rounded down.
pub(super) fn percent(used: u64, limit: u64) -> u64 {
    u64::try_from(u128::from(used) * 100 / u128::from(limit.max(1))).unwrap_or(u64::MAX)
}

fn level(budget: &Budget, account: &Account, forecast: Option<&Forecast>) -> BudgetLevel {
    if account.left() == 0 {
        return BudgetLevel::Exhausted;
    }
    let used = |basis| match (basis, forecast) {
        (Basis::Actual, _) => account.posted,
        (Basis::Forecast, Some(forecast)) => forecast.at_end.0,
        (Basis::Forecast, None) => 0,
    };
    let is_reached = |basis, percent| used(basis) >= part(account.limit, percent);
    let tells = budget.ladder.iter().filter(|rung| rung.action == Action::Notify);
    if tells.into_iter().any(|rung| is_reached(rung.basis, rung.at_percent)) {
        BudgetLevel::Warned
    } else if forecast.is_some_and(|forecast| forecast.exhausts_at.is_some()) {
        BudgetLevel::Ahead
    } else {
        BudgetLevel::OnTrack
    }
}

impl Window {
    /// A window of a budget; one that never ends has no end.
    pub(super) fn of(period: Period, window: &Range<Timestamp>) -> Self {
        let to = (period != Period::Total).then_some(Time(window.end));
        Self { from: Time(window.start), to }
    }
}
