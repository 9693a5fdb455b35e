//! Other dialects' signatures, carried by a client of this one.
//!
//! A client that asks for `reasoning.encrypted_content` promises to send it back unread. That is
//! where the signatures of other providers travel, wrapped so that they are known again: those of
//! thoughts in their own item, those of tool calls in an item behind the call. They go back to their
//! own dialect only; a provider of this dialect never sees them.

use megarouter_domain::dialect::Dialect;
use serde_json::{Value, json};

use crate::canonical::Opaque;

/// What a wrapped signature begins with; OpenAI's own are base64.
pub const MARK: &str = "mr1.";

/// The kinds that other dialects have.
const KINDS: [(Dialect, &str); 7] = [
    (Dialect::Anthropic, "signature"),
    (Dialect::Anthropic, "redacted_thinking"),
    (Dialect::Gemini, "thoughtSignature"),
    (Dialect::BedrockConverse, "signature"),
    (Dialect::BedrockConverse, "redactedContent"),
    (Dialect::OpenAiChat, "reasoning_details"),
    (Dialect::OpenAiChat, "signature"),
];

/// The name of this dialect's own kind.
pub const OWN: &str = "encrypted_content";

/// This dialect's own encrypted thoughts.
pub fn own(content: &str) -> Opaque {
    Opaque { dialect: Dialect::OpenAiResponses, kind: OWN, content: content.to_owned() }
}

/// A signature as `encrypted_content`; `call_id` names the call it belongs to.
pub fn wrap(opaque: &Opaque, call_id: Option<&str>) -> String {
    if opaque.dialect == Dialect::OpenAiResponses {
        return opaque.content.clone();
    }
    let fields = json!([opaque.dialect.as_str(), opaque.kind, call_id, opaque.content]);
    format!("{MARK}{fields}")
}

/// What was wrapped, and the call it belongs to; `None` when this is not our wrapping or a kind that
/// is not known here.
pub fn unwrap(content: &str) -> Option<(Opaque, Option<String>)> {
    let fields: [Value; 4] = serde_json::from_str(content.strip_prefix(MARK)?).ok()?;
    let [dialect, kind, call_id, content] = fields;
    let (dialect, kind) = KINDS
        .into_iter()
        .find(|(known, name)| dialect.as_str() == Some(known.as_str()) && kind.as_str() == Some(name))?;
    let content = content.as_str()?.to_owned();
    Some((Opaque { dialect, kind, content }, call_id.as_str().map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_comes_back_as_it_was() {
        for (dialect, kind) in KINDS {
            let opaque = Opaque { dialect, kind, content: "a.\"b\"\n=".to_owned() };
            for call in [None, Some("call.1")] {
                let wrapped = wrap(&opaque, call);
                assert_eq!(unwrap(&wrapped), Some((opaque.clone(), call.map(str::to_owned))));
            }
        }
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        assert_eq!(unwrap("gAAAAABo"), None);
        assert_eq!(unwrap("mr1.nonsense"), None);
        assert_eq!(unwrap(r#"mr1.["anthropic","other",null,"x"]"#), None);
        assert_eq!(wrap(&own("gAAAAABo"), None), "gAAAAABo");
    }
}
