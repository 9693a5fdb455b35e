//! What is asked of thinking, and what was thought so far.

use megarouter_dialect::canonical::{Conversation, Effort, Opaque, Part, Reasoning, ReasoningRequest, Role, Text};
use megarouter_domain::dialect::Dialect;

use super::{Feature, before, said, shown, text};

fn effort(conversation: &Conversation) -> String {
    format!("{:?}", conversation.reasoning.as_ref().and_then(|asked| asked.effort))
}

fn ask(conversation: &mut Conversation, effort: Effort) {
    conversation.reasoning = Some(ReasoningRequest { effort: Some(effort), ..ReasoningRequest::default() });
}

/// How to think.
pub const WISHES: &[Feature] = &[
    Feature {
        title: "effort: none",
        ask: |conversation| ask(conversation, Effort::None),
        seen: |conversation| {
            // No budget is no effort.
            let asked = conversation.reasoning.as_ref();
            let is_off =
                asked.is_some_and(|asked| asked.budget_tokens == Some(0) || asked.effort == Some(Effort::None));
            is_off.to_string()
        },
    },
    Feature { title: "effort: minimal", ask: |conversation| ask(conversation, Effort::Minimal), seen: effort },
    Feature { title: "effort: low", ask: |conversation| ask(conversation, Effort::Low), seen: effort },
    Feature { title: "effort: medium", ask: |conversation| ask(conversation, Effort::Medium), seen: effort },
    Feature { title: "effort: high", ask: |conversation| ask(conversation, Effort::High), seen: effort },
    Feature { title: "effort: max", ask: |conversation| ask(conversation, Effort::Max), seen: effort },
    Feature {
        title: "budget in tokens",
        ask: |conversation| {
            conversation.reasoning =
                Some(ReasoningRequest { budget_tokens: Some(3_000), ..ReasoningRequest::default() });
        },
        seen: |conversation| format!("{:?}", conversation.reasoning.as_ref().and_then(|asked| asked.budget_tokens)),
    },
    Feature {
        title: "as the model thinks fit (adaptive)",
        ask: |conversation| {
            conversation.reasoning = Some(ReasoningRequest { is_adaptive: true, ..ReasoningRequest::default() });
        },
        seen: |conversation| format!("{:?}", conversation.reasoning.as_ref().map(|asked| asked.is_adaptive)),
    },
    Feature {
        title: "summary of the thoughts",
        ask: |conversation| {
            let (effort, summary) = (Some(Effort::Low), Some("auto".to_owned()));
            conversation.reasoning = Some(ReasoningRequest { effort, summary, ..ReasoningRequest::default() });
        },
        seen: |conversation| format!("{:?}", conversation.reasoning.as_ref().map(|asked| &asked.summary)),
    },
    Feature {
        title: "summary of a certain length",
        ask: |conversation| {
            let (effort, summary) = (Some(Effort::Low), Some("detailed".to_owned()));
            conversation.reasoning = Some(ReasoningRequest { effort, summary, ..ReasoningRequest::default() });
        },
        seen: |conversation| format!("{:?}", conversation.reasoning.as_ref().map(|asked| &asked.summary)),
    },
];

fn thought(conversation: &mut Conversation, is_summary: bool, signature: Option<(Dialect, &'static str)>) {
    let signature = signature.map(|(dialect, kind)| Opaque { dialect, kind, content: "c2lnbmVk".to_owned() });
    let thought = Reasoning { text: "Hm.".to_owned(), is_summary, id: None, signature };
    before(conversation, [said(Role::Assistant, vec![Part::Reasoning(thought), text("Yes?")])]);
}

fn thoughts(conversation: &Conversation) -> String {
    shown(conversation, Role::Assistant, |part| matches!(part, Part::Reasoning(_)))
}

/// What was thought so far.
pub const HISTORY: &[Feature] = &[
    Feature { title: "thoughts without proof", ask: |conversation| thought(conversation, false, None), seen: thoughts },
    Feature {
        title: "thoughts of OpenAI's responses",
        ask: |conversation| thought(conversation, true, Some((Dialect::OpenAiResponses, "encrypted_content"))),
        seen: thoughts,
    },
    Feature {
        title: "thoughts of Anthropic's",
        ask: |conversation| thought(conversation, false, Some((Dialect::Anthropic, "signature"))),
        seen: thoughts,
    },
    Feature {
        title: "thoughts of Gemini's",
        ask: |conversation| thought(conversation, true, Some((Dialect::Gemini, "thoughtSignature"))),
        seen: thoughts,
    },
    Feature {
        title: "thoughts of Bedrock's",
        ask: |conversation| thought(conversation, false, Some((Dialect::BedrockConverse, "signature"))),
        seen: thoughts,
    },
    Feature {
        title: "text with Gemini's signature",
        ask: |conversation| {
            let signature = Opaque { dialect: Dialect::Gemini, kind: "thoughtSignature", content: "c2ln".to_owned() };
            let signed = Text { text: "Yes?".to_owned(), signature: Some(signature), ..Text::default() };
            before(conversation, [said(Role::Assistant, vec![Part::Text(signed)])]);
        },
        seen: |conversation| shown(conversation, Role::Assistant, |part| matches!(part, Part::Text(_))),
    },
];
