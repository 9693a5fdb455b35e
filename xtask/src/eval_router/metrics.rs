//! How good a ranking by need is: the area under the recovered gap, and the cost at nearly all of it.

/// One row as two models did on it: score and cost of the weak, then of the strong one.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// The weak model's score.
    pub weak: f64,
    /// The strong model's score.
    pub strong: f64,
    /// What the weak model cost, in USD.
    pub weak_cost: f64,
    /// What the strong model cost, in USD.
    pub strong_cost: f64,
}

/// The places of values from the greatest to the least; equal ones keep their order.
fn order(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|left, right| scores[*right].total_cmp(&scores[*left]));
    order
}

/// The mean share of the gap between the models that is recovered when rows go to the strong model in
/// the order of their scores, over all shares of strong calls; one half for a random order. Rows of the
/// same score count by their mean.
pub fn apgr(scores: &[f64], pairs: &[Pair]) -> f64 {
    let order = order(scores);
    let gap: f64 = pairs.iter().map(|pair| pair.strong - pair.weak).sum();
    let (mut area, mut sum, mut start) = (0.0, 0.0, 0);
    while start < order.len() {
        let end = (start..order.len())
            .find(|place| scores[order[*place]].total_cmp(&scores[order[start]]).is_ne())
            .unwrap_or(order.len());
        let mean = order[start..end].iter().map(|row| pairs[*row].strong - pairs[*row].weak).sum::<f64>()
            / (end - start) as f64;
        for _ in start..end {
            area += sum + mean / 2.0;
            sum += mean;
        }
        start = end;
    }
    area / gap / pairs.len() as f64
}

/// What reaching 95 % of the gap costs, as a share of always asking the strong model.
pub fn cost_at_95(scores: &[f64], pairs: &[Pair]) -> f64 {
    let all: f64 = pairs.iter().map(|pair| pair.strong_cost).sum();
    let gap: f64 = pairs.iter().map(|pair| pair.strong - pair.weak).sum();
    let mut cost: f64 = pairs.iter().map(|pair| pair.weak_cost).sum();
    let mut gained = 0.0;
    for row in order(scores) {
        if gained >= 0.95 * gap {
            break;
        }
        gained += pairs[row].strong - pairs[row].weak;
        cost += pairs[row].strong_cost - pairs[row].weak_cost;
    }
    cost / all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(gains: &[f64]) -> Vec<Pair> {
        gains.iter().map(|gain| Pair { weak: 0.0, strong: *gain, weak_cost: 1.0, strong_cost: 10.0 }).collect()
    }

    #[test]
    fn a_perfect_order_is_better_than_none_and_the_reverse_worse() {
        let rows = rows(&[1.0, 0.0, 0.0, 1.0]);
        assert!((apgr(&[2.0, 1.0, 1.0, 2.0], &rows) - 0.75).abs() < 1e-12);
        assert!((apgr(&[0.0; 4], &rows) - 0.5).abs() < 1e-12);
        assert!((apgr(&[1.0, 2.0, 2.0, 1.0], &rows) - 0.25).abs() < 1e-12);
    }

    #[test]
    fn reaching_all_of_the_gap_costs_only_what_gains() {
        let rows = rows(&[1.0, 0.0, 0.0, 1.0]);
        assert!((cost_at_95(&[2.0, 1.0, 1.0, 2.0], &rows) - 22.0 / 40.0).abs() < 1e-12);
    }
}
