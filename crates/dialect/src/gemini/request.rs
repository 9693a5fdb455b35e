//! A client's `generateContent`, read in place: the body is checked and spliced, never rebuilt.
//!
//! The model is in the path. Fields that are not named here pass through untouched.

use std::ops::Range;

use bytes::Bytes;
use serde_json::Value;

use super::wire::same_name;
use super::{glance, read};
use crate::canonical::Conversation;
use crate::estimate::{self, MESSAGE_TOKENS};
use crate::fields::{Fields, RequestError};
use crate::glance::Glance;
use crate::json::{self, Member};
use crate::request::{ClientRequest, Echo, PathFacts, RequestFacts, Splice};
use crate::splice::{self, Edit};

/// A checked request, with the places where it may be spliced.
#[derive(Clone, Debug)]
pub struct GenerateRequest {
    body: Bytes,
    facts: RequestFacts,
    is_array: bool,
    /// Where the body names the model too, as some clients do.
    model_span: Option<Range<usize>>,
    /// Just after the opening brace: where members are added.
    insert_at: usize,
    bound_at: BoundPlace,
}

/// Where an output bound goes when the client set none.
#[derive(Clone, Debug)]
enum BoundPlace {
    /// In place of a null.
    Null(Range<usize>),
    /// Into the configuration, whose members begin here.
    Config { members_at: usize, is_empty: bool },
    /// In place of a configuration that is null.
    NullConfig(Range<usize>),
    /// There is no configuration.
    Missing,
}

/// What matters of `generationConfig`.
#[derive(Debug, Default)]
struct Config {
    output_bound: Option<u64>,
    choices: Option<u64>,
    bound_at: Option<BoundPlace>,
}

/// Fields beside the contents whose text the model reads.
const READ_FIELDS: [&str; 3] = ["systemInstruction", "tools", "generationConfig"];

impl GenerateRequest {
    /// Checks a body.
    ///
    /// # Errors
    /// When it is no JSON object, has no contents, names no model in path or body, or says something
    /// that no provider may be asked.
    pub fn parse(path: &PathFacts<'_>, body: Bytes) -> Result<Self, RequestError> {
        let fields = Fields::read(&body)?;
        let named = field(&fields, "model")?;
        let model = model(path, named)?;
        let contents = contents(&fields)?;
        let config = config(&fields)?;
        let facts = RequestFacts {
            model,
            is_streaming: path.is_streaming,
            wants_usage: true,
            output_bound: config.output_bound,
            choices: config.choices.unwrap_or(1),
            counted_input: counted_input(&fields, contents)?,
            service_tier: service_tier(&fields)?,
            session: None,
        };
        Ok(Self {
            facts,
            is_array: path.is_streaming && !path.is_sse,
            model_span: named.map(|member| member.span.clone()),
            insert_at: fields.insert_at(),
            bound_at: config.bound_at.unwrap_or(BoundPlace::Missing),
            body,
        })
    }

    fn bound_edit(&self, tokens: u64, added: &mut String) -> Option<Edit> {
        let member = format!("\"maxOutputTokens\":{tokens}");
        match &self.bound_at {
            BoundPlace::Null(span) => Some((span.clone(), tokens.to_string().into_bytes())),
            BoundPlace::Config { members_at, is_empty } => {
                let comma = if *is_empty { "" } else { "," };
                Some((*members_at..*members_at, format!("{member}{comma}").into_bytes()))
            }
            BoundPlace::NullConfig(span) => Some((span.clone(), format!("{{{member}}}").into_bytes())),
            BoundPlace::Missing => {
                added.extend(["\"generationConfig\":{", &member, "},"]);
                None
            }
        }
    }

    fn model_edit(&self, upstream_model: &str) -> Option<Edit> {
        let span = self.model_span.clone()?;
        let named: String = serde_json::from_slice(&self.body[span.clone()]).ok()?;
        let differs = bare(&named) != upstream_model;
        differs.then(|| (span, splice::quoted(&format!("models/{upstream_model}"))))
    }
}

impl ClientRequest for GenerateRequest {
    fn facts(&self) -> &RequestFacts {
        &self.facts
    }

    fn splice(&self, splice: &Splice<'_>) -> Bytes {
        let mut added = String::new();
        let mut edits: Vec<Edit> = self.model_edit(splice.upstream_model).into_iter().collect();
        if let Some((_, tokens)) = splice.output_bound
            && self.facts.output_bound.is_none()
        {
            edits.extend(self.bound_edit(tokens, &mut added));
        }
        let own = if splice.added.is_empty() { vec![] } else { names(&self.body) };
        for (name, value) in splice.added {
            if !own.iter().any(|own| same_name(own, name)) {
                added.extend(["\"", name, "\":", value, ","]);
            }
        }
        if !added.is_empty() {
            edits.push((self.insert_at..self.insert_at, added.into_bytes()));
        }
        splice::apply(&self.body, edits)
    }

    fn read(&self) -> Result<Conversation, RequestError> {
        let body: Value = serde_json::from_slice(&json::mended(&self.body))
            .map_err(|cause| RequestError::Malformed { line: cause.line(), column: cause.column() })?;
        let mut conversation = read::conversation(&body)?;
        conversation.is_streaming = self.facts.is_streaming;
        Ok(conversation)
    }

    fn echo(&self) -> Echo {
        Echo { wants_usage: true, is_array: self.is_array, ..Echo::default() }
    }

    fn glance(&self) -> Glance {
        // It was read as JSON before.
        std::str::from_utf8(&self.body).map(glance::glance).unwrap_or_default()
    }
}

/// A field by either of its names.
///
/// # Errors
/// When it is there by both: servers would pick different ones.
pub(super) fn field<'f, 'a>(
    fields: &'f Fields<'a>,
    camel: &'static str,
) -> Result<Option<&'f Member<'a>>, RequestError> {
    let snake = snake(camel);
    match (fields.get(camel), fields.get(&snake)) {
        (Some(_), Some(_)) if snake != camel => Err(RequestError::Duplicate(snake)),
        (found, other) => Ok(found.or(other)),
    }
}

/// The model, without the collection it is in: `models/m` and `m` are one.
///
/// # Errors
/// When neither path nor body names one.
pub(super) fn model(path: &PathFacts<'_>, named: Option<&Member<'_>>) -> Result<String, RequestError> {
    let invalid = |problem| RequestError::Invalid { field: "model", problem };
    let in_body = match named.filter(|member| member.value != "null") {
        Some(member) => Some(serde_json::from_str::<String>(member.value).map_err(|_| invalid("must be a string"))?),
        None => None,
    };
    let model = path.model.map(str::to_owned).or(in_body).ok_or(RequestError::Missing("model"))?;
    let model = bare(&model);
    if model.trim().is_empty() { Err(invalid("must not be empty")) } else { Ok(model.to_owned()) }
}

/// A model's name without `models/`.
pub(super) fn bare(model: &str) -> &str {
    model.strip_prefix("models/").unwrap_or(model)
}

/// The contents, which there must be at least one of.
pub(super) fn contents<'a>(fields: &Fields<'a>) -> Result<&'a str, RequestError> {
    let invalid = |problem| RequestError::Invalid { field: "contents", problem };
    let member = field(fields, "contents")?.filter(|member| member.value != "null");
    let value = member.ok_or(RequestError::Missing("contents"))?.value;
    if value.starts_with('{') {
        return Ok(value);
    }
    let inner = value.strip_prefix('[').ok_or_else(|| invalid("must be an array"))?;
    if inner.trim_start() == "]" { Err(invalid("must hold at least one content")) } else { Ok(value) }
}

/// Input tokens, estimated from the contents and what else the model reads.
pub(super) fn counted_input(fields: &Fields<'_>, contents: &str) -> Result<u64, RequestError> {
    let mut content = estimate::content(contents);
    let count = serde_json::from_str::<Vec<serde::de::IgnoredAny>>(contents).map_or(1, |all| all.len() as u64);
    for name in READ_FIELDS {
        if let Some(member) = field(fields, name)? {
            content.text_bytes = content.text_bytes.saturating_add(member.value.len() as u64);
        }
    }
    Ok(content.tokens().saturating_add(count.saturating_mul(MESSAGE_TOKENS)))
}

fn snake(camel: &str) -> String {
    let mut snake = String::with_capacity(camel.len() + 4);
    for letter in camel.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn config(fields: &Fields<'_>) -> Result<Config, RequestError> {
    let Some(sent) = field(fields, "generationConfig")? else { return Ok(Config::default()) };
    if sent.value == "null" {
        return Ok(Config { bound_at: Some(BoundPlace::NullConfig(sent.span.clone())), ..Config::default() });
    }
    if !sent.value.starts_with('{') {
        return Err(RequestError::Invalid { field: "generationConfig", problem: "must be an object" });
    }
    let members = json::object_members(sent.value)?;
    let start = sent.span.start;
    let bound = nested(&members, "maxOutputTokens")?;
    let bound_at = match bound.filter(|member| member.value == "null") {
        Some(null) => BoundPlace::Null(start + null.span.start..start + null.span.end),
        None => BoundPlace::Config { members_at: start + 1, is_empty: members.is_empty() },
    };
    Ok(Config {
        output_bound: positive(bound, "generationConfig.maxOutputTokens")?,
        choices: positive(nested(&members, "candidateCount")?, "generationConfig.candidateCount")?,
        bound_at: Some(bound_at),
    })
}

fn nested<'m, 'a>(members: &'m [Member<'a>], camel: &'static str) -> Result<Option<&'m Member<'a>>, RequestError> {
    let mut found = members.iter().filter(|member| same_name(&member.name, camel));
    match (found.next(), found.next()) {
        (_, Some(twice)) => Err(RequestError::Duplicate(twice.name.clone().into_owned())),
        (found, None) => Ok(found),
    }
}

fn positive(member: Option<&Member<'_>>, field: &'static str) -> Result<Option<u64>, RequestError> {
    let Some(member) = member.filter(|member| member.value != "null") else { return Ok(None) };
    match member.value.trim_matches('"').parse::<u64>() {
        Ok(number) if number > 0 => Ok(Some(number)),
        _ => Err(RequestError::Invalid { field, problem: "must be a whole number above 0" }),
    }
}

fn service_tier(fields: &Fields<'_>) -> Result<Option<String>, RequestError> {
    let named = field(fields, "serviceTier")?.and_then(|member| serde_json::from_str::<String>(member.value).ok());
    Ok(named.as_deref().and_then(read::service_tier))
}

/// The names of the outermost members; the body is known to be an object.
fn names(body: &[u8]) -> Vec<String> {
    let mut names = vec![];
    json::walk(body, |key| {
        if key.depth == 1 {
            names.push(String::from_utf8_lossy(key.name).into_owned());
        }
    });
    names
}

#[cfg(test)]
mod tests;
