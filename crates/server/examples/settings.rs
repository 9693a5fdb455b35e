//! Prints the reference of all settings; `cargo xtask gen` keeps it in `docs/CONFIGURATION.md`.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(megarouter_server::config::reference::markdown().as_bytes())
}
