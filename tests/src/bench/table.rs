//! Renders rounds as a table with the targets.

use std::fmt::Write as _;

use super::rounds::{Comparison, Measured, Round};
use super::{governed, scenarios, translations};

/// A figure that has a target: the smaller the better.
struct Target {
    scenario: &'static str,
    figure: &'static str,
    most: f64,
    of: fn(&Comparison) -> f64,
}

/// How much more processor time than nginx a request may take with everything on.
const MOST_GOVERNED: f64 = 3.0;

/// How much more processor time a translated stream may take.
const MOST_TRANSLATED: f64 = 2.0;

const TARGETS: [Target; 8] = [
    Target { scenario: "64 connections", figure: "CPU, times nginx", most: 3.0, of: cpu_ratio },
    Target { scenario: "burst stream", figure: "CPU, times nginx", most: 2.5, of: cpu_ratio },
    Target { scenario: "paced stream", figure: "CPU, times nginx", most: 1.8, of: cpu_ratio },
    Target { scenario: "1 connection", figure: "added p50, ms", most: 0.25, of: added_p50 },
    Target { scenario: "2,000 a second", figure: "added p50, ms", most: 0.25, of: added_p50 },
    Target { scenario: "2,000 a second", figure: "added p99, ms", most: 1.0, of: added_p99 },
    Target { scenario: "paced stream", figure: "added p50 to first output, ms", most: 0.5, of: added_first },
    Target { scenario: "1 connection, 0 ms", figure: "added p50 with the commit, ms", most: f64::NAN, of: added_p50 },
];

fn cpu_ratio(comparison: &Comparison) -> f64 {
    comparison.ours.cpu_ms / comparison.nginx.cpu_ms
}

fn added_p50(comparison: &Comparison) -> f64 {
    comparison.ours.p50_ms - comparison.direct.p50_ms
}

fn added_p99(comparison: &Comparison) -> f64 {
    comparison.ours.p99_ms - comparison.direct.p99_ms
}

fn added_first(comparison: &Comparison) -> f64 {
    comparison.ours.first_p50_ms - comparison.direct.first_p50_ms
}

/// The whole report.
pub fn render(rounds: &[Round]) -> String {
    let mut text = String::new();
    let _infallible = measured_rows(&mut text, rounds);
    let _infallible = target_rows(&mut text, rounds);
    let _infallible = governed_rows(&mut text, rounds);
    let _infallible = translation_rows(&mut text, rounds);
    let _infallible = program_rows(&mut text, rounds);
    let _infallible = ledger_rows(&mut text, rounds);
    text
}

/// Picks a contender of a comparison.
type Contender = fn(&Comparison) -> Measured;

fn measured_rows(text: &mut String, rounds: &[Round]) -> std::fmt::Result {
    writeln!(text, "Medians of {} rounds; CPU in ms a request, times in ms\n", rounds.len())?;
    writeln!(
        text,
        "{:<22} {:<11} {:>8} {:>9} {:>9} {:>9} {:>9} {:>6}",
        "load", "through", "CPU", "req/s", "p50", "p99", "first p50", "errors"
    )?;
    for (index, scenario) in scenarios::ALL.iter().enumerate() {
        let contenders: [(&str, Contender); 3] =
            [("nothing", |it| it.direct), ("nginx", |it| it.nginx), ("MegaRouter", |it| it.ours)];
        for (name, of) in contenders {
            let all: Vec<Measured> = rounds.iter().filter_map(|round| round.comparisons.get(index)).map(of).collect();
            let middle = |figure: fn(&Measured) -> f64| median(all.iter().map(figure).collect());
            let errors: u64 = all.iter().map(|it| it.errors).sum();
            let [cpu, rate] = [middle(|it| it.cpu_ms), middle(|it| it.per_second)];
            let [p50, p99, first] = [middle(|it| it.p50_ms), middle(|it| it.p99_ms), middle(|it| it.first_p50_ms)];
            let cpu = if cpu.is_nan() { String::from("-") } else { format!("{cpu:.4}") };
            writeln!(
                text,
                "{:<22} {name:<11} {cpu:>8} {rate:>9.0} {p50:>9.3} {p99:>9.3} {first:>9.3} {errors:>6}",
                scenario.name
            )?;
        }
    }
    Ok(())
}

fn target_rows(text: &mut String, rounds: &[Round]) -> std::fmt::Result {
    writeln!(text, "\n{:<22} {:<30} {:>8} {:>19} {:>8}", "load", "figure", "median", "least to most", "target")?;
    for Target { scenario, figure, most, of } in TARGETS {
        let mut all: Vec<f64> = rounds
            .iter()
            .flat_map(|round| &round.comparisons)
            .filter(|comparison| comparison.scenario.name == scenario)
            .map(of)
            .collect();
        all.sort_by(f64::total_cmp);
        let range = match (all.first(), all.last()) {
            (Some(least), Some(largest)) => format!("{least:.3} to {largest:.3}"),
            _ => String::new(),
        };
        let middle = median(all);
        let target = if most.is_nan() { String::from("none") } else { format!("{most}") };
        let verdict = if middle > most { "missed" } else { "" };
        writeln!(text, "{scenario:<22} {figure:<30} {middle:>8.3} {range:>19} {target:>8} {verdict}")?;
    }
    Ok(())
}

/// What an organisation, budgets, tags and sessions cost, against nginx in the same round.
fn governed_rows(text: &mut String, rounds: &[Round]) -> std::fmt::Result {
    writeln!(
        text,
        "\n{:<22} {:>8} {:>9} {:>9} {:>26}",
        "with everything on", "CPU", "req/s", "errors", "CPU, times nginx"
    )?;
    for (index, name) in governed::SCENARIOS.into_iter().enumerate() {
        let all: Vec<&Comparison> = rounds.iter().filter_map(|round| round.governed.get(index)).collect();
        let middle = |figure: fn(&Comparison) -> f64| median(all.iter().map(|it| figure(it)).collect());
        let (cpu, rate, ratio) = (middle(|it| it.ours.cpu_ms), middle(|it| it.ours.per_second), middle(cpu_ratio));
        let errors: u64 = all.iter().map(|it| it.ours.errors).sum();
        let verdict = if ratio > MOST_GOVERNED { " missed" } else { "" };
        let ratio = format!("{ratio:.2} (target {MOST_GOVERNED}){verdict}");
        writeln!(text, "{name:<22} {cpu:>8.4} {rate:>9.0} {errors:>9} {ratio:>26}")?;
    }
    Ok(())
}

/// What translating costs, against the same upstream without a translation in the same round.
fn translation_rows(text: &mut String, rounds: &[Round]) -> std::fmt::Result {
    writeln!(text, "\n{:<24} {:>8} {:>9} {:>9} {:>26}", "stream", "CPU", "req/s", "errors", "CPU, times untranslated")?;
    for pair in translations::ALL {
        let of =
            |round: &Round, name: &str| round.translations.iter().find(|it| it.pair.name == name).map(|it| it.ours);
        let own: Vec<Measured> = rounds.iter().filter_map(|round| of(round, pair.name)).collect();
        let [cpu, rate] = [|it: &Measured| it.cpu_ms, |it: &Measured| it.per_second]
            .map(|figure| median(own.iter().map(figure).collect()));
        let errors: u64 = own.iter().map(|it| it.errors).sum();
        let ratio = pair.compared_with.map(|other| {
            let ratios =
                rounds.iter().filter_map(|round| Some(of(round, pair.name)?.cpu_ms / of(round, other)?.cpu_ms));
            let ratio = median(ratios.collect());
            format!("{ratio:.2} (target {MOST_TRANSLATED}){}", if ratio > MOST_TRANSLATED { " missed" } else { "" })
        });
        writeln!(text, "{:<24} {cpu:>8.4} {rate:>9.0} {errors:>9} {:>26}", pair.name, ratio.unwrap_or_default())?;
    }
    Ok(())
}

fn program_rows(text: &mut String, rounds: &[Round]) -> std::fmt::Result {
    #[expect(clippy::cast_precision_loss, reason = "megabytes for people")]
    let megabytes = |of: fn(&Round) -> u64| median(rounds.iter().map(|round| of(round) as f64 / 1024.0).collect());
    let cold = median(rounds.iter().map(|round| round.cold_start.as_secs_f64()).collect());
    writeln!(text, "\ncold start {cold:.3} s (target 0.1)")?;
    writeln!(text, "RSS idle {:.1} MB (target 40)", megabytes(|round| round.idle_rss_kib))?;
    writeln!(text, "RSS after all load {:.1} MB", megabytes(|round| round.loaded_rss_kib))
}

fn ledger_rows(text: &mut String, rounds: &[Round]) -> std::fmt::Result {
    writeln!(text, "\nledger against the mock's count")?;
    for round in rounds {
        let ledger = round.ledger;
        let verdict = if ledger.booked == ledger.counted { "equal" } else { "NOT EQUAL" };
        let sums = ledger.counted;
        writeln!(
            text,
            "{verdict}: {} requests, {} + {} tokens, {} nano-dollars",
            sums.requests, sums.input, sums.output, sums.nanos
        )?;
        if ledger.booked != ledger.counted {
            writeln!(text, "  booked: {:?}", ledger.booked)?;
        }
    }
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
