//! Whatever is batched, retried, dropped and crashed in between: the tables are what the entries say.

use crate::journal::posted;
use crate::traffic::{Call, NOON};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::usage::Usage;
use megarouter_ledger::engine::Engine;
use megarouter_ledger::entry::{Entry, Fact};
use megarouter_store::ledger::Ledger;
use proptest::prelude::*;

/// Calls under way at once.
const CALLS: u16 = 5;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// The next thing that happens to a call.
    Go { call: u16 },
    /// A long stream says how far it is.
    Progress { call: u16 },
    /// What is queued is written; perhaps nobody hears that it was.
    Write { is_heard: bool },
    /// The program dies with what is queued.
    Crash,
}

struct World {
    dir: tempfile::TempDir,
    ledger: Ledger,
    engine: Engine,
    /// Entries that are not known to be durable.
    queue: Vec<Entry>,
    /// Each call's number and how far it is.
    calls: Vec<(Call, u8)>,
    next: u16,
    /// The sum of all resolutions that were written.
    posted: NanoUsd,
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let ledger = Ledger::open(dir.path()).await.expect("a new ledger");
        let engine = ledger.recover("test", NOON).await.expect("a first run");
        let calls = (0..CALLS).map(|number| (new_call(number), 0)).collect();
        Self { dir, ledger, engine, queue: vec![], calls, next: CALLS, posted: NanoUsd::ZERO }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Go { call } => self.go(usize::from(call)),
            Step::Progress { call } => self.progress(usize::from(call)),
            Step::Write { is_heard } => self.write(is_heard).await,
            Step::Crash => self.crash().await,
        }
    }

    fn go(&mut self, place: usize) {
        let (call, done) = &mut self.calls[place];
        let entry = match *done {
            0 => call.hold(&mut self.engine),
            1 => call.settle(&mut self.engine),
            _ => call.finish(&mut self.engine),
        };
        self.queue.push(entry);
        *done += 1;
        if *done > 2 {
            self.calls[place] = (new_call(self.next), 0);
            self.next += 1;
        }
    }

    fn progress(&mut self, place: usize) {
        let usage = Usage { input: Some(900), output: Some(17), ..Usage::UNREPORTED };
        let (call, _) = &self.calls[place];
        self.queue.extend(self.engine.progress(call.attempt_id(), usage, call.at));
    }

    async fn write(&mut self, is_heard: bool) {
        let before = self.ledger.durable().await.expect("the file can be read");
        self.ledger.append(&self.queue).await.expect("room on the disk");
        let new = self.queue.iter().filter(|entry| entry.lsn > before);
        self.posted += new.map(charged).sum();
        if is_heard {
            self.queue.clear();
        }
    }

    async fn crash(&mut self) {
        self.queue.clear();
        self.ledger = Ledger::open(self.dir.path()).await.expect("the file opens again");
        let before = self.ledger.durable().await.expect("the file can be read").0;
        self.engine = self.ledger.recover("test", NOON).await.expect("a new run");
        assert_eq!(self.engine.open_holds(), 0);
        assert!(self.engine.last().0 > before);
        self.posted = posted(&self.ledger).await;
        for (call, done) in &mut self.calls {
            (*call, *done) = (new_call(self.next), 0);
            self.next += 1;
        }
    }
}

fn new_call(number: u16) -> Call {
    let key = u8::try_from(number % 2).unwrap_or(0);
    Call { key, provider: key + 3, is_priced: !number.is_multiple_of(7), ..Call::new(number, NOON) }
}

fn charged(entry: &Entry) -> NanoUsd {
    match &entry.fact {
        Fact::Resolve { resolution, .. } => resolution.cost().amount(),
        _ => NanoUsd::ZERO,
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (0..CALLS).prop_map(|call| Step::Go { call }),
        4 => (0..CALLS).prop_map(|call| Step::Progress { call }),
        6 => any::<bool>().prop_map(|is_heard| Step::Write { is_heard }),
        1 => Just(Step::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_tables_are_what_the_entries_say(steps in prop::collection::vec(step(), 0..120)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in steps {
                world.take(step).await;
            }
            world.write(true).await;
            let report = world.ledger.verify().await.unwrap();
            assert!(report.is_sound(), "{:#?}", report.unexplained);
            assert_eq!(report.open_holds, u64::try_from(world.engine.open_holds()).unwrap());
            assert_eq!(posted(&world.ledger).await, world.posted);
            world.crash().await;
            let report = world.ledger.verify().await.unwrap();
            assert!(report.is_sound(), "{:#?}", report.unexplained);
            assert_eq!((report.open_holds, report.posted), (0, world.posted));
        });
    }
}

/// The server moves these between threads.
#[test]
fn the_ledgers_work_can_be_spawned() {
    fn is_send<T: Send>(_: impl FnOnce(&'static Ledger) -> T) {}
    is_send(|ledger| ledger.append(&[]));
    is_send(|ledger| ledger.recover("", NOON));
    is_send(Ledger::durable);
    is_send(Ledger::verify);
}
