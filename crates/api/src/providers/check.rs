//! What a person writes about a provider, checked once and turned into domain types.

use std::collections::BTreeMap;

use megarouter_domain::dialect;
use megarouter_domain::provider::CredentialSource;
use megarouter_domain::secret::Secret;
use megarouter_providers::address::BaseUrl;
use megarouter_providers::catalog::{self, FillError, Kind};

use super::CredentialChoice;
use crate::error::ApiError;
use crate::requests::Dialect;

const LONGEST_NAME: usize = 64;

/// A credential to use: where it is kept, and its secret when one was sent.
pub(super) struct CheckedCredential {
    /// Where it is kept.
    pub source: CredentialSource,
    /// What to keep there.
    pub secret: Option<Secret>,
}

/// Checks the name that a provider is pinned by.
pub(super) fn name(text: &str) -> Result<String, ApiError> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphanumeric());
    if starts_well && text.len() <= LONGEST_NAME && text.bytes().all(is_plain) {
        return Ok(text.to_owned());
    }
    let message = format!(
        "`{text}` cannot be a provider's name. It could not be written in `NAME/model`. Use 1 to {LONGEST_NAME} lower-case \
         letters, digits, dots, dashes or underscores, beginning with a letter or a digit."
    );
    Err(ApiError::invalid("provider.name_invalid", message).about("name"))
}

/// Checks a region's name; rules compare it as it is.
pub(super) fn region(text: Option<String>) -> Result<Option<String>, ApiError> {
    let Some(text) = text.map(|text| text.trim().to_lowercase()).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if text.len() <= LONGEST_NAME && text.bytes().all(is_plain) {
        return Ok(Some(text));
    }
    let message = format!(
        "`{text}` cannot be a region. Nothing was changed. Use letters, digits and dashes, such as eu or us-east-1."
    );
    Err(ApiError::invalid("provider.region_invalid", message).about("region"))
}

/// Finds the record of a kind.
pub(super) fn kind(id: &str) -> Result<&'static Kind, ApiError> {
    catalog::kind(id).ok_or_else(|| {
        let message = format!(
            "`{id}` is no kind of provider that MegaRouter knows. Nothing was changed. Choose one of /provider-kinds; \
             `openai_compatible` fits any server with OpenAI's API."
        );
        ApiError::invalid("provider.kind_unknown", message).about("kind")
    })
}

/// Refuses a kind whose maker ended it: nothing new can be set up with it.
pub(super) fn is_alive(kind: &Kind) -> Result<(), ApiError> {
    let Some(day) = kind.retired_on else { return Ok(()) };
    let message = format!(
        "{} was ended by its maker on {day}. Every request would fail, so nothing was changed. Choose another kind.",
        kind.name
    );
    Err(ApiError::invalid("provider.kind_retired", message).about("kind"))
}

/// Checks where a provider's API is; left out, it is where its kind usually is, with the variables
/// filled in.
pub(super) fn base_url(
    text: Option<&str>,
    variables: &BTreeMap<String, String>,
    kind: &Kind,
) -> Result<String, ApiError> {
    let text = match text.map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => text.to_owned(),
        None => kind.fill(|name| variables.get(name).map(String::as_str)).map_err(|error| unfilled(kind, &error))?,
    };
    if text.is_empty() {
        let message = format!(
            "A provider of the kind {} has no usual address. It cannot be called without one. Enter its base URL, such \
             as http://127.0.0.1:8000/v1.",
            kind.name
        );
        return Err(ApiError::invalid("provider.base_url_missing", message).about("base_url"));
    }
    let base = BaseUrl::parse(&text).map_err(|reason| {
        let message =
            format!("`{text}` cannot be a base URL: {reason}. Nothing was changed. Correct it and try again.");
        ApiError::invalid("provider.base_url_invalid", message).about("base_url")
    })?;
    if !kind.accepts(base.as_str()) {
        let message = format!(
            "{} is always at {}. Its key must not go anywhere else, so nothing was changed. Leave the base URL out, or \
             choose the kind `openai_compatible` for a server of your own.",
            kind.name, kind.base_url
        );
        return Err(ApiError::invalid("provider.base_url_fixed", message).about("base_url"));
    }
    Ok(base.as_str().to_owned())
}

fn unfilled(kind: &Kind, error: &FillError) -> ApiError {
    let message = format!(
        "The address of {} is {}, and {error}. It cannot be called without that, so nothing was changed. Send the \
         values as `variables`, or the whole address as `base_url`.",
        kind.name, kind.base_url
    );
    ApiError::invalid("provider.variable_missing", message).about("variables")
}

/// Checks the wire formats that a provider is to be called in: its kind must know their paths.
pub(super) fn dialects(wanted: Vec<Dialect>, kind: &Kind) -> Result<Vec<dialect::Dialect>, ApiError> {
    let mut dialects = Vec::with_capacity(wanted.len());
    for dialect in wanted.into_iter().map(dialect::Dialect::from) {
        if dialects.contains(&dialect) {
            continue;
        }
        if !kind.speaks(dialect) {
            let message = format!(
                "A provider of the kind {} is not called as {}. Nothing was changed. Leave it out, or choose another kind.",
                kind.name,
                dialect.title()
            );
            return Err(ApiError::invalid("provider.dialect_invalid", message).about("dialects"));
        }
        dialects.push(dialect);
    }
    Ok(dialects)
}

/// Checks a credential against what its kind needs.
pub(super) fn credential(choice: CredentialChoice, kind: &Kind) -> Result<CheckedCredential, ApiError> {
    match choice {
        CredentialChoice::None {} if kind.needs_credential => Err(missing(kind)),
        CredentialChoice::None {} => Ok(CheckedCredential { source: CredentialSource::None, secret: None }),
        CredentialChoice::Stored { secret } => {
            Ok(CheckedCredential { source: CredentialSource::Stored, secret: Some(sendable(secret.0, kind)?) })
        }
        CredentialChoice::Environment { variable } => Ok(CheckedCredential {
            source: CredentialSource::Environment { variable: variable_name(variable)? },
            secret: None,
        }),
    }
}

/// A stored secret belongs to the address it was entered for: who can only change the address must
/// not be able to have the secret sent elsewhere.
pub(super) fn keeps_origin(old: &str, new: &str) -> Result<(), ApiError> {
    let origin = |text: &str| url::Url::parse(text).map(|url| url.origin()).ok();
    if origin(old) == origin(new) {
        return Ok(());
    }
    let message = "The address is another server's. The credential was given for the old one and is not sent to another, \
                   so nothing was changed. Enter the credential again together with the new address.";
    Err(ApiError::invalid("provider.credential_bound", message).about("credential"))
}

fn missing(kind: &Kind) -> ApiError {
    let message = format!(
        "{} refuses calls without a key. Every request would fail, so nothing was changed. Enter a key, or name an \
         environment variable that holds one.",
        kind.name
    );
    ApiError::invalid("provider.credential_missing", message).about("credential")
}

/// A secret in the form that its kind needs; surrounding white space is what pasting adds.
fn sendable(secret: Secret, kind: &Kind) -> Result<Secret, ApiError> {
    kind.auth.prepare(secret).map_err(|reason| {
        let message = format!(
            "The key cannot be used: {reason}. It could not be sent, so nothing was changed. Copy it again from the \
             provider's page. {}",
            kind.auth.hint()
        );
        ApiError::invalid("provider.secret_invalid", message).about("credential")
    })
}

fn variable_name(name: String) -> Result<String, ApiError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let starts_well = !name.starts_with(|first: char| first.is_ascii_digit());
    if !name.is_empty() && name.len() <= 200 && starts_well && name.bytes().all(is_plain) {
        return Ok(name);
    }
    let message = "This cannot be the name of an environment variable. Nothing was changed. Use letters, digits and \
                   underscores, and not the key itself.";
    Err(ApiError::invalid("provider.variable_invalid", message).about("credential"))
}
