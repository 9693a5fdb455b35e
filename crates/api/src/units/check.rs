//! What a unit may be, whether it is made, changed or read from a file.

use megarouter_domain::unit::{Unit, Units};

use crate::error::ApiError;

/// The longest name, in characters.
const LONGEST_NAME: usize = 100;
/// The longest address, in characters: the most that mail knows.
const LONGEST_EMAIL: usize = 254;

/// Why a text is no name or no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Wrong {
    #[error("a name has 1 to {LONGEST_NAME} characters")]
    Name,
    #[error("an address is written name@example.com and has at most {LONGEST_EMAIL} characters")]
    Email,
}

/// A unit's name, without the spaces round it.
pub(crate) fn name(text: &str) -> Result<String, Wrong> {
    let name = text.trim();
    let is_name = !name.is_empty() && name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control);
    if is_name { Ok(name.to_owned()) } else { Err(Wrong::Name) }
}

/// A member's address, without the spaces round it.
pub(super) fn email(text: &str) -> Result<String, Wrong> {
    let email = text.trim();
    let is_plain = |character: char| !character.is_control() && !character.is_whitespace();
    let has_parts = email.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.contains('@') && !host.starts_with('.') && !host.ends_with('.')
    });
    let is_email = has_parts && email.chars().count() <= LONGEST_EMAIL && email.chars().all(is_plain);
    if is_email { Ok(email.to_owned()) } else { Err(Wrong::Email) }
}

/// Refuses a unit that has no place in the tree of the others.
pub(super) fn place(units: &[Unit], wanted: &Unit) -> Result<(), ApiError> {
    let others = units.iter().filter(|unit| unit.id != wanted.id).cloned();
    Units::new(others.chain([wanted.clone()])).map(drop).map_err(|error| ApiError::from(error).about("parent"))
}

/// Refuses an address of what is no person.
pub(super) fn only_members() -> ApiError {
    let message = "Only a member has an address. Nothing was changed. Leave it out.";
    ApiError::invalid("unit.email_invalid", message).about("email")
}

impl From<Wrong> for ApiError {
    fn from(wrong: Wrong) -> Self {
        let (code, field) = match wrong {
            Wrong::Name => ("unit.name_invalid", "name"),
            Wrong::Email => ("unit.email_invalid", "email"),
        };
        let message = format!("The {field} is not valid: {wrong}. Nothing was changed. Correct it and send it again.");
        Self::invalid(code, message).about(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_have_limits() {
        assert_eq!(name(" Search "), Ok("Search".to_owned()));
        assert_eq!(name(&"x".repeat(LONGEST_NAME)), Ok("x".repeat(LONGEST_NAME)));
        for wrong in ["", "  ", "a\nb", &"x".repeat(LONGEST_NAME + 1)] {
            assert_eq!(name(wrong), Err(Wrong::Name), "{wrong:?}");
        }
        assert_eq!(email(" ada@example.com "), Ok("ada@example.com".to_owned()));
        for wrong in
            ["", "ada", "@example.com", "ada@", "ada@localhost", "a b@example.com", "a@b@example.com", "a@.com"]
        {
            assert_eq!(email(wrong), Err(Wrong::Email), "{wrong:?}");
        }
        let long = format!("{}@example.com", "x".repeat(LONGEST_EMAIL - 12));
        assert!(email(&long).is_ok() && email(&format!("x{long}")).is_err());
    }
}
