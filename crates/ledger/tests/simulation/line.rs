//! A node's journal and its line to the hub.

use std::sync::Arc;

use megarouter_ledger::entry::{Entry, Fact};
use megarouter_ledger::lease::{Grant, NotEnough};

use crate::node::is_hold;
use crate::parts::{Answer, MILLI, Question, SECOND, Time};
use crate::world::{BUSY, Event, LEASE_WAIT, World};

impl World {
    pub(crate) fn write(&mut self, number: usize, entry: Entry) {
        if let Fact::Resolve { attempt_id, resolution } = &entry.fact {
            self.note_overage(number, *attempt_id, resolution.overage());
        }
        let linger = if is_hold(&entry) { 10 } else { 50 };
        let node = &mut self.nodes[number];
        node.queue.push(entry);
        if !node.is_flushing {
            node.is_flushing = true;
            let run = node.run;
            self.at(linger * MILLI, Event::Flush { node: number, run });
        }
    }

    pub(crate) fn flush(&mut self, number: usize) {
        let node = &mut self.nodes[number];
        if !node.disk.is_writing() {
            let batch = std::mem::take(&mut node.queue);
            if batch.is_empty() {
                node.is_flushing = false;
                return;
            }
            node.disk.begin(batch);
        }
        let run = node.run;
        let takes = self.chance.between(2, 15) * MILLI;
        self.at(takes, Event::Synced { node: number, run });
    }

    pub(crate) fn synced(&mut self, number: usize) {
        let run = self.nodes[number].run;
        if !self.nodes[number].disk.sync() {
            self.nodes[number].had_failure = true;
            self.at(500 * MILLI, Event::Synced { node: number, run });
            return;
        }
        let instants = self.nodes[number].disk.synced.iter().rev().take(64).filter_map(|entry| match &entry.fact {
            Fact::Hold(hold) => Some(hold.started_at),
            _ => None,
        });
        let instant = instants.max().unwrap_or_default();
        self.nodes[number].instant = self.nodes[number].instant.max(instant);
        self.deliver(number);
        self.flush(number);
    }

    /// Puts a question in a node's line.
    pub(crate) fn ask(&mut self, node: usize, question: Question) {
        self.nodes[node].line.push_back(question);
        self.ask_next(node);
    }

    pub(crate) fn ask_next(&mut self, number: usize) {
        let node = &mut self.nodes[number];
        if node.asked.is_some() {
            return;
        }
        let question = if node.has_session { node.line.pop_front() } else { Some(Question::Register) };
        let Some(mut question) = question else { return };
        self.bring_up_to_date(number, &mut question);
        let node = &mut self.nodes[number];
        self.questions += 1;
        let (number_of_question, session, run) = (self.questions, node.session, node.run);
        node.asked = Some(number_of_question);
        let patience = if matches!(question, Question::Lease(..)) { LEASE_WAIT } else { 5 * SECOND };
        let travels = self.chance.between(1, 4) * MILLI;
        let restarts = self.hub.restarts;
        let node = number;
        self.at(travels, Event::Hear { node, run, session, number: number_of_question, restarts, question });
        self.at(patience, Event::Silence { node, run, number: number_of_question });
    }

    /// What is asked is decided when it is sent: answers to what was sent before have changed grants.
    pub(crate) fn bring_up_to_date(&mut self, number: usize, question: &mut Question) {
        let wall = self.wall(number);
        let grants = self.nodes[number].engine().grants();
        match question {
            Question::Lease(_, needs) => {
                let engine = self.nodes[number].engine();
                for need in needs {
                    *need = engine.renewed(need);
                }
            }
            Question::GiveBack(parts) => {
                for (key, granted) in parts {
                    // The node first: it must not use what the hub is about to give to others.
                    let Some(grant) = grants.iter().find(|grant| grant.key == *key) else { continue };
                    *granted = grant.used;
                    let entry = self.nodes[number].engine().set_grant(key.clone(), grant.used, 0, wall);
                    self.write(number, entry);
                }
            }
            Question::Register | Question::Beat | Question::Rejoin(_) | Question::Report(_) | Question::Ship(_) => {}
        }
    }

    pub(crate) fn hear(&mut self, node: usize, run: u32, session: u64, number: u64, restarts: u32, question: Question) {
        // A question that the hub never saw, or that died with it.
        if self.hub.is_down || restarts != self.hub.restarts || self.is_lost() {
            return;
        }
        if self.hub.is_slow && self.chance.percent(70) {
            let later = self.chance.between(100, 2_000) * MILLI;
            self.at(later, Event::Hear { node, run, session, number, restarts, question });
            return;
        }
        let begun = self.now.saturating_sub(4 * MILLI);
        let answer = self.hub.answer(node, session, question, self.now);
        if let Answer::Lease(_, Err(short)) = &answer {
            let (_, limit, granted) =
                self.hub.book.sums().find(|(key, ..)| **key == short.key).expect("it was asked for");
            assert_eq!(short.left, limit.saturating_sub(granted), "what is left is what nobody was granted");
        }
        // The answer may be lost although it was done.
        if !self.is_lost() {
            let travels = self.chance.between(1, 4) * MILLI;
            self.at(travels, Event::Answered { node, run, number, answer, begun });
        }
    }

    /// One message in a hundred, while faults go on.
    fn is_lost(&mut self) -> bool {
        !self.plan.is_calm && self.now < BUSY && self.chance.percent(1)
    }

    pub(crate) fn answered(&mut self, number: usize, question: u64, answer: Answer, begun: Time) {
        let wall = self.wall(number);
        let node = &mut self.nodes[number];
        if node.asked != Some(question) {
            return;
        }
        node.asked = None;
        match answer {
            Answer::Session(session) => {
                (node.session, node.has_session) = (session, true);
                let uses = node.engine().grants().into_iter().map(|grant| (grant.key, grant.limit, grant.used));
                let uses = uses.collect();
                if !node.has_rejoined {
                    node.line.push_front(Question::Rejoin(uses));
                }
                node.line.push_front(Question::Beat);
            }
            Answer::Alive(live_nodes) => {
                node.beat_at = Some(begun);
                node.engine().share(megarouter_ledger::account::Sharing::Leased { live_nodes });
            }
            Answer::Rejoined => {
                node.has_rejoined = true;
                let used: Vec<_> = node.engine().grants();
                for grant in used {
                    let entry = self.nodes[number].engine().set_grant(grant.key, grant.used, 0, wall);
                    self.write(number, entry);
                }
            }
            Answer::Lease(request, outcome) => self.leased(number, request, outcome),
            Answer::Shipped(lsn) => node.shipped = lsn,
            Answer::Done => {}
            Answer::Superseded => node.has_session = false,
        }
        self.ask_next(number);
    }

    pub(crate) fn leased(&mut self, number: usize, request: usize, outcome: Result<Vec<Grant>, NotEnough>) {
        let is_waiting = std::mem::take(&mut self.requests[request].is_waiting);
        match outcome {
            Ok(grants) => {
                let wall = self.wall(number);
                for grant in grants {
                    let entry = self.nodes[number].engine().set_grant(grant.key, grant.granted, grant.left, wall);
                    self.write(number, entry);
                }
                if is_waiting {
                    self.admit(request, false);
                }
            }
            Err(short) if is_waiting => {
                let needs = std::mem::take(&mut self.requests[request].needs);
                let need = needs.iter().find(|need| need.key == short.key).expect("it was asked for");
                self.refuse(request, &need.refused(short.left));
            }
            Err(_) => {}
        }
    }

    /// Nothing is known of what was asked: another session makes sure that it does not happen later.
    pub(crate) fn silence(&mut self, number: usize, question: u64) {
        if self.nodes[number].asked == Some(question) {
            self.nodes[number].asked = None;
            self.nodes[number].has_session = false;
            self.ask_next(number);
        }
    }

    /// Once a second: reports what was used beyond grants, gives back what lies idle, ships the journal.
    pub(crate) fn tend(&mut self, number: usize) {
        let run = self.nodes[number].run;
        self.at(SECOND, Event::Tend { node: number, run });
        if self.now >= self.checked_at + SECOND {
            self.checked_at = self.now;
            self.check_spending();
        }
        let wall = self.wall(number);
        if self.chance.percent(1) {
            let (naive, limits) = (&self.naive, Arc::clone(&self.limits));
            self.nodes[number].derive_again(naive, &limits, wall);
        }
        let node = &mut self.nodes[number];
        if node.line.len() > 8 || !node.has_rejoined {
            return;
        }
        let grants = node.engine().grants();
        let over: Vec<_> = grants.iter().filter(|grant| grant.used > grant.granted).collect();
        let over = over.into_iter().map(|grant| (grant.key.clone(), grant.limit, grant.used)).collect::<Vec<_>>();
        // Nothing is given back in the last seconds, so that the journals come to rest.
        let is_idle = self.now < BUSY + 80 * SECOND && self.chance.percent(5);
        let idle: Vec<_> = grants.iter().filter(|grant| is_idle && grant.granted > grant.used).collect();
        let idle: Vec<_> = idle.into_iter().map(|grant| (grant.key.clone(), grant.used)).collect();
        for (key, limit, used) in over {
            let entry = self.nodes[number].engine().set_grant(key.clone(), used, 0, wall);
            self.write(number, entry);
            self.ask(number, Question::Report(vec![(key, limit, used)]));
        }
        if !idle.is_empty() {
            self.ask(number, Question::GiveBack(idle));
        }
        let node = &self.nodes[number];
        // Entries are numbered from 1 without gaps.
        let shipped = usize::try_from(node.shipped.0).expect("journals are short");
        let entries: Vec<Entry> = node.disk.synced.iter().skip(shipped).take(512).cloned().collect();
        if !entries.is_empty() {
            self.ask(number, Question::Ship(entries));
        }
    }
}
