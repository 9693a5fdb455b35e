//! The engine against a deliberately naive reference: whatever happens, in whatever order, both say
//! the same, and every account is the sum of what happened.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../kit/mod.rs"]
mod kit;
mod naive;

use std::sync::Arc;
use std::time::Duration;

use megarouter_domain::budget::{Action, Basis, Budget, Each, Measure, Raise, Rung, UnknownPrice};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{AttemptId, BudgetId, RaiseId, RequestId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::period::{Period, Zone};
use megarouter_domain::price::Cost;
use megarouter_domain::scope::Scope;
use megarouter_domain::usage::{Usage, UsageSource};
use megarouter_ledger::account::Sharing;
use megarouter_ledger::engine::Engine;
use megarouter_ledger::entry::{Adjustment, Entry, Fact, HoldFact, Lsn, Resolution};
use megarouter_ledger::limits::Limits;
use megarouter_ledger::refusal::Refusal;
use megarouter_ledger::state::State;
use proptest::prelude::*;

use kit::{Call, NOW};
use naive::{Asked, Naive, Verdict};

const SLOTS: usize = 6;

/// A request that is under way.
#[derive(Clone)]
struct Request {
    call: Call,
    open: Vec<AttemptId>,
}

struct World {
    engine: Engine,
    naive: Naive,
    journal: Vec<Entry>,
    limits: Arc<Limits>,
    requests: Vec<Option<Request>>,
    /// Calls that are over, for corrections.
    over: Vec<Arc<HoldFact>>,
    now: Timestamp,
    ids: u64,
    /// The engine's last entry when it started.
    begun: Lsn,
}

/// Something that happens. Numbers name what there is by its place, so that steps meet.
#[derive(Clone, Debug)]
enum Step {
    Hold { slot: usize, provider: u8, input: u64, output: u64, is_priced: bool },
    Extend { slot: usize, amount: u64, tokens: u64 },
    Progress { slot: usize, output: u64 },
    Resolve { slot: usize, how: How },
    Finish { slot: usize },
    Adjust { which: usize, amount: i64, tokens: i64 },
    Limits { budgets: Vec<Budget>, unknown_price: UnknownPrice, lag: u64 },
    Clock { seconds: i64 },
    Restart { lost: usize },
    Share { live_nodes: u32 },
    Grant { which: usize, granted: u64 },
    Fence { is_fenced: bool },
}

#[derive(Clone, Copy, Debug)]
enum How {
    Settled { input: u64, output: u64, is_reported: bool },
    Unreported,
    Voided,
    Uncertain { output: u64 },
}

impl How {
    /// With a cost that is wrong on purpose: the engine must work it out.
    fn resolution(self) -> Resolution {
        let (cost, overage) = (Cost::Exact(NanoUsd(-1)), NanoUsd(-1));
        match self {
            Self::Settled { input, output, is_reported } => {
                let source = if is_reported { UsageSource::Reported } else { UsageSource::Estimated };
                Resolution::Settled { usage: kit::tokens(input, output), source, cost, overage }
            }
            Self::Unreported => {
                Resolution::Settled { usage: Usage::UNREPORTED, source: UsageSource::Unknown, cost, overage }
            }
            Self::Voided => Resolution::Voided,
            Self::Uncertain { output } => Resolution::Uncertain { usage: kit::tokens(9, output), cost },
        }
    }
}

impl World {
    fn new(budgets: Vec<Budget>, unknown_price: UnknownPrice) -> Self {
        let limits = Arc::new(Limits::new(&budgets, &kit::units(), unknown_price));
        let (engine, journal) = Engine::start(State::default(), Arc::clone(&limits), &[], "test", NOW);
        let naive = Naive { budgets, unknown_price, ..Naive::default() };
        let requests = vec![None; SLOTS];
        Self { engine, naive, journal, limits, requests, over: vec![], now: NOW, ids: 0, begun: Lsn(0) }
    }

    fn id(&mut self) -> [u8; 10] {
        self.ids += 1;
        let mut entropy = [0; 10];
        entropy[..8].copy_from_slice(&self.ids.to_be_bytes());
        entropy
    }

    fn note(&mut self, entry: Entry) {
        self.naive.note(&entry);
        self.journal.push(entry);
    }

    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Hold { slot, provider, input, output, is_priced } => {
                self.hold(*slot, *provider, *input, *output, *is_priced)
            }
            Step::Extend { slot, amount, tokens } => self.extend(*slot, *amount, *tokens),
            Step::Progress { slot, output } => {
                if let Some(id) = self.last_open(*slot) {
                    let entry = self.engine.progress(id, kit::tokens(1, *output), self.now);
                    self.note(entry.expect("the hold is open"));
                }
                Ok(())
            }
            Step::Resolve { slot, how } => self.resolve(*slot, *how),
            Step::Finish { slot } => self.finish(*slot),
            Step::Adjust { which, amount, tokens } => {
                self.adjust(*which, *amount, *tokens);
                Ok(())
            }
            Step::Limits { budgets, unknown_price, lag } => self.set_limits(budgets, *unknown_price, *lag),
            Step::Clock { seconds } => {
                self.now = Timestamp::from_micros(self.now.as_micros() + seconds * 1_000_000 + 1);
                Ok(())
            }
            Step::Restart { lost } => self.restart(*lost),
            Step::Share { live_nodes } => {
                let sharing = match live_nodes {
                    0 => Sharing::Alone,
                    live_nodes => Sharing::Leased { live_nodes: *live_nodes },
                };
                self.naive.sharing = sharing;
                self.engine.share(sharing);
                Ok(())
            }
            Step::Grant { which, granted } => {
                self.grant(*which, *granted);
                Ok(())
            }
            Step::Fence { is_fenced } => {
                self.naive.is_fenced = *is_fenced;
                self.engine.fence(*is_fenced);
                Ok(())
            }
        }
    }

    fn last_open(&self, slot: usize) -> Option<AttemptId> {
        self.requests[slot].as_ref()?.open.last().copied()
    }

    /// A request keeps its instant over all its calls; a new one never gets an earlier one.
    fn hold(
        &mut self,
        slot: usize,
        provider: u8,
        input: u64,
        output: u64,
        is_priced: bool,
    ) -> Result<(), TestCaseError> {
        let before = self.engine.state().instant();
        let attempt = AttemptId::new(NOW, self.id());
        let call = if let Some(request) = &self.requests[slot] {
            Call { attempt, provider, ..request.call }
        } else {
            let started_at = self.engine.instant(self.now);
            prop_assert!(started_at >= before && started_at >= self.now);
            let request = RequestId::new(NOW, self.id());
            let (member, model) = (u8::try_from(slot % 4).unwrap(), u8::try_from(slot % 2).unwrap());
            Call { request, attempt, member, provider, model, started_at }
        };
        let fact = kit::hold_fact(call, input, output, is_priced.then(kit::price));
        let is_first = self.requests[slot].is_none();
        let (cost, tokens) = (fact.amount.0.into(), fact.tokens.into());
        let asked = Asked { cost, tokens, calls: 1, requests: is_first.into() };
        let verdict = self.naive.judge(&fact, asked, self.instant(call.started_at));
        match self.engine.hold(fact, self.now) {
            Ok(entry) => {
                prop_assert_eq!(verdict, Verdict::Pass);
                self.note(entry);
                let request = self.requests[slot].get_or_insert(Request { call, open: vec![] });
                request.open.push(attempt);
            }
            Err(refusal) => agree(&refusal, &verdict)?,
        }
        Ok(())
    }

    /// The instant the engine is at.
    fn instant(&self, at: Timestamp) -> Timestamp {
        self.engine.latest_instant().max(at)
    }

    fn extend(&mut self, slot: usize, amount: u64, tokens: u64) -> Result<(), TestCaseError> {
        let Some(id) = self.last_open(slot) else { return Ok(()) };
        let row = self.naive.rows.iter().find(|row| row.hold.attempt_id == id).unwrap();
        let hold = Arc::clone(&row.hold);
        let asked = Asked { cost: amount.into(), tokens: tokens.into(), calls: 0, requests: 0 };
        let verdict = self.naive.judge(&hold, asked, self.instant(hold.started_at));
        match self.engine.extend(id, NanoUsd(amount.try_into().unwrap()), tokens, self.now) {
            Ok(entry) => {
                prop_assert_eq!(verdict, Verdict::Pass);
                self.note(entry);
            }
            Err(refusal) => agree(&refusal, &verdict)?,
        }
        Ok(())
    }

    fn resolve(&mut self, slot: usize, how: How) -> Result<(), TestCaseError> {
        let Some(request) = &mut self.requests[slot] else { return Ok(()) };
        let Some(id) = request.open.pop() else { return Ok(()) };
        let entry = self.engine.resolve(id, how.resolution(), self.now);
        self.note(entry.expect("the hold is open"));
        // A second ending changes nothing.
        prop_assert!(self.engine.resolve(id, Resolution::Voided, self.now).is_none());
        prop_assert_eq!(self.engine.extend(id, NanoUsd(1), 1, self.now), Err(Refusal::Closed));
        Ok(())
    }

    fn finish(&mut self, slot: usize) -> Result<(), TestCaseError> {
        while self.last_open(slot).is_some() {
            self.resolve(slot, How::Voided)?;
        }
        let Some(request) = self.requests[slot].take() else { return Ok(()) };
        let entry = self.engine.finish(kit::record(&self.engine, request.call), self.now);
        self.note(entry);
        let of_request = self.naive.rows.iter().filter(|row| row.hold.request_id == request.call.request);
        self.over.extend(of_request.map(|row| Arc::clone(&row.hold)));
        Ok(())
    }

    fn adjust(&mut self, which: usize, amount: i64, tokens: i64) {
        if self.over.is_empty() || (amount == 0 && tokens == 0) {
            return;
        }
        let hold = Arc::clone(&self.over[which % self.over.len()]);
        let (by, reason) = ("admin".into(), "the invoice says so".into());
        let adjustment = Adjustment { hold, amount: NanoUsd(amount), tokens, usage: None, by, reason };
        let entry = self.engine.adjust(adjustment, self.now).unwrap();
        self.note(entry);
    }

    /// The store answers from what it had some entries ago.
    fn set_limits(&mut self, budgets: &[Budget], unknown_price: UnknownPrice, lag: u64) -> Result<(), TestCaseError> {
        let limits = Arc::new(Limits::new(budgets, &kit::units(), unknown_price));
        let as_of = Lsn(self.engine.last().0.saturating_sub(lag));
        let now = self.engine.latest_instant().max(self.now);
        let queries = limits.openings(self.engine.oldest(now), now);
        let old = std::mem::replace(&mut self.naive.budgets, budgets.to_vec());
        let openings = self.naive.openings(&queries, as_of);
        if self.engine.set_limits(Arc::clone(&limits), &openings, as_of).is_err() {
            let since = self.journal.iter().filter(|entry| entry.lsn > as_of).map(|entry| entry.at).min();
            let latest = self.journal.iter().map(|entry| entry.at).max().unwrap();
            let is_long_ago = since.is_some_and(|since| latest.since(since) > Duration::from_secs(600));
            prop_assert!(as_of < self.begun || is_long_ago);
            // The store is asked again.
            let as_of = self.engine.last();
            let openings = self.naive.openings(&queries, as_of);
            prop_assert_eq!(self.engine.set_limits(Arc::clone(&limits), &openings, as_of), Ok(()));
        }
        self.naive.unknown_price = unknown_price;
        self.limits = limits;
        // A grant belongs to an account; when windows change it is no longer that of any.
        self.naive.grants.retain(|key, _| {
            let budget = |budgets: &[Budget]| budgets.iter().find(|budget| budget.id == key.budget).cloned();
            let (Some(old), Some(new)) = (budget(&old), budget(budgets)) else { return false };
            naive::is_leased(&old)
                && naive::is_leased(&new)
                && old.period.window(old.zone, key.window) == new.period.window(new.zone, key.window)
        });
        Ok(())
    }

    fn restart(&mut self, lost: usize) -> Result<(), TestCaseError> {
        // The start of a run is durable before anything else happens.
        let started = self.journal.iter().rposition(|entry| matches!(entry.fact, Fact::Started { .. })).unwrap_or(0);
        let kept = self.journal.len().saturating_sub(lost).max(started + 1);
        let journal: Vec<Entry> = self.journal.drain(..).take(kept).collect();
        let mut state = State::default();
        let budgets = std::mem::take(&mut self.naive.budgets);
        self.naive = Naive { budgets, unknown_price: self.naive.unknown_price, ..Naive::default() };
        for entry in journal {
            prop_assert_eq!(state.apply(&entry), Ok(()));
            self.note(entry);
        }
        let instant = state.instant().max(self.now);
        let oldest = state.attempts().map(|attempt| attempt.hold.started_at).min().unwrap_or(instant);
        let oldest = oldest.min(Timestamp::from_micros(instant.as_micros() - 3_600_000_000));
        self.begun = state.last();
        let openings = self.naive.openings(&self.limits.openings(oldest, instant), self.begun);
        let (engine, entries) = Engine::start(state, Arc::clone(&self.limits), &openings, "test", self.now);
        self.engine = engine;
        for entry in entries {
            self.note(entry);
        }
        // Grants are the hub's to tell.
        self.naive.grants.clear();
        self.requests = vec![None; SLOTS];
        self.over = self.naive.rows.iter().map(|row| Arc::clone(&row.hold)).collect();
        prop_assert_eq!(self.engine.open_holds(), 0);
        prop_assert_eq!(self.engine.state().attempts().count(), 0);
        Ok(())
    }

    fn grant(&mut self, which: usize, granted: u64) {
        let leased = |account: &megarouter_ledger::account::Account| {
            let budget = self.naive.budgets.iter().find(|budget| budget.id == account.key.budget);
            naive::is_leased(budget.unwrap())
        };
        let keys: Vec<_> =
            self.engine.accounts(self.now).into_iter().filter(leased).map(|account| account.key).collect();
        if !keys.is_empty() {
            let mut keys = keys;
            keys.sort();
            let entry = self.engine.set_grant(keys[which % keys.len()].clone(), granted, 0, self.now);
            self.note(entry);
        }
    }

    /// Every account is the sum of what happened, and none was charged beyond its limit but by
    /// surprises.
    fn compare(&self) -> Result<(), TestCaseError> {
        let now = self.engine.latest_instant().max(self.now);
        for account in self.engine.accounts(now) {
            let budget = self.naive.budgets.iter().find(|budget| budget.id == account.key.budget).unwrap();
            let sums = self.naive.sums(budget, account.key.subject.as_ref(), now, now);
            let shown = |amount: i128| u64::try_from(amount.max(0)).unwrap();
            prop_assert_eq!((account.posted, account.held), (shown(sums.posted), shown(sums.held)), "{:?}", &account);
            prop_assert_eq!((account.limit, account.stop), (sums.limit, sums.stop), "{:?}", &account);
            prop_assert!(sums.held >= 0);
        }
        let open = self.naive.rows.iter().filter(|row| row.resolved.is_none()).count();
        prop_assert_eq!(self.engine.open_holds(), open);
        Ok(())
    }
}

/// The refusal is the one that the reference gives, with the same figures.
fn agree(refusal: &Refusal, verdict: &Verdict) -> Result<(), TestCaseError> {
    match (refusal, verdict) {
        (Refusal::Exceeded(exceeded), Verdict::Exceeded(ways)) => {
            let is_same = |subject: &Option<_>, budget| *subject == exceeded.subject && budget == exceeded.budget;
            let sums = ways.iter().find(|(key, _)| is_same(&key.subject, key.budget)).map(|(_, sums)| *sums);
            let sums = sums.expect("the budget that refuses is one that is exceeded");
            prop_assert_eq!(Some(exceeded.limit), sums.stop);
            let shown = |amount: i128| u64::try_from(amount.max(0)).unwrap();
            prop_assert_eq!((exceeded.used, exceeded.held), (shown(sums.posted), shown(sums.held)));
        }
        (Refusal::LeaseShort(needs), Verdict::Short(keys)) => {
            let needs: Vec<_> = needs.iter().map(|need| &need.key).collect();
            prop_assert_eq!(needs.len(), keys.len());
            prop_assert!(keys.iter().all(|key| needs.contains(&key)));
        }
        (Refusal::PriceUnknown { .. }, Verdict::PriceUnknown) | (Refusal::Fenced, Verdict::Fenced) => {}
        (refusal, verdict) => prop_assert!(false, "the engine says {refusal:?}, the reference {verdict:?}"),
    }
    Ok(())
}

fn scope() -> impl Strategy<Value = Scope> {
    prop_oneof![
        3 => Just(kit::organization()),
        2 => (0..2_u8).prop_map(|number| Scope::Unit(kit::team(number))),
        2 => (0..4_u8).prop_map(|number| Scope::Unit(kit::member(number))),
        1 => Just(Scope::Unit(kit::project())),
        2 => (0..4_u8).prop_map(|number| Scope::Key(kit::key(number))),
        2 => (0..2_u8).prop_map(|number| Scope::Provider(kit::provider(number))),
        2 => (0..2_u8).prop_map(|number| Scope::Model(kit::model(number))),
        1 => (0..2_u8).prop_map(|number| Scope::Tag(kit::tag(number))),
    ]
}

fn period() -> impl Strategy<Value = Period> {
    prop_oneof![
        Just(Period::Hour),
        Just(Period::Day),
        (1..=7_u8).prop_map(|starts_on| Period::Week { starts_on }),
        (1..=31_u8).prop_map(|starts_on| Period::Month { starts_on }),
        Just(Period::Quarter),
        Just(Period::Year),
        Just(Period::Total),
        Just(Period::Rolling { seconds: 60 }),
        Just(Period::Rolling { seconds: 1_800 }),
        Just(Period::Rolling { seconds: 7_200 }),
    ]
}

fn budget(number: u8, has_sessions: bool) -> impl Strategy<Value = Budget> {
    let each = prop_oneof![
        4 => Just(None),
        1 => Just(Some(Each::Team)),
        1 => Just(Some(Each::Member)),
        1 => Just(Some(Each::Key)),
        1 => Just(has_sessions.then_some(Each::Session)),
    ];
    let measure = prop_oneof![
        3 => (10_000..400_000_u64).prop_map(|limit| (Measure::Cost, limit)),
        1 => (500..20_000_u64).prop_map(|limit| (Measure::Tokens, limit)),
        1 => (1..12_u64).prop_map(|limit| (Measure::Requests, limit)),
        1 => (1..6_u64).prop_map(|limit| (Measure::Concurrent, limit)),
    ];
    let stop = prop_oneof![1 => Just(None), 4 => Just(Some(100)), 1 => Just(Some(50)), 1 => Just(Some(130))];
    let zone = prop::sample::select(vec!["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York"]);
    let raise = prop::option::weighted(0.3, (0..100_000_u64, -40..40_i64, 1..40_i64));
    (scope(), each, measure, period(), zone, any::<bool>(), stop, raise, 0..90_i64).prop_map(
        move |(scope, each, (measure, limit), period, zone, carries_over, stop, raise, age)| {
            let is_key = matches!(scope, Scope::Key(_));
            let period = if measure == Measure::Concurrent { Period::Total } else { period };
            let hours = |hours: i64| Timestamp::from_micros(NOW.as_micros() + hours * 3_600_000_000);
            let raise = raise.map(|(amount, from, length)| Raise {
                id: RaiseId::new(NOW, [1; 10]),
                amount: amount + 1,
                from: hours(from),
                until: hours(from + length),
                reason: "a demonstration".into(),
            });
            let rung = |at_percent| Rung { at_percent, basis: Basis::Actual, action: Action::Stop };
            let budget = Budget {
                id: BudgetId::new(NOW, [number; 10]),
                name: String::new(),
                scope,
                each: each.filter(|each| !is_key || *each == Each::Session),
                measure,
                limit,
                period,
                zone: zone.parse::<Zone>().unwrap(),
                carries_over: carries_over && !matches!(period, Period::Total | Period::Rolling { .. }),
                is_strict: false,
                ladder: stop.map(rung).into_iter().collect(),
                raises: raise.into_iter().collect(),
                created_at: hours(-age * 24),
                archived_at: None,
            };
            assert_eq!(budget.check(), Ok(()));
            budget
        },
    )
}

fn budgets(has_sessions: bool) -> impl Strategy<Value = Vec<Budget>> {
    (1..7_usize).prop_flat_map(move |count| {
        (0..count).map(|number| budget(number.try_into().unwrap(), has_sessions)).collect::<Vec<_>>()
    })
}

fn unknown_price() -> impl Strategy<Value = UnknownPrice> {
    prop_oneof![
        2 => Just(UnknownPrice::Deny),
        1 => (1..50_000_i64).prop_map(UnknownPrice::HoldFixed),
        1 => Just(UnknownPrice::Free),
    ]
}

/// `is_long`: the clock jumps over windows. Sessions are left out then, since their accounts end.
fn step(is_long: bool) -> BoxedStrategy<Step> {
    let slot = || 0..SLOTS;
    let amount = || 0..2_000_u64;
    let seconds: i64 = if is_long { 40 * 86_400 } else { 900 };
    let how = prop_oneof![
        6 => (amount(), amount(), any::<bool>())
            .prop_map(|(input, output, is_reported)| How::Settled { input, output, is_reported }),
        1 => Just(How::Unreported),
        1 => Just(How::Voided),
        1 => amount().prop_map(|output| How::Uncertain { output }),
    ];
    prop_oneof![
        14 => (slot(), 0..2_u8, amount(), amount(), prop::bool::weighted(0.9)).prop_map(
            |(slot, provider, input, output, is_priced)| Step::Hold { slot, provider, input, output, is_priced }),
        3 => (slot(), 1..20_000_u64, amount()).prop_map(|(slot, amount, tokens)| Step::Extend { slot, amount, tokens }),
        2 => (slot(), amount()).prop_map(|(slot, output)| Step::Progress { slot, output }),
        10 => (slot(), how).prop_map(|(slot, how)| Step::Resolve { slot, how }),
        7 => slot().prop_map(|slot| Step::Finish { slot }),
        2 => (any::<usize>(), -3_000..3_000_i64, -500..500_i64)
            .prop_map(|(which, amount, tokens)| Step::Adjust { which, amount, tokens }),
        3 => (budgets(!is_long), unknown_price(), 0..12_u64)
            .prop_map(|(budgets, unknown_price, lag)| Step::Limits { budgets, unknown_price, lag }),
        4 => (-seconds / 4..seconds).prop_map(|seconds| Step::Clock { seconds }),
        3 => (0..120_i64).prop_map(|seconds| Step::Clock { seconds }),
        1 => (0..6_usize).prop_map(|lost| Step::Restart { lost }),
        1 => (0..4_u32).prop_map(|live_nodes| Step::Share { live_nodes }),
        2 => (any::<usize>(), 0..200_000_u64).prop_map(|(which, granted)| Step::Grant { which, granted }),
        1 => prop::bool::weighted(0.2).prop_map(|is_fenced| Step::Fence { is_fenced }),
    ]
    .boxed()
}

fn run(budgets: Vec<Budget>, unknown_price: UnknownPrice, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut world = World::new(budgets, unknown_price);
    for step in steps {
        world.take(step)?;
        world.compare()?;
    }
    Ok(())
}

proptest! {
    // Cases are long here; PROPTEST_CASES asks for more of them.
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 4, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_decides_as_the_reference_within_hours(
        budgets in budgets(true), unknown_price in unknown_price(), steps in prop::collection::vec(step(false), 1..60),
    ) {
        run(budgets, unknown_price, &steps)?;
    }

    #[test]
    fn the_engine_decides_as_the_reference_over_months(
        budgets in budgets(false), unknown_price in unknown_price(), steps in prop::collection::vec(step(true), 1..60),
    ) {
        run(budgets, unknown_price, &steps)?;
    }
}
