//! Whether a policy's text makes sense here: its models, strategies and settings exist.

use megarouter_domain::policy::{Body, PolicyError, Route, Setting};
use megarouter_domain::snapshot::Snapshot;
use thiserror::Error;

use crate::strategies::{self, Kind, Record};

/// Why a policy cannot be saved. Rules are counted from 1.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CheckError {
    /// It cannot be, whatever is configured.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Something in a rule is not known here.
    #[error("rule {rule}: {problem}")]
    Rule {
        /// Which.
        rule: usize,
        /// The part of the route, e.g. `strategy` or `settings.percent`.
        part: String,
        /// What is wrong and what to do.
        problem: String,
    },
}

/// Something that works and is hardly meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The rule, counted from 1.
    pub rule: usize,
    /// What is odd and what to do.
    pub message: String,
}

/// Checks a policy's text against the configuration.
///
/// # Errors
/// Everything that keeps it from being saved, in the order of the rules.
pub fn check(body: &Body, snapshot: &Snapshot) -> Result<Vec<Warning>, Vec<CheckError>> {
    let mut problems: Vec<CheckError> = body.check().err().map(CheckError::from).into_iter().collect();
    let mut warnings = Vec::new();
    for (index, rule) in body.rules.iter().enumerate() {
        let rule_number = index + 1;
        let found = problems_of(&rule.route, snapshot);
        problems.extend(found.into_iter().map(|(part, problem)| CheckError::Rule { rule: rule_number, part, problem }));
        let odd = oddities(&rule.route, !body.takes_over.is_empty());
        warnings.extend(odd.into_iter().map(|message| Warning { rule: rule_number, message }));
    }
    if problems.is_empty() { Ok(warnings) } else { Err(problems) }
}

/// Each with the part of the route that it is about.
fn problems_of(route: &Route, snapshot: &Snapshot) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    let mut model = |part: &str, name: &str| {
        if snapshot.resolve(name).is_none() {
            problems.push((part.to_owned(), unknown_model(name, snapshot)));
        }
    };
    route.candidates.iter().for_each(|candidate| model("candidates", &candidate.model));
    route.fallbacks.iter().for_each(|name| model("fallbacks", name));
    let providers = route.bounds.providers.iter().chain(&route.bounds.never_providers);
    for name in providers.filter(|name| snapshot.target_named(name).is_none()) {
        let problem = format!("there is no provider `{name}`; add it, or take it out of the bounds");
        problems.push(("bounds".to_owned(), problem));
    }
    let Some(record) = strategies::named(&route.strategy) else {
        let known: Vec<_> = strategies::ALL.iter().map(|record| record.id).collect();
        let problem = format!("there is no strategy `{}`; use one of {}", route.strategy, known.join(", "));
        problems.push(("strategy".to_owned(), problem));
        return problems;
    };
    problems.extend(settings(route, record, snapshot));
    problems
}

fn settings(route: &Route, record: &Record, snapshot: &Snapshot) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    for (name, value) in &route.settings {
        let part = format!("settings.{name}");
        match record.settings.iter().find(|setting| setting.name == name) {
            None => problems.push((part, unknown_setting(name, record))),
            Some(setting) if !setting.kind.fits(value) => {
                problems.push((part, format!("`{name}` is {}", setting.kind.in_words())));
            }
            Some(_) => {}
        }
    }
    for setting in record.settings.iter().filter(|setting| matches!(setting.kind, Kind::Model)) {
        let part = format!("settings.{}", setting.name);
        match route.settings.get(setting.name) {
            None => {
                let problem = format!("`{}` needs a model as its `{}`", record.id, setting.name);
                problems.push((part, problem));
            }
            Some(Setting::Text(name)) if snapshot.resolve(name).is_none() => {
                problems.push((part, unknown_model(name, snapshot)));
            }
            Some(_) => {}
        }
    }
    problems
}

fn unknown_setting(name: &str, record: &Record) -> String {
    let known: Vec<_> = record.settings.iter().map(|setting| setting.name).collect();
    if known.is_empty() {
        return format!("`{}` has no settings; leave `{name}` out", record.id);
    }
    format!("`{}` has no setting `{name}`; it has {}", record.id, known.join(", "))
}

/// The closest name there is often is what was meant.
fn unknown_model(name: &str, snapshot: &Snapshot) -> String {
    if snapshot.policies().iter().any(|policy| policy.name == name) {
        return format!("`{name}` is a policy; a policy chooses among models, not among policies");
    }
    let lower = name.to_ascii_lowercase();
    let is_close = |known: &&str| {
        let known = known.to_ascii_lowercase();
        known == lower || known.starts_with(&lower) || lower.starts_with(&known) || known.ends_with(&lower)
    };
    let close = snapshot.models().iter().map(|model| model.name.as_str()).find(is_close);
    match close {
        Some(close) => format!("there is no model `{name}`; did you mean `{close}`?"),
        None => format!("there is no model `{name}`; add it under Models, or take it out"),
    }
}

fn oddities(route: &Route, takes_over: bool) -> Vec<String> {
    let mut odd = Vec::new();
    let models = route.candidates.len();
    if route.bounds.never_dearer && !takes_over {
        odd.push(
            "`never_dearer` compares with the model that was asked for, and this policy takes over no model's name, so \
             it rules nothing out; add names under `takes_over`, or use a price bound"
                .to_owned(),
        );
    }
    if route.strategy == "weighted" && models > 0 && route.candidates.iter().all(|candidate| candidate.weight == 0) {
        odd.push("all weights are 0, so the first model gets every request".to_owned());
    }
    if matches!(route.strategy.as_str(), "cascade" | "complexity") && models == 1 {
        odd.push(format!("`{}` has only one model to choose from; list a cheap and a strong one", route.strategy));
    }
    if let Some(Setting::Text(named)) = route.settings.get("candidate")
        && models > 0
        && route.candidates.iter().all(|candidate| candidate.model == *named)
    {
        odd.push(format!("`{named}` is all there is to choose from; list the models that it is compared with"));
    }
    odd
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::{self, policy, settings, snapshot, spec};

    fn problems(route: Route) -> Vec<String> {
        let policies = vec![policy("auto", kit::route("fixed_order", &[]))];
        let snapshot = snapshot(&[spec("gpt-4o", 1, 1, 1)], policies, |_| {});
        let body = policy("new", route).live.body;
        check(&body, &snapshot).err().unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn problems_say_what_to_do() {
        assert_eq!(problems(kit::route("learned_utility", &["gpt-4o", "p1/gpt-4o"])), Vec::<String>::new());
        let typed = problems(kit::route("learned_utility", &["GPT-4o"]));
        assert_eq!(typed, ["rule 1: there is no model `GPT-4o`; did you mean `gpt-4o`?"]);
        assert!(problems(kit::route("fixed_order", &["auto"]))[0].contains("is a policy"));
        assert!(problems(kit::route("fastest", &[]))[0].contains("use one of learned_utility, fixed_order"));
        let mut route = kit::route("canary", &["gpt-4o"]);
        assert_eq!(problems(route.clone()), ["rule 1: `canary` needs a model as its `candidate`"]);
        route.settings = settings([
            ("candidate", Setting::Text("gpt-5".to_owned())),
            ("percent", Setting::Number(101)),
            ("share", Setting::Flag(true)),
        ]);
        assert_eq!(
            problems(route),
            [
                "rule 1: `percent` is a whole number from 0 to 100 (percent)",
                "rule 1: `canary` has no setting `share`; it has candidate, percent",
                "rule 1: there is no model `gpt-5`; add it under Models, or take it out",
            ]
        );
        let mut route = kit::route("fixed_order", &[]);
        route.bounds.never_providers = vec!["p9".to_owned()];
        assert!(problems(route)[0].contains("no provider `p9`"));
        assert_eq!(problems(Route::default())[0], "rule 1: name a strategy");
    }

    #[test]
    fn oddities_are_told_and_do_not_keep_from_saving() {
        let snapshot = snapshot(&[spec("gpt-4o", 1, 1, 1)], vec![], |_| {});
        let mut body = policy("new", kit::route("complexity", &["gpt-4o"])).live.body;
        body.rules[0].route.bounds.never_dearer = true;
        let warnings = check(&body, &snapshot).unwrap();
        assert_eq!(warnings.iter().map(|warning| warning.rule).collect::<Vec<_>>(), [1, 1]);
        body.takes_over = vec!["gpt-*".to_owned()];
        assert_eq!(check(&body, &snapshot).unwrap().len(), 1);
    }
}
