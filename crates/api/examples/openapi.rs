//! Prints the OpenAPI document: `cargo run -p megarouter-api --example openapi > crates/api/openapi.json`.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(megarouter_api::openapi::to_json().as_bytes())
}
