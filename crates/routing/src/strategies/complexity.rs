//! Easy requests to the first models of the list, hard ones to the last.

use super::{Asks, Brief, Kind, Record, Sessions, SettingRecord, Special, by_cost};
use crate::candidate::Candidate;
use crate::predictor::permille;

pub(super) const RECORD: Record = Record {
    id: "complexity",
    name: "By difficulty",
    about: "Sends easy requests to the first model of the list and hard ones to the last, with those between them for \
            what is in between. Simple to foresee; learned utility usually does better.",
    settings: &[
        SettingRecord {
            name: "rank",
            title: "Weak to strong",
            about: "What puts the models in order from weak to strong.",
            kind: Kind::Choice {
                of: &[("listed", "the list"), ("price", "their price, the cheapest first")],
                default: "listed",
            },
        },
        SettingRecord {
            name: "easy_up_to",
            title: "Easy up to",
            about: "Requests with at most this need of a strong model go to the weakest one.",
            kind: Kind::Number { min: 0, max: 1_000, default: 420, unit: "thousandths" },
        },
        SettingRecord {
            name: "hard_from",
            title: "Hard from",
            about: "Requests with at least this need of a strong model go to the strongest one.",
            kind: Kind::Number { min: 0, max: 1_000, default: 600, unit: "thousandths" },
        },
    ],
    asks: Asks::Task,
    sessions: Sessions::Decide,
    order,
};

fn order(brief: &Brief<'_>, candidates: &mut [Candidate<'_>]) -> Special {
    if brief.settings.word("rank") == "price" {
        candidates.sort_by_key(|candidate| by_cost(candidate));
    }
    let mut ranks: Vec<u32> = Vec::with_capacity(candidates.len());
    for candidate in candidates.iter() {
        if !ranks.contains(&candidate.place) {
            ranks.push(candidate.place);
        }
    }
    let need = i64::from(permille(brief.look.around.learnt.need(brief.task())).get());
    let (easy, hard) = (brief.settings.number("easy_up_to"), brief.settings.number("hard_from"));
    let wanted = rank(need, easy, hard, ranks.len());
    let rank_of = |candidate: &Candidate<'_>| ranks.iter().position(|place| *place == candidate.place).unwrap_or(0);
    // Then stronger ones, nearest first; weaker ones only after those.
    candidates.sort_by_key(|candidate| {
        let rank = rank_of(candidate);
        (rank < wanted, rank.abs_diff(wanted))
    });
    Special::None
}

/// Which of `count` ranks fits a need.
fn rank(need: i64, easy: i64, hard: i64, count: usize) -> usize {
    let top = count.saturating_sub(1);
    match () {
        () if need >= hard.max(easy + 1) => top,
        () if need <= easy || top < 2 => 0,
        // Between the two lines, the ranks that are left divide the way evenly.
        () => {
            let between = usize::try_from((need - easy) * i64::try_from(top - 1).unwrap_or(0) / (hard - easy).max(1));
            1 + between.unwrap_or(0).min(top - 2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_are_spread_over_the_ranks() {
        let ranks: Vec<_> = [0, 420, 421, 480, 540, 599, 600, 1_000].map(|need| rank(need, 420, 600, 4)).into();
        assert_eq!(ranks, [0, 0, 1, 1, 2, 2, 3, 3]);
        assert_eq!([0, 500, 600].map(|need| rank(need, 420, 600, 2)), [0, 0, 1]);
        assert_eq!(rank(700, 420, 600, 1), 0);
        assert_eq!(rank(500, 600, 400, 3), 0, "lines that cross leave nothing between them");
    }
}
