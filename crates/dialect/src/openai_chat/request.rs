//! A chat request, read in place: the body is checked and spliced, never rebuilt.
//!
//! Fields that are not named here pass through untouched, whatever they mean: only the provider
//! knows all of them.

use std::ops::Range;

use bytes::Bytes;

use crate::estimate::{self, MESSAGE_TOKENS};
use crate::fields::Fields;
pub use crate::fields::RequestError;
use crate::json;
use crate::splice::{self, Edit};

/// A checked chat request, with the places where it may be spliced.
#[derive(Clone, Debug)]
pub struct ChatRequest {
    body: Bytes,
    model: String,
    model_span: Range<usize>,
    /// Just after the opening brace: where members are added.
    insert_at: usize,
    is_streaming: bool,
    stream_options: Option<StreamOptions>,
    bounds: Vec<Bound>,
    choices: u64,
    counted_input: u64,
}

/// The client's `stream_options`, and the edit that makes it ask for usage.
#[derive(Clone, Debug)]
struct StreamOptions {
    includes_usage: bool,
    ask: Edit,
    /// The whole member with one comma, to leave it out.
    member: Range<usize>,
}

/// One of the two fields that bound the output, as the client sent it.
#[derive(Clone, Debug)]
struct Bound {
    field: &'static str,
    span: Range<usize>,
    tokens: Option<u64>,
}

/// The fields that bound the output, the current one first.
const BOUND_FIELDS: [&str; 2] = ["max_completion_tokens", "max_tokens"];

/// Fields beside the messages whose text the model reads.
const READ_FIELDS: [&str; 4] = ["tools", "functions", "response_format", "prediction"];

impl ChatRequest {
    /// Checks a body.
    ///
    /// # Errors
    /// When it is no JSON object, has no model or no messages, or says something that no provider
    /// may be asked.
    pub fn parse(body: Bytes) -> Result<Self, RequestError> {
        let fields = Fields::read(&body)?;
        let (model, model_span) = fields.model()?;
        let messages = messages(&fields)?;
        let is_streaming = fields.flag("stream")?;
        let stream_options = StreamOptions::read(&fields)?;
        let bounds = bounds(&fields)?;
        let choices = fields.positive("n")?.unwrap_or(1);
        let counted_input = counted_input(&fields, messages);
        let insert_at = fields.insert_at();
        Ok(Self { model, model_span, insert_at, is_streaming, stream_options, bounds, choices, counted_input, body })
    }

    /// The model as the client wrote it.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Whether the client wants the answer as a stream.
    pub const fn is_streaming(&self) -> bool {
        self.is_streaming
    }

    /// Whether the client asked for the usage chunk at the end of its stream.
    pub fn wants_usage(&self) -> bool {
        self.stream_options.as_ref().is_some_and(|options| options.includes_usage)
    }

    /// The most output tokens the client allows for one choice; the larger where it named two.
    pub fn output_bound(&self) -> Option<u64> {
        self.bounds.iter().filter_map(|bound| bound.tokens).max()
    }

    /// How many answers it asks for (`n`), at least 1.
    pub const fn choices(&self) -> u64 {
        self.choices
    }

    /// Input tokens, estimated from the text of the messages, tools and response format: bytes / 4
    /// and a tenth more, 4 for each message, 1,000 for each image, sound or file.
    pub const fn counted_input(&self) -> u64 {
        self.counted_input
    }

    /// The body as the client sent it.
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body for the provider: byte for byte the client's, except for the provider's model name,
    /// the usage option of a stream, and an output bound under the given field (only when the client
    /// set none).
    ///
    /// With `asks_usage` a stream asks for usage and the client's other stream options stay; without,
    /// as for a provider that refuses the option, the client's `stream_options` are left out.
    pub fn splice(&self, upstream_model: &str, asks_usage: bool, output_bound: Option<(&str, u64)>) -> Bytes {
        let mut edits = Vec::with_capacity(3);
        if upstream_model != self.model {
            edits.push((self.model_span.clone(), splice::quoted(upstream_model)));
        }
        let mut added = vec![];
        match &self.stream_options {
            Some(options) if !asks_usage => edits.push((options.member.clone(), Vec::new())),
            Some(options) if self.is_streaming && !options.includes_usage => edits.push(options.ask.clone()),
            None if self.is_streaming && asks_usage => {
                added.extend_from_slice(br#""stream_options":{"include_usage":true},"#);
            }
            Some(_) | None => {}
        }
        if let Some((field, tokens)) = output_bound
            && self.output_bound().is_none()
        {
            match self.bounds.iter().find(|bound| bound.field == field) {
                Some(null) => edits.push((null.span.clone(), tokens.to_string().into_bytes())),
                None => added.extend_from_slice(format!("\"{field}\":{tokens},").as_bytes()),
            }
        }
        if !added.is_empty() {
            edits.push((self.insert_at..self.insert_at, added));
        }
        splice::apply(&self.body, edits)
    }
}

impl StreamOptions {
    fn read(fields: &Fields<'_>) -> Result<Option<Self>, RequestError> {
        let Some(sent) = fields.get("stream_options") else { return Ok(None) };
        let member = fields.range_of(sent);
        let invalid = |problem| RequestError::Invalid { field: "stream_options", problem };
        if sent.value == "null" {
            let ask = (sent.span.clone(), br#"{"include_usage":true}"#.to_vec());
            return Ok(Some(Self { includes_usage: false, ask, member }));
        }
        if !sent.value.starts_with('{') {
            return Err(invalid("must be an object"));
        }
        let options = json::object_members(sent.value)?;
        let start = sent.span.start;
        let Some(asked) = options.iter().find(|option| option.name == "include_usage") else {
            let comma = if options.is_empty() { "" } else { "," };
            let text = format!("\"include_usage\":true{comma}");
            return Ok(Some(Self { includes_usage: false, ask: (start + 1..start + 1, text.into_bytes()), member }));
        };
        let includes_usage = match asked.value {
            "true" => true,
            "false" | "null" => false,
            _ => return Err(invalid("has an `include_usage` that is neither true nor false")),
        };
        let ask = (start + asked.span.start..start + asked.span.end, b"true".to_vec());
        Ok(Some(Self { includes_usage, ask, member }))
    }
}

fn messages<'a>(fields: &Fields<'a>) -> Result<&'a str, RequestError> {
    let member = fields.required("messages")?;
    let invalid = |problem| RequestError::Invalid { field: "messages", problem };
    let inner = member.value.strip_prefix('[').ok_or_else(|| invalid("must be an array"))?;
    if inner.trim_start() == "]" {
        return Err(invalid("must hold at least one message"));
    }
    Ok(member.value)
}

fn bounds(fields: &Fields<'_>) -> Result<Vec<Bound>, RequestError> {
    let mut bounds = vec![];
    for field in BOUND_FIELDS {
        if let Some(member) = fields.get(field) {
            bounds.push(Bound { field, span: member.span.clone(), tokens: fields.positive(field)? });
        }
    }
    Ok(bounds)
}

fn counted_input(fields: &Fields<'_>, messages: &str) -> u64 {
    let mut content = estimate::content(messages);
    let count = serde_json::from_str::<Vec<serde::de::IgnoredAny>>(messages).map_or(1, |all| all.len() as u64);
    for field in READ_FIELDS {
        let bytes = fields.present(field).map_or(0, |member| member.value.len() as u64);
        content.text_bytes = content.text_bytes.saturating_add(bytes);
    }
    content.tokens().saturating_add(count.saturating_mul(MESSAGE_TOKENS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use megarouter_domain::code::Code;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<ChatRequest, RequestError> {
        ChatRequest::parse(Bytes::copy_from_slice(text.as_bytes()))
    }

    fn spliced(text: &str, asks_usage: bool, bound: Option<(&str, u64)>) -> String {
        String::from_utf8(parse(text).unwrap().splice("up/model", asks_usage, bound).to_vec()).unwrap()
    }

    #[test]
    fn only_the_three_splices_differ() {
        let text = "{ \"messages\" : [{\"role\":\"user\",\"content\":\"h\\u00e9llo \u{1F600}\"}],\n\t\"model\": \"m\", \"x\":1.50e3 }\n";
        assert_eq!(spliced(text, true, None), text.replace("\"m\"", "\"up/model\""));
        assert_eq!(
            spliced(text, false, Some(("max_tokens", 7))),
            text.replace("\"m\"", "\"up/model\"").replacen('{', "{\"max_tokens\":7,", 1)
        );
    }

    #[test]
    fn a_stream_always_asks_for_usage_and_keeps_other_options() {
        let ask = |options: &str| {
            let text = format!(r#"{{"model":"m","stream":true{options},"messages":[{{}}]}}"#);
            spliced(&text, true, None)
        };
        let expect = |text: &str| text.to_owned();
        assert_eq!(
            ask(""),
            expect(r#"{"stream_options":{"include_usage":true},"model":"up/model","stream":true,"messages":[{}]}"#)
        );
        for (sent, spliced) in [
            ("{}", r#"{"include_usage":true}"#),
            (r#"{"include_obfuscation":false}"#, r#"{"include_usage":true,"include_obfuscation":false}"#),
            (r#"{ "include_usage" : false, "a":1 }"#, r#"{ "include_usage" : true, "a":1 }"#),
            (r#"{"include_usage":true}"#, r#"{"include_usage":true}"#),
        ] {
            let expected =
                format!(r#"{{"model":"up/model","stream":true,"stream_options":{spliced},"messages":[{{}}]}}"#);
            assert_eq!(ask(&format!(r#","stream_options":{sent}"#)), expected);
        }
    }

    #[test]
    fn a_provider_without_the_option_does_not_get_it() {
        for (text, expected) in [
            (
                r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{}]}"#,
                r#"{"model":"up/model","stream":true,"messages":[{}]}"#,
            ),
            (
                r#"{"messages":[{}],"stream":true,"model":"m", "stream_options" : {"a":"b"} }"#,
                r#"{"messages":[{}],"stream":true,"model":"up/model" }"#,
            ),
            (
                r#"{"messages":[{}],"stream":true,"stream_options":null,"model":"m"}"#,
                r#"{"messages":[{}],"stream":true,"model":"up/model"}"#,
            ),
        ] {
            assert_eq!(spliced(text, false, None), expected);
        }
        let first = r#"{"stream_options":{},"model":"m","stream":true,"messages":[{}]}"#;
        let expected = r#"{"max_tokens":5,"model":"up/model","stream":true,"messages":[{}]}"#;
        assert_eq!(spliced(first, false, Some(("max_tokens", 5))), expected);
    }

    #[test]
    fn null_options_of_a_stream_are_replaced() {
        let text = r#"{"model":"m","stream":true,"stream_options":null,"messages":[{}]}"#;
        let expected = r#"{"model":"up/model","stream":true,"stream_options":{"include_usage":true},"messages":[{}]}"#;
        assert_eq!(spliced(text, true, None), expected);
    }

    #[test]
    fn an_output_bound_is_added_only_where_the_client_set_none() {
        let with = |field: &str| format!(r#"{{{field}"model":"up/model","messages":[{{}}]}}"#);
        assert_eq!(
            spliced(&with(""), false, Some(("max_completion_tokens", 9))),
            with(r#""max_completion_tokens":9,"#)
        );
        let own = with(r#""max_tokens":5,"#);
        assert_eq!(spliced(&own, false, Some(("max_completion_tokens", 9))), own);
        assert_eq!(spliced(&with(r#""max_tokens":null,"#), false, Some(("max_tokens", 9))), with(r#""max_tokens":9,"#));
    }

    #[test]
    fn facts_are_read() {
        let request = parse(
            r#"{"model":"gpt-5","n":3,"max_tokens":5,"max_completion_tokens":8,"stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}"#,
        )
        .unwrap();
        assert_eq!(request.model(), "gpt-5");
        assert_eq!((request.choices(), request.output_bound()), (3, Some(8)));
        assert!(request.is_streaming() && request.wants_usage());
        assert_eq!(request.counted_input(), MESSAGE_TOKENS + estimate::tokens(6));
    }

    #[test]
    fn text_that_cannot_be_unescaped_still_counts() {
        let text = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"\ud800{}"}}]}}"#, "x".repeat(4000));
        assert!(parse(&text).unwrap().counted_input() > 1100);
    }

    #[test]
    fn refusals_name_their_field() {
        let body = |rest: &str| format!(r#"{{"model":"m","messages":[{{}}]{rest}}}"#);
        for (text, field) in [
            (body(r#","max_tokens":0"#), "max_tokens"),
            (body(r#","max_completion_tokens":-4"#), "max_completion_tokens"),
            (body(r#","max_tokens":"many""#), "max_tokens"),
            (body(r#","n":0"#), "n"),
            (body(r#","stream":"yes""#), "stream"),
            (body(r#","stream_options":[]"#), "stream_options"),
            (body(r#","api_base":"http://evil.example""#), "api_base"),
            (body(r#","model":"other""#), "model"),
            (r#"{"messages":[{}]}"#.to_owned(), "model"),
            (r#"{"model":"","messages":[{}]}"#.to_owned(), "model"),
            (r#"{"model":7,"messages":[{}]}"#.to_owned(), "model"),
            (r#"{"model":"m"}"#.to_owned(), "messages"),
            (r#"{"model":"m","messages":[ ]}"#.to_owned(), "messages"),
            (r#"{"model":"m","messages":"hi"}"#.to_owned(), "messages"),
        ] {
            let error = parse(&text).unwrap_err();
            assert_eq!((error.param(), error.code()), (Some(field), Code::RequestInvalid), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_no_json_object_is_malformed_and_not_quoted() {
        for text in ["", "{", "[]", "\"sk-secret\"", "{\"model\":\"sk-secret\"", "{} {}", "{'model':'sk-secret'}"] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.code(), Code::RequestMalformed, "{text}");
            assert!(!error.to_string().contains("sk-secret"));
        }
        assert_eq!(ChatRequest::parse(Bytes::from_static(b"{\"a\":\"\xff\"}")).unwrap_err(), RequestError::NotUtf8);
    }

    proptest! {
        #[test]
        fn a_splice_is_valid_json_with_only_those_changes(
            model in "\\PC{1,20}", upstream in "\\PC{1,20}", text in "\\PC{0,80}", stream: bool, space in "[ \n\t]{0,3}",
        ) {
            prop_assume!(!model.trim().is_empty());
            let mut value = serde_json::json!({"messages": [{"role": "user", "content": text}], "model": model, "stream": stream});
            let body = format!("{space}{value}{space}");
            let spliced = parse(&body).unwrap().splice(&upstream, true, Some(("max_tokens", 5)));
            value["model"] = upstream.into();
            value["max_tokens"] = 5.into();
            if stream {
                value["stream_options"] = serde_json::json!({"include_usage": true});
            }
            prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&spliced).unwrap(), value);
        }

        #[test]
        fn any_bytes_are_read_or_refused_and_what_is_read_can_pass_untouched(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                "\"model\":\"m\"", "\"messages\":[{}]", "\"stream\":true", "\"n\":1", "\"max_tokens\":null", ",", ",", "{", "}",
                " ", "\n", "\"x\":[1,{\"y\":\"\\u00e9\"}]", "\u{1F600}",
            ]), 0..14),
        ) {
            let body = format!("{{{}}}", parts.concat());
            if let Ok(request) = parse(&body) {
                prop_assert_eq!(request.splice("m", false, None), body);
            }
        }
    }
}
