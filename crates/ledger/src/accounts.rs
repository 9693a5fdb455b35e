//! All accounts: what holds and postings mean under the limits in force.
//!
//! Everything here is derived: it began with what the store had added up, and saw every fact since.
//! A limit has one set of accounts for each window, because a request belongs to the window in which
//! it arrived, also when it ends in a later one.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use megarouter_domain::budget::{Each, Measure};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::money::NanoUsd;
use megarouter_domain::period::{END, Period};
use megarouter_domain::scope::Scope;

use crate::account::{Account, AccountKey, GrantView, Sharing, Subject, Terms};
use crate::limits::{Limits, Line, Opening, SESSION_LIVES};
use crate::refusal::{Exceeded, LeaseNeed, Refusal};
use crate::tally::{Amounts, Balance, Change, Tally, count};

/// Whom a fact concerns: the scopes and the session of its hold, and the instant it belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Concern<'a> {
    pub scopes: &'a [Scope],
    pub session: Option<&'a Arc<str>>,
    pub at: Timestamp,
}

/// The accounts of one limit in one window.
#[derive(Clone, Debug)]
struct Window {
    span: Range<Timestamp>,
    shared: Balance,
    parts: HashMap<Subject, Balance>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Accounts {
    limits: Arc<Limits>,
    /// For each limit its windows, oldest first.
    windows: Vec<Vec<Window>>,
    pub sharing: Sharing,
    pub is_fenced: bool,
}

/// Which changes to apply: the store counts calls and requests as of different entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// All that apply.
    All,
    /// Those that count requests.
    Requests,
}

/// Where one account stands against its limit.
struct Standing {
    tally: Tally,
    /// The limit with raises and what was carried over.
    limit: u64,
    /// Where it refuses; `None` when it does not.
    stop: Option<u64>,
    /// The window as it is now; empty when there is none.
    window: Range<Timestamp>,
}

impl Window {
    fn new(span: Range<Timestamp>) -> Self {
        Self { span, shared: Balance::default(), parts: HashMap::new() }
    }

    fn balance(&self, subject: Option<&Subject>) -> Option<&Balance> {
        subject.map_or(Some(&self.shared), |subject| self.parts.get(subject))
    }

    fn balance_mut(&mut self, subject: Option<Subject>) -> &mut Balance {
        match subject {
            None => &mut self.shared,
            Some(subject) => self.parts.entry(subject).or_default(),
        }
    }

    /// Every account with its subject; a limit without parts has one, used or not.
    fn balances<'a>(&'a self, line: &Line) -> impl Iterator<Item = (Option<&'a Subject>, &'a Balance)> {
        let shared = line.budget.each.is_none().then_some((None, &self.shared));
        shared.into_iter().chain(self.parts.iter().map(|(subject, balance)| (Some(subject), balance)))
    }
}

impl Line {
    /// Whether its accounts have no beginning: they roll, or count what is under way.
    fn is_endless(&self) -> bool {
        self.slot.is_some() || self.budget.measure == Measure::Concurrent
    }

    /// The span of the accounts that an instant belongs to.
    fn span(&self, at: Timestamp) -> Range<Timestamp> {
        if self.is_endless() {
            return Timestamp::from_micros(i64::MIN)..Timestamp::from_micros(i64::MAX);
        }
        self.budget.period.window(self.budget.zone, at)
    }

    fn key(&self, subject: Option<&Subject>, span: &Range<Timestamp>) -> AccountKey {
        let window = if self.is_endless() { Timestamp::default() } else { span.start };
        AccountKey { budget: self.budget.id, subject: subject.cloned(), window }
    }

    /// The window as people see it.
    fn window(&self, span: &Range<Timestamp>, now: Timestamp) -> Range<Timestamp> {
        match (self.budget.measure, self.slot) {
            (Measure::Concurrent, _) => now..now,
            (_, Some(_)) => self.budget.period.window(self.budget.zone, now),
            (_, None) => span.clone(),
        }
    }

    /// What the hub has to be asked for.
    fn need(&self, subject: Option<&Subject>, at: Timestamp, granted: u64, used: i128, asked: i128) -> LeaseNeed {
        let budget = &self.budget;
        let span = self.span(at);
        let is_carried = budget.carries_over && budget.created_at < span.start;
        let before = is_carried.then(|| budget.period.before(budget.zone, &span)).flatten();
        LeaseNeed {
            key: self.key(subject, &span),
            measure: budget.measure,
            limit: self.stop(budget.limit_at(at)).unwrap_or(u64::MAX),
            carries_from: before.map(|before| self.key(subject, &before)),
            granted,
            need: count(used),
            asked: count(asked),
            window: span,
        }
    }

    /// The limit at the step that stops. Rounded down: a limit is never more than what is written.
    fn stop(&self, limit: u64) -> Option<u64> {
        let percent = u128::from(self.stops_at?);
        Some(u64::try_from(u128::from(limit) * percent / 100).unwrap_or(u64::MAX))
    }
}

impl Accounts {
    /// Empty accounts.
    pub fn new(limits: Arc<Limits>) -> Self {
        let windows = limits.lines().iter().map(|_| Vec::new()).collect();
        Self { limits, windows, sharing: Sharing::Alone, is_fenced: false }
    }

    pub fn limits(&self) -> &Arc<Limits> {
        &self.limits
    }

    /// Adds what the store added up. A session with a sum was used not long before `now`; exactly when
    /// is not known.
    pub fn open(&mut self, openings: &[Opening], now: Timestamp) {
        for opening in openings {
            let Some(place) = self.limits.line(opening.budget) else { continue };
            let is_exempt = |subject| self.limits.lines()[place].exempts(subject);
            if opening.subject.as_ref().is_some_and(is_exempt) {
                continue;
            }
            let posted = Tally { posted: opening.amount.into(), held: 0 };
            self.add_to(place, opening.subject.clone(), opening.at, posted);
            if let Some(session @ Subject::Session(_)) = &opening.subject {
                self.window(place, opening.at).balance_mut(Some(session.clone())).used_at = now;
            }
        }
    }

    /// Takes over from the accounts before what the store does not know: grants, and the sessions of
    /// limits that stayed the same.
    pub fn inherit(&mut self, old: Self) {
        (self.sharing, self.is_fenced) = (old.sharing, old.is_fenced);
        for (line, windows) in old.limits.lines().iter().zip(old.windows) {
            let Some(place) = self.limits.line(line.budget.id) else { continue };
            for window in windows {
                self.inherit_window(place, line, window);
            }
        }
    }

    fn inherit_window(&mut self, place: usize, old: &Line, window: Window) {
        let limits = Arc::clone(&self.limits);
        let line = &limits.lines()[place];
        let is_same_span = old.is_endless() == line.is_endless() && line.span(window.span.start) == window.span;
        if !is_same_span {
            return;
        }
        let is_same = old.counts_the_same(line);
        let target = self.window(place, window.span.start);
        if line.budget.each == Some(Each::Session) && is_same {
            target.parts = window.parts;
            return;
        }
        let balances = [(None, window.shared)].into_iter();
        let parts = window.parts.into_iter().map(|(subject, balance)| (Some(subject), balance));
        for (subject, balance) in balances.chain(parts).filter(|(_, balance)| balance.granted > 0) {
            let target = target.balance_mut(subject);
            (target.granted, target.left) = (balance.granted, balance.left);
            target.used_at = target.used_at.max(balance.used_at);
        }
    }

    /// Applies a change to every account that it concerns.
    pub fn add(&mut self, concern: Concern<'_>, change: &Change, which: Which) {
        if self.limits.is_empty() {
            return;
        }
        let limits = Arc::clone(&self.limits);
        for (place, subject) in limits.applying(concern.scopes, concern.session) {
            let line = &limits.lines()[place];
            let is_meant = match which {
                Which::All => true,
                Which::Requests => !line.counts_calls,
            };
            let change = change.of(line);
            if is_meant && change != Tally::default() {
                self.add_to(place, subject, concern.at, change);
            }
        }
    }

    fn add_to(&mut self, place: usize, subject: Option<Subject>, at: Timestamp, change: Tally) {
        let slot = self.limits.lines()[place].slot;
        let is_session = matches!(subject, Some(Subject::Session(_)));
        let balance = self.window(place, at).balance_mut(subject);
        if is_session && change.held > 0 && is_over(balance, at) {
            *balance = Balance::default();
        }
        balance.add(slot, at, change);
    }

    /// The accounts of a limit for an instant.
    fn window(&mut self, place: usize, at: Timestamp) -> &mut Window {
        let windows = &mut self.windows[place];
        let found = windows.iter().rposition(|window| window.span.contains(&at));
        let found = found.unwrap_or_else(|| {
            let span = self.limits.lines()[place].span(at);
            let later = windows.iter().position(|window| window.span.start > span.start).unwrap_or(windows.len());
            windows.insert(later, Window::new(span));
            later
        });
        &mut windows[found]
    }

    fn balance(&self, place: usize, subject: Option<&Subject>, at: Timestamp) -> Option<&Balance> {
        let window = self.windows[place].iter().rev().find(|window| window.span.contains(&at))?;
        let is_live = |balance: &&Balance| !matches!(subject, Some(Subject::Session(_))) || !is_over(balance, at);
        window.balance(subject).filter(is_live)
    }

    /// The hard limit in money that applies to a hold without a price.
    pub fn hard_money<'a>(&'a self, concern: Concern<'a>) -> Option<&'a Line> {
        let applying = self.limits.applying(concern.scopes, concern.session);
        let mut lines = applying.map(|(place, _)| &self.limits.lines()[place]);
        lines.find(|line| line.stops_at.is_some() && line.budget.measure == Measure::Cost)
    }

    /// Checks that every account that applies can take what is asked for; changes nothing.
    pub fn check(&self, concern: Concern<'_>, asked: &Amounts, now: Timestamp) -> Result<(), Refusal> {
        let mut short = Vec::new();
        let mut is_fenced = false;
        for (place, subject) in self.limits.applying(concern.scopes, concern.session) {
            let line = &self.limits.lines()[place];
            let asked = asked.of(line);
            if line.stops_at.is_none() || asked <= 0 {
                continue;
            }
            let balance = self.balance(place, subject.as_ref(), concern.at);
            let standing = self.standing(place, subject.as_ref(), concern.at, now, balance);
            let used = standing.tally.sum() + asked;
            if let Some(stop) = standing.stop.filter(|stop| used > i128::from(*stop)) {
                return Err(exceeded(line, subject, &standing, stop, asked, balance));
            }
            if self.sharing != Sharing::Alone {
                is_fenced |= self.is_fenced;
                let granted = balance.map_or(0, |balance| balance.granted);
                if line.is_leased() && used > i128::from(granted) {
                    short.push(line.need(subject.as_ref(), concern.at, granted, used, asked));
                }
            }
        }
        match (is_fenced, short.is_empty()) {
            (true, _) => Err(Refusal::Fenced),
            (false, false) => Err(Refusal::LeaseShort(short)),
            (false, true) => Ok(()),
        }
    }

    fn standing(
        &self,
        place: usize,
        subject: Option<&Subject>,
        at: Timestamp,
        now: Timestamp,
        balance: Option<&Balance>,
    ) -> Standing {
        let line = &self.limits.lines()[place];
        let windows = &self.windows[place];
        let known = windows.iter().rev().find(|window| window.span.contains(&at));
        let span = known.map_or_else(|| line.span(at), |window| window.span.clone());
        let limit = line.budget.limit_at(at).saturating_add(self.carried(place, subject, &span));
        let window = line.window(&span, now);
        let rolling = line.slot.map(|_| &window);
        let tally = balance.map(|balance| balance.within(rolling)).unwrap_or_default();
        Standing { tally, limit, stop: self.stop(line, limit), window }
    }

    /// Where a limit refuses on this node.
    fn stop(&self, line: &Line, limit: u64) -> Option<u64> {
        let stop = line.stop(limit)?;
        match self.sharing {
            Sharing::Leased { live_nodes } if !line.is_leased() => Some((stop / u64::from(live_nodes.max(1))).max(1)),
            Sharing::Alone | Sharing::Leased { .. } => Some(stop),
        }
    }

    /// What the window before left over. What that one had carried over itself is not carried on, and a
    /// budget that is new has nothing to carry.
    fn carried(&self, place: usize, subject: Option<&Subject>, span: &Range<Timestamp>) -> u64 {
        let line = &self.limits.lines()[place];
        if !line.budget.carries_over || line.budget.created_at >= span.start {
            return 0;
        }
        let before = self.windows[place].iter().rev().find(|window| window.span.end <= span.start);
        let before = before.filter(|window| window.span.end == span.start);
        let used = before.and_then(|window| window.balance(subject)).map(|balance| balance.within(None).sum());
        line.budget.limit.saturating_sub(count(used.unwrap_or(0)))
    }

    /// Every account with what applies at `now`: those of limits without parts, and those in use.
    pub fn all(&self, now: Timestamp) -> impl Iterator<Item = Account> + '_ {
        (0..self.limits.lines().len()).flat_map(move |place| {
            let line = &self.limits.lines()[place];
            let window = self.windows[place].iter().rev().find(|window| window.span.contains(&now));
            let parts = window.into_iter().flat_map(|window| window.parts.keys().cloned().map(Some));
            let shared = line.budget.each.is_none().then_some(None);
            shared.into_iter().chain(parts).map(move |subject| self.account(place, subject.as_ref(), now, now))
        })
    }

    /// The accounts of the hard limits that apply to a hold, as they stand.
    pub fn hard<'a>(&'a self, concern: Concern<'a>, now: Timestamp) -> impl Iterator<Item = Account> + 'a {
        let applying = self.limits.applying(concern.scopes, concern.session);
        let hard = applying.filter(|(place, _)| self.limits.lines()[*place].stops_at.is_some());
        hard.map(move |(place, subject)| self.account(place, subject.as_ref(), concern.at, now))
    }

    /// What the hard limits in money and tokens leave to a hold; `None` when none applies.
    pub fn terms(&self, concern: Concern<'_>, now: Timestamp) -> Option<Terms> {
        let mut terms = None;
        for (place, subject) in self.limits.applying(concern.scopes, concern.session) {
            let line = &self.limits.lines()[place];
            let is_counted = matches!(line.budget.measure, Measure::Cost | Measure::Tokens);
            if line.stops_at.is_none() || !is_counted {
                continue;
            }
            // Not what the hub was last heard to have: whoever holds asks it anew, and it may have more.
            let left = self.account(place, subject.as_ref(), concern.at, now).left_here();
            let unbound = Terms { left: NanoUsd::MAX, tokens_left: u64::MAX, is_strict: false };
            let terms = terms.get_or_insert(unbound);
            terms.is_strict |= line.budget.is_strict;
            if line.budget.measure == Measure::Cost {
                terms.left = terms.left.min(NanoUsd(i64::try_from(left).unwrap_or(i64::MAX)));
            } else {
                terms.tokens_left = terms.tokens_left.min(left);
            }
        }
        terms
    }

    fn account(&self, place: usize, subject: Option<&Subject>, at: Timestamp, now: Timestamp) -> Account {
        let line = &self.limits.lines()[place];
        let balance = self.balance(place, subject, at);
        let Standing { tally, limit, stop, window } = self.standing(place, subject, at, now, balance);
        let is_granted = line.is_leased() && self.sharing != Sharing::Alone;
        Account {
            key: line.key(subject, &line.span(at)),
            measure: line.budget.measure,
            limit,
            stop,
            posted: count(tally.posted),
            held: count(tally.held),
            granted: is_granted.then(|| balance.map_or(0, |balance| balance.granted)),
            reachable: is_granted.then(|| balance.map_or(0, |balance| balance.granted.saturating_add(balance.left))),
            window,
        }
    }

    /// Notes what the hub granted; nothing when no limit has such an account.
    pub fn grant(&mut self, key: &AccountKey, granted: u64, left: u64) {
        let Some(place) = self.limits.line(key.budget) else { return };
        let line = &self.limits.lines()[place];
        if !line.is_leased() || line.span(key.window).start != key.window {
            return;
        }
        let balance = self.window(place, key.window).balance_mut(key.subject.clone());
        (balance.granted, balance.left) = (granted, left);
    }

    /// What this node was granted of an account, and what it used and set aside.
    pub fn grant_of(&self, key: &AccountKey) -> (u64, u64) {
        let balance = self.limits.line(key.budget).and_then(|place| {
            let mut windows = self.windows[place].iter();
            windows.find(|window| window.span.start == key.window)?.balance(key.subject.as_ref())
        });
        balance.map_or((0, 0), |balance| (balance.granted, count(balance.within(None).sum())))
    }

    /// What the hub granted, and what was used without.
    pub fn grants(&self) -> impl Iterator<Item = GrantView> + '_ {
        let lines = self.limits.lines().iter().zip(&self.windows).filter(|(line, _)| line.is_leased());
        lines.flat_map(|(line, windows)| {
            windows.iter().flat_map(move |window| {
                let used = window.balances(line).filter(|(_, balance)| !balance.is_unused());
                used.map(move |(subject, balance)| GrantView {
                    key: line.key(subject, &window.span),
                    limit: line.stop(line.budget.limit_at(balance.used_at.max(window.span.start))).unwrap_or(u64::MAX),
                    granted: balance.granted,
                    used: count(balance.within(None).sum()),
                    used_at: balance.used_at,
                    window: window.span.clone(),
                })
            })
        })
    }

    /// Drops what can no longer matter to requests that arrived at `oldest` or later.
    pub fn sweep(&mut self, oldest: Timestamp) {
        for (line, windows) in self.limits.lines().iter().zip(&mut self.windows) {
            let first = windows.iter().position(|window| window.span.end > oldest).unwrap_or(windows.len());
            windows.drain(..first.saturating_sub(usize::from(line.budget.carries_over)));
            for window in windows {
                if line.slot.is_some() {
                    let start = line.budget.period.window(line.budget.zone, oldest).start;
                    window.shared.forget_before(start);
                    window.parts.values_mut().for_each(|balance| balance.forget_before(start));
                    window.parts.retain(|_, balance| !balance.is_unused());
                }
                if line.budget.each == Some(Each::Session) {
                    window.parts.retain(|_, balance| !is_over(balance, oldest));
                }
            }
        }
    }
}

impl Line {
    /// Whether the sums of another line are those of this one.
    fn counts_the_same(&self, other: &Self) -> bool {
        let key = |line: &Self| {
            let budget = &line.budget;
            (budget.scope.clone(), budget.each, budget.measure, budget.period, budget.zone)
        };
        key(self) == key(other)
    }
}

/// Whether a session was not used for so long that its account is gone.
fn is_over(balance: &Balance, at: Timestamp) -> bool {
    balance.within(None).held == 0 && at.since(balance.used_at) > SESSION_LIVES
}

fn exceeded(
    line: &Line,
    subject: Option<Subject>,
    standing: &Standing,
    stop: u64,
    asked: i128,
    balance: Option<&Balance>,
) -> Refusal {
    let window = standing.window.clone();
    let resets_at = match (line.budget.measure, line.budget.period, line.slot) {
        (Measure::Concurrent, ..) => None,
        (_, Period::Rolling { seconds }, Some(slot)) => {
            let left = balance.and_then(|balance| balance.leaves(&window, i128::from(stop) - asked));
            left.map(|start| start.plus(slot).plus(std::time::Duration::from_secs(seconds.into())))
        }
        _ => Some(window.end).filter(|end| *end < END),
    };
    Refusal::from(Box::new(Exceeded {
        budget: line.budget.id,
        subject,
        measure: line.budget.measure,
        limit: stop,
        used: count(standing.tally.posted),
        held: count(standing.tally.held),
        asked: count(asked),
        window,
        resets_at,
    }))
}
