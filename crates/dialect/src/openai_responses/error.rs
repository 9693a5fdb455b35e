//! Errors of this dialect. Bodies are OpenAI's, the same as everywhere; what is its own is how a
//! stream fails.
//!
//! A failed stream ends with two events: `error`, on which OpenAI's SDKs raise, and
//! `response.failed`, on which Codex acts. OpenAI documents the members of `error` at the top of the
//! event and sends them in an `error` object; clients read either, so both are there (OpenAI API
//! reference, "Streaming events", and the event types of openai 3.3.0 and @ai-sdk/openai 3.0.141,
//! read 2026-11-22).

use bytes::{Bytes, BytesMut};
use megarouter_domain::code::Code;
use serde_json::{Value, json};

use super::event::{Events, Member};
use crate::errors::{ErrorNote, UpstreamErrorBody};
pub use crate::openai_chat::error::{parse, render, status};

/// The last events of a stream of which nothing is known; see [`write_end`].
pub fn render_event(note: &ErrorNote<'_>) -> Bytes {
    let mut out = BytesMut::new();
    let response = json!({
        "id": "resp_0", "object": "response", "created_at": 0, "model": "", "output": [], "usage": null,
        "parallel_tool_calls": true, "tool_choice": "auto", "tools": [],
    });
    write_end(note, response, &mut Events::default(), &mut out);
    out.freeze()
}

/// Writes the last events of a stream that failed: the error, and the response as far as it came
/// with the error in it.
pub fn write_end(note: &ErrorNote<'_>, mut response: Value, events: &mut Events, out: &mut BytesMut) {
    let body: Value = serde_json::from_slice(&render(note)).expect("an error body is JSON");
    let error = body["error"].to_string();
    let members = [
        ("code", Member::Text(code(note.code))),
        ("message", Member::Text(note.message)),
        ("param", note.param.map_or(Member::Null, Member::Text)),
        ("error", Member::Json(&error)),
    ];
    events.write("error", &members, out);
    response["status"] = json!("failed");
    response["error"] = json!({"code": code(note.code), "message": note.message});
    response["incomplete_details"] = Value::Null;
    events.write("response.failed", &[("response", Member::Json(&response.to_string()))], out);
}

/// The code within a failed response. Codex shortens the conversation, gives up or waits by it; the
/// rest of its values are OpenAI's own list.
pub const fn code(code: Code) -> &'static str {
    match code {
        Code::RequestContextLength => "context_length_exceeded",
        Code::UpstreamRateLimited | Code::RateLimited | Code::BudgetUnavailable => "rate_limit_exceeded",
        Code::BudgetExceeded | Code::BudgetExhausted => "insufficient_quota",
        Code::RequestMalformed | Code::RequestInvalid | Code::RequestTooLarge | Code::RequestUnsupported => {
            "invalid_prompt"
        }
        _ => "server_error",
    }
}

/// What a provider says in an `error` event or a failed response.
pub(super) fn from_event(event: &Value) -> UpstreamErrorBody {
    let nested = [&event["error"], &event["response"]["error"]].into_iter().find(|error| error.is_object());
    let said = nested.unwrap_or(event);
    let text = |name: &str| said[name].as_str().map(str::to_owned);
    UpstreamErrorBody {
        message: text("message").unwrap_or_else(|| "the response failed".to_owned()),
        kind: text("type").filter(|kind| kind != "error"),
        code: text("code"),
        param: text("param"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sse;

    fn note(code: Code) -> ErrorNote<'static> {
        ErrorNote { status: status(code), code, message: "wait; try again in 1.5s", param: None }
    }

    fn data(events: &Bytes) -> Vec<Value> {
        sse::events(events).filter_map(sse::data).map(|data| serde_json::from_slice(&data).unwrap()).collect()
    }

    #[test]
    fn a_stream_fails_in_the_way_of_every_client() {
        let events = render_event(&note(Code::UpstreamRateLimited));
        let text = String::from_utf8(events.to_vec()).unwrap();
        assert!(text.starts_with("event: error\n") && text.contains("\nevent: response.failed\n"));
        let [error, failed] = data(&events).try_into().unwrap();
        assert_eq!((&error["sequence_number"], &failed["sequence_number"]), (&json!(0), &json!(1)));
        assert_eq!(
            (&error["code"], &error["error"]["code"]),
            (&json!("rate_limit_exceeded"), &json!("rate_limit_exceeded"))
        );
        assert_eq!(error["error"]["type"], "rate_limit_error");
        let expected = json!({"code": "rate_limit_exceeded", "message": "wait; try again in 1.5s"});
        assert_eq!((&failed["response"]["status"], &failed["response"]["error"]), (&json!("failed"), &expected));
    }

    #[test]
    fn codex_knows_the_codes_it_acts_on() {
        for (ours, theirs) in [
            (Code::RequestContextLength, "context_length_exceeded"),
            (Code::BudgetExceeded, "insufficient_quota"),
            (Code::BudgetExhausted, "insufficient_quota"),
            (Code::RateLimited, "rate_limit_exceeded"),
            (Code::RequestInvalid, "invalid_prompt"),
            (Code::UpstreamTruncated, "server_error"),
        ] {
            let [_, failed] = data(&render_event(&note(ours))).try_into().unwrap();
            assert_eq!(failed["response"]["error"]["code"], theirs);
        }
    }

    #[test]
    fn errors_in_streams_are_read_in_every_shape() {
        for event in [
            json!({"type": "error", "code": "c", "message": "m", "param": null, "sequence_number": 1}),
            json!({"type": "error", "error": {"type": "t", "code": "c", "message": "m", "param": null}}),
            json!({"type": "response.failed", "response": {"error": {"code": "c", "message": "m"}}}),
        ] {
            let said = from_event(&event);
            assert_eq!((said.message.as_str(), said.code.as_deref()), ("m", Some("c")));
            assert_ne!(said.kind.as_deref(), Some("error"));
        }
        assert_eq!(from_event(&json!({"type": "response.failed", "response": {}})).message, "the response failed");
    }
}
