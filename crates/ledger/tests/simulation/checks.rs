//! What must hold, at any time and in the end.

use std::collections::HashMap;
use std::sync::Arc;

use megarouter_domain::budget::{Measure, UnknownPrice};
use megarouter_domain::id::AttemptId;
use megarouter_domain::money::NanoUsd;
use megarouter_ledger::account::AccountKey;
use megarouter_ledger::engine::Engine;
use megarouter_ledger::entry::Fact;
use megarouter_ledger::limits::Limits;

use crate::kit;
use crate::node::is_fixed;
use crate::world::World;

impl World {
    /// An overage counts for every account of its call that is counted in money; in tokens it is at
    /// most the excess that calls may have here.
    pub(crate) fn note_overage(&mut self, number: usize, attempt: AttemptId, overage: NanoUsd) {
        if overage == NanoUsd::ZERO {
            return;
        }
        assert!(!self.plan.is_strict, "no call costs more than its hold in a strict run");
        let synced = self.nodes[number].disk.synced.iter().rev();
        let entries = self.nodes[number].queue.iter().rev().chain(synced);
        let hold = entries.filter_map(|entry| match &entry.fact {
            Fact::Hold(hold) if hold.attempt_id == attempt => Some(Arc::clone(hold)),
            _ => None,
        });
        let Some(hold) = hold.into_iter().next() else { return };
        for budget in &self.naive.budgets {
            if let Some(subject) = self.naive.subject(budget, &hold) {
                let key = crate::naive::key(budget, subject, hold.started_at);
                let amount = match budget.measure {
                    Measure::Cost => u64::try_from(overage.0).expect("it is positive"),
                    Measure::Tokens => hold.tokens,
                    Measure::Requests | Measure::Concurrent => 0,
                };
                *self.overage.entry(key).or_default() += amount;
            }
        }
    }

    /// What all nodes together used and set aside of each shared account. A node that is down counts
    /// with what it had when it stopped.
    pub(crate) fn used(&self) -> HashMap<AccountKey, u64> {
        let mut used: HashMap<AccountKey, u64> = HashMap::new();
        for node in &self.nodes {
            let views = node.engine.as_ref().map_or_else(|| node.last_grants.clone(), Engine::grants);
            for view in views {
                *used.entry(view.key).or_default() += view.used;
            }
        }
        used
    }

    /// The nodes together stay within each limit, but for calls that cost more than their holds.
    pub(crate) fn check_spending(&mut self) {
        for (key, used) in self.used() {
            let Some(budget) = self.naive.budgets.iter().find(|budget| budget.id == key.budget) else { continue };
            let overage = self.overage.get(&key).copied().unwrap_or(0);
            let beyond = used.saturating_sub(budget.limit);
            if is_fixed(budget.period) {
                self.figures.overspend = self.figures.overspend.max(beyond.saturating_sub(overage));
                self.figures.surprise = self.figures.surprise.max(beyond * 1_000 / budget.limit);
            }
        }
        for (key, limit, granted) in self.hub.book.sums() {
            // Grants go beyond a limit only by what was truly used.
            let overage = self.overage.get(key).copied().unwrap_or(0);
            assert!(granted <= limit + overage, "grants of {granted} for a limit of {limit} and {overage} beyond");
        }
    }

    /// Limits that were in the way are raised; then every node serves.
    pub(crate) fn probe(&mut self) {
        for budget in &mut self.naive.budgets {
            budget.limit = budget.limit.saturating_mul(1_000);
        }
        self.limits = Arc::new(Limits::new(&self.naive.budgets, &kit::units(), UnknownPrice::Deny));
        for number in 0..self.nodes.len() {
            let wall = self.wall(number);
            let (naive, limits) = (&self.naive, &self.limits);
            let node = &mut self.nodes[number];
            let history = crate::node::history(naive, &node.disk.synced);
            let as_of = node.disk.last();
            let present = node.engine().latest_instant().max(wall);
            let queries = limits.openings(node.engine().oldest(present), present);
            let openings = history.openings(&queries, as_of);
            node.engine().set_limits(Arc::clone(limits), &openings, as_of).expect("the disk is up to date");
        }
        self.probes = self.requests.len();
        for node in 0..self.nodes.len() {
            self.request(node, 0, 100, 100, true);
        }
    }

    pub(crate) fn check_service(&self) {
        for request in &self.requests[self.probes..] {
            assert!(request.is_answered, "every node serves within 10 s after the faults stopped");
        }
    }

    pub(crate) fn check_end(&mut self) {
        self.check_spending();
        for number in 0..self.nodes.len() {
            let node = &mut self.nodes[number];
            self.figures.leaked += node.engine().open_holds() as u64;
            assert!(node.queue.is_empty() && !node.disk.is_writing(), "everything is written");
            assert_eq!(&node.disk.fold(), node.engine().state(), "the file says what the engine knows");
            let report = node.disk.verify();
            assert!(report.is_sound(), "{:?}", report.unexplained);
            assert_eq!(report.open_holds, 0);
            assert_eq!(node.shipped, node.disk.last(), "everything is shipped");
            assert_eq!(self.hub.shipped.get(&number), Some(&node.disk.synced), "the hub has the same journal");
        }
        self.check_calls();
    }

    /// Every call that was made is in exactly one journal, and every output that was seen too.
    pub(crate) fn check_calls(&mut self) {
        let mut known: HashMap<AttemptId, u64> = HashMap::new();
        for node in &self.nodes {
            for entry in &node.disk.synced {
                if let Fact::Hold(hold) = &entry.fact {
                    *known.entry(hold.attempt_id).or_default() += 1;
                }
            }
        }
        self.figures.duplicate += known.values().filter(|count| **count > 1).count() as u64;
        for attempt in known.keys() {
            assert!(self.dialled.contains_key(attempt), "a hold without a call");
        }
        self.figures.lost += self.dialled.keys().filter(|attempt| !known.contains_key(*attempt)).count() as u64;
    }
}
