//! Properties of features, predictions and learning over any text.

use proptest::prelude::*;

use super::*;
use crate::features::{SLOTS, Text};
use crate::learnt::Outcome;

const STRONG: ModelTraits<'static> = ModelTraits {
    name: "gpt-4o",
    input_price: None,
    output_price: None,
    is_reasoning: false,
    context_tokens: None,
    released: None,
};
const WEAK: ModelTraits<'static> = ModelTraits { name: "llama-3-8b", ..STRONG };

fn task(user: &str) -> Task {
    Predictor::embedded().task(&Features::of(&Text { user, ..Text::default() }))
}

fn is_share(value: f32) -> bool {
    (0.0..=1.0).contains(&value)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_gives_shares_and_bounded_features(user in "(\\PC|[\n\t(){}<>$\\\\\"]){0,400}", times in 1_usize..40) {
        let long = user.repeat(times);
        let text = Text { user: &long, ..Text::default() };
        let features = Features::of(&text);
        prop_assert!(features.dense.0.iter().all(|value| value.is_finite()));
        prop_assert!(features.slots.iter().all(|slot| usize::from(*slot) < SLOTS));
        prop_assert!(features.slots.len() <= 8 * 1024);
        prop_assert_eq!(&features, &Features::of(&text));
        let task = Predictor::embedded().task(&features);
        prop_assert!(is_share(task.need) && is_share(task.difficulty) && is_share(task.family_confidence));
        prop_assert!(task.evidence.len() <= MOST_EVIDENCE);
        let quality = Predictor::embedded().quality(&task, &STRONG, &Learnt::default());
        prop_assert!(is_share(quality.mean) && quality.sd.is_finite() && quality.sd > 0.0);
    }

    #[test]
    fn whatever_was_learnt_leaves_shares(outcomes in prop::collection::vec(("[a-z ?0-9]{0,60}", 0_usize..3, -1.0_f32..2.0, 0.0_f32..2.0), 0..80)) {
        let mut learnt = Learnt::default();
        let names = ["gpt-4o", "ours", ""];
        for (prompt, model, score, weight) in &outcomes {
            let model = ModelTraits { name: names[*model], ..STRONG };
            learnt.learn(Predictor::embedded(), &Outcome { task: &task(prompt), model, score: *score, weight: *weight });
        }
        learnt.refresh();
        let read = Learnt::from_bytes(&learnt.to_bytes()).expect("what was written");
        prop_assert_eq!(&read, &learnt);
        let task = task("What is 2 + 2?");
        prop_assert!(is_share(learnt.need(&task)));
        prop_assert!(is_share(Predictor::embedded().quality(&task, &STRONG, &learnt).mean));
    }

    #[test]
    fn damaged_state_is_refused_or_read_but_never_fatal(at in 0_usize..4_000, byte in any::<u8>(), cut in 0_usize..4_000) {
        let mut learnt = Learnt::default();
        learnt.learn(Predictor::embedded(), &Outcome { task: &task("Why?"), model: STRONG, score: 1.0, weight: 1.0 });
        let mut bytes = learnt.to_bytes();
        prop_assert!(Learnt::from_bytes(&bytes[..cut.min(bytes.len() - 1)]).is_err());
        let place = at % bytes.len();
        bytes[place] = byte;
        if let Ok(read) = Learnt::from_bytes(&bytes) {
            prop_assert!(read.need(&task("Why?")).is_finite());
        }
    }
}

#[test]
fn numbers_that_are_none_are_not_learnt_from() {
    let mut learnt = Learnt::default();
    for (score, weight) in [(f32::NAN, 1.0), (1.0, f32::NAN), (1.0, 0.0), (1.0, -1.0)] {
        learnt.learn(Predictor::embedded(), &Outcome { task: &task("Why?"), model: STRONG, score, weight });
    }
    assert_eq!(learnt, Learnt::default());
}

#[test]
fn tool_definitions_and_reminders_are_no_difficulty() {
    let plain = task("Book a table for two.");
    let tools = "[{\"name\": \"book\", \"parameters\": {\"type\": \"object\", \"properties\": {\"when\": {\"type\": \"string\"}}}}]";
    let reminder = "<system-reminder>If the integral of x over 3 is 12, then prove every step.</system-reminder>";
    let noisy = task(&format!("Book a table for two.{reminder}"));
    assert_eq!(noisy.need, plain.need);
    assert_eq!(task(&format!("Book a table for two.\n\nTools: {tools}")).family, Family::Tools);
}

#[test]
fn several_steps_need_more_than_one() {
    let one = task("What is the capital of France?");
    let several = task(
        "A tank holds 120 litres. If it drains at 3 litres per minute, and after 10 minutes another pipe adds 1.5 litres per minute, then how many minutes pass until it is empty?",
    );
    assert!(several.need > one.need);
}

#[test]
fn a_strong_model_is_further_ahead_where_the_need_is_greater() {
    let gap = |task: &Task| {
        let quality = |model: &ModelTraits<'_>| Predictor::embedded().prior(task, model).mean;
        quality(&STRONG) - quality(&WEAK)
    };
    let (low, high) = (Task { need: 0.3, ..task("Why?") }, Task { need: 0.7, ..task("Why?") });
    assert!(gap(&high) > gap(&low) && gap(&low) > 0.0);
}

/// Prompts of which the odd ones, told by a word, are where only the strong model does well.
fn prompt(number: usize) -> String {
    let word = if number % 2 == 1 { "transmogrify" } else { "tabulate" };
    format!("Please {word} item {} of the list called {}.", number * 7 % 100, number % 13)
}

fn taught(count: usize, strong_gains: impl Fn(usize) -> f32) -> Learnt {
    let mut learnt = Learnt::default();
    for number in 0..count {
        let task = task(&prompt(number));
        for (model, score) in [(STRONG, 0.9), (WEAK, 0.9 - strong_gains(number))] {
            learnt.learn(Predictor::embedded(), &Outcome { task: &task, model, score, weight: 1.0 });
        }
    }
    learnt.refresh();
    learnt
}

#[test]
fn outcomes_teach_where_strong_models_gain() {
    let learnt = taught(400, |number| if number % 2 == 1 { 0.8 } else { 0.0 });
    let ahead = (1_000..1_100)
        .step_by(2)
        .filter(|number| learnt.need(&task(&prompt(number + 1))) > learnt.need(&task(&prompt(*number))));
    assert!(ahead.count() >= 45, "of 50");
    let total = learnt.report().total();
    assert_eq!(total.outcomes, 800);
    assert!(total.squared_error < total.prior_squared_error / 2.0);
}

#[test]
fn noise_teaches_nothing_but_the_mean() {
    // A hash of the number stands for chance: it has nothing to do with the prompt's words.
    let chance = |number: usize| if (number as u32).wrapping_mul(0x9e37_79b9) >> 31 == 0 { 0.0 } else { 0.8 };
    let learnt = taught(400, chance);
    let needs: Vec<f32> = (1_000..1_040).map(|number| learnt.need(&task(&prompt(number)))).collect();
    let (least, most) =
        needs.iter().fold((1.0_f32, 0.0_f32), |(least, most), need| (least.min(*need), most.max(*need)));
    assert!(most - least < 0.25, "{least} to {most}");
}

#[test]
fn the_need_stays_as_it_was_while_nothing_was_foretold_better() {
    let learnt = taught(8, |number| if number % 2 == 1 { 0.8 } else { 0.0 });
    for number in 1_000..1_020 {
        let task = task(&prompt(number));
        assert_eq!(learnt.need(&task), task.need);
    }
}

#[test]
fn what_was_learnt_is_told_and_forgotten() {
    let mut learnt = taught(50, |_| 0.5);
    let summary = learnt.summary();
    let of_weak = summary.iter().find(|summary| summary.model == "llama-3-8b" && summary.family.is_none());
    assert_eq!(of_weak.map(|summary| summary.weight), Some(50.0));
    assert!(summary.iter().any(|summary| summary.family.is_some()));
    learnt.reset();
    assert_eq!(learnt, Learnt::default());
}
