//! Records of providers, their credentials on the wire and the HTTP client.
//!
//! [`catalog`] says what is known of each provider, one file each. [`address`] decides which base
//! URLs may be dialled, [`auth`] which of them may see a credential and in what form. [`client`] makes the call and
//! [`errors`] says what a caller can do about a failure. [`probe`] answers the questions of a person
//! who sets a provider up. Nothing here knows budgets, routes or virtual keys.

pub mod address;
pub mod auth;
pub mod catalog;
pub mod client;
pub mod errors;
mod headers;
pub mod probe;
mod rate_limits;
mod resolver;
#[cfg(test)]
mod scripted;
