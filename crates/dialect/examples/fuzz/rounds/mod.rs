//! Rounds of a mutation fuzzer: fixtures with something wrong in them, for everything that reads what
//! others send. A round depends on its seed and number alone.

pub mod corpus;
mod random;
mod targets;

use corpus::{CLIENTS, Corpus};
use megarouter_domain::dialect::Dialect;
use random::Random;

/// Tries everything once with one change to each kind of fixture.
pub fn run(corpus: &Corpus, seed: u64, round: u64) {
    let random = &mut Random::of(seed, round);
    let (stream, other) = (random.choose(&corpus.streams), random.choose(&corpus.streams));
    targets::truncate(stream.dialect, &stream.bytes, random);
    let mutated = random.mutate(&stream.bytes, &other.bytes);
    targets::decode(&stream.name, stream.dialect, &mutated, random);
    let client = *random.choose(&CLIENTS);
    targets::translate(stream.dialect, client, &mutated, random);
    if stream.dialect != Dialect::BedrockConverse {
        targets::pass(stream.dialect, &mutated, random);
    }
    let (request, other) = (random.choose(&corpus.requests), random.choose(&corpus.requests));
    targets::ask(request.dialect, &random.mutate(&request.bytes, &other.bytes));
    let (answer, other) = (random.choose(&corpus.answers), random.choose(&corpus.answers));
    targets::answer(answer.dialect, &random.mutate(&answer.bytes, &other.bytes));
}
