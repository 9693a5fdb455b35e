//! What a person fills into a base URL: a region, an account, a resource.

use thiserror::Error;

use super::Kind;

/// A place in a base URL, written `{name}`, that a person fills in.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// What stands between the braces, e.g. `region`.
    pub name: &'static str,
    /// What to call it before a person.
    pub label: &'static str,
    /// Where a person finds it, or what it looks like.
    pub hint: &'static str,
    /// What most people need; `None` where everybody has another.
    pub default: Option<&'static str>,
    /// The only values there are; empty where any name fits.
    pub choices: &'static [Choice],
}

/// A value that a variable may have.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// What is filled in.
    pub value: &'static str,
    /// What it means to a person.
    pub label: &'static str,
}

/// Why a base URL could not be filled in.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FillError {
    /// A value is missing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A value cannot stand in an address.
    #[error("`{0}` has a value that cannot stand there")]
    Unfit(&'static str),
}

impl Variable {
    fn admits(&self, value: &str) -> bool {
        if self.choices.is_empty() { is_name(value) } else { self.choices.iter().any(|choice| choice.value == value) }
    }
}

impl Kind {
    /// The base URL with the values that `value_of` gives for each variable's name; a variable
    /// without a value gets its default.
    ///
    /// # Errors
    /// When a value is missing or could change what the address means.
    pub fn fill<'a>(&self, value_of: impl Fn(&str) -> Option<&'a str>) -> Result<String, FillError> {
        let mut filled = self.base_url.to_owned();
        for variable in self.variables {
            let given = value_of(variable.name).map(str::trim).filter(|value| !value.is_empty());
            let value = given.or(variable.default).ok_or(FillError::Missing(variable.name))?;
            if !variable.admits(value) {
                return Err(FillError::Unfit(variable.name));
            }
            filled = filled.replace(&placeholder(variable.name), value);
        }
        Ok(self.respelled(&filled, |(filled, real)| (filled, real)))
    }

    /// The values of the variables in a base URL of this kind, by name; `None` when the URL is not
    /// made from the record's.
    pub fn values_in(&self, base_url: &str) -> Option<Vec<(&'static str, String)>> {
        let spelled = self.respelled(base_url, |(filled, real)| (real, filled));
        let mut values = vec![];
        self.matches(self.base_url, &spelled, &mut values).then_some(values)
    }

    /// True when a provider of this kind may have this base URL: any, or one made from the record's
    /// where its credentials must go nowhere else.
    pub fn accepts(&self, base_url: &str) -> bool {
        !self.base_url_is_fixed || self.values_in(base_url).is_some()
    }

    /// Fills another text with the values that a base URL has.
    pub(crate) fn fill_from(&self, base_url: &str, text: &str) -> Option<String> {
        let values = self.values_in(base_url)?;
        Some(values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&placeholder(name), value)))
    }

    fn respelled(
        &self,
        text: &str,
        direction: impl Fn((&'static str, &'static str)) -> (&'static str, &'static str),
    ) -> String {
        let swapped = self.respellings.iter().find_map(|pair| {
            let (from, to) = direction(*pair);
            text.strip_prefix(from).map(|rest| format!("{to}{rest}"))
        });
        swapped.unwrap_or_else(|| text.to_owned())
    }

    /// Walks a pattern and a text side by side and collects what stands for the variables.
    fn matches(&self, pattern: &str, text: &str, values: &mut Vec<(&'static str, String)>) -> bool {
        let Some((literal, rest)) = pattern.split_once('{') else { return pattern == text };
        let Some(text) = text.strip_prefix(literal) else { return false };
        let Some((name, rest)) = rest.split_once('}') else { return false };
        let Some(variable) = self.variables.iter().find(|variable| variable.name == name) else { return false };
        let known = values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        // The shortest value first; what follows in the pattern decides whether it fits.
        let ends = (1..=text.len()).filter(|end| text.is_char_boundary(*end));
        for end in ends {
            let (value, after) = text.split_at(end);
            if !variable.admits(value) || known.as_ref().is_some_and(|known| known != value) {
                continue;
            }
            let before = values.len();
            if known.is_none() {
                values.push((variable.name, value.to_owned()));
            }
            if self.matches(rest, after, values) {
                return true;
            }
            values.truncate(before);
        }
        false
    }
}

fn placeholder(name: &str) -> String {
    format!("{{{name}}}")
}

/// Letters, digits and what names of resources hold; nothing that ends a host or a path.
fn is_name(value: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !value.is_empty() && value.len() <= 128 && value != "." && value != ".." && value.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Variable = Variable { name: "place", label: "Place", hint: "", default: Some("global"), choices: &[] };
    const PROJECT: Variable = Variable { name: "project", label: "Project", hint: "", default: None, choices: &[] };
    const KIND: Kind = Kind {
        base_url: "https://{place}-ai.example.com/v1/projects/{project}/locations/{place}",
        variables: &[PLACE, PROJECT],
        respellings: &[("https://global-ai.example.com/", "https://ai.example.com/")],
        ..Kind::HOSTED
    };

    fn fill(project: &'static str, place: &'static str) -> Result<String, FillError> {
        KIND.fill(|name| Some(if name == "project" { project } else { place }))
    }

    #[test]
    fn values_are_filled_in_and_found_again() {
        let regional = fill("p-1", "eu-west").unwrap();
        assert_eq!(regional, "https://eu-west-ai.example.com/v1/projects/p-1/locations/eu-west");
        let global = fill("p-1", "").unwrap();
        assert_eq!(global, "https://ai.example.com/v1/projects/p-1/locations/global");
        for (filled, place) in [(&regional, "eu-west"), (&global, "global")] {
            assert_eq!(KIND.values_in(filled).unwrap(), [("place", place.to_owned()), ("project", "p-1".to_owned())]);
            assert!(KIND.accepts(filled));
        }
        assert_eq!(KIND.fill_from(&regional, "https://{place}.list/").as_deref(), Some("https://eu-west.list/"));
    }

    #[test]
    fn a_value_cannot_change_where_the_credential_goes() {
        for evil in ["evil.example/", "a@b", "a?b", "a#b", "a:1", "a\\b", "a%2f", "..", " "] {
            assert!(fill("p", evil).is_err() || evil == " ", "{evil}");
        }
        assert_eq!(fill("", "x"), Err(FillError::Missing("project")));
        for other in [
            "https://evil.example/v1/projects/p/locations/global",
            "https://a-ai.example.com/v1/projects/p/locations/b",
            "https://a-ai.example.com/v1/projects/p/locations/a/more",
            "https://a/-ai.example.com/v1/projects/p/locations/a/",
        ] {
            assert!(!KIND.accepts(other), "{other}");
        }
    }

    #[test]
    fn only_the_choices_fit_where_there_are_some() {
        const HOST: Variable = Variable {
            choices: &[
                Choice { value: "api.example.com", label: "World" },
                Choice { value: "api.example.cn", label: "China" },
            ],
            default: Some("api.example.com"),
            ..PLACE
        };
        const CHOSEN: Kind = Kind { base_url: "https://{place}/v1", variables: &[HOST], ..Kind::HOSTED };
        assert!(CHOSEN.accepts("https://api.example.cn/v1") && !CHOSEN.accepts("https://evil.example/v1"));
        assert_eq!(CHOSEN.fill(|_| None).unwrap(), "https://api.example.com/v1");
        assert_eq!(CHOSEN.fill(|_| Some("evil.example")), Err(FillError::Unfit("place")));
    }
}
