//! Whether a policy can be put in force.

use thiserror::Error;

use super::{Body, Candidate, Condition, Policy, Rule, TrialMode};

/// The most rules of a policy.
const MOST_RULES: usize = 200;
/// The most of a list within a rule.
const MOST_ITEMS: usize = 500;
/// The longest name or value, in characters.
const LONGEST: usize = 200;
/// Headers that hold credentials: a rule that asks for one would keep it in the settings.
const SECRET_HEADERS: [&str; 6] =
    ["authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie", "proxy-authorization"];

/// Why a policy cannot be put in force. Rules are counted from 1.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PolicyError {
    /// A name that no request can ask for.
    #[error("a policy's name is a model name: 1 to 200 visible characters without spaces, and no `*`")]
    Name,
    /// No rules, or too many.
    #[error("a policy has 1 to {MOST_RULES} rules")]
    Rules,
    /// Some requests would have no route.
    #[error("the last rule must have no conditions, so that every request has a route")]
    NoLast,
    /// A rule that no request reaches.
    #[error("rule {rule} has no conditions, so the rules after it are never reached; move it to the end")]
    Unreached {
        /// Which.
        rule: usize,
    },
    /// A part of a rule cannot be.
    #[error("rule {rule}: {problem}")]
    Rule {
        /// Which.
        rule: usize,
        /// What is wrong and what to do.
        problem: &'static str,
    },
    /// A share that is none.
    #[error("a canary gets 1 to 99 percent; put the version in force to give it all")]
    Percent,
}

impl Policy {
    /// Checks all that can be checked without knowing models and strategies.
    ///
    /// # Errors
    /// When it could not be put in force as it is.
    pub fn check(&self) -> Result<(), PolicyError> {
        if !is_name(&self.name) || self.name.contains('*') {
            return Err(PolicyError::Name);
        }
        self.live.body.check()?;
        let Some(trial) = &self.trial else { return Ok(()) };
        if let TrialMode::Canary { percent } = trial.mode
            && !(1..=99).contains(&percent)
        {
            return Err(PolicyError::Percent);
        }
        trial.version.body.check()
    }
}

impl Body {
    /// Checks the rules.
    ///
    /// # Errors
    /// When a request could be left without a route, or a rule says what cannot be.
    pub fn check(&self) -> Result<(), PolicyError> {
        if self.rules.is_empty() || self.rules.len() > MOST_RULES {
            return Err(PolicyError::Rules);
        }
        if let Some(open) = self.rules.iter().position(|rule| rule.when.is_empty()) {
            if open + 1 < self.rules.len() {
                return Err(PolicyError::Unreached { rule: open + 1 });
            }
        } else {
            return Err(PolicyError::NoLast);
        }
        if self.takes_over.len() > MOST_ITEMS || !self.takes_over.iter().all(|name| is_name(name)) {
            return Err(PolicyError::Rule {
                rule: 1,
                problem: "`takes_over` lists model names, one of which may end in *",
            });
        }
        for (index, rule) in self.rules.iter().enumerate() {
            rule.check().map_err(|problem| PolicyError::Rule { rule: index + 1, problem })?;
        }
        Ok(())
    }
}

impl Rule {
    fn check(&self) -> Result<(), &'static str> {
        if self.name.chars().count() > LONGEST {
            return Err("its name has more than 200 characters");
        }
        if self.when.len() > MOST_ITEMS
            || self.route.candidates.len() > MOST_ITEMS
            || self.route.fallbacks.len() > MOST_ITEMS
        {
            return Err("a list has more than 500 lines");
        }
        if self.route.strategy.is_empty() {
            return Err("name a strategy");
        }
        let names = self.route.candidates.iter().map(|Candidate { model, .. }| model).chain(&self.route.fallbacks);
        if !names.into_iter().all(|name| is_name(name) && !name.contains('*')) {
            return Err("candidates and fallbacks are names of models");
        }
        self.when.iter().try_for_each(Condition::check)
    }
}

impl Condition {
    fn check(&self) -> Result<(), &'static str> {
        let some = |is_empty: bool, problem| if is_empty { Err(problem) } else { Ok(()) };
        match self {
            Self::Who { units, keys } => some(units.is_empty() && keys.is_empty(), "`who` names no unit and no key"),
            Self::Asked { models } => some(models.is_empty(), "`asked` names no model"),
            Self::Family { any_of } => some(any_of.is_empty(), "`family` names no kind of work"),
            Self::Needs { any_of } => some(any_of.is_empty(), "`needs` names nothing"),
            Self::Tag { name, .. } => some(name.is_empty(), "`tag` has no name"),
            Self::Header { name, .. } if SECRET_HEADERS.contains(&name.to_ascii_lowercase().as_str()) => {
                Err("headers with credentials cannot be asked for; use `who`")
            }
            Self::Header { name, .. } => some(name.is_empty(), "`header` has no name"),
            Self::Difficulty { at_least, at_most } => range(*at_least, *at_most),
            Self::Size { at_least, at_most } => range(*at_least, *at_most),
            Self::BudgetUsed { at_least } => {
                some(!(1..=1_000).contains(at_least), "`budget_used` is 1 to 1000 percent")
            }
            Self::Time { days, from, until, .. } => {
                let is_day = |day: &u8| (1..=7).contains(day);
                let is_time = *from < 1_440 && *until <= 1_440 && from != until && days.iter().all(is_day);
                some(!is_time, "`time` has days from 1 (Monday) to 7 and minutes from 0 to 1440")
            }
        }
    }
}

fn range<T: PartialOrd>(at_least: Option<T>, at_most: Option<T>) -> Result<(), &'static str> {
    match (at_least, at_most) {
        (None, None) => Err("a range needs `at_least` or `at_most`"),
        (Some(least), Some(most)) if least > most => Err("`at_least` is more than `at_most`"),
        _ => Ok(()),
    }
}

fn is_name(name: &str) -> bool {
    let is_visible = |character: char| !character.is_whitespace() && !character.is_control();
    !name.is_empty() && name.chars().count() <= LONGEST && name.chars().all(is_visible)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Route;

    fn rule(when: Vec<Condition>) -> Rule {
        Rule { name: String::new(), when, route: Route { strategy: "fixed_order".to_owned(), ..Route::default() } }
    }

    fn check(rules: Vec<Rule>) -> Result<(), PolicyError> {
        Body { takes_over: vec![], rules }.check()
    }

    #[test]
    fn every_request_has_a_route_and_every_rule_is_reached() {
        let asked = || Condition::Asked { models: vec!["gpt-*".to_owned()] };
        assert_eq!(check(vec![]), Err(PolicyError::Rules));
        assert_eq!(check(vec![rule(vec![asked()])]), Err(PolicyError::NoLast));
        assert_eq!(check(vec![rule(vec![]), rule(vec![])]), Err(PolicyError::Unreached { rule: 1 }));
        assert_eq!(check(vec![rule(vec![asked()]), rule(vec![])]), Ok(()));
    }

    #[test]
    fn what_cannot_be_is_named_with_its_rule() {
        let problem = |condition| check(vec![rule(vec![condition]), rule(vec![])]);
        let is_refused = |condition| matches!(problem(condition), Err(PolicyError::Rule { rule: 1, .. }));
        assert!(is_refused(Condition::Header { name: "Authorization".to_owned(), values: vec![] }));
        assert!(is_refused(Condition::Size { at_least: Some(2), at_most: Some(1) }));
        assert!(is_refused(Condition::Size { at_least: None, at_most: None }));
        assert!(is_refused(Condition::Who { units: vec![], keys: vec![] }));
        assert!(!is_refused(Condition::Size { at_least: Some(1), at_most: Some(1) }));
    }

    #[test]
    fn a_body_is_read_as_it_is_written() {
        let text = r#"{"takes_over":["gpt-*"],"rules":[{"when":[{"if":"family","any_of":["code"]}],
            "route":{"strategy":"lowest_cost","candidates":[{"model":"a"},{"model":"b","weight":3}],"bounds":{"never_dearer":true}}},
            {"route":{"strategy":"weighted","settings":{"by":"session","spread":3,"sticky":true}}}]}"#;
        let body: Body = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::from_str::<Body>(&serde_json::to_string(&body).unwrap()).unwrap(), body);
        assert!(body.takes_over("gpt-5") && !body.takes_over("claude"));
        assert!(serde_json::from_str::<Body>(r#"{"rules":[],"rule":[]}"#).is_err());
    }
}
