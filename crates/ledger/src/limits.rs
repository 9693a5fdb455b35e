//! Limits: the budgets in force, compiled once per change of the configuration.
//!
//! A hold asks by scope; what a budget means for one hold (whose account, which window, where it
//! refuses) is said here. What was used is not known here: that is what openings bring.

use std::collections::{HashMap, HashSet};
use std::mem::Discriminant;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use megarouter_domain::budget::{Budget, Each, Measure, UnknownPrice};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{BudgetId, UnitId};
use megarouter_domain::period::Period;
use megarouter_domain::scope::Scope;
use megarouter_domain::unit::{UnitKind, Units};

use crate::account::Subject;

/// How long after its last use a session has an account.
pub(crate) const SESSION_LIVES: Duration = Duration::from_secs(24 * 60 * 60);

/// The budgets in force. Cheap to ask by scope.
#[derive(Debug, Default)]
pub struct Limits {
    lines: Vec<Line>,
    by_scope: HashMap<Scope, Vec<usize>>,
    by_budget: HashMap<BudgetId, usize>,
    kinds: HashMap<UnitId, UnitKind>,
    unknown_price: UnknownPrice,
}

/// What the store has to add up before a limit can be kept.
///
/// What counts as used: of the scopes of a call ([`Scope::Provider`], [`Scope::Model`]), everything
/// that was resolved; of all others, every request that finished. Both belong to the instant of the
/// hold's or the record's `started_at`; corrections belong to that of the attempt they correct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpeningQuery {
    /// For which budget.
    pub budget: BudgetId,
    /// What has this scope.
    pub scope: Scope,
    /// Whether each part has a sum of its own.
    pub each: Option<Each>,
    /// The units that are such parts; empty when the parts are keys or sessions.
    pub units: Arc<HashSet<UnitId>>,
    /// What is added up: the amounts ([`Totals::amount`](crate::state::Totals)), the tokens, or how
    /// many there are (calls, or requests that have an attempt).
    pub measure: Measure,
    /// From when on.
    pub from: Timestamp,
    /// Until when, exclusive.
    pub to: Timestamp,
    /// The length of the slots that have a sum of their own, aligned to the epoch; `None` for one sum.
    pub slot: Option<Duration>,
}

/// One sum that the store found. There is none where nothing was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The budget of the question.
    pub budget: BudgetId,
    /// Whose sum it is; `None` without `each`.
    pub subject: Option<Subject>,
    /// The beginning of its slot, or [`OpeningQuery::from`].
    pub at: Timestamp,
    /// How much, in the unit of the measure. Corrections can make it negative.
    pub amount: i64,
}

/// A budget, ready for holds.
#[derive(Debug)]
pub(crate) struct Line {
    pub budget: Budget,
    /// Where requests are refused, in percent; `None` for a soft budget.
    pub stops_at: Option<u16>,
    /// The length of a rolling window's slots.
    pub slot: Option<Duration>,
    /// Whether it counts calls, not requests: those of a provider or a model.
    pub counts_calls: bool,
    /// Subjects that have a budget of their own of this kind.
    exempt: HashSet<Subject>,
}

impl Limits {
    /// Compiles budgets; those that are archived are left out.
    pub fn new(budgets: &[Budget], units: &Units, unknown_price: UnknownPrice) -> Self {
        let own = own_budgets(budgets);
        let active = budgets.iter().filter(|budget| budget.is_active());
        let lines: Vec<Line> = active.map(|budget| Line::new(budget, &own)).collect();
        let mut by_scope: HashMap<Scope, Vec<usize>> = HashMap::new();
        for (place, line) in lines.iter().enumerate() {
            by_scope.entry(line.budget.scope.clone()).or_default().push(place);
        }
        let by_budget = lines.iter().enumerate().map(|(place, line)| (line.budget.id, place)).collect();
        let kinds = units.iter().map(|unit| (unit.id, unit.kind)).collect();
        Self { lines, by_scope, by_budget, kinds, unknown_price }
    }

    /// True when nothing is limited.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// What the store has to add up, for holds of requests that arrived at `since` or later.
    pub fn openings(&self, since: Timestamp, now: Timestamp) -> Vec<OpeningQuery> {
        self.lines.iter().flat_map(|line| self.openings_of(line, since.min(now), now)).collect()
    }

    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines
    }

    pub(crate) fn line(&self, budget: BudgetId) -> Option<usize> {
        self.by_budget.get(&budget).copied()
    }

    pub(crate) fn unknown_price(&self) -> UnknownPrice {
        self.unknown_price
    }

    /// Every limit that applies to a hold, with whose account it is; each once.
    pub(crate) fn applying<'a>(
        &'a self,
        scopes: &'a [Scope],
        session: Option<&'a Arc<str>>,
    ) -> impl Iterator<Item = (usize, Option<Subject>)> + 'a {
        let places = scopes.iter().enumerate().flat_map(|(place, scope)| {
            let lines = self.by_scope.get(scope).map_or(&[][..], Vec::as_slice);
            // A scope that is named twice is charged once.
            let is_again = !lines.is_empty() && scopes[..place].contains(scope);
            if is_again { &[][..] } else { lines }
        });
        places.filter_map(move |&place| {
            let line = &self.lines[place];
            let Some(each) = line.budget.each else { return Some((place, None)) };
            let subject = self.subject(each, scopes, session)?;
            (!line.exempts(&subject)).then_some((place, Some(subject)))
        })
    }

    fn subject(&self, each: Each, scopes: &[Scope], session: Option<&Arc<str>>) -> Option<Subject> {
        let Some(kind) = kind(each) else {
            return match each {
                Each::Session => session.cloned().map(Subject::Session),
                _ => scopes.iter().find_map(|scope| match scope {
                    Scope::Key(id) => Some(Subject::Key(*id)),
                    _ => None,
                }),
            };
        };
        scopes.iter().find_map(|scope| match scope {
            Scope::Unit(id) if self.kinds.get(id) == Some(&kind) => Some(Subject::Unit(*id)),
            _ => None,
        })
    }

    fn openings_of<'a>(
        &'a self,
        line: &'a Line,
        since: Timestamp,
        now: Timestamp,
    ) -> impl Iterator<Item = OpeningQuery> + 'a {
        let budget = &line.budget;
        let units = budget.each.and_then(kind).map(|kind| self.units_of(kind)).unwrap_or_default();
        line.windows(since, now).into_iter().map(move |window| {
            let is_session = budget.each == Some(Each::Session);
            let from = if is_session { window.start.max(now.minus(SESSION_LIVES)) } else { window.start };
            OpeningQuery {
                budget: budget.id,
                scope: budget.scope.clone(),
                each: budget.each,
                units: Arc::clone(&units),
                measure: budget.measure,
                from,
                to: window.end,
                slot: line.slot,
            }
        })
    }

    fn units_of(&self, kind: UnitKind) -> Arc<HashSet<UnitId>> {
        Arc::new(self.kinds.iter().filter(|(_, other)| **other == kind).map(|(id, _)| *id).collect())
    }
}

impl Line {
    fn new(budget: &Budget, own: &HashMap<(Measure, Discriminant<Period>), HashSet<Subject>>) -> Self {
        let kind = (budget.measure, std::mem::discriminant(&budget.period));
        let exempt = if budget.each.is_some() { own.get(&kind).cloned() } else { None };
        Self {
            budget: budget.clone(),
            stops_at: budget.stops_at(),
            slot: budget.period.slot().filter(|_| budget.measure != Measure::Concurrent),
            counts_calls: matches!(budget.scope, Scope::Provider(_) | Scope::Model(_)),
            exempt: exempt.unwrap_or_default(),
        }
    }

    /// True for a subject that has a budget of its own in the place of this one's share.
    pub(crate) fn exempts(&self, subject: &Subject) -> bool {
        self.exempt.contains(subject)
    }

    /// Whether nodes share it by grants. All else that is hard they share evenly.
    pub(crate) fn is_leased(&self) -> bool {
        let budget = &self.budget;
        let has_fixed_window =
            budget.measure != Measure::Concurrent && !matches!(budget.period, Period::Rolling { .. });
        self.stops_at.is_some() && has_fixed_window && budget.each != Some(Each::Session)
    }

    /// The windows that matter to requests that arrived in a span of time, oldest first; with the one
    /// before where something is carried over.
    fn windows(&self, since: Timestamp, now: Timestamp) -> Vec<Range<Timestamp>> {
        let Budget { measure, period, zone, .. } = self.budget;
        if measure == Measure::Concurrent {
            return Vec::new();
        }
        let current = period.window(zone, now);
        if self.slot.is_some() {
            return vec![period.window(zone, since).start..current.end];
        }
        let mut windows = vec![current];
        let mut reaches_back = self.budget.carries_over;
        while let Some(first) = windows.last().cloned() {
            let is_needed = since < first.start || std::mem::take(&mut reaches_back);
            let Some(before) = period.before(zone, &first).filter(|_| is_needed) else { break };
            windows.push(before);
        }
        windows.reverse();
        windows
    }
}

/// The kind of unit that `each` stands for.
const fn kind(each: Each) -> Option<UnitKind> {
    match each {
        Each::Team => Some(UnitKind::Team),
        Each::Member => Some(UnitKind::Member),
        Each::App => Some(UnitKind::App),
        Each::Key | Each::Session => None,
    }
}

/// What has budgets of its own, by what they count and how long. It is exempt from those that give
/// the same to each.
fn own_budgets(budgets: &[Budget]) -> HashMap<(Measure, Discriminant<Period>), HashSet<Subject>> {
    let mut own: HashMap<_, HashSet<Subject>> = HashMap::new();
    for budget in budgets.iter().filter(|budget| budget.is_active() && budget.each.is_none()) {
        let subject = match budget.scope {
            Scope::Unit(id) => Subject::Unit(id),
            Scope::Key(id) => Subject::Key(id),
            Scope::Organization(_) | Scope::Provider(_) | Scope::Model(_) | Scope::Tag(_) => continue,
        };
        own.entry((budget.measure, std::mem::discriminant(&budget.period))).or_default().insert(subject);
    }
    own
}
