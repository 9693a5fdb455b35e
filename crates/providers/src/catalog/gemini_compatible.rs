//! Any server that speaks Gemini's dialect.

use super::{Kind, gemini};

pub const KIND: Kind = Kind {
    id: "gemini_compatible",
    name: "Gemini-compatible",
    base_url: "",
    base_url_is_fixed: false,
    needs_credential: false,
    credential_variables: &[],
    key_prefixes: &[],
    usage_note: None,
    error_note: None,
    note: Some("Give the address up to and including the version, such as https://api.example.com/v1beta."),
    ..gemini::KIND
};
