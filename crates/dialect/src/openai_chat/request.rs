//! A chat request, read in place: the body is checked and spliced, never rebuilt.
//!
//! Fields that are not named here pass through untouched, whatever they mean: only the provider
//! knows all of them. What the request means is read by `super::read`, and only for a provider of
//! another dialect.

use std::collections::HashMap;
use std::ops::Range;

use bytes::Bytes;
use serde_json::Value;

use super::{glance, read};
use crate::canonical::{Conversation, ToolKind};
use crate::estimate::{self, MESSAGE_TOKENS};
use crate::fields::Fields;
pub use crate::fields::RequestError;
use crate::glance::Glance;
use crate::json;
use crate::request::{ClientRequest, ClientTool, Echo, PathFacts, RequestFacts, Splice};
use crate::splice::{self, Edit};

/// A checked chat request, with the places where it may be spliced.
#[derive(Clone, Debug)]
pub struct ChatRequest {
    body: Bytes,
    facts: RequestFacts,
    model_span: Range<usize>,
    /// Just after the opening brace: where members are added.
    insert_at: usize,
    stream_options: Option<StreamOptions>,
    bounds: Vec<Bound>,
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
    /// Checks a body; the path says nothing in this dialect.
    ///
    /// # Errors
    /// When it is no JSON object, has no model or no messages, or says something that no provider
    /// may be asked.
    pub fn parse(_: &PathFacts<'_>, body: Bytes) -> Result<Self, RequestError> {
        Self::check(body, |fields| Ok(counted_input(fields, messages(fields)?)))
    }

    /// Checks a body whose input is counted by the given function: older completions have a prompt
    /// where chat has messages, and the same fields beside it.
    pub(crate) fn check(
        body: Bytes,
        count: impl FnOnce(&Fields<'_>) -> Result<u64, RequestError>,
    ) -> Result<Self, RequestError> {
        let fields = Fields::read(&body)?;
        let (model, model_span) = fields.model()?;
        let counted_input = count(&fields)?;
        let is_streaming = fields.flag("stream")?;
        let stream_options = StreamOptions::read(&fields)?;
        let bounds = bounds(&fields)?;
        let facts = RequestFacts {
            model,
            is_streaming,
            wants_usage: stream_options.as_ref().is_some_and(|options| options.includes_usage),
            output_bound: bounds.iter().filter_map(|bound| bound.tokens).max(),
            choices: fields.positive("n")?.unwrap_or(1),
            counted_input,
            service_tier: fields.present("service_tier").and_then(|tier| serde_json::from_str(tier.value).ok()),
            session: None,
        };
        let insert_at = fields.insert_at();
        Ok(Self { facts, model_span, insert_at, stream_options, bounds, body })
    }

    /// The body as the client sent it.
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The members to add that the client did not send itself, each with its comma.
    fn added(&self, added: &[(&str, &str)]) -> String {
        if added.is_empty() {
            return String::new();
        }
        let fields = Fields::read(&self.body).ok();
        let is_missing = |name: &str| fields.as_ref().is_none_or(|fields| fields.get(name).is_none());
        added.iter().filter(|(name, _)| is_missing(name)).map(|(name, value)| format!("\"{name}\":{value},")).collect()
    }
}

impl ClientRequest for ChatRequest {
    fn facts(&self) -> &RequestFacts {
        &self.facts
    }

    /// The client's bytes, except for the provider's model name, the usage option of a stream, an
    /// output bound and added members (each only when the client sent none).
    ///
    /// With `asks_usage` a stream asks for usage and the client's other stream options stay; without,
    /// as for a provider that refuses the option, the client's `stream_options` are left out.
    fn splice(&self, splice: &Splice<'_>) -> Bytes {
        let mut edits = Vec::with_capacity(3);
        if splice.model_is_in_body && splice.upstream_model != self.facts.model {
            edits.push((self.model_span.clone(), splice::quoted(splice.upstream_model)));
        }
        let mut added = self.added(splice.added).into_bytes();
        match &self.stream_options {
            Some(options) if !splice.asks_usage => edits.push((options.member.clone(), Vec::new())),
            Some(options) if self.facts.is_streaming && !options.includes_usage => edits.push(options.ask.clone()),
            None if self.facts.is_streaming && splice.asks_usage => {
                added.extend_from_slice(br#""stream_options":{"include_usage":true},"#);
            }
            Some(_) | None => {}
        }
        if let Some((field, tokens)) = splice.output_bound
            && self.facts.output_bound.is_none()
        {
            match self.bounds.iter().find(|bound| bound.field == field) {
                Some(null) => edits.push((null.span.clone(), tokens.to_string().into_bytes())),
                None => added.extend_from_slice(format!("\"{field}\":{tokens},").as_bytes()),
            }
        }
        if !added.is_empty() {
            edits.push((self.insert_at..self.insert_at, added));
        }
        let spliced = splice::apply(&self.body, edits);
        if splice.model_is_in_body { spliced } else { without_model(&spliced) }
    }

    fn read(&self) -> Result<Conversation, RequestError> {
        read::conversation(&json::mended(&self.body))
    }

    fn echo(&self) -> Echo {
        Echo { wants_usage: self.facts.wants_usage, tools: custom_tools(&json::mended(&self.body)), ..Echo::default() }
    }

    fn glance(&self) -> Glance {
        // It was read as JSON before.
        std::str::from_utf8(&self.body).map(glance::glance).unwrap_or_default()
    }
}

/// The body without its model. A step of its own, because two members that are cut out side by side
/// share a comma.
fn without_model(body: &Bytes) -> Bytes {
    let cut = Fields::read(body).ok().and_then(|fields| fields.get("model").map(|member| fields.range_of(member)));
    splice::apply(body, cut.map(|range| (range, Vec::new())).into_iter().collect())
}

/// The client's tools that take free text: a target without such tools gets functions instead, and
/// the answer's calls are turned back.
fn custom_tools(body: &[u8]) -> HashMap<String, ClientTool> {
    let tools = Fields::read(body).ok().and_then(|fields| {
        let tools = fields.present("tools")?.value;
        serde_json::from_str::<Vec<Value>>(tools).ok()
    });
    let names = tools.iter().flatten().filter_map(|tool| tool["custom"]["name"].as_str());
    let tool = |name: &str| ClientTool { name: name.to_owned(), namespace: None, kind: ToolKind::Custom };
    names.map(|name| (name.to_owned(), tool(name))).collect()
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
        ChatRequest::parse(&PathFacts::default(), Bytes::copy_from_slice(text.as_bytes()))
    }

    fn splice<'a>(upstream_model: &'a str, asks_usage: bool, output_bound: Option<(&'a str, u64)>) -> Splice<'a> {
        Splice { upstream_model, model_is_in_body: true, asks_usage, output_bound, added: &[] }
    }

    fn spliced(text: &str, asks_usage: bool, bound: Option<(&str, u64)>) -> String {
        String::from_utf8(parse(text).unwrap().splice(&splice("up/model", asks_usage, bound)).to_vec()).unwrap()
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
            r#"{"model":"gpt-5","service_tier":"flex","n":3,"max_tokens":5,"max_completion_tokens":8,"stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}"#,
        )
        .unwrap();
        let expected = RequestFacts {
            model: "gpt-5".to_owned(),
            is_streaming: true,
            wants_usage: true,
            output_bound: Some(8),
            choices: 3,
            counted_input: MESSAGE_TOKENS + estimate::tokens(6),
            service_tier: Some("flex".to_owned()),
            session: None,
        };
        assert_eq!(request.facts(), &expected);
    }

    #[test]
    fn members_are_added_where_the_client_sent_none() {
        let request = parse(r#"{"a":null,"model":"m","messages":[{}]}"#).unwrap();
        let added = [("a", "1"), ("b", r#"{"c":"d"}"#)];
        let spliced = request.splice(&Splice { added: &added, ..splice("m", true, None) });
        assert_eq!(spliced, r#"{"b":{"c":"d"},"a":null,"model":"m","messages":[{}]}"#);
    }

    #[test]
    fn a_model_that_the_path_names_leaves_the_body() {
        for (text, expected) in [
            (r#"{"model":"m","messages":[{}]}"#, r#"{"messages":[{}]}"#),
            (r#"{"messages":[{}] , "model" : "m"}"#, r#"{"messages":[{}] }"#),
            (r#"{"messages":[{}],"stream_options":{},"model":"m"}"#, r#"{"messages":[{}]}"#),
            (r#"{"model":"m","stream_options":{},"messages":[{}]}"#, r#"{"messages":[{}]}"#),
        ] {
            let without = Splice { model_is_in_body: false, ..splice("up", false, None) };
            assert_eq!(parse(text).unwrap().splice(&without), expected);
        }
    }

    #[test]
    fn the_echo_knows_which_tools_take_free_text() {
        let request = parse(
            r#"{"model":"m","messages":[{}],"tools":[{"type":"custom","custom":{"name":"patch"}},{"type":"function","function":{"name":"f"}}]}"#,
        )
        .unwrap();
        let echo = request.echo();
        assert_eq!(echo.tools.len(), 1);
        assert_eq!(echo.tools["patch"].kind, ToolKind::Custom);
    }

    #[test]
    fn text_that_cannot_be_unescaped_still_counts() {
        let text = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"\ud800{}"}}]}}"#, "x".repeat(4000));
        assert!(parse(&text).unwrap().facts().counted_input > 1100);
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
        assert_eq!(
            ChatRequest::parse(&PathFacts::default(), Bytes::from_static(b"{\"a\":\"\xff\"}")).unwrap_err(),
            RequestError::NotUtf8
        );
    }

    proptest! {
        #[test]
        fn a_splice_is_valid_json_with_only_those_changes(
            model in "\\PC{1,20}", upstream in "\\PC{1,20}", text in "\\PC{0,80}", stream: bool, space in "[ \n\t]{0,3}",
        ) {
            prop_assume!(!model.trim().is_empty());
            let mut value = serde_json::json!({"messages": [{"role": "user", "content": text}], "model": model, "stream": stream});
            let body = format!("{space}{value}{space}");
            let spliced = parse(&body).unwrap().splice(&splice(&upstream, true, Some(("max_tokens", 5))));
            value["model"] = upstream.into();
            value["max_tokens"] = 5.into();
            if stream {
                value["stream_options"] = serde_json::json!({"include_usage": true});
            }
            prop_assert_eq!(serde_json::from_slice::<Value>(&spliced).unwrap(), value);
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
                prop_assert_eq!(request.splice(&splice("m", false, None)), body);
            }
        }
    }
}
