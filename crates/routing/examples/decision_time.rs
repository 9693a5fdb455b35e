//! Times decisions on prompts of 8 KB: prose, code, tool definitions.
//!
//! `cargo run --release -p megarouter-routing --example decision_time`
#![expect(clippy::print_stdout, reason = "a measurement is there to be read")]

use std::hint::black_box;
use std::time::Instant;

use megarouter_routing::features::{Features, Text};
use megarouter_routing::predictor::Predictor;

const BYTES: usize = 8 * 1024;
const TIMES: usize = 5_000;

fn main() {
    let prose = "If the 3rd tank holds 12.5 litres and drains twice as fast, when (in minutes) is it empty? ";
    let code = "    for index in range(len(items)):\n        if items[index] < limit:\n            total += weights[index] * 2\n";
    let tool = "{\"name\": \"f\", \"parameters\": {\"properties\": {\"a\": {\"type\": \"integer\", \"description\": \"One.\"}}}}, ";
    time("prose", prose, "");
    time("code", code, "");
    time("tools", tool, "Book it.\n\nTools: [");
}

fn time(name: &str, part: &str, before: &str) {
    let mut prompt = before.to_owned();
    while prompt.len() < BYTES {
        prompt += part;
    }
    prompt.truncate(BYTES);
    let predictor = Predictor::embedded();
    let decide = |_| {
        let start = Instant::now();
        black_box(predictor.task(&Features::of(&Text { user: &prompt, ..Text::default() })));
        start.elapsed()
    };
    let mut times: Vec<_> = (0..TIMES).map(decide).collect();
    times.sort_unstable();
    println!("{name}: median {:?}, p99 {:?}", times[TIMES / 2], times[TIMES * 99 / 100]);
}
