//! Clients and providers: requests come in, calls go out and end one way or another.

use megarouter_domain::id::{AttemptId, BudgetId, RequestId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost;
use megarouter_domain::usage::{Usage, UsageSource};
use megarouter_ledger::entry::{Entry, Fact, Resolution};
use megarouter_ledger::refusal::Refusal;

use crate::kit::{self, Call};
use crate::naive::Naive;
use crate::parts::{MILLI, Question, SECOND};
use crate::world::{BUSY, Dialled, Event, LEASE_WAIT, Request, Upstream, World};

impl World {
    pub(crate) fn arrive(&mut self) {
        let gap = if self.plan.is_calm { 40 } else { 500 };
        if self.now < BUSY && self.figures.utilisation.is_none() {
            let delay = self.chance.between(1, gap) * MILLI;
            self.at(delay, Event::Arrive);
        }
        let node = usize::try_from(self.chance.next() % self.plan.nodes as u64).expect("small");
        let member = u8::try_from(self.chance.between(0, 3)).expect("small");
        let (input, output) = (self.chance.between(50, 1_500), self.chance.between(50, 1_500));
        self.request(node, member, input, output, false);
    }

    pub(crate) fn request(&mut self, node: usize, member: u8, input: u64, output: u64, is_probe: bool) {
        let run = self.nodes[node].run;
        if !self.nodes[node].is_up() || self.nodes[node].paused_until > self.now || self.nodes[node].disk.is_failing {
            self.figures.unavailable += 1;
            assert!(!is_probe, "every node serves after the faults stopped");
            return;
        }
        self.figures.requests += 1;
        let provider = u8::try_from(self.chance.between(0, 1)).expect("small");
        let request = self.requests.len();
        let (is_waiting, is_answered) = (false, false);
        self.requests.push(Request {
            node,
            run,
            call: None,
            member,
            provider,
            input,
            output,
            needs: vec![],
            is_waiting,
            is_probe,
            is_answered,
        });
        self.admit(request, true);
    }

    /// Sets aside and calls; or waits for a lease, once.
    pub(crate) fn admit(&mut self, request: usize, may_wait: bool) {
        let (entropy, wall) = (self.chance.entropy(), self.wall(self.requests[request].node));
        let now = self.now;
        let waiting = &mut self.requests[request];
        let node = &mut self.nodes[waiting.node];
        node.fence(now);
        let before = node.engine().latest_instant();
        let started_at = waiting.call.map_or_else(|| node.engine().instant(wall), |call| call.started_at);
        assert!(waiting.call.is_some() || started_at >= before, "instants never go back");
        let call = Call {
            request: waiting.call.map_or_else(|| RequestId::new(kit::NOW, entropy), |call| call.request),
            attempt: AttemptId::new(kit::NOW, entropy),
            member: waiting.member,
            provider: waiting.provider,
            model: 0,
            started_at,
        };
        let is_first_attempt = waiting.call.is_none();
        let fact = kit::hold_fact(call, waiting.input, waiting.output, Some(kit::price()));
        match node.engine().hold(fact, wall) {
            Ok(entry) => {
                waiting.call = Some(call);
                self.dial(request, entry, is_first_attempt);
            }
            Err(Refusal::LeaseShort(needs)) if may_wait => {
                waiting.is_waiting = true;
                // A request that waits keeps its instant.
                waiting.call = Some(call);
                let number = waiting.node;
                waiting.needs.clone_from(&needs);
                self.at(LEASE_WAIT, Event::GiveUp { request });
                self.ask(number, Question::Lease(request, needs));
            }
            Err(refusal) => self.refuse(request, &refusal),
        }
    }

    pub(crate) fn refuse(&mut self, request: usize, refusal: &Refusal) {
        self.requests[request].is_answered = true;
        assert!(!self.requests[request].is_probe, "refused although limits were raised: {refusal:?}");
        match refusal {
            Refusal::Exceeded(exceeded) => {
                self.figures.refused += 1;
                let is_shared = exceeded.budget == self.naive.budgets[0].id;
                if self.plan.is_calm && is_shared && self.figures.utilisation.is_none() {
                    let used: u64 = self.used().values().sum();
                    self.figures.utilisation = Some(used * 100 / self.naive.budgets[0].limit);
                }
                if !is_leased(&self.naive, exceeded.budget) {
                    let used = exceeded.used + exceeded.held + exceeded.asked;
                    assert!(used > exceeded.limit, "a refusal without a reason: {refusal:?}");
                }
            }
            Refusal::LeaseShort(_) | Refusal::Fenced => self.figures.unavailable += 1,
            Refusal::PriceUnknown { .. } | Refusal::Closed => panic!("{refusal:?}"),
        }
        self.finish_unserved(request);
    }

    /// A request that was refused a second call still has a record of the first.
    pub(crate) fn finish_unserved(&mut self, request: usize) {
        let Request { node, run, call, .. } = self.requests[request];
        let Some(call) = call.filter(|_| self.is_current(node, run)) else { return };
        if self.nodes[node].engine().state().is_under_way(call.request) {
            self.finish(node, call);
        }
    }

    pub(crate) fn give_up(&mut self, request: usize) {
        let Request { node, run, is_waiting, .. } = self.requests[request];
        if is_waiting && self.is_current(node, run) {
            self.requests[request].is_waiting = false;
            self.requests[request].is_answered = true;
            self.figures.unavailable += 1;
            self.finish_unserved(request);
        }
    }

    pub(crate) fn dial(&mut self, request: usize, entry: Entry, is_first_attempt: bool) {
        let Fact::Hold(hold) = &entry.fact else { panic!("a hold's entry is a hold") };
        let Request { node, run, input, output, .. } = self.requests[request];
        let (attempt, lsn) = (hold.attempt_id, entry.lsn);
        let dialled = Dialled { node, begun: self.now, is_delivered: false };
        assert!(self.dialled.insert(attempt, dialled).is_none(), "a call is dialled once");
        let upstream = Upstream {
            node,
            run,
            request,
            lsn,
            input,
            most_output: output,
            is_delivered: false,
            has_output: false,
            is_first_attempt,
        };
        self.upstream.insert(attempt, upstream);
        self.write(node, entry);
        let (first, more) = (self.chance.between(20, 800) * MILLI, self.chance.between(10, 4_000) * MILLI);
        self.at(first, Event::FirstByte { attempt });
        if more > SECOND {
            self.at(first + SECOND, Event::Progress { attempt });
        }
        self.at(first + more, Event::End { attempt });
    }

    /// The call, when the node that made it still runs. If not, the provider's answer goes nowhere.
    pub(crate) fn upstream(&mut self, attempt: AttemptId) -> Option<&mut Upstream> {
        let Upstream { node, run, .. } = self.upstream.get(&attempt)?;
        let is_current = self.is_current(*node, *run);
        if !is_current {
            self.upstream.remove(&attempt);
        }
        self.upstream.get_mut(&attempt)
    }

    pub(crate) fn first_byte(&mut self, attempt: AttemptId) {
        let Some(upstream) = self.upstream(attempt) else { return };
        upstream.has_output = true;
        let node = upstream.node;
        self.deliver(node);
    }

    /// Output reaches a client only after its hold is durable.
    pub(crate) fn deliver(&mut self, node: usize) {
        let durable = self.nodes[node].disk.last();
        for (attempt, upstream) in &mut self.upstream {
            let is_durable = upstream.lsn <= durable;
            if upstream.node == node && upstream.has_output && is_durable && !upstream.is_delivered {
                upstream.is_delivered = true;
                self.dialled.get_mut(attempt).expect("it was dialled").is_delivered = true;
                self.requests[upstream.request].is_answered = true;
            }
        }
    }

    pub(crate) fn progress(&mut self, attempt: AttemptId) {
        let (extends, wall) = (self.chance.percent(30), self.chance.percent(80));
        let Some(upstream) = self.upstream(attempt) else { return };
        let (node, input, output) = (upstream.node, upstream.input, upstream.most_output);
        let now = self.wall(node);
        if wall {
            let entry = self.nodes[node].engine().progress(attempt, kit::tokens(input, output / 2), now);
            self.write(node, entry.expect("the hold is open"));
        }
        if extends {
            // A fifth more output, at the price of it.
            let more = output / 5 + 1;
            let held = kit::price().tariff.upper_bound(&kit::tokens(0, more));
            self.nodes[node].fence(self.now);
            if let Ok(entry) = self.nodes[node].engine().extend(attempt, held, more, now) {
                self.write(node, entry);
                self.upstream.get_mut(&attempt).expect("it was there").most_output += more;
            }
        }
    }

    pub(crate) fn end(&mut self, attempt: AttemptId) {
        let (how, part) = (self.chance.between(0, 99), self.chance.between(5, 100));
        let excess = self.chance.between(101, 150);
        let Some(upstream) = self.upstream(attempt) else { return };
        let (node, request, is_first) = (upstream.node, upstream.request, upstream.is_first_attempt);
        let (input, most, is_delivered) = (upstream.input, upstream.most_output, upstream.is_delivered);
        let (cost, overage) = (Cost::Unknown, NanoUsd::ZERO);
        let settled = |usage, source| Resolution::Settled { usage, source, cost, overage };
        let resolution = match how {
            // The provider says more than it was allowed.
            0..4 if !self.plan.is_strict => {
                settled(kit::tokens(input * excess / 100, most * excess / 100), UsageSource::Reported)
            }
            // Cut; then what was counted.
            4..10 => settled(kit::tokens(input, most * part / 200), UsageSource::Estimated),
            10..14 => Resolution::Uncertain { usage: kit::tokens(input, 0), cost },
            14..16 => settled(Usage::UNREPORTED, UsageSource::Unknown),
            16..22 if !is_delivered => Resolution::Voided,
            _ => settled(kit::tokens(input, most * part / 100), UsageSource::Reported),
        };
        let is_void = resolution == Resolution::Voided;
        self.upstream.remove(&attempt);
        let now = self.wall(node);
        let entry = self.nodes[node].engine().resolve(attempt, resolution, now).expect("the hold is open");
        self.write(node, entry);
        assert!(self.nodes[node].engine().resolve(attempt, Resolution::Voided, now).is_none(), "a hold ends once");
        // Another provider, as long as the client saw nothing.
        if is_void && is_first && !is_delivered {
            self.requests[request].provider ^= 1;
            self.admit(request, true);
        } else {
            let call = self.requests[request].call.expect("it was admitted");
            // With what the provider sent, or with an error.
            self.requests[request].is_answered = true;
            self.finish(node, call);
        }
    }

    pub(crate) fn finish(&mut self, node: usize, call: Call) {
        let wall = self.wall(node);
        let engine = self.nodes[node].engine();
        let record = kit::record(engine, call);
        let entry = engine.finish(record, wall);
        self.write(node, entry);
    }
}

fn is_leased(naive: &Naive, budget: BudgetId) -> bool {
    naive.budgets.iter().find(|other| other.id == budget).is_some_and(crate::naive::is_leased)
}
