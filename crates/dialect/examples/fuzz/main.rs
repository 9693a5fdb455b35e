//! Fuzzes everything that reads what clients and providers send, for so many seconds: `cargo run
//! --example fuzz -- SECONDS [SEED [FIRST_ROUND]]`. A failure names the seed and the round, which give
//! it again; `cargo xtask soak` runs it.

mod rounds;

use std::io::Write as _;
use std::panic;
use std::time::{Duration, Instant};

fn main() -> std::io::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let mut next = |usual: u64| numbers.next().unwrap_or(Ok(usual)).map_err(std::io::Error::other);
    let (seconds, seed, first) = (next(60)?, next(1)?, next(0)?);
    let corpus = rounds::corpus::Corpus::read();
    let start = Instant::now();
    let mut round = first;
    while start.elapsed() < Duration::from_secs(seconds) {
        if panic::catch_unwind(|| rounds::run(&corpus, seed, round)).is_err() {
            return Err(std::io::Error::other(format!("seed {seed}, round {round} failed")));
        }
        round += 1;
    }
    writeln!(std::io::stdout(), "{} rounds of fuzzing from seed {seed}", round - first)
}
