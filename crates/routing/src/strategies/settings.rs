//! What can be set of a strategy, and what was set.

use std::collections::BTreeMap;

use megarouter_domain::policy::Setting;

use super::Record;

/// Something that can be set.
#[derive(Clone, Copy, Debug)]
pub struct SettingRecord {
    /// Its stable name, as policies have it.
    pub name: &'static str,
    /// The name for a person.
    pub title: &'static str,
    /// What it does.
    pub about: &'static str,
    /// What it can be.
    pub kind: Kind,
}

/// What a setting can be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// On or off.
    Flag {
        /// When nothing is said.
        default: bool,
    },
    /// A number.
    Number {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
        /// When nothing is said.
        default: i64,
        /// In which unit.
        unit: &'static str,
    },
    /// One of some words.
    Choice {
        /// The words, each with what it means.
        of: &'static [(&'static str, &'static str)],
        /// When nothing is said.
        default: &'static str,
    },
    /// A model's name; it has to be said.
    Model,
}

/// A strategy's settings as a route has them, with the defaults of what it leaves out.
#[derive(Clone, Debug, Default)]
pub struct Settings(Vec<(&'static SettingRecord, Setting)>);

impl Settings {
    /// Reads what is written. What does not fit a setting has its default; [`crate::check()`] refuses it
    /// when it is saved.
    pub fn read(record: &'static Record, written: &BTreeMap<String, Setting>) -> Self {
        let value = |setting: &'static SettingRecord| {
            let fitting = written.get(setting.name).filter(|value| setting.kind.fits(value));
            (setting, fitting.cloned().unwrap_or_else(|| setting.kind.default()))
        };
        Self(record.settings.iter().map(value).collect())
    }

    /// A switch; off when there is none of that name.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Setting::Flag(true)))
    }

    /// A number; 0 when there is none of that name.
    pub fn number(&self, name: &str) -> i64 {
        if let Some(Setting::Number(number)) = self.get(name) { *number } else { 0 }
    }

    /// A word or a model's name; empty when there is none of that name.
    pub fn word(&self, name: &str) -> &str {
        if let Some(Setting::Text(word)) = self.get(name) { word } else { "" }
    }

    /// The models that settings name.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        let models = self.0.iter().filter(|(record, _)| matches!(record.kind, Kind::Model));
        models.filter_map(|(_, value)| if let Setting::Text(name) = value { Some(name.as_str()) } else { None })
    }

    fn get(&self, name: &str) -> Option<&Setting> {
        self.0.iter().find(|(record, _)| record.name == name).map(|(_, value)| value)
    }
}

impl Kind {
    /// Whether a value is of this kind and within its bounds.
    pub fn fits(&self, value: &Setting) -> bool {
        match (self, value) {
            (Self::Flag { .. }, Setting::Flag(_)) => true,
            (Self::Number { min, max, .. }, Setting::Number(number)) => (min..=max).contains(&number),
            (Self::Choice { of, .. }, Setting::Text(word)) => of.iter().any(|(known, _)| known == word),
            (Self::Model, Setting::Text(name)) => !name.is_empty(),
            _ => false,
        }
    }

    /// What it is when nothing is said.
    pub fn default(&self) -> Setting {
        match self {
            Self::Flag { default } => Setting::Flag(*default),
            Self::Number { default, .. } => Setting::Number(*default),
            Self::Choice { default, .. } => Setting::Text((*default).to_owned()),
            Self::Model => Setting::Text(String::new()),
        }
    }

    /// What a value has to be, for a person.
    pub fn in_words(&self) -> String {
        match self {
            Self::Flag { .. } => "true or false".to_owned(),
            Self::Number { min, max, unit, .. } => format!("a whole number from {min} to {max} ({unit})"),
            Self::Choice { of, .. } => {
                let words: Vec<_> = of.iter().map(|(word, _)| *word).collect();
                format!("one of {}", words.join(", "))
            }
            Self::Model => "the name of a model".to_owned(),
        }
    }

    #[cfg(test)]
    pub(super) fn check_default(&self) {
        assert!(matches!(self, Self::Model) || self.fits(&self.default()));
    }
}
