//! Policies as people write them, in YAML: names where the stored form has ids, dollars where it has
//! billionths.
//!
//! `entry` is the form itself, `read` and `write` turn it into the domain's and back, and `patch` writes
//! into a text that somebody wrote, without touching what did not change. A setup file has the same form.

mod entry;
mod patch;
mod places;
mod read;
mod write;

use megarouter_domain::policy::Body;

pub use self::entry::{BodyEntry, Decimal, RuleEntry};
pub use self::places::Places;
pub use self::read::{EntryError, read};
pub use self::write::entry;

use super::PolicyProblem;
use super::names::Names;

/// Reads a policy's text.
///
/// # Errors
/// What is wrong with it, with its line.
pub fn parse(text: &str, names: Names<'_>) -> Result<Body, PolicyProblem> {
    let entry: Option<BodyEntry> = serde_saphyr::from_str(text).map_err(|error| unreadable(&error))?;
    let entry = entry.unwrap_or_default();
    read(&entry, names).map_err(|error| {
        let place = Places::of(text).find(error.rule, error.condition);
        let (line, column) = place.unzip();
        PolicyProblem {
            line,
            column,
            rule: error.rule.map(|rule| rule as u64 + 1),
            message: error.to_string(),
            is_error: true,
        }
    })
}

/// Writes a policy as text; the comments and the layout of `old` stay wherever it says the same.
pub fn text(body: &Body, old: Option<&str>, names: Names<'_>) -> String {
    let fresh = write::text(&entry(body, names));
    let Some(old) = old else { return fresh };
    if parse(old, names).is_ok_and(|said| said == *body) {
        return old.to_owned();
    }
    let patched = patch::patch(old, &entry(body, names));
    // Whatever the old layout was: what comes out says what it is to say, or is written anew.
    patched.filter(|patched| parse(patched, names).is_ok_and(|said| said == *body)).unwrap_or_else(|| {
        let head = patch::leading_comments(old);
        format!("{head}{fresh}")
    })
}

fn unreadable(error: &serde_saphyr::Error) -> PolicyProblem {
    let location = error.location();
    let said = error.without_snippet().to_string();
    let said = said.trim_start_matches("error: ");
    let reason = said.split(" at line ").next().unwrap_or_default();
    let reason = reason.strip_prefix("line ").and_then(|rest| rest.split_once(": ")).map_or(reason, |(_, rest)| rest);
    PolicyProblem {
        line: location.map(|place| place.line()),
        column: location.map(|place| place.column()),
        rule: None,
        message: format!("This cannot be read: {reason}. Correct it there."),
        is_error: true,
    }
}

#[cfg(test)]
mod tests {
    use megarouter_domain::clock::Timestamp;
    use megarouter_domain::id::UnitId;
    use megarouter_domain::policy::Condition;
    use megarouter_domain::unit::{Unit, UnitKind};

    use super::*;

    const TEXT: &str = "\
# What our people get who ask for nothing in particular.
takes_over: [gpt-4o, \"claude-*\"]
rules:
  # The search team has a model of its own.
  - name: Search
    when:
      - who: {teams: [Search]}       # by its name
      - difficulty: {at_least: 600}
    strategy: fixed_order
    candidates: [gpt-5, {model: sonnet, weight: 3}] # in this order

  - name: The rest
    strategy: learned_utility
    settings: {goal: balanced}
    # Never too dear.
    bounds: {cost: 0.05, output_price: \"15\", never_dearer: true}
    patience: {first_output_ms: 5000}
";

    fn team(name: &str) -> Unit {
        let now = Timestamp::from_micros(1_000_000);
        let (kind, name) = (UnitKind::Team, name.to_owned());
        Unit {
            id: UnitId::new(now, [1; 10]),
            kind,
            name,
            parent: None,
            email: None,
            created_at: now,
            archived_at: None,
        }
    }

    fn read_text(text: &str) -> Result<Body, PolicyProblem> {
        parse(text, Names { units: &[team("Search")], keys: &[] })
    }

    #[test]
    fn names_and_dollars_become_ids_and_billionths_and_back() {
        let units = [team("Search")];
        let names = Names { units: &units, keys: &[] };
        let body = parse(TEXT, names).unwrap();
        assert_eq!(body.rules[0].when[0], Condition::Who { units: vec![units[0].id], keys: vec![] });
        assert_eq!(body.rules[1].route.bounds.cost.map(|cost| cost.0), Some(50_000_000));
        let written = text(&body, None, names);
        assert_eq!(parse(&written, names).unwrap(), body, "{written}");
        assert!(written.contains("who: {teams: [Search]}") && written.contains("cost: \"0.05\""), "{written}");
    }

    #[test]
    fn comments_survive_what_the_form_changes() {
        let units = [team("Search")];
        let names = Names { units: &units, keys: &[] };
        let mut body = parse(TEXT, names).unwrap();
        assert_eq!(text(&body, Some(TEXT), names), TEXT);
        body.rules[1].route.strategy = "lowest_cost".to_owned();
        body.rules[1].route.settings.clear();
        body.rules[0].route.fallbacks.push("haiku".to_owned());
        let changed = text(&body, Some(TEXT), names);
        assert_eq!(parse(&changed, names).unwrap(), body, "{changed}");
        for kept in ["# What our people", "# The search team", "# by its name", "# in this order", "# Never too dear."]
        {
            assert!(changed.contains(kept), "{kept} is gone:\n{changed}");
        }
        assert!(changed.contains("    fallbacks: [haiku]\n"), "{changed}");
        assert!(!changed.contains("goal"), "{changed}");
        body.rules.swap(0, 1);
        body.takes_over.clear();
        let moved = text(&body, Some(&changed), names);
        let place = |needle: &str| moved.find(needle).unwrap();
        assert!(place("# Never too dear.") < place("# The search team"), "{moved}");
        assert!(!moved.contains("takes_over"), "{moved}");
    }

    #[test]
    fn another_layout_is_written_anew() {
        let units = [team("Search")];
        let names = Names { units: &units, keys: &[] };
        let old = "# In a line.\n{rules: [{strategy: fixed_order}]}\n";
        let mut body = parse(old, names).unwrap();
        body.rules[0].name = "All".to_owned();
        let new = text(&body, Some(old), names);
        assert_eq!(parse(&new, names).unwrap(), body);
        assert!(new.starts_with("# In a line.\n"), "{new}");
    }

    #[test]
    fn what_is_wrong_has_its_line() {
        for (wrong, line, reason) in [
            (TEXT.replace("[Search]", "[Nobody]"), 7, "no team `Nobody`"),
            (TEXT.replace("strategy: fixed", "stratgy: fixed"), 9, "stratgy"),
            (TEXT.replace("0.05", "free"), 12, "`free`"),
            (TEXT.replace("600", "6000"), 8, "1,000 thousandths"),
            (TEXT.replace("    strategy: learned_utility\n", ""), 16, "strategy"),
            ("rules: [\n".to_owned(), 2, "cannot be read"),
        ] {
            let problem = read_text(&wrong).unwrap_err();
            assert!(problem.message.contains(reason), "{reason}: {problem:?}");
            assert!(problem.line.is_some_and(|at| at.abs_diff(line) <= 1), "{reason}: {problem:?}");
        }
    }
}
