//! One run: nodes, a hub, providers and clients on one clock, and everything that can go wrong.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use megarouter_domain::budget::{Action, Basis, Budget, Each, Measure, Rung, UnknownPrice};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{AttemptId, BudgetId};
use megarouter_domain::period::{Period, Zone};
use megarouter_domain::scope::Scope;
use megarouter_ledger::account::AccountKey;
use megarouter_ledger::entry::Lsn;
use megarouter_ledger::limits::Limits;
use megarouter_ledger::refusal::LeaseNeed;

use crate::kit::{self, Call};
use crate::naive::Naive;
use crate::node::Node;
use crate::parts::{Answer, Chance, Hub, MILLI, Question, SECOND, Time};

/// How long faults and traffic go on.
pub(crate) const BUSY: Time = 100 * SECOND;
/// How long a request waits for a lease.
pub(crate) const LEASE_WAIT: Time = 250 * MILLI;

/// What the run is like.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub seed: u64,
    pub nodes: usize,
    /// Nothing goes wrong, so that limits can be used up.
    pub is_calm: bool,
    /// No call costs more than its hold.
    pub is_strict: bool,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    pub requests: u64,
    pub refused: u64,
    pub unavailable: u64,
    pub crashes: u64,
    /// Beyond what limits and surprises allow, in nano-dollars or tokens: must be 0.
    pub overspend: u64,
    /// The largest part of a limit that was used beyond it because calls cost more than their holds, in
    /// thousandths.
    pub surprise: u64,
    /// Clients saw output of a call that no journal knows: must be 0.
    pub lost: u64,
    /// Calls that no journal knows and that delivered nothing: power was lost within milliseconds.
    pub unseen: u64,
    pub duplicate: u64,
    pub leaked: u64,
    /// How much of the shared limit was used at the first refusal, in percent; of calm runs.
    pub utilisation: Option<u64>,
}

#[derive(Debug)]
pub(crate) enum Event {
    Arrive,
    Flush {
        node: usize,
        run: u32,
    },
    Synced {
        node: usize,
        run: u32,
    },
    FirstByte {
        attempt: AttemptId,
    },
    Progress {
        attempt: AttemptId,
    },
    End {
        attempt: AttemptId,
    },
    /// The hub hears a question: of a node, in a session, since so many restarts of its own.
    Hear {
        node: usize,
        run: u32,
        session: u64,
        number: u64,
        restarts: u32,
        question: Question,
    },
    Answered {
        node: usize,
        run: u32,
        number: u64,
        answer: Answer,
        begun: Time,
    },
    /// A question had no answer in time.
    Silence {
        node: usize,
        run: u32,
        number: u64,
    },
    GiveUp {
        request: usize,
    },
    Beat {
        node: usize,
        run: u32,
    },
    Tend {
        node: usize,
        run: u32,
    },
    Trouble,
    Start {
        node: usize,
    },
    Mend(Mend),
}

#[derive(Debug)]
pub(crate) enum Mend {
    Disk(usize),
    Hub,
    Speed,
}

pub(crate) struct Scheduled(Time, u64, Event);

/// A client's request.
pub(crate) struct Request {
    pub(crate) node: usize,
    pub(crate) run: u32,
    pub(crate) call: Option<Call>,
    pub(crate) member: u8,
    /// Of the call under way or the next one.
    pub(crate) provider: u8,
    pub(crate) input: u64,
    pub(crate) output: u64,
    /// What it waits for.
    pub(crate) needs: Vec<LeaseNeed>,
    pub(crate) is_waiting: bool,
    pub(crate) is_probe: bool,
    pub(crate) is_answered: bool,
}

/// A call that was made.
pub(crate) struct Dialled {
    pub(crate) node: usize,
    pub(crate) begun: Time,
    /// Its client saw output.
    pub(crate) is_delivered: bool,
}

/// A call under way at a provider.
pub(crate) struct Upstream {
    pub(crate) node: usize,
    pub(crate) run: u32,
    pub(crate) request: usize,
    pub(crate) lsn: Lsn,
    pub(crate) input: u64,
    pub(crate) most_output: u64,
    /// Output was passed to the client.
    pub(crate) is_delivered: bool,
    /// The provider has sent output that waits for the hold to become durable.
    pub(crate) has_output: bool,
    pub(crate) is_first_attempt: bool,
}

pub struct World {
    pub(crate) plan: Plan,
    pub(crate) chance: Chance,
    pub(crate) now: Time,
    pub(crate) base: Timestamp,
    pub(crate) events: BinaryHeap<Reverse<Scheduled>>,
    pub(crate) scheduled: u64,
    pub(crate) questions: u64,
    pub(crate) nodes: Vec<Node>,
    pub(crate) hub: Hub,
    /// Limits with what the reference needs.
    pub(crate) naive: Naive,
    pub(crate) limits: Arc<Limits>,
    pub(crate) requests: Vec<Request>,
    pub(crate) upstream: HashMap<AttemptId, Upstream>,
    /// Every call that was dialled, but for those that a stop made unknown.
    pub(crate) dialled: HashMap<AttemptId, Dialled>,
    /// Overage by account, over all nodes.
    pub(crate) overage: HashMap<AccountKey, u64>,
    pub(crate) figures: Figures,
    pub(crate) probes: usize,
    /// When spending was last checked.
    pub(crate) checked_at: Time,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

fn budget(number: u8, scope: Scope, each: Option<Each>, measure: Measure, limit: u64, period: Period) -> Budget {
    Budget {
        id: BudgetId::new(kit::NOW, [number; 10]),
        name: String::new(),
        scope,
        each,
        measure,
        limit,
        period,
        zone: Zone::UTC,
        carries_over: false,
        is_strict: true,
        ladder: vec![Rung { at_percent: 100, basis: Basis::Actual, action: Action::Stop }],
        raises: vec![],
        created_at: Timestamp::default(),
        archived_at: None,
    }
}

/// A shared budget in money, and up to three more.
fn budgets(chance: &mut Chance, is_calm: bool) -> Vec<Budget> {
    let period = [Period::Total, Period::Day, Period::Hour][usize::try_from(chance.between(0, 2)).expect("small")];
    let period = if is_calm { Period::Total } else { period };
    let mut budgets =
        vec![budget(0, kit::organization(), None, Measure::Cost, chance.between(800_000, 3_000_000), period)];
    let more = [
        budget(1, Scope::Unit(kit::team(0)), None, Measure::Cost, chance.between(300_000, 1_500_000), Period::Day),
        budget(2, kit::organization(), Some(Each::Member), Measure::Tokens, chance.between(50_000, 300_000), period),
        budget(3, Scope::Provider(kit::provider(0)), None, Measure::Requests, chance.between(50, 300), Period::Hour),
        budget(4, kit::organization(), None, Measure::Concurrent, chance.between(20, 60), Period::Total),
        budget(5, kit::organization(), Some(Each::Key), Measure::Requests, 200, Period::Rolling { seconds: 60 }),
        budget(6, kit::organization(), Some(Each::Session), Measure::Cost, chance.between(200_000, 900_000), period),
    ];
    budgets.extend(more.into_iter().filter(|_| !is_calm && chance.percent(40)));
    budgets
}

impl World {
    pub fn new(plan: Plan) -> Self {
        let mut chance = Chance::new(plan.seed);
        let budgets = budgets(&mut chance, plan.is_calm);
        let limits = Arc::new(Limits::new(&budgets, &kit::units(), UnknownPrice::Deny));
        // Up to a minute before a full hour, so that windows change under way.
        let base = Timestamp::from_micros(
            kit::NOW.as_micros() - i64::try_from(chance.between(0, 60 * SECOND)).expect("small"),
        );
        let naive = Naive { budgets, ..Naive::default() };
        let nodes = (0..plan.nodes).map(|_| Node::default()).collect();
        let mut world = Self {
            plan,
            chance,
            now: 0,
            base,
            events: BinaryHeap::new(),
            scheduled: 0,
            questions: 0,
            nodes,
            hub: Hub::default(),
            naive,
            limits,
            requests: vec![],
            upstream: HashMap::new(),
            dialled: HashMap::new(),
            overage: HashMap::new(),
            figures: Figures::default(),
            probes: 0,
            checked_at: 0,
        };
        for node in 0..plan.nodes {
            if !plan.is_calm {
                world.nodes[node].offset = world.skew();
            }
            world.at(0, Event::Start { node });
        }
        world.at(SECOND, Event::Arrive);
        if !plan.is_calm {
            world.at(3 * SECOND, Event::Trouble);
        }
        world
    }

    /// Runs to the end and gives the figures.
    pub fn run(mut self) -> Figures {
        self.run_until(BUSY);
        // The faults stop; everything comes back, calls end, leases and journals settle.
        self.hub.is_down = false;
        self.hub.is_slow = false;
        for node in 0..self.nodes.len() {
            self.nodes[node].disk.is_failing = false;
            self.nodes[node].paused_until = 0;
            if !self.nodes[node].is_up() {
                self.start(node);
            }
        }
        self.run_until(BUSY + 80 * SECOND);
        self.probe();
        self.run_until(BUSY + 90 * SECOND);
        self.check_service();
        self.run_until(BUSY + 100 * SECOND);
        self.check_end();
        self.figures
    }

    pub(crate) fn run_until(&mut self, end: Time) {
        while let Some(Reverse(Scheduled(time, ..))) = self.events.peek() {
            if *time > end {
                break;
            }
            let Some(Reverse(Scheduled(time, _, event))) = self.events.pop() else { break };
            self.now = time;
            if let Some(until) = self.paused(&event) {
                self.at(until - time + 1, event);
                continue;
            }
            self.happen(event);
        }
        self.now = end;
    }

    pub(crate) fn at(&mut self, delay: Time, event: Event) {
        self.scheduled += 1;
        self.events.push(Reverse(Scheduled(self.now + delay, self.scheduled, event)));
    }

    /// What happens at a node that is stopped happens when it goes on.
    pub(crate) fn paused(&self, event: &Event) -> Option<Time> {
        let node = match event {
            Event::Flush { node, .. }
            | Event::Synced { node, .. }
            | Event::Answered { node, .. }
            | Event::Silence { node, .. }
            | Event::Beat { node, .. }
            | Event::Tend { node, .. } => *node,
            Event::FirstByte { attempt } | Event::Progress { attempt } | Event::End { attempt } => {
                self.upstream.get(attempt)?.node
            }
            Event::GiveUp { request } => self.requests[*request].node,
            Event::Arrive | Event::Hear { .. } | Event::Trouble | Event::Start { .. } | Event::Mend(_) => return None,
        };
        Some(self.nodes[node].paused_until).filter(|until| *until > self.now)
    }

    pub(crate) fn happen(&mut self, event: Event) {
        match event {
            Event::Arrive => self.arrive(),
            Event::Flush { node, run } if self.is_current(node, run) => self.flush(node),
            Event::Synced { node, run } if self.is_current(node, run) => self.synced(node),
            Event::FirstByte { attempt } => self.first_byte(attempt),
            Event::Progress { attempt } => self.progress(attempt),
            Event::End { attempt } => self.end(attempt),
            Event::Hear { node, run, session, number, restarts, question } => {
                self.hear(node, run, session, number, restarts, question);
            }
            Event::Answered { node, run, number, answer, begun } if self.is_current(node, run) => {
                self.answered(node, number, answer, begun);
            }
            Event::Silence { node, run, number } if self.is_current(node, run) => self.silence(node, number),
            Event::GiveUp { request } => self.give_up(request),
            Event::Beat { node, run } if self.is_current(node, run) => {
                self.ask(node, Question::Beat);
                self.at(15 * SECOND, Event::Beat { node, run });
            }
            Event::Tend { node, run } if self.is_current(node, run) => self.tend(node),
            Event::Trouble => self.trouble(),
            Event::Start { node } => self.start(node),
            Event::Mend(Mend::Disk(node)) => self.nodes[node].disk.is_failing = false,
            Event::Mend(Mend::Hub) => self.hub.is_down = false,
            Event::Mend(Mend::Speed) => self.hub.is_slow = false,
            Event::Flush { .. }
            | Event::Synced { .. }
            | Event::Answered { .. }
            | Event::Silence { .. }
            | Event::Beat { .. }
            | Event::Tend { .. } => {}
        }
    }

    pub(crate) fn is_current(&self, node: usize, run: u32) -> bool {
        self.nodes[node].is_up() && self.nodes[node].run == run
    }

    pub(crate) fn wall(&self, node: usize) -> Timestamp {
        self.nodes[node].wall(self.base, self.now)
    }

    /// Up to a day either way, mostly little.
    pub(crate) fn skew(&mut self) -> i64 {
        let most = [2 * SECOND, 3_700 * SECOND, 25 * 3_600 * SECOND]
            [usize::try_from(self.chance.between(0, 2)).expect("small")];
        i64::try_from(self.chance.between(0, 2 * most)).expect("small") - i64::try_from(most).expect("small")
    }
}
