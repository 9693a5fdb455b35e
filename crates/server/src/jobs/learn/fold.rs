//! Outcomes as the router learns from them.

use megarouter_domain::catalog::Date;
use megarouter_domain::money::NanoUsdPerMillion;
use megarouter_routing::learnt::{self, Learnt};
use megarouter_routing::predictor::sketch::Sketch;
use megarouter_routing::predictor::{ModelTraits, Predictor, Task};
use megarouter_store::settings::outcomes::Outcome;
use serde::{Deserialize, Serialize};

/// What was known of a model when an outcome was written down: what is known later must not change what
/// was learnt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Traits {
    #[serde(skip_serializing_if = "Option::is_none")]
    input_price: Option<NanoUsdPerMillion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_price: Option<NanoUsdPerMillion>,
    is_reasoning: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    released: Option<Date>,
}

impl From<&ModelTraits<'_>> for Traits {
    fn from(traits: &ModelTraits<'_>) -> Self {
        let ModelTraits { input_price, output_price, is_reasoning, context_tokens, released, .. } = *traits;
        Self { input_price, output_price, is_reasoning, context_tokens, released }
    }
}

impl Traits {
    const fn of<'a>(&self, name: &'a str) -> ModelTraits<'a> {
        let Self { input_price, output_price, is_reasoning, context_tokens, released } = *self;
        ModelTraits { name, input_price, output_price, is_reasoning, context_tokens, released }
    }
}

/// Learns from outcomes, in their order. Nothing is learnt from those whose model or task is not known.
pub(super) fn fold(learnt: &mut Learnt, outcomes: &[Outcome]) {
    for outcome in outcomes {
        let (Some(model), Some(record)) = (&outcome.model, &outcome.task) else { continue };
        let task = Task::of_record(record, outcome.sketch.as_deref().and_then(Sketch::from_bytes));
        let traits: Traits = serde_json::from_str(&outcome.traits).unwrap_or_default();
        let share = |thousandths: u16| f32::from(thousandths) / 1_000.0;
        let outcome = learnt::Outcome {
            task: &task,
            model: traits.of(model),
            score: share(outcome.feedback.score.get()),
            weight: share(outcome.feedback.signal.weight().get()),
        };
        learnt.learn(Predictor::embedded(), &outcome);
    }
}

#[cfg(test)]
mod tests {
    use megarouter_domain::clock::Timestamp;
    use megarouter_domain::feedback::{Feedback, Signal};
    use megarouter_domain::id::RequestId;
    use megarouter_domain::permille::Permille;
    use megarouter_routing::features::{Features, Text};

    use super::*;

    /// Numbers that look random and are the same in every run.
    struct Lots(u64);

    impl Lots {
        fn draw(&mut self, below: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % below
        }
    }

    fn outcome(number: u64, lots: &mut Lots) -> Outcome {
        let prompts = ["write a function that sorts", "prove that there are infinitely many primes", "hi", "résumé"];
        let prompt = format!("{} {}", prompts[usize::try_from(lots.draw(4)).unwrap()], lots.draw(100));
        let task = Predictor::embedded().task(&Features::of(&Text { user: &prompt, ..Text::default() }));
        let at = Timestamp::from_micros(1_795_348_800_000_000);
        let traits = Traits { input_price: Some(NanoUsdPerMillion(1 + lots.draw(9_000_000_000))), ..Traits::default() };
        Outcome {
            number,
            feedback: Feedback {
                request_id: RequestId::new(at, [1; 10]),
                at,
                signal: Signal::ALL[usize::try_from(lots.draw(7)).unwrap()],
                score: Permille::clamped(i64::try_from(lots.draw(1_001)).unwrap()),
                comment: None,
            },
            key_id: None,
            policy_id: None,
            model: (lots.draw(10) > 0).then(|| format!("model-{}", lots.draw(4))),
            deployment_id: None,
            expected: None,
            sketch: Some(task.sketch.to_bytes().to_vec()),
            task: Some(task.record()),
            traits: serde_json::to_string(&traits).unwrap(),
        }
    }

    #[test]
    fn what_is_learnt_is_the_same_whatever_the_batching_and_the_restarts() {
        for seed in 0..8 {
            let mut lots = Lots(seed);
            let outcomes: Vec<Outcome> = (1..=300).map(|number| outcome(number, &mut lots)).collect();
            let mut at_once = Learnt::default();
            fold(&mut at_once, &outcomes);
            let (mut in_pieces, mut rest) = (Learnt::default(), outcomes.as_slice());
            while !rest.is_empty() {
                let size = usize::try_from(1 + lots.draw(60)).unwrap().min(rest.len());
                let (piece, after) = rest.split_at(size);
                fold(&mut in_pieces, piece);
                // What is in force is refreshed, and what is folded on is not.
                in_pieces.clone().refresh();
                if lots.draw(3) == 0 {
                    in_pieces = Learnt::from_bytes(&in_pieces.to_bytes()).unwrap();
                }
                rest = after;
            }
            assert_eq!(in_pieces.to_bytes(), at_once.to_bytes(), "seed {seed}");
            assert!(at_once.outcomes() > 200);
        }
    }

    #[test]
    fn nothing_is_learnt_from_what_is_not_known() {
        let mut learnt = Learnt::default();
        let known = outcome(1, &mut Lots(3));
        let bare = Outcome { task: None, sketch: None, ..known.clone() };
        fold(&mut learnt, &[bare, Outcome { model: None, ..known.clone() }]);
        assert_eq!(learnt, Learnt::default());
        fold(&mut learnt, &[Outcome { model: Some("m".to_owned()), traits: "{}".to_owned(), ..known }]);
        assert_eq!(learnt.outcomes(), 1);
    }
}
