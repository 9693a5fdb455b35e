//! Reading an answer that came whole.

use megarouter_domain::dialect::Dialect;
use serde_json::Value;

use super::{REDACTED, SIGNATURE, error, finish, usage};
use crate::answer::AnswerError;
use crate::canonical::{
    Answer, Choice, Media, MediaKind, MediaSource, Opaque, Part, Reasoning, Text, ToolCall, ToolKind,
};

/// Reads a whole answer. The id is in the header `x-amzn-requestid`, the model in the path.
///
/// # Errors
/// When it is an error in disguise, or no answer.
pub fn read(body: &[u8]) -> Result<Answer, AnswerError> {
    let answer: Value = serde_json::from_slice(body).map_err(|_| AnswerError::Malformed)?;
    let Some(content) = answer["output"]["message"]["content"].as_array() else {
        return Err(error::from_value(&answer, None).map_or(AnswerError::Malformed, AnswerError::Upstream));
    };
    let choice = Choice {
        parts: content.iter().filter_map(read_block).collect(),
        finish: answer["stopReason"].as_str().map(finish::read),
        logprobs: None,
    };
    Ok(Answer {
        choices: vec![choice],
        usage: usage::from_wire(&answer["usage"], &answer["serviceTier"]),
        service_tier: answer["serviceTier"]["type"].as_str().map(str::to_owned),
        ..Answer::default()
    })
}

/// Reads a block; none for what only the provider's own tools say.
fn read_block(block: &Value) -> Option<Part> {
    let (kind, value) = block.as_object()?.iter().next()?;
    match kind.as_str() {
        "text" => text(value.as_str()?, vec![]),
        "toolUse" => call(value).map(Part::ToolCall),
        "reasoningContent" => thought(value).map(Part::Reasoning),
        "citationsContent" => {
            let said: String = value["content"].as_array()?.iter().filter_map(|piece| piece["text"].as_str()).collect();
            text(&said, value["citations"].as_array().cloned().unwrap_or_default())
        }
        "image" => {
            let mime = value["format"].as_str().map(|format| format!("image/{format}"));
            image(mime, value["source"]["bytes"].as_str()?.to_owned()).into()
        }
        _ => None,
    }
}

fn text(said: &str, citations: Vec<Value>) -> Option<Part> {
    (!said.is_empty()).then(|| Part::Text(Text { text: said.to_owned(), citations, ..Text::default() }))
}

/// A picture of an answer.
pub fn image(mime: Option<String>, content: String) -> Part {
    let source = MediaSource::Base64(content);
    Part::Media(Media { kind: MediaKind::Image, mime, source, name: None, detail: None, cache: None })
}

fn call(value: &Value) -> Option<ToolCall> {
    if is_of_provider(value) {
        return None;
    }
    Some(ToolCall {
        id: value["toolUseId"].as_str()?.to_owned(),
        name: value["name"].as_str()?.to_owned(),
        arguments: if value["input"].is_null() { "{}".to_owned() } else { value["input"].to_string() },
        kind: ToolKind::Function,
        signature: None,
        cache: None,
    })
}

/// True for a call of a tool that Bedrock itself runs.
pub fn is_of_provider(call: &Value) -> bool {
    call["type"] == "server_tool_use"
}

fn thought(value: &Value) -> Option<Reasoning> {
    if let Some(redacted) = value["redactedContent"].as_str() {
        return Some(Reasoning { signature: Some(opaque(REDACTED, redacted)), ..Reasoning::default() });
    }
    let said = &value["reasoningText"];
    Some(Reasoning {
        text: said["text"].as_str()?.to_owned(),
        signature: said["signature"].as_str().map(|signature| opaque(SIGNATURE, signature)),
        ..Reasoning::default()
    })
}

/// Something that only Bedrock understands.
pub fn opaque(kind: &'static str, content: &str) -> Opaque {
    Opaque { dialect: Dialect::BedrockConverse, kind, content: content.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read() {
        insta::assert_debug_snapshot!(read(include_bytes!("../fixtures/bedrock_converse/answer.json")).unwrap());
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for body in ["", "{}", "[]", r#"{"output":{}}"#] {
            assert_eq!(read(body.as_bytes()), Err(AnswerError::Malformed), "{body}");
        }
        let disguised = read(br#"{"message":"busy"}"#);
        assert!(matches!(disguised, Err(AnswerError::Upstream(said)) if said.message == "busy"));
    }
}
