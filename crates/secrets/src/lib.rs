//! Where provider credentials are kept.
//!
//! Exactly one store is authoritative: the operating system's keychain, an encrypted file in the
//! data folder, or none at all (credentials then come from environment variables only). Which one
//! it is gets chosen once and recorded, so that a keychain that happens to be locked is reported
//! as locked and never replaced behind the user's back.
//!
//! The crate does not know what a provider is beyond its id, and it never gives a secret to
//! anything but its caller. Start at [`Store`].

mod choice;
mod encrypted_file;
mod error;
mod keychain;
pub mod private_file;
mod seal;
pub mod sealed_file;
mod state;
mod store;

pub use choice::KeySource;
pub use error::{OpenError, StoreError};
pub use state::{Kind, Readiness, State};
pub use store::{Holder, Options, Store};
