//! AI21.

use super::{Endpoint, Kind};

pub const KIND: Kind = Kind {
    id: "ai21",
    name: "AI21",
    base_url: "https://api.ai21.com/studio/v1",
    credential_variables: &["AI21_API_KEY"],
    endpoints: &[Endpoint::CHAT],
    model_list: None,
    // `response_format` knows text and json_object only.
    has_json_schema: false,
    docs_url: "https://docs.ai21.com/reference/jamba-1-6-api-ref",
    note: Some("It lists no models; a test asks for one that is not there and sees whether the key is known."),
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
