//! The domain's policy as text.

use std::fmt::Write as _;

use megarouter_domain::catalog::Member as _;
use megarouter_domain::money::{NanoUsd, NanoUsdPerMillion};
use megarouter_domain::permille::Permille;
use megarouter_domain::policy::{Body, Bounds, Candidate, Condition, Patience, Rule};
use megarouter_domain::unit::UnitKind;

use super::entry::{
    BodyEntry, BoundsEntry, CandidateEntry, ConditionEntry, DayEntry, Decimal, PatienceEntry, RangeEntry, RuleEntry,
    TimeEntry, ValuesEntry, WeighedEntry, WhoEntry,
};
use crate::policies::body::SettingValue;
use crate::policies::names::Names;

/// The form that a policy has as text.
pub fn entry(body: &Body, names: Names<'_>) -> BodyEntry {
    let rules = body.rules.iter().map(|rule| rule_entry(rule, names)).collect();
    BodyEntry { takes_over: body.takes_over.clone(), rules }
}

fn rule_entry(rule: &Rule, names: Names<'_>) -> RuleEntry {
    let route = &rule.route;
    RuleEntry {
        name: rule.name.clone(),
        when: rule.when.iter().map(|condition| condition_entry(condition, names)).collect(),
        strategy: route.strategy.clone(),
        settings: route.settings.iter().map(|(name, value)| (name.clone(), SettingValue::from(value))).collect(),
        candidates: route.candidates.iter().map(candidate_entry).collect(),
        fallbacks: route.fallbacks.clone(),
        bounds: bounds_entry(&route.bounds),
        patience: patience_entry(route.patience),
    }
}

fn condition_entry(condition: &Condition, names: Names<'_>) -> ConditionEntry {
    let range = |at_least: Option<u64>, at_most: Option<u64>| RangeEntry { at_least, at_most };
    let share = |share: Option<Permille>| share.map(|share| u64::from(share.get()));
    match condition.clone() {
        Condition::Who { units, keys } => ConditionEntry::Who(who_entry(&units, &keys, names)),
        Condition::Asked { models } => ConditionEntry::Asked(models),
        Condition::Tag { name, values } => ConditionEntry::Tag(ValuesEntry { name, values }),
        Condition::Header { name, values } => ConditionEntry::Header(ValuesEntry { name, values }),
        Condition::Family { any_of } => ConditionEntry::Family(any_of.into_iter().map(Into::into).collect()),
        Condition::Difficulty { at_least, at_most } => {
            ConditionEntry::Difficulty(range(share(at_least), share(at_most)))
        }
        Condition::Size { at_least, at_most } => ConditionEntry::Size(range(at_least, at_most)),
        Condition::Needs { any_of } => ConditionEntry::Needs(any_of.iter().map(Into::into).collect()),
        Condition::Time { days, from, until, zone } => ConditionEntry::Time(TimeEntry {
            days: days.into_iter().filter_map(day).collect(),
            from: clock(from),
            until: clock(until),
            zone: Some(zone.to_string()),
        }),
        Condition::BudgetUsed { at_least } => ConditionEntry::BudgetUsed(at_least),
    }
}

fn who_entry(
    units: &[megarouter_domain::id::UnitId],
    keys: &[megarouter_domain::id::KeyId],
    names: Names<'_>,
) -> WhoEntry {
    let mut who = WhoEntry::default();
    for id in units {
        // A name that leads elsewhere, or nowhere, would be another unit when it is read again.
        let named = names.unit_with(*id).filter(|unit| names.unit(unit.kind, &unit.name) == Some(*id));
        let Some(unit) = named else {
            who.ids.push(id.to_string());
            continue;
        };
        let list = match unit.kind {
            UnitKind::Department => &mut who.departments,
            UnitKind::Team => &mut who.teams,
            UnitKind::Project => &mut who.projects,
            UnitKind::Member => &mut who.members,
            UnitKind::App => &mut who.apps,
        };
        list.push(unit.name.clone());
    }
    for id in keys {
        match names.key_with(*id).filter(|key| names.key(&key.name) == Some(*id)) {
            Some(key) => who.keys.push(key.name.clone()),
            None => who.ids.push(id.to_string()),
        }
    }
    who
}

const fn day(number: u8) -> Option<DayEntry> {
    Some(match number {
        1 => DayEntry::Mon,
        2 => DayEntry::Tue,
        3 => DayEntry::Wed,
        4 => DayEntry::Thu,
        5 => DayEntry::Fri,
        6 => DayEntry::Sat,
        7 => DayEntry::Sun,
        _ => return None,
    })
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn candidate_entry(candidate: &Candidate) -> CandidateEntry {
    match candidate.weight {
        1 => CandidateEntry::Name(candidate.model.clone()),
        weight => CandidateEntry::Weighed(WeighedEntry { model: candidate.model.clone(), weight }),
    }
}

fn bounds_entry(bounds: &Bounds) -> BoundsEntry {
    let price = |rate: Option<NanoUsdPerMillion>| rate.map(|rate| Decimal(rate.to_usd()));
    let dollars = |amount: NanoUsd| Decimal(NanoUsdPerMillion(u64::try_from(amount.0).unwrap_or(0)).to_usd());
    BoundsEntry {
        input_price: price(bounds.input_price),
        output_price: price(bounds.output_price),
        cost: bounds.cost.map(dollars),
        first_output_ms: bounds.first_output_ms,
        total_ms: bounds.total_ms,
        quality_permille: bounds.quality.map(Permille::get),
        never_dearer: bounds.never_dearer,
        local_only: bounds.local_only,
        no_retention: bounds.no_retention,
        regions: bounds.regions.clone(),
        providers: bounds.providers.clone(),
        never_providers: bounds.never_providers.clone(),
    }
}

const fn patience_entry(patience: Patience) -> PatienceEntry {
    let Patience { first_output_ms, idle_ms, total_ms, attempts } = patience;
    PatienceEntry { first_output_ms, idle_ms, total_ms, attempts }
}

/// The text of a whole policy.
pub(super) fn text(body: &BodyEntry) -> String {
    let mut text = String::new();
    if !body.takes_over.is_empty() {
        let _ = writeln!(text, "takes_over: {}", words(&body.takes_over));
    }
    text.push_str("rules:\n");
    for rule in &body.rules {
        text.push_str(&rule_text(rule, "  "));
    }
    text
}

/// The text of a rule, as an item of a list that stands at an indent.
pub(super) fn rule_text(rule: &RuleEntry, indent: &str) -> String {
    let mut text = String::new();
    for (index, (_, lines)) in fields(rule, &format!("{indent}  ")).into_iter().enumerate() {
        match lines.strip_prefix(&format!("{indent}  ")) {
            Some(rest) if index == 0 => {
                let _ = write!(text, "{indent}- {rest}");
            }
            _ => text.push_str(&lines),
        }
    }
    text
}

/// The fields of a rule that say something, each with its lines at an indent.
pub(super) fn fields(rule: &RuleEntry, indent: &str) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    let mut add = |name: &'static str, value: String| fields.push((name, format!("{indent}{name}: {value}\n")));
    if !rule.name.is_empty() {
        add("name", scalar(&rule.name));
    }
    if !rule.when.is_empty() {
        let lines: String = rule.when.iter().map(|it| format!("{indent}  - {}\n", condition(it))).collect();
        fields.push(("when", format!("{indent}when:\n{lines}")));
    }
    let mut add = |name: &'static str, value: String| fields.push((name, format!("{indent}{name}: {value}\n")));
    add("strategy", scalar(&rule.strategy));
    if !rule.settings.is_empty() {
        let settings = rule.settings.iter().map(|(name, value)| (name.as_str(), setting(value))).collect();
        add("settings", map(settings));
    }
    if !rule.candidates.is_empty() {
        add("candidates", list(rule.candidates.iter().map(candidate)));
    }
    if !rule.fallbacks.is_empty() {
        add("fallbacks", words(&rule.fallbacks));
    }
    if rule.bounds != BoundsEntry::default() {
        add("bounds", bounds(&rule.bounds));
    }
    if rule.patience != PatienceEntry::default() {
        add("patience", patience(rule.patience));
    }
    fields
}

fn condition(entry: &ConditionEntry) -> String {
    match entry {
        ConditionEntry::Who(who) => {
            let lists = [
                ("departments", &who.departments),
                ("teams", &who.teams),
                ("projects", &who.projects),
                ("members", &who.members),
                ("apps", &who.apps),
                ("keys", &who.keys),
                ("ids", &who.ids),
            ];
            let said = lists.into_iter().filter(|(_, names)| !names.is_empty());
            format!("who: {}", map(said.map(|(name, names)| (name, words(names))).collect()))
        }
        ConditionEntry::Asked(models) => format!("asked: {}", words(models)),
        ConditionEntry::Tag(tag) => format!("tag: {}", values(tag)),
        ConditionEntry::Header(header) => format!("header: {}", values(header)),
        ConditionEntry::Family(families) => {
            let name = |family: &_| megarouter_domain::task::Family::from(*family).as_str().to_owned();
            format!("family: {}", list(families.iter().map(name)))
        }
        ConditionEntry::Difficulty(span) => format!("difficulty: {}", range(*span)),
        ConditionEntry::Size(span) => format!("size: {}", range(*span)),
        ConditionEntry::Needs(needs) => {
            let name = |need: &_| megarouter_domain::facts::Need::from(*need).as_str().to_owned();
            format!("needs: {}", list(needs.iter().map(name)))
        }
        ConditionEntry::Time(time) => format!("time: {}", time_span(time)),
        ConditionEntry::BudgetUsed(percent) => format!("budget_used: {percent}"),
    }
}

fn values(entry: &ValuesEntry) -> String {
    let mut said = vec![("name", scalar(&entry.name))];
    if !entry.values.is_empty() {
        said.push(("values", words(&entry.values)));
    }
    map(said)
}

fn range(entry: RangeEntry) -> String {
    let ends = [("at_least", entry.at_least), ("at_most", entry.at_most)];
    map(ends.into_iter().filter_map(|(name, end)| Some((name, end?.to_string()))).collect())
}

fn time_span(entry: &TimeEntry) -> String {
    let mut said = Vec::new();
    if !entry.days.is_empty() {
        said.push(("days", list(entry.days.iter().map(|day| short(*day).to_owned()))));
    }
    said.push(("from", quoted(&entry.from)));
    said.push(("until", quoted(&entry.until)));
    said.extend(entry.zone.as_ref().map(|zone| ("zone", scalar(zone))));
    map(said)
}

const fn short(day: DayEntry) -> &'static str {
    match day {
        DayEntry::Mon => "mon",
        DayEntry::Tue => "tue",
        DayEntry::Wed => "wed",
        DayEntry::Thu => "thu",
        DayEntry::Fri => "fri",
        DayEntry::Sat => "sat",
        DayEntry::Sun => "sun",
    }
}

fn setting(value: &SettingValue) -> String {
    match value {
        SettingValue::Flag(flag) => flag.to_string(),
        SettingValue::Number(number) => number.to_string(),
        SettingValue::Text(text) => scalar(text),
    }
}

fn candidate(entry: &CandidateEntry) -> String {
    match entry {
        CandidateEntry::Name(model) => scalar(model),
        CandidateEntry::Weighed(WeighedEntry { model, weight }) => {
            map(vec![("model", scalar(model)), ("weight", weight.to_string())])
        }
    }
}

fn bounds(entry: &BoundsEntry) -> String {
    let amounts = [("input_price", &entry.input_price), ("output_price", &entry.output_price), ("cost", &entry.cost)];
    let numbers = [
        ("first_output_ms", entry.first_output_ms),
        ("total_ms", entry.total_ms),
        ("quality_permille", entry.quality_permille.map(u32::from)),
    ];
    let flags =
        [("never_dearer", entry.never_dearer), ("local_only", entry.local_only), ("no_retention", entry.no_retention)];
    let lists =
        [("regions", &entry.regions), ("providers", &entry.providers), ("never_providers", &entry.never_providers)];
    let mut said: Vec<(&str, String)> = Vec::new();
    said.extend(amounts.into_iter().filter_map(|(name, amount)| Some((name, quoted(&amount.as_ref()?.0)))));
    said.extend(numbers.into_iter().filter_map(|(name, number)| Some((name, number?.to_string()))));
    said.extend(flags.into_iter().filter(|(_, flag)| *flag).map(|(name, _)| (name, "true".to_owned())));
    said.extend(lists.into_iter().filter(|(_, names)| !names.is_empty()).map(|(name, names)| (name, words(names))));
    map(said)
}

fn patience(entry: PatienceEntry) -> String {
    let numbers = [
        ("first_output_ms", entry.first_output_ms),
        ("idle_ms", entry.idle_ms),
        ("total_ms", entry.total_ms),
        ("attempts", entry.attempts.map(u32::from)),
    ];
    map(numbers.into_iter().filter_map(|(name, number)| Some((name, number?.to_string()))).collect())
}

pub(super) fn words(names: &[String]) -> String {
    list(names.iter().map(|name| scalar(name)))
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

fn map(said: Vec<(&str, String)>) -> String {
    let pairs: Vec<String> = said.into_iter().map(|(name, value)| format!("{}: {value}", scalar(name))).collect();
    format!("{{{}}}", pairs.join(", "))
}

/// A text as it stands in YAML: bare where nobody could take it for something else.
fn scalar(text: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "_-./".contains(character);
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphabetic());
    let is_word = text.split(' ').all(|word| !word.is_empty() && word.chars().all(is_plain));
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"];
    let is_bare = starts_well && is_word && !reserved.contains(&text.to_ascii_lowercase().as_str());
    if is_bare { text.to_owned() } else { quoted(text) }
}

/// Whatever JSON writes as a text is one in YAML.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}
