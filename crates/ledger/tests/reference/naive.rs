//! The plainest thing that could be right: a list of everything that happened, added up anew for
//! every question, with windows told apart by the labels of a calendar.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{Datelike as _, TimeZone as _, Timelike as _, Utc};
use megarouter_domain::budget::{Budget, Each, Measure, UnknownPrice};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{AttemptId, RequestId};
use megarouter_domain::period::{Period, Zone};
use megarouter_domain::scope::Scope;
use megarouter_ledger::account::{AccountKey, Sharing, Subject};
use megarouter_ledger::entry::{Entry, Fact, HoldFact, Lsn, Resolution};
use megarouter_ledger::limits::{Opening, OpeningQuery};

use crate::kit;

const HOUR: i64 = 3_600_000_000;

/// One call, from beginning to end.
#[derive(Clone, Debug)]
pub struct Row {
    pub hold: Arc<HoldFact>,
    pub extended: i128,
    pub extended_tokens: i128,
    pub resolved: Option<(Lsn, Resolution)>,
    pub finished: Option<Lsn>,
    /// Whether it is its request's first.
    pub is_first: bool,
    /// Corrections: when, and how much.
    pub adjusted: Vec<(Lsn, i128, i128)>,
}

/// What happened, and what the limits are.
#[derive(Default)]
pub struct Naive {
    pub rows: Vec<Row>,
    pub budgets: Vec<Budget>,
    pub unknown_price: UnknownPrice,
    pub sharing: Sharing,
    pub is_fenced: bool,
    pub grants: HashMap<AccountKey, u64>,
}

/// What a limit says to a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    /// One of these stands in the way.
    Exceeded(Vec<(AccountKey, Sums)>),
    PriceUnknown,
    Short(Vec<AccountKey>),
    Fenced,
}

/// An account, added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    pub posted: i128,
    pub held: i128,
    pub limit: u64,
    pub stop: Option<u64>,
}

/// What a hold asks for.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub cost: i128,
    pub tokens: i128,
    pub calls: i128,
    pub requests: i128,
}

impl Naive {
    /// Writes down what an entry says.
    pub fn note(&mut self, entry: &Entry) {
        match &entry.fact {
            Fact::Hold(hold) => {
                let is_first = !self.is_under_way(hold.request_id);
                self.rows.push(Row {
                    hold: Arc::clone(hold),
                    extended: 0,
                    extended_tokens: 0,
                    resolved: None,
                    finished: None,
                    is_first,
                    adjusted: vec![],
                });
            }
            Fact::Extend { attempt_id, amount, tokens } => {
                let row = self.row(*attempt_id);
                row.extended += i128::from(amount.0);
                row.extended_tokens += i128::from(*tokens);
            }
            Fact::Resolve { attempt_id, resolution } => {
                self.row(*attempt_id).resolved = Some((entry.lsn, *resolution));
            }
            Fact::Finished(record) => {
                let of_request = |row: &&mut Row| row.hold.request_id == record.request_id;
                self.rows.iter_mut().filter(of_request).for_each(|row| row.finished = Some(entry.lsn));
            }
            Fact::Adjust(adjustment) => {
                let change = (entry.lsn, i128::from(adjustment.amount.0), i128::from(adjustment.tokens));
                self.row(adjustment.hold.attempt_id).adjusted.push(change);
            }
            Fact::Granted { account, granted } => {
                self.grants.insert(account.clone(), *granted);
            }
            Fact::Started { .. } | Fact::Progress { .. } | Fact::Changed(_) | Fact::Checkpoint(_) => {}
        }
    }

    pub fn is_under_way(&self, request: RequestId) -> bool {
        self.rows.iter().any(|row| row.hold.request_id == request && row.finished.is_none())
    }

    fn row(&mut self, id: AttemptId) -> &mut Row {
        self.rows.iter_mut().rev().find(|row| row.hold.attempt_id == id).expect("every entry is about a known call")
    }

    /// What the limits have to say.
    pub fn judge(&self, hold: &HoldFact, asked: Asked, now: Timestamp) -> Verdict {
        let hard = |budget: &&Budget| budget.stops_at().is_some() && self.subject(budget, hold).is_some();
        let applying: Vec<&Budget> = self.budgets.iter().filter(hard).collect();
        let mut asked = asked;
        if hold.price.is_none() && asked.calls > 0 && applying.iter().any(|budget| budget.measure == Measure::Cost) {
            match self.unknown_price {
                UnknownPrice::Deny => return Verdict::PriceUnknown,
                UnknownPrice::HoldFixed(amount) => asked.cost = asked.cost.max(amount.into()),
                UnknownPrice::Free => {}
            }
        }
        let (mut exceeded, mut short, mut is_fenced) = (vec![], vec![], false);
        for budget in applying {
            let subject = self.subject(budget, hold).unwrap();
            let asked = amount(budget, asked.cost, asked.tokens, asked.calls, asked.requests);
            if asked == 0 {
                continue;
            }
            let sums = self.sums(budget, subject.as_ref(), hold.started_at, now);
            let key = key(budget, subject, hold.started_at);
            let used = sums.posted + sums.held + asked;
            if used > i128::from(sums.stop.unwrap()) {
                exceeded.push((key.clone(), sums));
            }
            if self.sharing != Sharing::Alone {
                is_fenced |= self.is_fenced;
                if is_leased(budget) && used > i128::from(self.grants.get(&key).copied().unwrap_or(0)) {
                    short.push(key);
                }
            }
        }
        match (exceeded.is_empty(), is_fenced, short.is_empty()) {
            (false, ..) => Verdict::Exceeded(exceeded),
            (true, true, _) => Verdict::Fenced,
            (true, false, false) => Verdict::Short(short),
            (true, false, true) => Verdict::Pass,
        }
    }

    /// One account, added up over all that ever happened.
    pub fn sums(&self, budget: &Budget, subject: Option<&Subject>, at: Timestamp, now: Timestamp) -> Sums {
        let (posted, held) = self.add_up(budget, subject, |row_at| is_in_window(budget, row_at, at, now));
        let limit = budget.limit_at(at) + self.carried(budget, subject, at);
        let stop = budget.stops_at().map(|percent| {
            let stop = limit * u64::from(percent) / 100;
            match self.sharing {
                Sharing::Leased { live_nodes } if !is_leased(budget) => (stop / u64::from(live_nodes)).max(1),
                _ => stop,
            }
        });
        Sums { posted, held, limit, stop }
    }

    fn add_up(&self, budget: &Budget, subject: Option<&Subject>, is_meant: impl Fn(Timestamp) -> bool) -> (i128, i128) {
        let (mut posted, mut held) = (0, 0);
        for row in &self.rows {
            let hold = &row.hold;
            if self.subject(budget, hold).as_ref().map(Option::as_ref) != Some(subject) || !is_meant(hold.started_at) {
                continue;
            }
            let adjusted = |part: fn(&(Lsn, i128, i128)) -> i128| row.adjusted.iter().map(part).sum::<i128>();
            let (cost, tokens) = (adjusted(|change| change.1), adjusted(|change| change.2));
            let first = i128::from(row.is_first);
            posted += amount(budget, cost, tokens, 0, if row.finished.is_some() { first } else { 0 });
            held += amount(budget, 0, 0, 0, if row.finished.is_none() { first } else { 0 });
            if let Some((_, resolution)) = &row.resolved {
                posted += amount(budget, cost_of(resolution), tokens_of(resolution), 1, 0);
            } else {
                let cost = i128::from(hold.amount.0) + row.extended;
                held += amount(budget, cost, i128::from(hold.tokens) + row.extended_tokens, 1, 0);
            }
        }
        if budget.measure == Measure::Concurrent { (0, held) } else { (posted, held) }
    }

    fn carried(&self, budget: &Budget, subject: Option<&Subject>, at: Timestamp) -> u64 {
        if !budget.carries_over {
            return 0;
        }
        let label = |at| label(budget.period, budget.zone, at);
        // Half an hour at a time finds the window before, however long it is.
        let mut before = at;
        while label(before) == label(at) {
            before = Timestamp::from_micros(before.as_micros() - HOUR / 2);
        }
        if label(budget.created_at) == label(at) || budget.created_at > at {
            return 0;
        }
        let (posted, held) = self.add_up(budget, subject, |row_at| label(row_at) == label(before));
        budget.limit.saturating_sub(u64::try_from((posted + held).max(0)).unwrap())
    }

    /// Whose account a hold has under a budget; `None` when the budget does not apply.
    #[expect(clippy::option_option, reason = "applies or not, and to all or to one")]
    pub fn subject(&self, budget: &Budget, hold: &HoldFact) -> Option<Option<Subject>> {
        if !hold.scopes.contains(&budget.scope) {
            return None;
        }
        let unit = |is_meant: fn(u8) -> megarouter_domain::id::UnitId, most: u8| {
            let ids = (0..most).map(is_meant);
            ids.map(Scope::Unit).find(|scope| hold.scopes.contains(scope)).map(|scope| match scope {
                Scope::Unit(id) => Subject::Unit(id),
                _ => unreachable!(),
            })
        };
        let subject = match budget.each {
            None => return Some(None),
            Some(Each::Team) => unit(kit::team, 2)?,
            Some(Each::Member) => unit(kit::member, 4)?,
            Some(Each::App) => return None,
            Some(Each::Key) => Subject::Key(hold.key_id),
            Some(Each::Session) => Subject::Session(hold.session.clone()?),
        };
        let scope = match &subject {
            Subject::Unit(id) => Some(Scope::Unit(*id)),
            Subject::Key(id) => Some(Scope::Key(*id)),
            Subject::Session(_) => None,
        };
        let is_own = |own: &&Budget| {
            own.each.is_none()
                && Some(&own.scope) == scope.as_ref()
                && own.measure == budget.measure
                && std::mem::discriminant(&own.period) == std::mem::discriminant(&budget.period)
        };
        self.budgets.iter().find(is_own).is_none().then_some(Some(subject))
    }

    /// What a store would answer that has the entries up to `as_of`.
    pub fn openings(&self, queries: &[OpeningQuery], as_of: Lsn) -> Vec<Opening> {
        queries.iter().flat_map(|query| self.answer(query, as_of)).collect()
    }

    fn answer(&self, query: &OpeningQuery, as_of: Lsn) -> Vec<Opening> {
        let budget = self.budgets.iter().find(|budget| budget.id == query.budget).unwrap();
        let mut sums: HashMap<(Option<Subject>, Timestamp), i128> = HashMap::new();
        for row in &self.rows {
            let hold = &row.hold;
            if !hold.scopes.contains(&query.scope) || !(query.from..query.to).contains(&hold.started_at) {
                continue;
            }
            let subject = match query.each {
                None => None,
                Some(Each::Key) => Some(Subject::Key(hold.key_id)),
                Some(Each::Session) => match &hold.session {
                    Some(session) => Some(Subject::Session(Arc::clone(session))),
                    None => continue,
                },
                Some(_) => {
                    let unit = hold.scopes.iter().find_map(|scope| match scope {
                        Scope::Unit(id) if query.units.contains(id) => Some(*id),
                        _ => None,
                    });
                    match unit {
                        Some(id) => Some(Subject::Unit(id)),
                        None => continue,
                    }
                }
            };
            let at = query.slot.map_or(query.from, |slot| {
                let slot = i64::try_from(slot.as_micros()).unwrap();
                Timestamp::from_micros(hold.started_at.as_micros() / slot * slot)
            });
            *sums.entry((subject, at)).or_default() += stored(budget, row, as_of);
        }
        let opening = |((subject, at), amount): ((Option<Subject>, Timestamp), i128)| Opening {
            budget: budget.id,
            subject,
            at,
            amount: amount.try_into().unwrap(),
        };
        sums.into_iter().filter(|(_, amount)| *amount != 0).map(opening).collect()
    }
}

/// What the store's sums have of a call when it has the entries up to `as_of`.
fn stored(budget: &Budget, row: &Row, as_of: Lsn) -> i128 {
    let counts_calls = matches!(budget.scope, Scope::Provider(_) | Scope::Model(_));
    let since = if counts_calls { row.resolved.map(|(lsn, _)| lsn) } else { row.finished };
    let mut sum = 0;
    if let Some(resolution) = row.resolved.filter(|_| since.is_some_and(|lsn| lsn <= as_of)).map(|(_, how)| how) {
        sum += amount(budget, cost_of(&resolution), tokens_of(&resolution), 1, i128::from(row.is_first));
    }
    let adjusted = row.adjusted.iter().filter(|(lsn, ..)| *lsn <= as_of);
    sum + adjusted.map(|(_, cost, tokens)| amount(budget, *cost, *tokens, 0, 0)).sum::<i128>()
}

fn amount(budget: &Budget, cost: i128, tokens: i128, calls: i128, requests: i128) -> i128 {
    let counts_calls = matches!(budget.scope, Scope::Provider(_) | Scope::Model(_));
    match budget.measure {
        Measure::Cost => cost,
        Measure::Tokens => tokens,
        Measure::Requests | Measure::Concurrent => {
            if counts_calls {
                calls
            } else {
                requests
            }
        }
    }
}

fn cost_of(resolution: &Resolution) -> i128 {
    resolution.cost().amount().0.into()
}

fn tokens_of(resolution: &Resolution) -> i128 {
    let usage = resolution.usage();
    i128::from(usage.input.unwrap_or(0)) + i128::from(usage.output.unwrap_or(0))
}

pub fn is_leased(budget: &Budget) -> bool {
    let is_even = budget.measure == Measure::Concurrent
        || matches!(budget.period, Period::Rolling { .. })
        || budget.each == Some(Each::Session);
    budget.stops_at().is_some() && !is_even
}

/// The account of an instant.
pub fn key(budget: &Budget, subject: Option<Subject>, at: Timestamp) -> AccountKey {
    let is_endless = budget.measure == Measure::Concurrent || matches!(budget.period, Period::Rolling { .. });
    let window = if is_endless { Timestamp::default() } else { budget.period.window(budget.zone, at).start };
    AccountKey { budget: budget.id, subject, window }
}

fn is_in_window(budget: &Budget, row_at: Timestamp, at: Timestamp, now: Timestamp) -> bool {
    if budget.measure == Measure::Concurrent {
        return true;
    }
    let Period::Rolling { seconds } = budget.period else {
        return label(budget.period, budget.zone, row_at) == label(budget.period, budget.zone, at);
    };
    let slot = i64::try_from(budget.period.slot().unwrap().as_micros()).unwrap();
    let first = (now.as_micros() - i64::from(seconds) * 1_000_000) / slot;
    (first..=now.as_micros() / slot).contains(&(row_at.as_micros() / slot))
}

/// A name for the window that an instant is in. Right where no clock is put back over midnight.
fn label(period: Period, zone: Zone, at: Timestamp) -> [i64; 4] {
    let local = Utc.timestamp_micros(at.as_micros()).unwrap().with_timezone(&zone.rules());
    let (year, month, day) = (i64::from(local.year()), i64::from(local.month()), i64::from(local.day()));
    match period {
        Period::Hour => [year, month, day, local.hour().into()],
        Period::Day => [year, month, day, 0],
        Period::Week { starts_on } => {
            [(i64::from(local.num_days_from_ce()) - i64::from(starts_on)).div_euclid(7), 0, 0, 0]
        }
        Period::Month { starts_on } => {
            let length = i64::from(local.date_naive().num_days_in_month());
            let is_begun = day >= i64::from(starts_on).min(length);
            [year * 12 + month - i64::from(!is_begun), 0, 0, 0]
        }
        Period::Quarter => [year, (month - 1) / 3, 0, 0],
        Period::Year => [year, 0, 0, 0],
        Period::Total | Period::Rolling { .. } => [0; 4],
    }
}
