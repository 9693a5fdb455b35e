//! Where in a policy's text each rule and condition stands.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::Spanned;

/// The places of a text's rules and conditions: lines and columns from 1.
#[derive(Debug, Default)]
pub struct Places {
    rules: Vec<(Place, Vec<Place>)>,
}

type Place = (u64, u64);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    rules: Vec<Spanned<Rule>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Rule {
    when: Vec<Spanned<IgnoredAny>>,
}

impl Places {
    /// The places in a text; none when it cannot be read.
    pub fn of(text: &str) -> Self {
        let body = serde_saphyr::from_str::<Option<Body>>(text).ok().flatten().unwrap_or_default();
        let rules = body.rules.iter().map(|rule| (place(rule), rule.value.when.iter().map(place).collect()));
        Self { rules: rules.collect() }
    }

    /// The place of a rule, or of one of its conditions; both counted from 0.
    pub fn find(&self, rule: Option<usize>, condition: Option<usize>) -> Option<(u64, u64)> {
        let (rule, conditions) = self.rules.get(rule?)?;
        Some(condition.and_then(|at| conditions.get(at)).copied().unwrap_or(*rule))
    }

    /// The line of each rule.
    pub(super) fn rule_lines(&self) -> impl Iterator<Item = u64> {
        self.rules.iter().map(|((line, _), _)| *line)
    }
}

fn place<T>(spanned: &Spanned<T>) -> Place {
    (spanned.referenced.line(), spanned.referenced.column())
}
