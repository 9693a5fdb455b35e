//! The parts of a message, of requests and of answers.

use serde_json::Value;

use super::tools::cache_mark;
use super::{as_text, string, take};
use crate::canonical::{Media, MediaKind, MediaSource, Part, Reasoning, Text, ToolCall, ToolKind};

/// Names of what no canonical part holds, each once.
#[derive(Default)]
pub struct Unread(Vec<String>);

impl Unread {
    /// Notes a name.
    pub fn note(&mut self, name: &str) {
        if !self.0.iter().any(|known| known == name) {
            self.0.push(name.to_owned());
        }
    }

    /// The names, in the order in which they were met.
    pub fn into_names(self) -> impl Iterator<Item = String> {
        self.0.into_iter()
    }
}

/// Reads a message's content: a string, or parts.
pub fn read(content: Value, unread: &mut Unread) -> Vec<Part> {
    match content {
        Value::String(text) => vec![plain(text)],
        Value::Array(parts) => read_parts(parts, unread),
        _ => vec![],
    }
}

/// Reads the parts of a content.
pub fn read_parts(parts: Vec<Value>, unread: &mut Unread) -> Vec<Part> {
    parts.into_iter().filter_map(|part| read_or_note(part, unread)).collect()
}

fn read_or_note(part: Value, unread: &mut Unread) -> Option<Part> {
    let kind = part["type"].as_str().unwrap_or("part").to_owned();
    let found = read_part(part);
    if found.is_none() {
        unread.note(&format!("messages.content.{kind}"));
    }
    found
}

/// Reads what the model said in an answer.
pub fn answer_parts(message: &mut Value, made_id: impl FnMut() -> String) -> Vec<Part> {
    // What an answer says beyond the canonical parts has no place in another dialect's either.
    assistant_parts(message, &mut Unread::default(), made_id)
}

/// Reads what the model said: thoughts, text, pictures, calls. `made_id` gives ids to calls that have
/// none.
pub fn assistant_parts(message: &mut Value, unread: &mut Unread, mut made_id: impl FnMut() -> String) -> Vec<Part> {
    let mut parts: Vec<Part> = thought(message).into_iter().collect();
    let content = read(take(message, "content"), unread);
    parts.extend(content.into_iter().filter(|part| !is_empty(part)));
    cite(&mut parts, take(message, "annotations"));
    parts.extend(string(take(message, "refusal")).filter(|text| !text.is_empty()).map(Part::Refusal));
    for image in array(take(message, "images")) {
        parts.extend(read_or_note(image, unread));
    }
    parts.extend(spoken(message, unread));
    for mut call in array(take(message, "tool_calls")) {
        parts.push(Part::ToolCall(read_call(&mut call, &mut made_id)));
    }
    let mut function = take(message, "function_call");
    if function.is_object() {
        let (name, arguments) = (take(&mut function, "name"), take(&mut function, "arguments"));
        parts.push(Part::ToolCall(call(made_id(), as_text(name), as_text(arguments), ToolKind::Function)));
    }
    parts
}

/// The thought beside the content: `reasoning_content` is DeepSeek's name, `reasoning` that of
/// OpenRouter and Groq; OpenRouter's `reasoning_details` say the same again in pieces
/// (openrouter.ai/docs/use-cases/reasoning-tokens, read 2026-11-22).
fn thought(message: &mut Value) -> Option<Part> {
    let plain = ["reasoning_content", "reasoning"].map(|name| string(take(message, name)));
    let plain = plain.into_iter().flatten().find(|text| !text.is_empty());
    let text = plain.unwrap_or_else(|| details_text(&message["reasoning_details"]));
    (!text.is_empty()).then(|| Part::Reasoning(Reasoning { text, ..Reasoning::default() }))
}

/// The text of OpenRouter's `reasoning_details`.
pub fn details_text(details: &Value) -> String {
    let details = details.as_array().into_iter().flatten();
    details.filter_map(|detail| detail["text"].as_str().or_else(|| detail["summary"].as_str())).collect()
}

/// Puts the sources that a message names to its last text.
fn cite(parts: &mut [Part], annotations: Value) {
    let last = parts.iter_mut().rev().find_map(|part| if let Part::Text(text) = part { Some(text) } else { None });
    if let Some(text) = last {
        text.citations.extend(array(annotations));
    }
}

/// Speech of an answer; in a history it is an id that only OpenAI knows.
fn spoken(message: &mut Value, unread: &mut Unread) -> Vec<Part> {
    let mut audio = take(message, "audio");
    if audio.is_null() {
        return vec![];
    }
    let Some(sound) = string(take(&mut audio, "data")) else {
        unread.note("messages.audio");
        return vec![];
    };
    let transcript = string(take(&mut audio, "transcript")).filter(|text| !text.is_empty()).map(plain);
    transcript.into_iter().chain([Part::Media(media(MediaKind::Audio, None, MediaSource::Base64(sound)))]).collect()
}

fn read_call(call_: &mut Value, made_id: &mut impl FnMut() -> String) -> ToolCall {
    let id = string(take(call_, "id")).filter(|id| !id.is_empty()).unwrap_or_else(made_id);
    if call_["custom"].is_object() {
        let mut custom = take(call_, "custom");
        return call(id, as_text(take(&mut custom, "name")), as_text(take(&mut custom, "input")), ToolKind::Custom);
    }
    let mut function = take(call_, "function");
    call(id, as_text(take(&mut function, "name")), as_text(take(&mut function, "arguments")), ToolKind::Function)
}

fn call(id: String, name: String, arguments: String, kind: ToolKind) -> ToolCall {
    let arguments = if arguments.is_empty() && kind == ToolKind::Function { "{}".to_owned() } else { arguments };
    ToolCall { id, name, arguments, kind, signature: None, cache: None }
}

fn read_part(mut part: Value) -> Option<Part> {
    let cache = cache_mark(&part);
    let kind = string(take(&mut part, "type"))?;
    let mut media = match kind.as_str() {
        "text" | "input_text" | "output_text" => {
            let text = string(take(&mut part, "text"))?;
            return Some(Part::Text(Text { text, cache, ..Text::default() }));
        }
        "refusal" => return string(take(&mut part, "refusal")).map(Part::Refusal),
        "thinking" => return Some(mistral_thought(&part["thinking"])),
        "image_url" => image(take(&mut part, "image_url"))?,
        "video_url" => linked(MediaKind::Video, take(&mut part, "video_url"))?,
        "input_audio" => sound(take(&mut part, "input_audio"))?,
        "file" => file(take(&mut part, "file"))?,
        _ => return None,
    };
    media.cache = cache;
    Some(Part::Media(media))
}

/// Mistral's thoughts are parts that hold parts (docs.mistral.ai/capabilities/reasoning, read
/// 2026-11-22).
fn mistral_thought(thinking: &Value) -> Part {
    let text = match thinking.as_str() {
        Some(text) => text.to_owned(),
        None => details_text(thinking),
    };
    Part::Reasoning(Reasoning { text, ..Reasoning::default() })
}

fn image(mut image: Value) -> Option<Media> {
    let detail = image.get_mut("detail").map(Value::take).and_then(string);
    Some(Media { detail, ..linked(MediaKind::Image, image)? })
}

/// A medium by its address; some clients send the address alone, without an object round it.
fn linked(kind: MediaKind, mut link: Value) -> Option<Media> {
    let url = if link.is_string() { link } else { link.get_mut("url")?.take() };
    let (mime, source) = from_url(string(url)?);
    Some(media(kind, mime, source))
}

fn sound(mut audio: Value) -> Option<Media> {
    let format = take(&mut audio, "format");
    let (mime, source) = from_data(string(take(&mut audio, "data"))?);
    let mime = mime.or_else(|| format.as_str().map(audio_mime));
    Some(media(MediaKind::Audio, mime, source))
}

fn file(mut file: Value) -> Option<Media> {
    let name = string(take(&mut file, "filename"));
    if let Some(id) = string(take(&mut file, "file_id")) {
        return Some(Media { name, ..media(MediaKind::Document, None, MediaSource::FileId(id)) });
    }
    let (mime, source) = from_data(string(take(&mut file, "file_data"))?);
    let mime = mime.or_else(|| matches!(source, MediaSource::Base64(_)).then(|| "application/pdf".to_owned()));
    Some(Media { name, ..media(kind_of(mime.as_deref()), mime, source) })
}

/// A file may be a picture or sound just as well.
fn kind_of(mime: Option<&str>) -> MediaKind {
    match mime.and_then(|mime| mime.split('/').next()) {
        Some("image") => MediaKind::Image,
        Some("audio") => MediaKind::Audio,
        Some("video") => MediaKind::Video,
        _ => MediaKind::Document,
    }
}

/// The media type of OpenAI's format names.
fn audio_mime(format: &str) -> String {
    match format {
        "mp3" => "audio/mpeg".to_owned(),
        other => format!("audio/{other}"),
    }
}

/// A `data:` URL's content, or the address.
pub fn from_url(url: String) -> (Option<String>, MediaSource) {
    match data_url(&url) {
        Some((mime, content)) => (mime, MediaSource::Base64(content)),
        None => (None, MediaSource::Url(url)),
    }
}

/// Content with or without the head of a `data:` URL, or (OpenRouter) an address.
fn from_data(data: String) -> (Option<String>, MediaSource) {
    if data.starts_with("https://") || data.starts_with("http://") {
        return (None, MediaSource::Url(data));
    }
    match data_url(&data) {
        Some((mime, content)) => (mime, MediaSource::Base64(content)),
        None => (None, MediaSource::Base64(data)),
    }
}

fn data_url(url: &str) -> Option<(Option<String>, String)> {
    let (head, content) = url.strip_prefix("data:")?.split_once(',')?;
    let mime = head.strip_suffix(";base64")?.split(';').next().filter(|mime| !mime.is_empty());
    Some((mime.map(str::to_owned), content.split_ascii_whitespace().collect()))
}

const fn media(kind: MediaKind, mime: Option<String>, source: MediaSource) -> Media {
    Media { kind, mime, source, name: None, detail: None, cache: None }
}

fn plain(text: String) -> Part {
    Part::Text(Text { text, ..Text::default() })
}

fn is_empty(part: &Part) -> bool {
    matches!(part, Part::Text(text) if text.text.is_empty())
}

fn array(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        _ => vec![],
    }
}
