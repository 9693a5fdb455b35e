//! Why an answer ended.

use crate::canonical::Finish;

/// Reads a `stopReason`.
pub fn read(reason: &str) -> Finish {
    match reason {
        "end_turn" => Finish::Stop,
        "tool_use" => Finish::ToolCalls,
        "max_tokens" => Finish::Length,
        "stop_sequence" => Finish::StopText(None),
        "guardrail_intervened" | "content_filtered" => Finish::ContentFilter,
        "malformed_tool_use" => Finish::MalformedCall,
        "model_context_window_exceeded" => Finish::ContextLength,
        other => Finish::Other(other.to_owned()),
    }
}
