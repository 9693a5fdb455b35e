//! What an error status means and what to do about it. Providers word the same fault in many ways,
//! so the status is read together with the body, whatever dialect that was in.

use std::time::Duration;

use megarouter_dialect::errors::UpstreamErrorBody;
use megarouter_domain::code::Code;

/// What to do after a provider answered with an error status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Ask the same deployment again, after a wait.
    RetrySame {
        /// How long to wait: what the provider said, or zero.
        after: Duration,
    },
    /// Ask the next deployment.
    NextDeployment,
    /// Give the answer to the client as it is: another deployment would say the same, and clients
    /// act on the wording.
    GiveBack,
}

/// What is behind an error status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The credential is refused, or not allowed to do this.
    Credential,
    /// The account has no money or quota left; waiting does not help.
    Quota,
    /// Too much at once; waiting helps.
    RateLimit,
    /// There is no such model, or not for this account.
    ModelUnknown,
    /// There is no such API at this address.
    PathUnknown,
    /// The API is elsewhere.
    Redirect,
    /// The request itself is wrong.
    Request,
    /// The conversation is longer than the model's context.
    ContextLength,
    /// The provider has more to do than it can.
    Overload,
    /// The provider is out of order.
    Fault,
}

/// An error status, judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What to do.
    pub next_step: NextStep,
    /// The code for the ledger and, when no deployment is left, for the client.
    pub code: Code,
    /// What is behind it.
    pub cause: Cause,
}

/// The longest wait that is honoured; a provider that asks for more is passed over.
pub const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Judges an answer with an error status (300 or above). `retry_after` is what the head asks to
/// wait, or else the body ([`super::retry_hint`]).
pub fn judge(status: u16, retry_after: Option<Duration>, error: Option<&UpstreamErrorBody>) -> Judgement {
    let cause = match cause_of(status, error) {
        // Google says in the same words that a minute's or a day's quota is used up; only for the
        // minute's it says how long to wait.
        Cause::RateLimit if retry_after.is_none() && error.is_some_and(is_googles_quota) => Cause::Quota,
        cause => cause,
    };
    let retry = match retry_after {
        Some(wait) if wait > LONGEST_WAIT => NextStep::NextDeployment,
        wait => NextStep::RetrySame { after: wait.unwrap_or_default() },
    };
    let (next_step, code) = match cause {
        Cause::Credential => (NextStep::NextDeployment, Code::UpstreamCredential),
        Cause::Quota => (NextStep::NextDeployment, Code::UpstreamRateLimited),
        Cause::RateLimit => (retry, Code::UpstreamRateLimited),
        Cause::ContextLength => (NextStep::GiveBack, Code::RequestContextLength),
        Cause::Request => (NextStep::GiveBack, Code::UpstreamError),
        Cause::Overload => (retry, Code::UpstreamError),
        Cause::Fault if status == 504 => (NextStep::NextDeployment, Code::UpstreamTimeout),
        Cause::Fault if matches!(status, 408 | 409 | 425 | 500 | 502) => (retry, Code::UpstreamError),
        // Another deployment may know the model, or be at work. Any other fault is no answer at all.
        Cause::ModelUnknown | Cause::PathUnknown | Cause::Redirect | Cause::Fault => {
            (NextStep::NextDeployment, Code::UpstreamError)
        }
    };
    Judgement { next_step, code, cause }
}

fn cause_of(status: u16, error: Option<&UpstreamErrorBody>) -> Cause {
    let says = |test: fn(&UpstreamErrorBody) -> bool| error.is_some_and(test);
    let is_of_client = (400..500).contains(&status);
    match status {
        300..=399 => Cause::Redirect,
        402 => Cause::Quota,
        _ if is_of_client && says(UpstreamErrorBody::is_quota_exhausted) => Cause::Quota,
        403 | 429 if says(speaks_of_money) => Cause::Quota,
        401 | 403 => Cause::Credential,
        429 => Cause::RateLimit,
        // Groq's answer to a request that is larger than the tokens of a minute.
        413 if says(is_rate_limit) => Cause::RateLimit,
        // OpenAI's and Anthropic's own words first: a wrong key comes as 400 from Google and xAI.
        400 if says(refuses_credential) => Cause::Credential,
        // Google: not in this country, or not without billing.
        400 if says(is_precondition) => Cause::Quota,
        400 | 413 | 422 if says(UpstreamErrorBody::is_context_length) => Cause::ContextLength,
        400 | 404 | 422 if says(names_no_model) => Cause::ModelUnknown,
        404 | 405 | 410 => Cause::PathUnknown,
        // 424 is Bedrock's for a fault of the model, 498 Groq's for no capacity.
        408 | 409 | 424 | 425 => Cause::Fault,
        498 | 503 | 529 => Cause::Overload,
        400..=499 => Cause::Request,
        _ if says(UpstreamErrorBody::is_overloaded) => Cause::Overload,
        _ => Cause::Fault,
    }
}

fn is_googles_quota(error: &UpstreamErrorBody) -> bool {
    error.kind.as_deref() == Some("RESOURCE_EXHAUSTED") && error.message.contains("exceeded your current quota")
}

fn is_precondition(error: &UpstreamErrorBody) -> bool {
    error.kind.as_deref() == Some("FAILED_PRECONDITION")
}

fn is_rate_limit(error: &UpstreamErrorBody) -> bool {
    error.code.as_deref() == Some("rate_limit_exceeded")
}

/// The words of providers whose accounts are paid in advance, in the languages they come in.
fn speaks_of_money(error: &UpstreamErrorBody) -> bool {
    const WORDS: [&str; 9] = [
        "insufficient balance",
        "insufficient_balance",
        "exceeded_current_quota",
        "billing",
        "out of credits",
        "used all available credits",
        "spending limit",
        "arrears",
        "\u{4f59}\u{989d}\u{4e0d}\u{8db3}",
    ];
    says_any(error, &WORDS)
}

fn refuses_credential(error: &UpstreamErrorBody) -> bool {
    const WORDS: [&str; 6] = [
        "api key not valid",
        "api_key_invalid",
        "api key expired",
        "incorrect api key",
        "invalid api key",
        "invalid_api_key",
    ];
    says_any(error, &WORDS)
}

fn names_no_model(error: &UpstreamErrorBody) -> bool {
    const WORDS: [&str; 7] = [
        "not found",
        "not exist",
        "not a valid model",
        "invalid model",
        "unknown model",
        "no such model",
        "model identifier is invalid",
    ];
    error.is_model_unknown()
        || error.param.as_deref() == Some("model")
        || (says_any(error, &["model"]) && says_any(error, &WORDS))
}

fn says_any(error: &UpstreamErrorBody, words: &[&str]) -> bool {
    let texts = [Some(&error.message), error.kind.as_ref(), error.code.as_ref()];
    texts
        .into_iter()
        .flatten()
        .map(|text| text.to_ascii_lowercase())
        .any(|text| words.iter().any(|word| text.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: &str, code: &str, message: &str) -> UpstreamErrorBody {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        UpstreamErrorBody { message: message.to_owned(), kind: text(kind), code: text(code), param: None }
    }

    #[test]
    fn statuses_are_judged_by_what_can_be_done() {
        let step = |status| judge(status, None, None).next_step;
        let retry = NextStep::RetrySame { after: Duration::ZERO };
        for status in [408, 409, 429, 500, 502, 503, 529] {
            assert_eq!(step(status), retry, "{status}");
        }
        for status in [301, 307, 401, 402, 403, 404, 424, 504, 520] {
            assert_eq!(step(status), NextStep::NextDeployment, "{status}");
        }
        for status in [400, 413, 415, 422] {
            assert_eq!(step(status), NextStep::GiveBack, "{status}");
        }
        assert_eq!(judge(401, None, None).code, Code::UpstreamCredential);
        assert_eq!(judge(429, None, None).code, Code::UpstreamRateLimited);
    }

    #[test]
    fn a_wait_is_honoured_up_to_a_minute_and_an_empty_account_never() {
        let minute = Duration::from_secs(60);
        assert_eq!(judge(429, Some(minute), None).next_step, NextStep::RetrySame { after: minute });
        assert_eq!(judge(503, Some(minute * 2), None).next_step, NextStep::NextDeployment);
        let empty = said("", "insufficient_quota", "");
        assert_eq!(judge(429, None, Some(&empty)).next_step, NextStep::NextDeployment);
    }

    #[test]
    fn the_body_says_what_the_status_leaves_open() {
        use Cause::{ContextLength, Credential, ModelUnknown, Overload, PathUnknown, Quota, RateLimit, Request};
        let googles = "You exceeded your current quota, please check your plan and billing details.";
        for (status, kind, code, message, cause) in [
            (400, "invalid_request_error", "context_length_exceeded", "too long", ContextLength),
            (400, "invalid_request_error", "", "prompt is too long: 210000 tokens > 200000 maximum", ContextLength),
            (400, "invalid_request_error", "", "Unknown parameter: 'foo' for this model", Request),
            (400, "invalid_request_error", "", "Your credit balance is too low to access the API", Quota),
            (400, "INVALID_ARGUMENT", "400", "API key not valid. Please pass a valid API key.", Credential),
            (400, "FAILED_PRECONDITION", "400", "User location is not supported for the API use.", Quota),
            (400, "", "", "The provided model identifier is invalid.", ModelUnknown),
            (400, "invalid_request_error", "", "Model Not Exist", ModelUnknown),
            (400, "", "400", "x/y is not a valid model ID", ModelUnknown),
            (404, "not_found_error", "", "model: claude-9 not found", ModelUnknown),
            (404, "invalid_request_error", "model_not_found", "no", ModelUnknown),
            (404, "", "", "no route", PathUnknown),
            (403, "", "", "Your team has used all available credits", Quota),
            (403, "PERMISSION_DENIED", "403", "Permission denied on resource", Credential),
            (413, "tokens", "rate_limit_exceeded", "Request too large for model on tokens per minute", RateLimit),
            (429, "", "1113", "\u{4f59}\u{989d}\u{4e0d}\u{8db3}", Quota),
            (429, "rate_limit_error", "", "slow down", RateLimit),
            (429, "RESOURCE_EXHAUSTED", "429", googles, Quota),
            (500, "overloaded_error", "", "Overloaded", Overload),
            (503, "UNAVAILABLE", "503", "The model is overloaded.", Overload),
            (529, "overloaded_error", "", "Overloaded", Overload),
        ] {
            assert_eq!(judge(status, None, Some(&said(kind, code, message))).cause, cause, "{status} {message}");
        }
    }

    #[test]
    fn googles_quota_of_a_minute_is_waited_for() {
        let minutes = said("RESOURCE_EXHAUSTED", "429", "You exceeded your current quota, please wait.");
        let wait = Duration::from_secs(35);
        let judged = judge(429, Some(wait), Some(&minutes));
        assert_eq!((judged.next_step, judged.cause), (NextStep::RetrySame { after: wait }, Cause::RateLimit));
    }

    #[test]
    fn what_another_deployment_would_refuse_too_goes_back_at_once() {
        let long = judge(400, None, Some(&said("", "context_length_exceeded", "")));
        assert_eq!((long.next_step, long.code), (NextStep::GiveBack, Code::RequestContextLength));
        let wrong = judge(400, Some(Duration::from_secs(1)), Some(&said("", "", "messages: at least one is needed")));
        assert_eq!((wrong.next_step, wrong.code), (NextStep::GiveBack, Code::UpstreamError));
    }
}
