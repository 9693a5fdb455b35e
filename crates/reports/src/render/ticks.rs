//! Round numbers for the money axis, in whole nano-dollars.

use megarouter_domain::money::NanoUsd;

use crate::words::fixed_money;

const MOST_STEPS: i64 = 5;

/// The axis from zero to at least `highest`: values with their labels, lowest first.
pub fn money_axis(highest: NanoUsd) -> Vec<(NanoUsd, String)> {
    let highest = highest.0.max(1);
    let step = round_step(highest);
    let digits = digits_after_point(step);
    let count = highest.saturating_sub(1) / step + 1;
    (0..=count)
        .map(|index| NanoUsd(step.saturating_mul(index)))
        .map(|amount| (amount, fixed_money(amount, digits)))
        .collect()
}

/// The smallest 1, 2 or 5 times a power of ten that needs no more steps than allowed.
fn round_step(highest: i64) -> i64 {
    let mut power = 1_i64;
    loop {
        for factor in [1, 2, 5] {
            let step = power.saturating_mul(factor);
            if step.saturating_mul(MOST_STEPS) >= highest {
                return step;
            }
        }
        power = power.saturating_mul(10);
    }
}

fn digits_after_point(step: i64) -> u32 {
    if step >= 1_000_000_000 {
        return 0;
    }
    let needed = 9 - step.ilog10();
    needed.max(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(highest: i64) -> Vec<String> {
        money_axis(NanoUsd(highest)).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn labels_are_round_and_cover_the_highest_amount() {
        assert_eq!(labels(7_700_000_000), ["$0", "$2", "$4", "$6", "$8"]);
        assert_eq!(labels(3_100_000), ["$0.000", "$0.001", "$0.002", "$0.003", "$0.004"]);
        assert_eq!(labels(480_000_000), ["$0.00", "$0.10", "$0.20", "$0.30", "$0.40", "$0.50"]);
        assert_eq!(labels(4_000_000_000_000).last().unwrap(), "$4,000");
    }

    #[test]
    fn nothing_spent_still_has_an_axis() {
        assert_eq!(labels(0).len(), 2);
    }

    #[test]
    fn the_largest_amount_does_not_overflow() {
        assert!(money_axis(NanoUsd::MAX).len() <= 7);
    }
}
