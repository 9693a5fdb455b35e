//! What each vendor refuses, and why: a mock that takes anything would prove nothing.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{VENDOR_CREDENTIAL, answer};
use crate::mock_provider::request::Request;
use crate::mock_provider::{MockProvider, State};

const ANTHROPIC: &[(&str, &str)] = &[("x-api-key", VENDOR_CREDENTIAL), ("anthropic-version", "2023-06-01")];
const OPENAI: &[(&str, &str)] = &[("authorization", "Bearer mock-credential")];
const GEMINI: &[(&str, &str)] = &[("x-goog-api-key", VENDOR_CREDENTIAL)];
const GENERATE: &str = "/v1beta/models/gemini-3-flash-preview:generateContent";

/// The status and body of the answer to a request.
async fn asked(path: &str, headers: &[(&str, &str)], body: &Value) -> (u16, String) {
    let mock = MockProvider::start().await.unwrap();
    let state: &State = &mock.state;
    let request = Request {
        method: "POST".to_owned(),
        path: path.to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: Bytes::from(body.to_string()),
    };
    let (_, answer) = answer(state, &request, 0).expect("a vendor's path");
    let bytes: Vec<u8> = answer.pieces.iter().flat_map(|piece| piece.bytes.clone()).collect();
    (answer.status, String::from_utf8(bytes).unwrap())
}

async fn refuses(path: &str, headers: &[(&str, &str)], good: &Value, changes: Vec<(Value, &str)>) {
    let (status, body) = asked(path, headers, good).await;
    assert_eq!(status, 200, "{body}");
    for (change, reason) in changes {
        let mut bad = good.clone();
        for (name, value) in change.as_object().unwrap() {
            bad[name] = value.clone();
        }
        let (status, body) = asked(path, headers, &bad).await;
        assert!(status == 400 && body.contains(reason), "{change}: {status} {body}");
    }
}

#[tokio::test]
async fn openais_chat_refuses_what_openai_refuses() {
    let call = json!({"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]});
    let result = json!({"role": "tool", "tool_call_id": "c1", "content": "ok"});
    let tool = json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]);
    let user = json!({"role": "user", "content": "Hi"});
    let good = json!({"model": "open-mock", "messages": [user, call, result], "tools": tool});
    let changes = vec![
        (json!({"messages": []}), "'messages'"),
        (json!({"messages": [user, result]}), "must be a response to a preceeding message"),
        (json!({"messages": [user, call]}), "must be followed by tool messages"),
        (json!({"messages": [user, call, user, result]}), "must be followed by tool messages"),
        (json!({"messages": [{"role": "model", "content": "Hi"}]}), "Invalid value: 'model'"),
        (json!({"messages": [{"role": "user", "content": "Hi", "cache_control": {}}]}), "cache_control"),
        (json!({"made_up": 1}), "Unrecognized request argument supplied: made_up"),
        (json!({"tools": []}), "empty array"),
        (json!({"tools": [{"type": "function", "function": {"name": "a b"}}]}), "does not match pattern"),
        (json!({"temperature": 3}), "temperature"),
        (json!({"stream_options": {"include_usage": true}}), "only allowed when 'stream'"),
        (
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": true, "schema": {"type": "object"}}}}),
            "additionalProperties",
        ),
        (json!({"model": "gpt-5", "max_tokens": 5}), "max_completion_tokens"),
    ];
    refuses("/v1/chat/completions", OPENAI, &good, changes).await;
}

#[tokio::test]
async fn openais_responses_refuse_what_openai_refuses() {
    let call = json!({"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"});
    let result = json!({"type": "function_call_output", "call_id": "c1", "output": "ok"});
    let good = json!({"model": "gpt-mock", "input": [{"role": "user", "content": "Hi"}, call, result]});
    let with_id = |id: &str| json!([{"type": "function_call", "id": id, "call_id": "c1", "name": "f", "arguments": "{}"}, result]);
    let thought = |content: Value| json!([{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": content}, {"role": "user", "content": "Hi"}]);
    let changes = vec![
        (json!({"input": [call]}), "No tool output found for function call c1"),
        (json!({"input": [result, call]}), "No tool call found"),
        (json!({"input": with_id("call_1")}), "begins with 'fc'"),
        (json!({"input": thought(json!("foreign"))}), "could not be verified"),
        (
            json!({"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "Hi"}]}]}),
            "'output_text' and 'refusal'",
        ),
        (json!({"max_output_tokens": 15}), "max_output_tokens"),
        (json!({"stop": ["x"]}), "Unknown parameter: 'stop'"),
        (json!({"tools": [{"type": "function", "function": {"name": "f"}}]}), "tools[0]"),
        (json!({"include": ["everything"]}), "Invalid value: 'everything'"),
        (json!({"previous_response_id": "resp_1"}), "not found"),
    ];
    refuses("/v1/responses", OPENAI, &good, changes).await;
}

#[tokio::test]
async fn anthropics_messages_refuse_what_anthropic_refuses() {
    let user = json!({"role": "user", "content": "Hi"});
    let call = json!({"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {}}]});
    let result = json!({"type": "tool_result", "tool_use_id": "t1", "content": "ok"});
    let results = json!({"role": "user", "content": [result]});
    let good = json!({"model": "claude-sonnet-4-5", "max_tokens": 5_000, "messages": [user, call, results], "tools": [{"name": "f", "input_schema": {"type": "object"}}]});
    let thinking = json!({"type": "enabled", "budget_tokens": 2_000});
    let said = |block: Value| json!([user, {"role": "assistant", "content": [block]}, user]);
    let mark = json!({"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}});
    let changes = vec![
        (json!({"messages": [call, results]}), "first message must use"),
        (json!({"messages": [user, call, user]}), "without `tool_result` blocks immediately after"),
        (json!({"messages": [user, results]}), "unexpected `tool_use_id`"),
        (
            json!({"messages": [user, call, {"role": "user", "content": [{"type": "text", "text": "x"}, result]}]}),
            "must come first",
        ),
        (json!({"messages": [user, {"role": "system", "content": "x"}]}), "Unexpected role"),
        (json!({"messages": [{"role": "user", "content": ""}]}), "non-empty"),
        (
            json!({"messages": said(json!({"type": "thinking", "thinking": "Hm.", "signature": "Zm9yZWlnbg=="}))}),
            "Invalid `signature`",
        ),
        (
            json!({"messages": said(json!({"type": "tool_use", "id": "a.b", "name": "f", "input": {}}))}),
            "without `tool_result`",
        ),
        (json!({"max_tokens": -1}), "max_tokens"),
        (json!({"temperature": 1.5}), "temperature"),
        (json!({"temperature": 0.5, "top_p": 0.5}), "cannot both be specified"),
        (json!({"thinking": thinking}), "must start with a thinking block"),
        (json!({"thinking": thinking, "messages": [user], "tool_choice": {"type": "any"}}), "forces tool use"),
        (json!({"thinking": thinking, "messages": [user], "temperature": 0.5}), "may only be set to 1"),
        (json!({"thinking": {"type": "enabled", "budget_tokens": 6_000}, "messages": [user]}), "must be greater than"),
        (json!({"tools": [{"name": "f", "input_schema": {}}]}), "input_schema.type"),
        (json!({"system": vec![mark; 5]}), "maximum of 4 blocks"),
        (
            json!({"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}}),
            "additionalProperties",
        ),
        (json!({"top_logprobs": 1}), "Extra inputs are not permitted"),
    ];
    refuses("/v1/messages", ANTHROPIC, &good, changes).await;
}

#[tokio::test]
async fn gemini_refuses_what_google_refuses() {
    let user = json!({"role": "user", "parts": [{"text": "Hi"}]});
    let call = json!({"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "skip_thought_signature_validator"}]});
    let unsigned = json!({"role": "model", "parts": [{"function_call": {"name": "f", "args": {}}}]});
    let result = json!({"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "ok"}}}]});
    let both = json!({"role": "user", "parts": [result["parts"][0], result["parts"][0]]});
    let schema = |schema: Value| json!([{"functionDeclarations": [{"name": "f", "parameters": schema}]}]);
    let good = json!({"contents": [user, call, result], "tools": [{"function_declarations": [{"name": "f"}]}]});
    let changes = vec![
        (json!({"contents": [user, unsigned, result]}), "missing a thought_signature"),
        (json!({"contents": [user, call, both]}), "number of function response parts"),
        (json!({"contents": [call, result]}), "immediately after a user turn"),
        (json!({"contents": [user, result]}), "immediately after a function call turn"),
        (json!({"contents": [{"role": "assistant", "parts": [{"text": "Hi"}]}]}), "valid role"),
        (json!({"contents": [{"role": "user", "parts": []}]}), "must not be empty"),
        (
            json!({"contents": [{"role": "user", "parts": [{"text": "Hi", "type": "text"}]}]}),
            "Unknown name \\\"type\\\"",
        ),
        (
            json!({"contents": [user, {"role": "model", "parts": [{"text": "x", "thoughtSignature": "Zm9yZWlnbg=="}]}, user]}),
            "Corrupted thought signature",
        ),
        (
            json!({"tools": schema(json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false}))}),
            "additionalProperties",
        ),
        (
            json!({"tools": schema(json!({"type": "object", "properties": {"a": {"type": ["string", "null"]}}}))}),
            ".type'",
        ),
        (json!({"generationConfig": {"max_tokens": 1}}), "Unknown name"),
        (json!({"generationConfig": {"responseSchema": {"type": "object"}}}), "response_mime_type"),
        (json!({"generationConfig": {"thinkingConfig": {"thinkingBudget": 1, "thinkingLevel": "low"}}}), "only one"),
        (
            json!({"toolConfig": {"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["f"]}}}),
            "ANY or VALIDATED",
        ),
    ];
    refuses(GENERATE, GEMINI, &good, changes).await;
}

#[tokio::test]
async fn a_wrong_credential_is_told_in_each_vendors_words() {
    let anthropic = [("x-api-key", "wrong"), ("anthropic-version", "2023-06-01")];
    let (status, body) = asked("/v1/messages", &anthropic, &json!({})).await;
    assert!(status == 401 && body.contains("authentication_error"), "{body}");
    let (status, body) = asked("/v1/responses", &[("authorization", "Bearer wrong")], &json!({})).await;
    assert!(status == 401 && body.contains("invalid_api_key"), "{body}");
    let (status, body) = asked(GENERATE, &[("x-goog-api-key", "wrong")], &json!({})).await;
    assert!(status == 400 && body.contains("API_KEY_INVALID"), "{body}");
}
