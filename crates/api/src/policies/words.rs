//! Policies in words: one sentence for a rule, one line for a difference.

use megarouter_domain::money::{NanoUsd, NanoUsdPerMillion};
use megarouter_domain::permille::Permille;
use megarouter_domain::policy::{Body, Bounds, Condition, Route, Rule, Setting};

use super::body::TaskNeed;
use super::names::Names;
use super::{DifferenceKind, DifferenceLine};
use crate::route::view::need_in_words;

const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Each rule as a sentence.
pub(crate) fn sentences(body: &Body, names: Names<'_>) -> Vec<String> {
    body.rules.iter().map(|rule| sentence(rule, names)).collect()
}

/// A rule as a sentence.
pub(crate) fn sentence(rule: &Rule, names: Names<'_>) -> String {
    let conditions: Vec<String> = rule.when.iter().map(|it| condition(it, names)).collect();
    let route = route(&rule.route);
    if conditions.is_empty() {
        format!("Every request: {route}.")
    } else {
        format!("If {}: {route}.", and(&conditions))
    }
}

/// A condition as the clause after "if".
pub(crate) fn condition(condition: &Condition, names: Names<'_>) -> String {
    match condition {
        Condition::Who { units, keys } => format!("it comes from {}", or(&who(units, keys, names))),
        Condition::Asked { models } => format!("it asks for {}", or(models)),
        Condition::Tag { name, values } if values.is_empty() => format!("it has the tag {name}"),
        Condition::Tag { name, values } => format!("its tag {name} is {}", or(values)),
        Condition::Header { name, values } if values.is_empty() => format!("it has the header {name}"),
        Condition::Header { name, values } => format!("its header {name} is {}", or(values)),
        Condition::Family { any_of } => {
            let families: Vec<_> = any_of.iter().map(|family| family.as_str().to_owned()).collect();
            format!("it is {} work", or(&families))
        }
        Condition::Difficulty { at_least, at_most } => {
            let share = |share: &Option<Permille>| share.map(percent);
            format!("its difficulty is {}", range(share(at_least), share(at_most)))
        }
        Condition::Size { at_least, at_most } => {
            let tokens = |count: &Option<u64>| count.map(|count| count.to_string());
            format!("its input has {} tokens", range(tokens(at_least), tokens(at_most)))
        }
        Condition::Needs { any_of } => {
            let needs: Vec<_> = any_of.iter().map(|need| need_in_words(TaskNeed::from(need)).to_owned()).collect();
            format!("it needs {}", or(&needs))
        }
        Condition::Time { days, from, until, zone } => {
            let named = days.iter().filter_map(|day| DAYS.get(usize::from(*day).checked_sub(1)?));
            let days: Vec<_> = named.map(|day| (*day).to_owned()).collect();
            let on = if days.is_empty() { String::new() } else { format!(" on {}", or(&days)) };
            format!("it is between {} and {} in {zone}{on}", clock(*from), clock(*until))
        }
        Condition::BudgetUsed { at_least } => format!("the tightest budget is used to {at_least} % or more"),
    }
}

fn who(
    units: &[megarouter_domain::id::UnitId],
    keys: &[megarouter_domain::id::KeyId],
    names: Names<'_>,
) -> Vec<String> {
    let unit = |id| match names.unit_with(id) {
        Some(unit) => format!("the {} {}", unit.kind.as_str(), unit.name),
        None => format!("the unit {id}"),
    };
    let key = |id| match names.key_with(id) {
        Some(key) => format!("the key {}", key.name),
        None => format!("the key {id}"),
    };
    units.iter().map(|id| unit(*id)).chain(keys.iter().map(|id| key(*id))).collect()
}

fn route(route: &Route) -> String {
    let models: Vec<String> = route.candidates.iter().map(|candidate| candidate.model.clone()).collect();
    let from = if models.is_empty() { "all models".to_owned() } else { and(&models) };
    let settings: Vec<String> =
        route.settings.iter().map(|(name, value)| format!("{name} {}", setting(value))).collect();
    let settings = if settings.is_empty() { String::new() } else { format!(" ({})", settings.join(", ")) };
    let strategy = route.strategy.replace('_', " ");
    let then = if route.fallbacks.is_empty() { String::new() } else { format!(", then {}", and(&route.fallbacks)) };
    let bounds = bounds(&route.bounds);
    let within = if bounds.is_empty() { String::new() } else { format!("; {}", and(&bounds)) };
    format!("{strategy}{settings} among {from}{then}{within}")
}

fn setting(value: &Setting) -> String {
    match value {
        Setting::Flag(flag) => if *flag { "on" } else { "off" }.to_owned(),
        Setting::Number(number) => number.to_string(),
        Setting::Text(text) => text.replace('_', " "),
    }
}

fn bounds(bounds: &Bounds) -> Vec<String> {
    let price = |rate: NanoUsdPerMillion| format!("${} per million tokens", rate.to_usd());
    let mut said = Vec::new();
    let mut add = |text: Option<String>| said.extend(text);
    add(bounds.cost.map(|cost| format!("at most {} a request", dollars(cost))));
    add(bounds.input_price.map(|rate| format!("input at most {}", price(rate))));
    add(bounds.output_price.map(|rate| format!("output at most {}", price(rate))));
    add(bounds.first_output_ms.map(|ms| format!("first output within {ms} ms")));
    add(bounds.total_ms.map(|ms| format!("all output within {ms} ms")));
    add(bounds.quality.map(|quality| format!("expected quality at least {}", percent(quality))));
    add(bounds.never_dearer.then(|| "never dearer than the model asked for".to_owned()));
    add(bounds.local_only.then(|| "only on this machine or next to it".to_owned()));
    add(bounds.no_retention.then(|| "only where prompts are not kept".to_owned()));
    let listed = |words: &str, names: &[String]| (!names.is_empty()).then(|| format!("{words} {}", or(names)));
    add(listed("only in", &bounds.regions));
    add(listed("only at", &bounds.providers));
    add(listed("never at", &bounds.never_providers));
    said
}

/// How two versions differ.
pub(crate) fn differences(from: &Body, to: &Body, names: Names<'_>) -> Vec<DifferenceLine> {
    let mut lines = Vec::new();
    if from.takes_over != to.takes_over {
        let text = match (from.takes_over.is_empty(), to.takes_over.is_empty()) {
            (true, _) => format!("It takes over requests for {}.", and(&to.takes_over)),
            (_, true) => format!("It no longer takes over requests for {}.", and(&from.takes_over)),
            _ => format!("It takes over requests for {} instead of {}.", and(&to.takes_over), and(&from.takes_over)),
        };
        lines.push(DifferenceLine { kind: DifferenceKind::Changed, rule: None, text });
    }
    let pairs = pairs(from, to);
    for (index, rule) in from.rules.iter().enumerate().filter(|(index, _)| !pairs.contains(&Some(*index))) {
        let text = format!("{} is gone: {}", title(rule, index), sentence(rule, names));
        lines.push(DifferenceLine { kind: DifferenceKind::Removed, rule: Some(index as u64 + 1), text });
    }
    let mut furthest = 0;
    for (index, (rule, pair)) in to.rules.iter().zip(&pairs).enumerate() {
        let place = Some(index as u64 + 1);
        let mut add = |kind, text| lines.push(DifferenceLine { kind, rule: place, text });
        let Some((at, old)) = pair.and_then(|at| Some((at, from.rules.get(at)?))) else {
            add(DifferenceKind::Added, format!("{} is new: {}", title(rule, index), sentence(rule, names)));
            continue;
        };
        if at < furthest {
            add(DifferenceKind::Moved, format!("{} was rule {} and comes later.", title(rule, index), at + 1));
        }
        furthest = furthest.max(at);
        for text in rule_differences(old, rule, names) {
            add(DifferenceKind::Changed, format!("{}: {text}", title(rule, index)));
        }
    }
    lines
}

/// For each new rule the old one that it was: the same, the one of its name, or the one at its place.
fn pairs(from: &Body, to: &Body) -> Vec<Option<usize>> {
    let mut taken = vec![false; from.rules.len()];
    let mut pairs = vec![None; to.rules.len()];
    let tests: [&dyn Fn(usize, usize) -> bool; 3] = [
        &|old, new| from.rules[old] == to.rules[new],
        &|old, new| !to.rules[new].name.is_empty() && from.rules[old].name == to.rules[new].name,
        &|old, new| {
            old == new && (from.rules[old].when == to.rules[new].when || from.rules[old].route == to.rules[new].route)
        },
    ];
    for is_same in tests {
        for (new, pair) in pairs.iter_mut().enumerate().filter(|(_, pair)| pair.is_none()) {
            *pair = (0..taken.len()).find(|old| !taken[*old] && is_same(*old, new));
            if let Some(old) = *pair {
                taken[old] = true;
            }
        }
    }
    pairs
}

fn rule_differences(old: &Rule, new: &Rule, names: Names<'_>) -> Vec<String> {
    let mut said = Vec::new();
    let conditions = |rule: &Rule| rule.when.iter().map(|it| condition(it, names)).collect::<Vec<_>>();
    let (before, after) = (conditions(old), conditions(new));
    let list = |names: &[String]| if names.is_empty() { "all models".to_owned() } else { and(names) };
    if old.name != new.name {
        said.push(format!("it is called {} now", if new.name.is_empty() { "nothing" } else { &new.name }));
    }
    said.extend(after.iter().filter(|it| !before.contains(it)).map(|it| format!("it asks that {it}")));
    said.extend(before.iter().filter(|it| !after.contains(it)).map(|it| format!("it no longer asks that {it}")));
    let (old, new) = (&old.route, &new.route);
    if old.strategy != new.strategy {
        let words = |route: &Route| route.strategy.replace('_', " ");
        said.push(format!("it chooses by {} instead of {}", words(new), words(old)));
    }
    for (name, value) in &new.settings {
        if old.settings.get(name) != Some(value) {
            said.push(format!("{name} is {}", setting(value)));
        }
    }
    let gone = old.settings.keys().filter(|name| !new.settings.contains_key(*name));
    said.extend(gone.map(|name| format!("{name} has its default again")));
    let models = |route: &Route| {
        let line = |it: &megarouter_domain::policy::Candidate| match it.weight {
            1 => it.model.clone(),
            weight => format!("{} (share {weight})", it.model),
        };
        route.candidates.iter().map(line).collect::<Vec<_>>()
    };
    if old.candidates != new.candidates {
        said.push(format!("it chooses among {} instead of {}", list(&models(new)), list(&models(old))));
    }
    if old.fallbacks != new.fallbacks {
        let after = if new.fallbacks.is_empty() { "nothing".to_owned() } else { and(&new.fallbacks) };
        said.push(format!("after those it tries {after}"));
    }
    let (before, after) = (bounds(&old.bounds), bounds(&new.bounds));
    said.extend(after.iter().filter(|it| !before.contains(it)).map(|it| format!("a bound is new: {it}")));
    said.extend(before.iter().filter(|it| !after.contains(it)).map(|it| format!("a bound is gone: {it}")));
    if old.patience != new.patience {
        said.push("it waits for another time".to_owned());
    }
    said
}

fn title(rule: &Rule, index: usize) -> String {
    if rule.name.is_empty() { format!("Rule {}", index + 1) } else { format!("Rule {} ({})", index + 1, rule.name) }
}

/// An amount of money as people read it.
pub(crate) fn dollars(amount: NanoUsd) -> String {
    let sign = if amount.0 < 0 { "-" } else { "" };
    format!("{sign}${}", NanoUsdPerMillion(amount.0.unsigned_abs()).to_usd())
}

fn percent(share: Permille) -> String {
    match (share.get() / 10, share.get() % 10) {
        (whole, 0) => format!("{whole} %"),
        (whole, tenth) => format!("{whole}.{tenth} %"),
    }
}

fn range(at_least: Option<String>, at_most: Option<String>) -> String {
    match (at_least, at_most) {
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("{least} or more"),
        (None, Some(most)) => format!("{most} or less"),
        (None, None) => "anything".to_owned(),
    }
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn and(words: &[String]) -> String {
    joined(words, "and")
}

fn or(words: &[String]) -> String {
    joined(words, "or")
}

fn joined(words: &[String], last: &str) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use megarouter_domain::policy::Candidate;

    use super::*;

    const NOBODY: Names<'static> = Names { units: &[], keys: &[] };

    fn rule(name: &str, when: Vec<Condition>, strategy: &str) -> Rule {
        Rule { name: name.to_owned(), when, route: Route { strategy: strategy.to_owned(), ..Route::default() } }
    }

    fn size(at_least: u64) -> Condition {
        Condition::Size { at_least: Some(at_least), at_most: None }
    }

    #[test]
    fn a_rule_reads_as_a_sentence() {
        let mut long = rule("Long", vec![size(50_000)], "lowest_cost");
        long.route.bounds.cost = Some(NanoUsd(50_000_000));
        long.route.candidates = ["a", "b"].map(|name| Candidate { model: name.to_owned(), weight: 1 }).to_vec();
        let said = sentence(&long, NOBODY);
        assert_eq!(said, "If its input has 50000 or more tokens: lowest cost among a and b; at most $0.05 a request.");
        assert_eq!(
            sentence(&rule("", vec![], "learned_utility"), NOBODY),
            "Every request: learned utility among all models."
        );
    }

    #[test]
    fn differences_name_what_came_went_moved_and_changed() {
        let body = |rules: Vec<Rule>| Body { takes_over: vec![], rules };
        let (a, b, c) =
            (rule("A", vec![size(1)], "weighted"), rule("B", vec![size(2)], "weighted"), rule("", vec![], "x"));
        let old = body(vec![a.clone(), b.clone(), c.clone()]);
        assert_eq!(differences(&old, &old, NOBODY), vec![]);
        let mut cheaper = a.clone();
        cheaper.route.strategy = "lowest_cost".to_owned();
        let mut new = body(vec![b, cheaper, rule("D", vec![size(9)], "x"), c]);
        new.takes_over.push("gpt-*".to_owned());
        let kinds: Vec<_> = differences(&old, &new, NOBODY).into_iter().map(|line| (line.kind, line.rule)).collect();
        let expected = [
            (DifferenceKind::Changed, None),
            (DifferenceKind::Moved, Some(2)),
            (DifferenceKind::Changed, Some(2)),
            (DifferenceKind::Added, Some(3)),
        ];
        assert_eq!(kinds, expected);
        let back = differences(&new, &old, NOBODY);
        assert!(back.iter().any(|line| line.kind == DifferenceKind::Removed && line.text.contains("(D)")), "{back:?}");
        assert!(back.iter().any(|line| line.text.contains("no longer takes over")), "{back:?}");
    }
}
