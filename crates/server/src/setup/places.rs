//! Where in its file each entry of a setup begins, so that a mistake is told with its line.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

/// The lines of entries, by what errors call them: `` team `Search` ``.
pub type Lines = BTreeMap<String, u64>;

/// Finds the lines of a file's entries. A file that cannot be read has none; reading it for itself says why.
pub fn lines(text: &str) -> Lines {
    let places = serde_saphyr::from_str::<Option<Places>>(text).ok().flatten().unwrap_or_default();
    let mut lines = Lines::new();
    places.units.note(&mut lines);
    let lists = [("provider", places.providers), ("model", places.models), ("key", places.keys)];
    for (noun, entries) in lists.into_iter().chain([("budget", places.budgets), ("policy", places.policies)]) {
        for entry in &entries {
            note(noun, entry.line(), &entry.value.name, &mut lines);
        }
    }
    lines
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Places {
    providers: Vec<Place>,
    models: Vec<Place>,
    keys: Vec<Place>,
    budgets: Vec<Place>,
    policies: Vec<Place>,
    units: Units,
}

/// An entry with its line; only its name matters here.
type Place = Spanned<Named>;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Units {
    departments: Vec<Spanned<Unit>>,
    teams: Vec<Spanned<Unit>>,
    members: Vec<Spanned<Unit>>,
    apps: Vec<Spanned<String>>,
    projects: Vec<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Unit {
    name: String,
    departments: Vec<Spanned<Unit>>,
    teams: Vec<Spanned<Unit>>,
    members: Vec<Spanned<Unit>>,
    apps: Vec<Spanned<String>>,
}

impl Units {
    fn note(&self, lines: &mut Lines) {
        let lists = [("department", &self.departments), ("team", &self.teams), ("member", &self.members)];
        for (noun, units) in lists {
            note_units(noun, units, lines);
        }
        for (noun, names) in [("app", &self.apps), ("project", &self.projects)] {
            note_names(noun, names, lines);
        }
    }
}

fn note_units(noun: &str, units: &[Spanned<Unit>], lines: &mut Lines) {
    for unit in units {
        note(noun, unit.line(), &unit.value.name, lines);
        let lists =
            [("department", &unit.value.departments), ("team", &unit.value.teams), ("member", &unit.value.members)];
        for (noun, units) in lists {
            note_units(noun, units, lines);
        }
        note_names("app", &unit.value.apps, lines);
    }
}

fn note_names(noun: &str, names: &[Spanned<String>], lines: &mut Lines) {
    for name in names {
        note(noun, name.line(), &name.value, lines);
    }
}

fn note(noun: &str, line: u64, name: &str, lines: &mut Lines) {
    // Of a name that stands there twice, the second line is the wrong one.
    lines.insert(format!("{noun} `{name}`"), line);
}

trait Line {
    fn line(&self) -> u64;
}

impl<T> Line for Spanned<T> {
    fn line(&self) -> u64 {
        self.referenced.line()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_its_line() {
        let text = "providers:\n- name: a\n  kind: ollama\nunits:\n  departments:\n  - name: D\n    teams:\n    - name: T\n      \
                    members:\n      - {name: M, apps: [P]}\n  projects: [X]\nbudgets:\n- {name: B}\n- {name: C}\n";
        let lines = lines(text);
        let line = |place: &str| lines.get(place).copied();
        assert_eq!((line("provider `a`"), line("department `D`"), line("team `T`")), (Some(2), Some(6), Some(8)));
        assert_eq!((line("member `M`"), line("app `P`"), line("project `X`")), (Some(10), Some(10), Some(11)));
        assert_eq!((line("budget `B`"), line("budget `C`"), line("budget `D`")), (Some(13), Some(14), None));
    }
}
