//! Why an answer ended, in Google's words and in ours.
//!
//! The words are those of `Candidate.FinishReason` (ai.google.dev/api/generate-content, read
//! 2026-11-22).

use crate::canonical::Finish;

/// Reads a `finishReason`. Google ends an answer that calls tools with `STOP` too.
pub fn read(reason: &str, has_calls: bool) -> Finish {
    match reason {
        "STOP" | "FINISH_REASON_UNSPECIFIED" if has_calls => Finish::ToolCalls,
        "STOP" | "FINISH_REASON_UNSPECIFIED" => Finish::Stop,
        "MAX_TOKENS" => Finish::Length,
        "SAFETY"
        | "RECITATION"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "MODEL_ARMOR"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => Finish::ContentFilter,
        "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" => Finish::MalformedCall,
        other => Finish::Other(other.to_owned()),
    }
}

/// Writes a `finishReason`. Clients match on it, so a word that Google does not have is `OTHER`.
pub fn write(finish: &Finish) -> &str {
    match finish {
        Finish::Stop | Finish::StopText(_) | Finish::ToolCalls | Finish::Pause => "STOP",
        Finish::Length | Finish::ContextLength => "MAX_TOKENS",
        Finish::ContentFilter | Finish::Refusal => "SAFETY",
        Finish::MalformedCall => "MALFORMED_FUNCTION_CALL",
        Finish::Other(word) if OTHERS.contains(&word.as_str()) => word,
        Finish::Other(_) => "OTHER",
    }
}

/// Google's own reasons that no canonical one stands for.
const OTHERS: [&str; 5] = ["LANGUAGE", "TOO_MANY_TOOL_CALLS", "NO_IMAGE", "IMAGE_OTHER", "CONTINUATION"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_survive_there_and_back() {
        for reason in ["STOP", "MAX_TOKENS", "SAFETY", "MALFORMED_FUNCTION_CALL", "LANGUAGE", "OTHER"] {
            assert_eq!(write(&read(reason, false)), reason);
        }
        assert_eq!(read("STOP", true), Finish::ToolCalls);
        assert_eq!(write(&Finish::Other("eos".to_owned())), "OTHER");
    }
}
