//! Counts passed and failed tests in what the test runners print.

use std::ops::AddAssign;

/// Numbers of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tests that held.
    pub passed: u32,
    /// Tests that did not.
    pub failed: u32,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// How nextest's last line begins.
const NEXTEST: &str = "Summary [";

/// Adds up the summary lines of `cargo test`, cargo-nextest and vitest.
pub fn count(output: &str) -> Tally {
    let lines: Vec<String> = output.lines().map(|line| without_colour(line).trim_start().to_owned()).collect();
    // nextest shows what a failed test printed, which ends like the output of `cargo test`.
    let is_nextest = lines.iter().any(|line| line.starts_with(NEXTEST));
    let is_summary = |line: &&String| {
        let starts: &[&str] = if is_nextest { &[NEXTEST] } else { &["test result:", "Tests  "] };
        starts.iter().any(|start| line.starts_with(start))
    };
    let mut total = Tally::default();
    for line in lines.iter().filter(is_summary) {
        total += Tally { passed: number_before(line, "passed"), failed: number_before(line, "failed") };
    }
    total
}

/// The number that stands before `word`; 0 when there is none.
fn number_before(line: &str, word: &str) -> u32 {
    let words: Vec<&str> = line.split_whitespace().map(|it| it.trim_matches([',', ';'])).collect();
    let found = words.windows(2).find(|pair| pair[1] == word).and_then(|pair| pair[0].parse().ok());
    found.unwrap_or(0)
}

fn without_colour(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut parts = line.split("\u{1b}[");
    kept.push_str(parts.next().unwrap_or_default());
    for part in parts {
        kept.push_str(part.split_once('m').map_or(part, |(_, rest)| rest));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_cargo_test() {
        let output = "running 2 tests\ntest result: ok. 12 passed; 0 failed; 1 ignored; 0 measured\n\
                      test result: FAILED. 3 passed; 2 failed; 0 ignored;\n";
        assert_eq!(count(output), Tally { passed: 15, failed: 2 });
    }

    #[test]
    fn reads_nextest() {
        let output = "    test result: FAILED. 0 passed; 1 failed; 0 ignored;\n     Summary [   1.204s] 40 tests run: 38 passed, 2 failed, 0 skipped\n";
        assert_eq!(count(output), Tally { passed: 38, failed: 2 });
    }

    #[test]
    fn reads_vitest_with_colours() {
        let output = " Test Files  3 passed (3)\n\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[32m21 passed\u{1b}[39m\u{1b}[22m (21)\n";
        assert_eq!(count(output), Tally { passed: 21, failed: 0 });
    }
}
