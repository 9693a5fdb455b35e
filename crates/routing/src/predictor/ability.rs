//! How able a model is before anything was seen of it: by its line if that was measured, else by its price, its age and its name.

use super::{ModelTraits, Quality, Task, squash};

/// A line of models that the training data has answers of: how its public names begin, and when it came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// What a name begins with, after the maker's path and in lower case.
    pub name: &'static str,
    /// Its publication, in months since January 2023.
    pub month: i16,
}

const fn line(name: &'static str, month: i16) -> Line {
    Line { name, month }
}

/// The lines that were measured. Dates are the makers' announcements, by month (read 2026-11-22).
pub const LINES: [Line; 44] = [
    line("gpt-4o-mini", 18),
    line("gpt-4o", 16),
    line("chatgpt-4o", 19),
    line("gpt-4-turbo", 15),
    line("gpt-4-1106", 10),
    line("gpt-4-0314", 2),
    line("gpt-3.5-turbo", 12),
    line("o1-mini", 20),
    line("o1-preview", 20),
    line("claude-3-5-sonnet", 19),
    line("claude-3-5-haiku", 21),
    line("claude-3-opus", 13),
    line("claude-3-sonnet", 13),
    line("claude-3-haiku", 14),
    line("claude-instant", 7),
    line("gemini-1.5-pro", 18),
    line("gemini-1.5-flash", 18),
    line("gemini-1.0-pro", 11),
    line("gemma-2-27b", 17),
    line("gemma-2-9b", 17),
    line("gemma-7b", 13),
    line("llama-3.1-405b", 18),
    line("llama-3.1-70b", 18),
    line("llama-3.1-8b", 18),
    line("llama-3-70b", 15),
    line("llama-3-8b", 15),
    line("mistral-large", 18),
    line("mistral-medium", 11),
    line("mistral-small", 13),
    line("mistral-nemo", 18),
    line("mistral-7b", 11),
    line("mixtral-8x22b", 15),
    line("mixtral-8x7b", 11),
    line("qwen2.5-72b", 20),
    line("qwen2.5-32b", 20),
    line("qwen2.5-7b", 20),
    line("qwen2-72b", 17),
    line("qwen2-7b", 17),
    line("deepseek-v2.5", 20),
    line("deepseek-coder-v2", 17),
    line("command-r-plus", 15),
    line("command-r", 14),
    line("grok-2", 23),
    line("phi-3", 15),
];

/// The ability of a model of no measured line: a start, and what price, age and thinking add.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend(pub [f32; 4]);

/// A model's ability, on the scale where an average request of an average family is at 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ability {
    /// The expected ability.
    pub mean: f32,
    /// The standard deviation of that.
    pub sd: f32,
}

/// How unsure a measured ability is for another kind of work.
const MEASURED_SD: f32 = 0.35;
/// How unsure the trend is.
const TREND_SD: f32 = 0.8;
/// The month that is meant where a model's publication is not known: the end of 2024.
const UNKNOWN_MONTH: f32 = 24.0;
/// The price that is meant where none is known, in USD per million tokens of output.
const UNKNOWN_PRICE: f32 = 1.0;
/// Beyond the measured years the trend is followed only so far.
const LAST_MONTH: f32 = 48.0;

impl Ability {
    /// What is to be expected of a model.
    pub(super) fn of(model: &ModelTraits<'_>, lines: &[f32], trend: &Trend) -> Self {
        match find(model.name).and_then(|index| lines.get(index)) {
            Some(ability) => Self { mean: *ability, sd: MEASURED_SD },
            None => Self { mean: trend.of(model), sd: TREND_SD },
        }
    }

    /// The quality of answers to a task of a family that is this hard.
    pub(super) fn quality(self, task: &Task, hardness: f32) -> Quality {
        let gap = self.mean - hardness;
        let mean = squash(gap);
        // A strong model is ahead of a weak one by more where the need is greater.
        let tilt = (mean - 0.5) * (task.need - 0.5) * NEED_TILT;
        let slope = 0.5 / ((1.0 + gap.abs()) * (1.0 + gap.abs()));
        let mean = (mean - (task.difficulty - 0.5) * DIFFICULTY_TILT + tilt).clamp(0.01, 0.99);
        Quality { mean, sd: (self.sd * slope).clamp(0.02, 0.5) }
    }
}

/// How much further apart qualities are at the greatest need.
pub(crate) const NEED_TILT: f32 = 0.8;
/// How much quality is lost from the easiest to the hardest request of a family.
const DIFFICULTY_TILT: f32 = 0.3;

impl Trend {
    /// What speaks for a model's ability besides its line, as the trend weighs it: a constant, price, age, thinking.
    pub fn terms(output_price_usd: Option<f32>, month: Option<f32>, is_reasoning: bool) -> [f32; 4] {
        let price = output_price_usd.filter(|price| *price > 0.0).unwrap_or(UNKNOWN_PRICE).clamp(0.02, 100.0);
        let years = month.unwrap_or(UNKNOWN_MONTH).min(LAST_MONTH) / 12.0;
        [1.0, octaves(price), years, f32::from(u8::from(is_reasoning))]
    }

    fn of(&self, model: &ModelTraits<'_>) -> f32 {
        let price = model.output_price.or(model.input_price).map(|price| usd(price.0));
        let month = model
            .released
            .map(|date| f32::from(date.year()) * 12.0 + f32::from(date.month().unwrap_or(6)) - 2023.0 * 12.0 - 1.0);
        let terms = Self::terms(price, month, model.is_reasoning);
        let sum: f32 = terms.iter().zip(self.0).map(|(term, weight)| term * weight).sum();
        sum + size_word(model.name)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a price tier, not money")]
fn usd(nano_usd: u64) -> f32 {
    nano_usd as f32 / 1e9
}

/// How many doublings from 1, linear between powers of two.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 6,400 after the clamp")]
fn octaves(price: f32) -> f32 {
    let steps = ((price * 64.0) as u32).max(1);
    let whole = steps.ilog2();
    f32::from(whole as u16) + (f32::from(steps as u16) / f32::from(1_u16 << whole) - 1.0) - 6.0
}

/// What makers' words for sizes say where price and age are the same.
fn size_word(name: &str) -> f32 {
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["nano", "tiny", "-1b", "-3b", "lite"]) {
        -0.3
    } else if has(&["mini", "small", "haiku", "flash", "-7b", "-8b", "-9b"]) {
        -0.15
    } else if has(&["opus", "ultra", "-pro", "max", "405b"]) {
        0.15
    } else {
        0.0
    }
}

/// The measured line that a name belongs to.
pub fn find(name: &str) -> Option<usize> {
    let name = name.rsplit('/').next().unwrap_or(name).trim_start_matches("meta-").as_bytes();
    let fits = |line: &Line| {
        let line = line.name.as_bytes();
        name.len() >= line.len()
            && name[..line.len()].eq_ignore_ascii_case(line)
            && !name.get(line.len()).is_some_and(u8::is_ascii_alphanumeric)
    };
    LINES.iter().position(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_belong_to_the_most_exact_line() {
        let line = |name| find(name).map(|index| LINES[index].name);
        assert_eq!(line("openai/gpt-4o-mini-2024-07-18"), Some("gpt-4o-mini"));
        assert_eq!(line("gpt-4o"), Some("gpt-4o"));
        assert_eq!(line("Meta-Llama-3.1-8B-Instruct"), None);
        assert_eq!(line("meta-llama-3.1-8b-instruct"), Some("llama-3.1-8b"));
        assert_eq!(line("gpt-5"), None);
        assert_eq!(line("gpt-4oo"), None);
    }

    #[test]
    fn price_counts_in_doublings() {
        assert!((octaves(4.0) - 2.0).abs() < 1e-6);
        assert!((octaves(0.25) + 2.0).abs() < 1e-6);
        assert!((octaves(3.0) - 1.5).abs() < 1e-6);
    }
}
