//! Typed ids over UUIDv7.
//!
//! A new kind is one line at the end of the list below; the order is append-only because the short
//! prefix of a kind is public.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Timestamp;

/// The random part of an id, drawn by the caller.
pub type Entropy = [u8; 10];

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes an id that sorts by the time it was made.
            pub fn new(now: Timestamp, entropy: Entropy) -> Self {
                let millis = u64::try_from(now.as_millis()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &entropy).into_uuid())
            }

            /// Wraps a UUID read from a store.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID itself.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )+};
}

ids! {
    /// The tenant.
    OrganizationId,
    /// A virtual key.
    KeyId,
    /// A configured provider.
    ProviderId,
    /// A public model.
    ModelId,
    /// One way to serve a model.
    DeploymentId,
    /// One immutable version of a price.
    PriceId,
    /// One request of a client.
    RequestId,
    /// One call to one deployment.
    AttemptId,
    /// A part of the organisation: a department, team, project, member or app.
    UnitId,
    /// A limit.
    BudgetId,
    /// A temporary increase of a limit.
    RaiseId,
    /// A policy: a virtual model with its rules.
    PolicyId,
    /// A run of recorded or sample prompts on candidate models.
    ReplayId,
    /// A further credential of a provider.
    CredentialId,
    /// A ledger: the journal of one node. A copy that goes on by itself gets another.
    LedgerId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_by_time() {
        let early = RequestId::new(Timestamp::from_micros(1_000_000), [255; 10]);
        let late = RequestId::new(Timestamp::from_micros(2_000_000), [0; 10]);
        assert!(early < late);
        assert_eq!(early.to_string().parse::<RequestId>().unwrap(), early);
    }
}
