//! House rules as tests: what `docs/ARCHITECTURE.md` promises about crates and files.
