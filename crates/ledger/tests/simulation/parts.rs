//! What the simulated nodes stand on: chance, a disk, the hub's database.

use std::collections::HashMap;

use megarouter_ledger::account::AccountKey;
use megarouter_ledger::chain::{self, GENESIS};
use megarouter_ledger::entry::{Entry, Lsn};
use megarouter_ledger::lease::{Ask, Grant, LeaseBook, NotEnough};
use megarouter_ledger::refusal::LeaseNeed;
use megarouter_ledger::state::State;
use megarouter_ledger::verify::{Report, Verifier};

/// Microseconds of true time since the run began.
pub type Time = u64;

pub const MILLI: Time = 1_000;
pub const SECOND: Time = 1_000_000;

/// How long a node counts as alive after a beat.
const ALIVE: Time = 60 * SECOND;

/// A stream of numbers that its seed determines (splitmix64).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `least` to `most`, both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least + 1)
    }

    pub fn percent(&mut self, chance: u64) -> bool {
        self.next() % 100 < chance
    }

    pub fn entropy(&mut self) -> [u8; 10] {
        let mut entropy = [0; 10];
        entropy[..8].copy_from_slice(&self.next().to_be_bytes());
        entropy
    }
}

/// A journal's file: what was synced is there for good, a batch under way is there or not, as a whole.
#[derive(Default)]
pub struct Disk {
    pub synced: Vec<Entry>,
    under_way: Vec<Entry>,
    /// Writes fail: no room, or an I/O error.
    pub is_failing: bool,
}

impl Disk {
    pub fn begin(&mut self, batch: Vec<Entry>) {
        assert!(self.under_way.is_empty(), "one batch at a time");
        self.under_way = batch;
    }

    pub fn is_writing(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// Ends the batch under way; false when it has to be tried again.
    pub fn sync(&mut self) -> bool {
        if !self.is_failing {
            self.synced.append(&mut self.under_way);
        }
        !self.is_failing
    }

    /// The program or the machine stops. A batch that was being written may have made it.
    pub fn stop(&mut self, survives: bool) {
        let batch = std::mem::take(&mut self.under_way);
        if survives && !self.is_failing {
            self.synced.extend(batch);
        }
    }

    pub fn last(&self) -> Lsn {
        self.synced.last().map(|entry| entry.lsn).unwrap_or_default()
    }

    /// The fold of all entries; checks that doing it again changes nothing.
    pub fn fold(&self) -> State {
        let mut state = State::default();
        for entry in &self.synced {
            assert_eq!(state.apply(entry), Ok(()), "entries follow from each other");
        }
        let folded = state.clone();
        for entry in &self.synced {
            assert_eq!(state.apply(entry), Ok(()));
        }
        assert_eq!(state, folded, "applying entries again changes nothing");
        state
    }

    /// What verification says about the file.
    pub fn verify(&self) -> Report {
        let (mut verifier, mut link) = (Verifier::default(), GENESIS);
        for entry in &self.synced {
            let encoded = chain::encode(entry).expect("an entry is JSON");
            link = chain::hash(&link, encoded.as_bytes());
            verifier.read(entry.lsn, &encoded, &link, |_, _| {});
        }
        verifier.finish().1
    }
}

/// What a node asks of the hub.
#[derive(Clone, Debug)]
pub enum Question {
    /// Begins a session; everything of older ones is void.
    Register,
    Beat,
    /// After a start: grants become what was used.
    Rejoin(Vec<(AccountKey, u64, u64)>),
    /// For a request that waits, by its number.
    Lease(usize, Vec<LeaseNeed>),
    Report(Vec<(AccountKey, u64, u64)>),
    GiveBack(Vec<(AccountKey, u64)>),
    Ship(Vec<Entry>),
}

/// What the hub says.
#[derive(Clone, Debug)]
pub enum Answer {
    Session(u64),
    Alive(u32),
    Rejoined,
    Lease(usize, Result<Vec<Grant>, NotEnough>),
    Shipped(Lsn),
    Done,
    /// The session is over.
    Superseded,
}

/// The hub's database.
#[derive(Default)]
pub struct Hub {
    pub book: LeaseBook<usize>,
    sessions: HashMap<usize, u64>,
    beats: HashMap<usize, Time>,
    pub shipped: HashMap<usize, Vec<Entry>>,
    pub is_down: bool,
    pub is_slow: bool,
    /// How often it restarted: calls under way at that time are lost.
    pub restarts: u32,
}

impl Hub {
    fn live_nodes(&self, now: Time) -> u32 {
        let live = self.beats.values().filter(|beat| now - **beat <= ALIVE).count();
        u32::try_from(live).expect("there are few nodes").max(1)
    }

    pub fn answer(&mut self, node: usize, session: u64, question: Question, now: Time) -> Answer {
        if let Question::Register = question {
            let session = self.sessions.entry(node).or_default();
            *session += 1;
            return Answer::Session(*session);
        }
        if self.sessions.get(&node) != Some(&session) {
            return Answer::Superseded;
        }
        match question {
            Question::Register => unreachable!("answered above"),
            Question::Beat => {
                self.beats.insert(node, now);
                Answer::Alive(self.live_nodes(now))
            }
            Question::Rejoin(uses) => {
                let used: HashMap<_, _> = uses.iter().map(|(key, _, used)| (key.clone(), *used)).collect();
                self.book.release(node, |key| used.get(key).copied().unwrap_or(0));
                for (key, limit, used) in uses {
                    self.book.report(node, &key, limit, used);
                }
                Answer::Rejoined
            }
            Question::Lease(request, needs) => {
                let live = self.live_nodes(now);
                let asks: Vec<Ask> = needs.into_iter().map(ask).collect();
                Answer::Lease(request, self.book.lease(node, live, &asks))
            }
            Question::Report(uses) => {
                for (key, limit, used) in uses {
                    self.book.report(node, &key, limit, used);
                }
                Answer::Done
            }
            Question::GiveBack(parts) => {
                for (key, granted) in parts {
                    self.book.give_back(node, &key, granted);
                }
                Answer::Done
            }
            Question::Ship(entries) => {
                let shipped = self.shipped.entry(node).or_default();
                for entry in entries {
                    // What is there already is passed over.
                    if entry.lsn == shipped.last().map(|last| last.lsn).unwrap_or_default().next() {
                        shipped.push(entry);
                    }
                }
                Answer::Shipped(shipped.last().map(|last| last.lsn).unwrap_or_default())
            }
        }
    }
}

fn ask(need: LeaseNeed) -> Ask {
    Ask { key: need.key, limit: need.limit, carries_from: need.carries_from, need: need.need }
}
