//! What goes wrong.

use std::collections::HashSet;
use std::sync::Arc;

use megarouter_domain::id::AttemptId;
use megarouter_ledger::entry::{Entry, Fact};

use crate::parts::{MILLI, SECOND};
use crate::world::{BUSY, Event, Mend, World};

impl World {
    pub(crate) fn trouble(&mut self) {
        if self.now > BUSY - 10 * SECOND {
            return;
        }
        let next = self.chance.between(500, 8_000) * MILLI;
        self.at(next, Event::Trouble);
        let node = usize::try_from(self.chance.next() % self.plan.nodes as u64).expect("small");
        match self.chance.between(0, 99) {
            0..25 => self.crash(node, false),
            25..40 => self.crash(node, true),
            40..55 => self.nodes[node].offset = self.skew(),
            55..65 => {
                self.nodes[node].disk.is_failing = true;
                self.nodes[node].had_failure = true;
                let later = self.chance.between(1, 8) * SECOND;
                self.at(later, Event::Mend(Mend::Disk(node)));
            }
            65..80 => {
                let most = if self.chance.percent(40) { 75 } else { 8 };
                let until = self.now + self.chance.between(1, most) * SECOND;
                self.nodes[node].paused_until = self.nodes[node].paused_until.max(until);
            }
            80..90 => {
                self.hub.is_down = true;
                self.hub.restarts += 1;
                let most = if self.chance.percent(20) { 70 } else { 15 };
                let later = self.chance.between(1, most) * SECOND;
                self.at(later, Event::Mend(Mend::Hub));
            }
            _ => {
                self.hub.is_slow = true;
                let later = self.chance.between(1, 20) * SECOND;
                self.at(later, Event::Mend(Mend::Speed));
            }
        }
    }

    /// The program dies, or the whole machine.
    pub(crate) fn crash(&mut self, number: usize, is_power: bool) {
        if !self.nodes[number].is_up() {
            return;
        }
        self.figures.crashes += 1;
        let survives = self.chance.percent(if is_power { 25 } else { 50 });
        let node = &mut self.nodes[number];
        node.last_grants = node.engine().grants();
        node.engine = None;
        node.queue.clear();
        node.disk.stop(survives);
        let known: HashSet<AttemptId> = holds(&node.disk.synced);
        let now = self.now;
        let (had_failure, paused_until) = (node.had_failure, node.paused_until);
        node.paused_until = 0;
        let (figures, dialled) = (&mut self.figures, &mut self.dialled);
        dialled.retain(|attempt, call| {
            let is_known = call.node != number || known.contains(attempt);
            if !is_known {
                figures.lost += u64::from(call.is_delivered);
                figures.unseen += 1;
                let age = now - call.begun;
                let is_recent = age <= 100 * MILLI || had_failure || paused_until + 100 * MILLI > now;
                assert!(is_recent, "a call of {} ms ago is unknown", age / MILLI);
            }
            is_known
        });
        self.upstream.retain(|_, upstream| upstream.node != number);
        let later = self.chance.between(1, 5_000) * MILLI;
        self.at(later, Event::Start { node: number });
    }

    pub(crate) fn start(&mut self, number: usize) {
        if self.nodes[number].is_up() {
            return;
        }
        if self.nodes[number].disk.is_failing {
            self.at(SECOND, Event::Start { node: number });
            return;
        }
        let wall = self.wall(number);
        let limits = Arc::clone(&self.limits);
        self.nodes[number].start(&self.naive, &limits, wall);
        let run = self.nodes[number].run;
        let entries: Vec<Entry> = self.nodes[number].disk.synced.clone();
        for entry in entries.iter().filter(|entry| entry.epoch.0 == u64::from(run)) {
            if let Fact::Resolve { attempt_id, resolution } = &entry.fact {
                self.note_overage(number, *attempt_id, resolution.overage());
            }
        }
        self.ask_next(number);
        self.at(15 * SECOND, Event::Beat { node: number, run });
        let first = self.chance.between(200, 1_200) * MILLI;
        self.at(first, Event::Tend { node: number, run });
    }
}

fn holds(journal: &[Entry]) -> HashSet<AttemptId> {
    let holds = journal.iter().filter_map(|entry| match &entry.fact {
        Fact::Hold(hold) => Some(hold.attempt_id),
        _ => None,
    });
    holds.collect()
}
