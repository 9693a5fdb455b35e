//! A short round of the fuzzer; `cargo xtask soak` runs a long one.

#[path = "../examples/fuzz/rounds/mod.rs"]
mod rounds;

#[test]
fn nothing_that_is_sent_breaks_what_reads_it() {
    let corpus = rounds::corpus::Corpus::read();
    for round in 0..400 {
        rounds::run(&corpus, 1, round);
    }
}
