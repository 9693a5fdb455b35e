//! Stable error codes: what a program may match on, where a person reads the message.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {
        /// A stable error code, e.g. `model.not_found`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $text)] $name,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The code as text.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

codes! {
    /// No virtual key came with the request.
    KeyMissing = "key.missing",
    /// The virtual key is unknown, revoked or expired; deliberately not told apart.
    KeyInvalid = "key.invalid",
    /// No model of that name.
    ModelNotFound = "model.not_found",
    /// The key may not use that model.
    ModelForbidden = "model.forbidden",
    /// The model has no deployment that could be tried.
    ModelUnavailable = "model.unavailable",
    /// The body is not valid JSON.
    RequestMalformed = "request.malformed",
    /// A field of the request is wrong.
    RequestInvalid = "request.invalid",
    /// The body is larger than the limit.
    RequestTooLarge = "request.too_large",
    /// The body did not arrive in time.
    RequestTimeout = "request.timeout",
    /// The conversation is longer than the model's context.
    RequestContextLength = "request.context_length",
    /// The request asks for something MegaRouter does not do.
    RequestUnsupported = "request.unsupported",
    /// No such path.
    PathNotFound = "path.not_found",
    /// The path exists, the method does not.
    MethodNotAllowed = "method.not_allowed",
    /// The `Host` header names another host: DNS rebinding, or a missing setting.
    HostRefused = "host.refused",
    /// The request comes from a web page that is not on the list.
    OriginRefused = "origin.refused",
    /// No provider could be reached.
    UpstreamUnreachable = "upstream.unreachable",
    /// The provider did not answer in time.
    UpstreamTimeout = "upstream.timeout",
    /// The provider answered with an error of its own.
    UpstreamError = "upstream.error",
    /// The provider refused our credential.
    UpstreamCredential = "upstream.credential",
    /// The provider's rate limit or quota is used up.
    UpstreamRateLimited = "upstream.rate_limited",
    /// The provider's answer could not be read.
    UpstreamMalformed = "upstream.malformed",
    /// The provider's stream ended before its end mark.
    UpstreamTruncated = "upstream.truncated",
    /// The provider's credential cannot be read.
    CredentialUnavailable = "credential.unavailable",
    /// The ledger cannot take entries; nothing was sent to a provider.
    LedgerUnavailable = "ledger.unavailable",
    /// A hard budget would be exceeded.
    BudgetExceeded = "budget.exceeded",
    /// A hard budget applies, and what this node may spend of it cannot be told at present; nothing
    /// was sent to a provider.
    BudgetUnavailable = "budget.unavailable",
    /// A stream was ended when it had used up what a hard budget had left for it.
    BudgetExhausted = "budget.exhausted",
    /// More requests or tokens in a short time, or more requests at once, than the limit.
    RateLimited = "rate.limited",
    /// A request with the same idempotency key was made before.
    IdempotencyConflict = "idempotency.conflict",
    /// The proxy is paused.
    ProxyPaused = "proxy.paused",
    /// More connections than the limit.
    Overloaded = "overloaded",
    /// The program is stopping.
    ShuttingDown = "shutting_down",
    /// The client closed the connection.
    ClientLeft = "client.left",
    /// A fault of ours.
    Internal = "internal",
}

impl std::fmt::Display for Code {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl std::str::FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text).ok_or_else(|| UnknownCode(text.to_owned()))
    }
}

/// A text that is no code.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an error code")]
pub struct UnknownCode(String);
