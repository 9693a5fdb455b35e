//! Thoughts of other dialects on their way through an Anthropic client and back.
//!
//! The client keeps a `thinking` block as it is, signature included, and sends it again with the
//! next turn. So what another provider wants back (encrypted content, thought signatures) rides in
//! the signature, under a mark that no signature of Anthropic's can have: those are base64, and
//! the mark has dots. The signature of a call rides in an empty thought before it. A marked block is
//! never sent to Anthropic: see [`AnthropicRequest`](super::request::AnthropicRequest).

use megarouter_domain::dialect::Dialect;

use crate::canonical::{Opaque, Reasoning};

/// What a marked signature begins with.
pub const MARK: &str = "megarouter.v1.";

/// What stands behind the mark of an empty thought whose signature is that of the next call.
const OF_CALL: &str = "call.";

/// Anthropic's own proof of a thought.
pub const SIGNATURE: &str = "signature";

/// Anthropic's thought that came encrypted.
pub const REDACTED: &str = "redacted_thinking";

/// The kinds of opaque content that other dialects have.
const KINDS: [&str; 5] = [SIGNATURE, "redactedContent", "encrypted_content", "thoughtSignature", "reasoning_details"];

/// The content of an opaque of Anthropic's of this kind.
pub fn own<'a>(opaque: Option<&'a Opaque>, kind: &str) -> Option<&'a str> {
    opaque.filter(|own| own.dialect == Dialect::Anthropic && own.kind == kind).map(|own| own.content.as_str())
}

/// The signature of a `thinking` block for a client: Anthropic's own, or a marked one.
pub fn signature(opaque: Option<&Opaque>, id: Option<&str>) -> String {
    if let Some(own) = own(opaque, SIGNATURE) {
        return own.to_owned();
    }
    match opaque {
        Some(Opaque { dialect, kind, content }) => {
            let id = id.filter(|id| !id.contains('.')).unwrap_or_default();
            format!("{MARK}{}.{kind}.{id}.{content}", dialect.as_str())
        }
        None => format!("{MARK}none"),
    }
}

/// The signature of an empty thought that carries the one of the call behind it; `None` where there is
/// nothing to carry.
pub fn of_call(opaque: Option<&Opaque>) -> Option<String> {
    let Opaque { dialect, kind, content } = opaque?;
    Some(format!("{MARK}{OF_CALL}{}.{kind}..{content}", dialect.as_str()))
}

/// The signature of the next call, where that is what a `thinking` block carries.
pub fn call_signature(signature: &str) -> Option<Opaque> {
    let marked = signature.strip_prefix(MARK)?.strip_prefix(OF_CALL)?;
    unmark(marked).map(|(signature, _)| signature)
}

/// A thought from the text and signature of a `thinking` block.
pub fn thought(text: String, signature: &str) -> Reasoning {
    let Some(marked) = signature.strip_prefix(MARK) else {
        let own = (!signature.is_empty()).then(|| opaque(SIGNATURE, signature.to_owned()));
        return Reasoning { text, signature: own, ..Reasoning::default() };
    };
    let Some((signature, id)) = unmark(marked) else { return Reasoning { text, ..Reasoning::default() } };
    // Only OpenAI's responses give summaries instead of thoughts.
    let is_summary = signature.dialect == Dialect::OpenAiResponses;
    Reasoning { text, is_summary, id, signature: Some(signature) }
}

/// Something that only Anthropic understands.
pub fn opaque(kind: &'static str, content: String) -> Opaque {
    Opaque { dialect: Dialect::Anthropic, kind, content }
}

fn unmark(marked: &str) -> Option<(Opaque, Option<String>)> {
    let mut pieces = marked.splitn(4, '.');
    let (dialect, kind, id, content) = (pieces.next()?, pieces.next()?, pieces.next()?, pieces.next()?);
    let dialect = Dialect::ALL.iter().copied().find(|known| known.as_str() == dialect)?;
    let kind = KINDS.into_iter().find(|known| *known == kind)?;
    let id = (!id.is_empty()).then(|| id.to_owned());
    Some((Opaque { dialect, kind, content: content.to_owned() }, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_thought_comes_back_whole() {
        let foreign = Opaque {
            dialect: Dialect::OpenAiResponses,
            kind: "encrypted_content",
            content: "gAAAAA.b+c/d==".to_owned(),
        };
        let packed = signature(Some(&foreign), Some("rs_1"));
        let back = thought("hm".to_owned(), &packed);
        assert_eq!((back.signature, back.id.as_deref(), back.is_summary), (Some(foreign), Some("rs_1"), true));
    }

    #[test]
    fn whatever_others_want_back_comes_back() {
        for dialect in Dialect::ALL.iter().copied().filter(|dialect| *dialect != Dialect::Anthropic) {
            for kind in KINDS {
                let foreign = Opaque { dialect, kind, content: "a.b.c".to_owned() };
                assert_eq!(thought(String::new(), &signature(Some(&foreign), None)).signature, Some(foreign.clone()));
                assert_eq!(call_signature(&of_call(Some(&foreign)).unwrap()), Some(foreign));
            }
        }
    }

    #[test]
    fn anthropics_own_signature_is_not_touched() {
        let own = opaque(SIGNATURE, "EqQBCgIYAhIM1gbcDa9GJwZA2b3h".to_owned());
        assert_eq!(signature(Some(&own), None), own.content);
        assert_eq!(thought(String::new(), &own.content).signature, Some(own));
    }

    #[test]
    fn a_thought_without_proof_has_none_after_the_way_back() {
        assert_eq!(thought(String::new(), &signature(None, Some("rs_1"))).signature, None);
        assert_eq!(thought(String::new(), "").signature, None);
        assert_eq!(thought(String::new(), "megarouter.v1.nobody.x.y.z").signature, None);
    }
}
