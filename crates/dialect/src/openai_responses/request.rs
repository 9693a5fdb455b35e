//! A request for a response, read in place: the body is checked and spliced, never rebuilt.
//!
//! Nothing is stored here, so what needs a stored answer (`store`, `previous_response_id`,
//! `conversation`, references to items, `background`) is refused with a clear answer instead of
//! being accepted and forgotten. OpenAI stores unless told otherwise: a client that says nothing
//! about it gets `"store": false`, because what leaves the organisation should not stay elsewhere
//! unasked. Reasoning items that only a storing provider could resolve are then left out too, as the
//! provider would refuse them; clients keep their reasoning by asking for
//! `reasoning.encrypted_content`.

use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{carried, glance, read};
use crate::canonical::Conversation;
use crate::estimate::{self, MESSAGE_TOKENS};
use crate::fields::Fields;
use crate::glance::Glance;
use crate::json;
use crate::request::{ClientRequest, Echo, PathFacts, RequestError, RequestFacts, Splice};
use crate::splice::{self, Edit};

/// A checked request, with the places where it may be spliced.
#[derive(Clone, Debug)]
pub struct ResponsesRequest {
    body: Bytes,
    facts: RequestFacts,
    model_value: Range<usize>,
    /// The whole member with one comma, to leave it out.
    model_member: Range<usize>,
    /// Just after the opening brace: where members are added.
    insert_at: usize,
    /// Makes the provider store nothing, where the client left it open.
    store: Option<Edit>,
    /// The client's null bound.
    null_bound: Option<Range<usize>>,
    /// Takes out the items that the provider would refuse.
    input: Option<Edit>,
    /// The names of all members, to add none twice.
    names: Vec<String>,
}

/// The field that bounds the output.
const BOUND: &str = "max_output_tokens";

/// Fields beside the input whose text the model reads.
const READ_FIELDS: [&str; 3] = ["instructions", "tools", "text"];

/// What to do without stored answers.
const SEND_WHOLE: &str =
    "MegaRouter stores no answers; send the whole conversation in `input`, and set `store` to false";

/// The beginning of an item.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(default)]
    r#type: Option<String>,
    #[serde(borrow, default)]
    role: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    encrypted_content: Option<&'a RawValue>,
}

impl ResponsesRequest {
    /// Checks a body.
    ///
    /// # Errors
    /// When it is no JSON object, has no model or no input, needs a stored answer, or says something
    /// that no provider may be asked.
    pub fn parse(_path: &PathFacts<'_>, body: Bytes) -> Result<Self, RequestError> {
        let fields = Fields::read(&body)?;
        let (model, model_value) = fields.model()?;
        let model_member = fields.range_of(fields.required("model")?);
        let is_streaming = fields.flag("stream")?;
        let store = store(&fields)?;
        refuse_stored(&fields)?;
        let input = Input::read(&fields, store.is_some())?;
        let output_bound = fields.positive(BOUND)?;
        let null_bound = fields.get(BOUND).filter(|_| output_bound.is_none()).map(|member| member.span.clone());
        let tier = fields.present("service_tier").and_then(|member| serde_json::from_str(member.value).ok());
        let facts = RequestFacts {
            model,
            is_streaming,
            wants_usage: true,
            output_bound,
            choices: 1,
            counted_input: counted_input(&fields, input.items),
            service_tier: tier,
            session: None,
        };
        let names = fields.names().map(str::to_owned).collect();
        let insert_at = fields.insert_at();
        let input = input.edit;
        Ok(Self { body, facts, model_value, model_member, insert_at, store, null_bound, input, names })
    }
}

impl ClientRequest for ResponsesRequest {
    fn facts(&self) -> &RequestFacts {
        &self.facts
    }

    fn splice(&self, splice: &Splice<'_>) -> Bytes {
        let mut edits: Vec<Edit> = self.input.iter().cloned().collect();
        let mut added = vec![];
        if !splice.model_is_in_body {
            edits.push((self.model_member.clone(), Vec::new()));
        } else if splice.upstream_model != self.facts.model {
            edits.push((self.model_value.clone(), splice::quoted(splice.upstream_model)));
        }
        match &self.store {
            Some((range, text)) if range.is_empty() => added.extend_from_slice(text),
            Some(edit) => edits.push(edit.clone()),
            None => {}
        }
        if let Some((field, tokens)) = splice.output_bound.filter(|_| self.facts.output_bound.is_none()) {
            match &self.null_bound {
                Some(null) if field == BOUND => edits.push((null.clone(), tokens.to_string().into_bytes())),
                Some(_) | None => added.extend_from_slice(format!("\"{field}\":{tokens},").as_bytes()),
            }
        }
        for (name, value) in splice.added.iter().filter(|(name, _)| !self.names.iter().any(|own| own == name)) {
            added.extend_from_slice(format!("\"{name}\":{value},").as_bytes());
        }
        if !added.is_empty() {
            edits.push((self.insert_at..self.insert_at, added));
        }
        splice::apply(&self.body, edits)
    }

    fn read(&self) -> Result<Conversation, RequestError> {
        read::conversation(&json::mended(&self.body))
    }

    fn echo(&self) -> Echo {
        read::echo(&json::mended(&self.body))
    }

    fn glance(&self) -> Glance {
        // It was read as JSON before.
        std::str::from_utf8(&self.body).map(glance::glance).unwrap_or_default()
    }
}

/// The edit that keeps the provider from storing the answer; `None` where the client says so itself.
fn store(fields: &Fields<'_>) -> Result<Option<Edit>, RequestError> {
    if fields.flag("store")? {
        return Err(unsupported("store"));
    }
    Ok(match fields.get("store") {
        None => Some((0..0, br#""store":false,"#.to_vec())),
        Some(null) if null.value == "null" => Some((null.span.clone(), b"false".to_vec())),
        Some(_) => None,
    })
}

fn refuse_stored(fields: &Fields<'_>) -> Result<(), RequestError> {
    for field in ["previous_response_id", "conversation"] {
        if fields.present(field).is_some() {
            return Err(unsupported(field));
        }
    }
    if fields.flag("background")? {
        let instead = "send the request without it and wait for the answer, or stream it";
        return Err(RequestError::Unsupported { field: "background", instead });
    }
    Ok(())
}

/// Why a field that needs stored answers is refused.
pub(super) const fn unsupported(field: &'static str) -> RequestError {
    RequestError::Unsupported { field, instead: SEND_WHOLE }
}

/// What is known of the input.
pub(super) struct Input {
    /// How many messages and other items it has.
    pub items: u64,
    /// Takes out the items that a provider of this dialect would refuse.
    edit: Option<Edit>,
}

impl Input {
    /// Checks the input; `adds_store` says whether the provider is told to store nothing though the
    /// client did not say so.
    pub fn read(fields: &Fields<'_>, adds_store: bool) -> Result<Self, RequestError> {
        let Some(member) = fields.present("input") else {
            // A prompt of OpenAI's store may stand alone.
            fields.present("prompt").ok_or(RequestError::Missing("input"))?;
            return Ok(Self { items: 1, edit: None });
        };
        if member.value.starts_with('"') {
            return Ok(Self { items: 1, edit: None });
        }
        let invalid = |problem| RequestError::Invalid { field: "input", problem };
        let shape = "must be a text or an array of items";
        let items: Vec<&RawValue> = serde_json::from_str(member.value).map_err(|_| invalid(shape))?;
        if items.is_empty() {
            return Err(invalid("must hold at least one item"));
        }
        let mut kept = Vec::with_capacity(items.len());
        for item in &items {
            let head: Head<'_> = serde_json::from_str(item.get()).map_err(|_| invalid(shape))?;
            if head.is_reference() {
                return Err(unsupported("input.item_reference"));
            }
            if !head.is_refused(adds_store) {
                kept.push(item.get());
            }
        }
        let edit =
            (kept.len() < items.len()).then(|| (member.span.clone(), format!("[{}]", kept.join(",")).into_bytes()));
        Ok(Self { items: items.len() as u64, edit })
    }
}

impl Head<'_> {
    /// A reference may leave out its type: it is then nothing but an id.
    fn is_reference(&self) -> bool {
        match &self.r#type {
            Some(kind) => kind == "item_reference",
            None => self.id.is_some() && self.role.is_none() && self.content.is_none(),
        }
    }

    /// Whether it is a thought that the provider cannot resolve: another dialect's signature, or an
    /// item known by its id alone.
    fn is_refused(&self, adds_store: bool) -> bool {
        if self.r#type.as_deref() != Some("reasoning") {
            return false;
        }
        let is_there =
            |value: Option<&RawValue>| value.is_some_and(|value| !matches!(value.get(), "null" | "[]" | "\"\""));
        match self.encrypted_content.filter(|_| is_there(self.encrypted_content)) {
            Some(content) => {
                serde_json::from_str(content.get()).is_ok_and(|text: String| text.starts_with(carried::MARK))
            }
            None => adds_store && !is_there(self.content),
        }
    }
}

/// Input tokens, estimated from the text of the input, the instructions and the tools.
pub(super) fn counted_input(fields: &Fields<'_>, items: u64) -> u64 {
    let mut content = fields.present("input").map(|member| estimate::content(member.value)).unwrap_or_default();
    for field in READ_FIELDS {
        let bytes = fields.present(field).map_or(0, |member| member.value.len() as u64);
        content.text_bytes = content.text_bytes.saturating_add(bytes);
    }
    content.tokens().saturating_add(items.saturating_mul(MESSAGE_TOKENS))
}

#[cfg(test)]
mod tests;
