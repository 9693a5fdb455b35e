//! Where provider credentials are kept.
