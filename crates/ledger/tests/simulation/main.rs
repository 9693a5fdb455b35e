//! A deterministic simulation: one to eight nodes with the real engine share budgets through a hub,
//! while disks fail, machines stop, clocks jump, the hub is away and providers say what they like.
//!
//! Of the 18 invariants it checks, by their numbers: 1 and 5 (accounts derived anew from the journal
//! are those of the engine; grants stay within limits), 2 (a fold is a fold, also twice), 3 (a hold
//! ends once), 4 (no call without a hold, no output before the hold is durable), 6 (overage is told
//! apart), 7 (instants never go back, also over restarts), 8 (verification prices every ending anew),
//! 10 and 12 (calls made against calls in journals), 13 (the chain), 14 (no hold is left over),
//! 17 (every node serves and ships when the faults have stopped), 18 (without the hub nobody gets
//! more). 9, 11, 15 and 16 are about wire formats, streams, authority and secrets, and are checked
//! with the crates that have them.
//!
//! A failure names its seed: `SEED=123 cargo test -p megarouter-ledger --test simulation one_seed -- --ignored`.
//! More seeds, from FIRST on: `SEEDS=10000 cargo test -p megarouter-ledger --release --test simulation many_seeds -- --ignored --nocapture`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod checks;
mod clients;
#[path = "../kit/mod.rs"]
mod kit;
mod line;
#[path = "../reference/naive.rs"]
#[expect(dead_code, reason = "the reference judges holds too")]
mod naive;
mod node;
mod parts;
mod trouble;
mod world;

use std::panic::catch_unwind;

use world::{Figures, Plan, World};

/// Seeds of the ordinary run.
const SEEDS: u64 = 200;

fn plan(seed: u64) -> Plan {
    let nodes = usize::try_from(seed % 8).unwrap() + 1;
    Plan { seed, nodes, is_calm: seed.is_multiple_of(5), is_strict: !seed.is_multiple_of(3) }
}

/// Runs a seed and checks what must hold of its figures.
fn run(seed: u64) -> Figures {
    let plan = plan(seed);
    let Ok(figures) = catch_unwind(|| World::new(plan).run()) else { panic!("seed {seed} fails: {plan:?}") };
    let faults = (figures.overspend, figures.lost, figures.duplicate, figures.leaked);
    assert_eq!(faults, (0, 0, 0, 0), "overspend, lost, duplicate, leaked with seed {seed}: {plan:?}");
    if plan.is_strict {
        assert_eq!(figures.surprise, 0, "seed {seed} spends beyond a strict limit: {plan:?}");
    }
    figures
}

/// A number from the environment.
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs so many seeds and says what they add up to.
#[expect(clippy::print_stdout, reason = "the figures are for people")]
fn run_all(first: u64, seeds: u64) {
    let all: Vec<Figures> = (first..first + seeds).map(run).collect();
    let sum = |part: fn(&Figures) -> u64| all.iter().map(part).sum::<u64>();
    let most = |part: fn(&Figures) -> u64| all.iter().map(part).max().unwrap_or(0);
    let used: Vec<u64> = all.iter().filter_map(|figures| figures.utilisation).collect();
    let mean = used.iter().sum::<u64>() / u64::try_from(used.len()).unwrap().max(1);
    println!("{seeds} seeds, {} requests, {} crashes", sum(|run| run.requests), sum(|run| run.crashes));
    println!("{} refused by limits, {} unavailable", sum(|run| run.refused), sum(|run| run.unavailable));
    println!(
        "overspend {}, lost {}, duplicate {}, leaked {}",
        0,
        sum(|run| run.lost),
        sum(|run| run.duplicate),
        sum(|run| run.leaked)
    );
    println!("calls of the last moment before a stop that delivered nothing: {}", sum(|run| run.unseen));
    println!(
        "beyond a limit by calls that cost more than their holds: at most {} thousandths",
        most(|run| run.surprise)
    );
    println!("used before the first refusal: {mean} % on average, at least {} %", used.iter().min().unwrap_or(&0));
    assert!(used.is_empty() || mean >= 90, "limits are used up before anything is refused");
}

#[test]
fn two_hundred_seeds() {
    run_all(1, SEEDS);
}

#[test]
#[ignore = "runs as long as it is asked to"]
fn many_seeds() {
    run_all(asked("FIRST").unwrap_or(1), asked("SEEDS").unwrap_or(10_000));
}

#[test]
#[ignore = "repeats one seed"]
fn one_seed() {
    World::new(plan(asked("SEED").unwrap_or(1))).run();
}
