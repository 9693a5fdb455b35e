//! Hyperbolic.

use super::{Cancel, Endpoint, Kind};

pub const KIND: Kind = Kind {
    id: "hyperbolic",
    name: "Hyperbolic",
    base_url: "https://api.hyperbolic.xyz/v1",
    credential_variables: &["HYPERBOLIC_API_KEY"],
    endpoints: &[Endpoint::CHAT, Endpoint::COMPLETIONS],
    cancel: Cancel::StopsBilling,
    docs_url: "https://docs.hyperbolic.ai/inference/chat-completion",
    note: Some("Its images and speech have an API of their own, which is not reached."),
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
