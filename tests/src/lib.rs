//! The whole program from outside: what the end-to-end tests, the benchmark and the soak run drive
//! MegaRouter with.
//!
//! Nothing here depends on a crate of ours: the program is known only by its binaries, its command
//! line, its HTTP and its window, as its users know it. The tests themselves are in `it/`. Start at
//! [`program::Program`] and [`mock_provider::MockProvider`].

pub mod agents;
pub mod bench;
pub mod budget;
pub mod client;
pub mod clock;
pub mod cluster;
pub mod conformance;
pub mod control;
pub mod evil_upstream;
pub mod faults;
pub mod load;
pub mod mock_provider;
pub mod postgres;
pub mod process;
pub mod program;
pub mod raw_http;
pub mod real_model;
pub mod setup;
pub mod sse;
pub mod tools;
pub mod webdriver;
pub mod world;
pub mod xvfb;
