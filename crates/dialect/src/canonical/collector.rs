//! A streamed answer, collected into a whole one.

use std::collections::HashMap;

use serde_json::Value;

use super::{Answer, Choice, Delta, Event, Opening, Part, Reasoning, Text, ToolCall};

/// Collects events into an [`Answer`].
#[derive(Debug, Default)]
pub struct Collector {
    answer: Answer,
    /// Where each part of the stream went.
    places: HashMap<(u32, u32), usize>,
    is_done: bool,
}

impl Collector {
    /// Takes an event.
    pub fn push(&mut self, event: Event) {
        match event {
            Event::Start { id, model, created } => {
                self.answer.id = id;
                self.answer.model = model;
                self.answer.created = created;
            }
            Event::Open { choice, part, opening } => self.open(choice, part, opening),
            Event::Delta { choice, part, delta } => self.extend(choice, part, delta),
            Event::Close { .. } | Event::Failed(_) => {}
            Event::Finish { choice, finish } => self.choice(choice).finish = Some(finish),
            Event::Usage(usage) => self.answer.usage = Some(usage),
            Event::ServiceTier(tier) => self.answer.service_tier = Some(tier),
            Event::Done => self.is_done = true,
        }
    }

    /// Whether the end came.
    pub const fn is_done(&self) -> bool {
        self.is_done
    }

    /// What was collected.
    pub fn finish(self) -> Answer {
        self.answer
    }

    fn choice(&mut self, index: u32) -> &mut Choice {
        let index = index as usize;
        if self.answer.choices.len() <= index {
            self.answer.choices.resize_with(index + 1, Choice::default);
        }
        &mut self.answer.choices[index]
    }

    fn open(&mut self, choice: u32, part: u32, opening: Opening) {
        let content = match opening {
            Opening::Text => Part::Text(Text::default()),
            Opening::Refusal => Part::Refusal(String::new()),
            Opening::Reasoning { is_summary, id } => {
                Part::Reasoning(Reasoning { is_summary, id, ..Reasoning::default() })
            }
            Opening::ToolCall { id, name, kind } => {
                Part::ToolCall(ToolCall { id, name, arguments: String::new(), kind, signature: None, cache: None })
            }
            // Comes whole with its delta.
            Opening::Media => return,
        };
        let parts = &mut self.choice(choice).parts;
        parts.push(content);
        let place = parts.len() - 1;
        self.places.insert((choice, part), place);
    }

    fn extend(&mut self, choice: u32, part: u32, delta: Delta) {
        if let Delta::Logprobs(logprobs) = delta {
            add_logprobs(&mut self.choice(choice).logprobs, logprobs);
            return;
        }
        if let Delta::Media(media) = delta {
            self.choice(choice).parts.push(Part::Media(*media));
            return;
        }
        let Some(place) = self.places.get(&(choice, part)).copied() else { return };
        let Some(content) = self.choice(choice).parts.get_mut(place) else { return };
        match (content, delta) {
            (Part::Text(text), Delta::Text(more)) => text.text.push_str(&more),
            (Part::Text(text), Delta::Citation(citation)) => text.citations.push(citation),
            (Part::Text(text), Delta::Signature(signature)) => text.signature = Some(signature),
            (Part::Refusal(text), Delta::Text(more)) => text.push_str(&more),
            (Part::Reasoning(thought), Delta::Text(more)) => thought.text.push_str(&more),
            (Part::Reasoning(thought), Delta::Signature(signature)) => thought.signature = Some(signature),
            (Part::ToolCall(call), Delta::Arguments(more)) => call.arguments.push_str(&more),
            (Part::ToolCall(call), Delta::Signature(signature)) => call.signature = Some(signature),
            _ => {}
        }
    }
}

/// Adds the probabilities of further text: the lists of tokens grow.
fn add_logprobs(known: &mut Option<Value>, more: Value) {
    let (Some(Value::Object(known)), Value::Object(more)) = (&mut *known, &more) else {
        known.get_or_insert(more);
        return;
    };
    for (name, tokens) in more {
        match (known.entry(name.as_str()).or_insert(Value::Null), tokens) {
            (Value::Array(known), Value::Array(tokens)) => known.extend(tokens.iter().cloned()),
            (known @ Value::Null, tokens) => known.clone_from(tokens),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use megarouter_domain::dialect::Dialect;
    use megarouter_domain::usage::Usage;

    use super::*;
    use crate::canonical::{Finish, Opaque, ToolKind};

    #[test]
    fn an_answer_survives_being_streamed() {
        let signature = Opaque { dialect: Dialect::Anthropic, kind: "signature", content: "s".to_owned() };
        let call = ToolCall {
            id: "call_1".to_owned(),
            name: "look".to_owned(),
            arguments: r#"{"at":1}"#.to_owned(),
            kind: ToolKind::Function,
            signature: None,
            cache: None,
        };
        let answer = Answer {
            id: Some("a".to_owned()),
            model: Some("m".to_owned()),
            created: Some(1),
            choices: vec![Choice {
                parts: vec![
                    Part::Reasoning(Reasoning {
                        text: "hm".to_owned(),
                        signature: Some(signature),
                        ..Reasoning::default()
                    }),
                    Part::Text(Text { text: "hello".to_owned(), ..Text::default() }),
                    Part::ToolCall(call),
                ],
                finish: Some(Finish::ToolCalls),
                logprobs: None,
            }],
            usage: Some(Usage { input: Some(1), ..Usage::UNREPORTED }),
            service_tier: Some("default".to_owned()),
        };
        let mut collector = Collector::default();
        for event in answer.clone().events() {
            collector.push(event);
        }
        assert!(collector.is_done());
        assert_eq!(collector.finish(), answer);
    }
}
