//! Why an answer ended, in the words of this dialect.

use crate::canonical::Finish;

/// Reads a `finish_reason`; none for an empty one, which some servers send until the end.
///
/// Beside OpenAI's words are those of servers that speak its dialect: Mistral (`model_length`),
/// Together (`eos`), Zhipu (`sensitive`), DeepSeek (`insufficient_system_resource`), and native ones
/// of other dialects that gateways let through. Some say `stop` where the model waits for tools.
pub fn read(reason: &str, has_calls: bool) -> Option<Finish> {
    let finish = match reason.to_ascii_lowercase().as_str() {
        "" | "null" => return None,
        "stop" | "eos" | "eos_token" | "end_turn" | "complete" if has_calls => Finish::ToolCalls,
        "stop" | "eos" | "eos_token" | "end_turn" | "complete" => Finish::Stop,
        "stop_sequence" => Finish::StopText(None),
        "length" | "max_tokens" | "model_length" => Finish::Length,
        "tool_calls" | "tool_call" | "tool_use" | "function_call" => Finish::ToolCalls,
        "content_filter" | "sensitive" | "safety" | "recitation" => Finish::ContentFilter,
        "refusal" => Finish::Refusal,
        "pause_turn" => Finish::Pause,
        "model_context_window_exceeded" | "context_length_exceeded" => Finish::ContextLength,
        "malformed_function_call" => Finish::MalformedCall,
        _ => Finish::Other(reason.to_owned()),
    };
    Some(finish)
}

/// The word for it. The official SDKs know these four and no other.
pub const fn write(finish: &Finish, has_calls: bool) -> &'static str {
    match finish {
        Finish::ToolCalls => "tool_calls",
        Finish::Stop if has_calls => "tool_calls",
        Finish::Length | Finish::ContextLength => "length",
        Finish::ContentFilter | Finish::Refusal => "content_filter",
        Finish::Stop | Finish::StopText(_) | Finish::Pause | Finish::MalformedCall | Finish::Other(_) => "stop",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openais_words_come_back_as_they_were() {
        for word in ["stop", "length", "tool_calls", "content_filter"] {
            assert_eq!(write(&read(word, false).unwrap(), false), word);
        }
    }

    #[test]
    fn a_stop_with_calls_waits_for_tools() {
        assert_eq!(read("stop", true), Some(Finish::ToolCalls));
        assert_eq!(write(&Finish::Stop, true), "tool_calls");
        assert_eq!(read("length", true), Some(Finish::Length));
    }

    #[test]
    fn an_empty_reason_is_none() {
        assert_eq!(read("", false), None);
    }
}
