//! One `Part` of a `Content`, there and back (ai.google.dev/api/caching#Part, read 2026-11-22).

use megarouter_domain::dialect::Dialect;
use serde_json::{Map, Value, json};

use super::wire::{flag, member, owned, standard_base64, text};
use crate::canonical::{Media, MediaKind, MediaSource, Opaque, Part, Reasoning, Text, ToolCall, ToolKind};

/// What Google calls its proof of a thought.
pub const SIGNATURE: &str = "thoughtSignature";

/// The argument under which a free text reaches a function (see [`ToolKind::Custom`]).
pub const INPUT: &str = "input";

/// Reads a part; `None` for one that says nothing we know. The id of a call is empty where Google
/// gave none.
///
/// Code that Google ran and what came of it become text, in fences: no other dialect has them.
pub fn read(part: &Value) -> Option<Part> {
    let signature = text(part, SIGNATURE).filter(|text| !text.is_empty()).map(signature);
    if let Some(call) = member(part, "functionCall") {
        return Some(Part::ToolCall(read_call(call, signature)));
    }
    if let Some(media) = read_media(part) {
        return Some(Part::Media(media));
    }
    let code = member(part, "executableCode").map(|code| fenced(code, "language", "code"));
    let said = code
        .or_else(|| member(part, "codeExecutionResult").map(|result| fenced(result, "", "output")))
        .or_else(|| text(part, "text").map(str::to_owned))
        .unwrap_or_default();
    if said.is_empty() && signature.is_none() {
        return None;
    }
    if flag(part, "thought") == Some(true) {
        // Google shows summaries of its thoughts (ai.google.dev/gemini-api/docs/thinking).
        return Some(Part::Reasoning(Reasoning { text: said, is_summary: true, id: None, signature }));
    }
    Some(Part::Text(Text { text: said, signature, ..Text::default() }))
}

/// Reads `inlineData` or `fileData` of a part.
pub fn read_media(part: &Value) -> Option<Media> {
    let (blob, source) = if let Some(blob) = member(part, "inlineData") {
        (blob, MediaSource::Base64(standard_base64(text(blob, "data")?)))
    } else {
        let file = member(part, "fileData")?;
        (file, read_address(text(file, "fileUri")?))
    };
    let mime = owned(blob, "mimeType");
    let kind = mime.as_deref().map_or(MediaKind::Document, kind_of);
    Some(Media { kind, mime, source, name: owned(blob, "displayName"), detail: None, cache: None })
}

/// A text, with the signature that belongs to it.
pub fn write_text(text: &str, signature: Option<&str>) -> Value {
    with_signature(json!({"text": text}), signature)
}

/// A thought.
pub fn write_thought(text: &str, signature: Option<&str>) -> Value {
    with_signature(json!({"text": text, "thought": true}), signature)
}

/// A call. Arguments that are no JSON object become the one argument [`INPUT`].
pub fn write_call(call: &ToolCall, signature: Option<&str>) -> Value {
    let mut function = Map::new();
    if !call.id.is_empty() {
        function.insert("id".to_owned(), call.id.as_str().into());
    }
    function.insert("name".to_owned(), call.name.as_str().into());
    function.insert("args".to_owned(), arguments(call).unwrap_or_else(|| json!({INPUT: call.arguments})));
    with_signature(json!({"functionCall": function}), signature)
}

/// The arguments of a call as an object; `None` when they are none. No arguments are an empty object.
pub fn arguments(call: &ToolCall) -> Option<Value> {
    if call.kind == ToolKind::Custom {
        return Some(json!({INPUT: call.arguments}));
    }
    if call.arguments.trim().is_empty() {
        return Some(json!({}));
    }
    serde_json::from_str(&call.arguments).ok().filter(Value::is_object)
}

/// A medium; `None` where it lies in the file store of another provider.
pub fn write_media(media: &Media) -> Option<Value> {
    let mime = media.mime.clone().or_else(|| guessed_mime(media));
    match &media.source {
        MediaSource::Base64(data) => {
            let mime = mime.unwrap_or_else(|| default_mime(media.kind).to_owned());
            Some(json!({"inlineData": {"mimeType": mime, "data": data}}))
        }
        MediaSource::Url(address) => Some(write_file(address, mime)),
        MediaSource::FileId(address) if is_googles(address) => Some(write_file(address, mime)),
        MediaSource::FileId(_) => None,
        MediaSource::Text(text) => Some(json!({"text": text})),
    }
}

/// A signature of Google's.
pub fn signature(content: &str) -> Opaque {
    Opaque { dialect: Dialect::Gemini, kind: SIGNATURE, content: content.to_owned() }
}

/// The content of a signature, if it is one of Google's.
pub fn own_signature(signature: Option<&Opaque>) -> Option<&str> {
    let own = signature.filter(|signature| signature.dialect == Dialect::Gemini && signature.kind == SIGNATURE)?;
    Some(&own.content)
}

/// The same part with a signature.
pub fn with_signature(mut part: Value, signature: Option<&str>) -> Value {
    if let Some(signature) = signature {
        part[SIGNATURE] = signature.into();
    }
    part
}

fn read_call(call: &Value, signature: Option<Opaque>) -> ToolCall {
    ToolCall {
        id: owned(call, "id").unwrap_or_default(),
        name: owned(call, "name").unwrap_or_default(),
        arguments: member(call, "args").map_or_else(|| "{}".to_owned(), Value::to_string),
        kind: ToolKind::Function,
        signature,
        cache: None,
    }
}

fn fenced(block: &Value, language: &str, content: &str) -> String {
    let language = text(block, language).unwrap_or_default().to_ascii_lowercase();
    let content = text(block, content).unwrap_or_default().trim_end_matches('\n');
    format!("\n```{language}\n{content}\n```\n")
}

/// An address in Google's own stores can be read by Google alone.
fn read_address(address: &str) -> MediaSource {
    if is_googles(address) { MediaSource::FileId(address.to_owned()) } else { MediaSource::Url(address.to_owned()) }
}

fn is_googles(address: &str) -> bool {
    address.starts_with("gs://")
        || address.starts_with("files/")
        || address.contains("generativelanguage.googleapis.com")
}

fn write_file(address: &str, mime: Option<String>) -> Value {
    let mut file = Map::new();
    if let Some(mime) = mime {
        file.insert("mimeType".to_owned(), mime.into());
    }
    file.insert("fileUri".to_owned(), address.into());
    json!({"fileData": file})
}

fn kind_of(mime: &str) -> MediaKind {
    match mime.split('/').next() {
        Some("image") => MediaKind::Image,
        Some("audio") => MediaKind::Audio,
        Some("video") => MediaKind::Video,
        _ => MediaKind::Document,
    }
}

const fn default_mime(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image => "image/jpeg",
        MediaKind::Audio => "audio/wav",
        MediaKind::Video => "video/mp4",
        MediaKind::Document => "application/pdf",
    }
}

/// The media type by how the content or its address looks: Google wants one with every blob.
fn guessed_mime(media: &Media) -> Option<String> {
    let found = match &media.source {
        // The first bytes of each format, in base64.
        MediaSource::Base64(data) => {
            let known = [
                ("iVBOR", "image/png"),
                ("/9j/", "image/jpeg"),
                ("R0lGOD", "image/gif"),
                ("JVBERi", "application/pdf"),
                ("SUQz", "audio/mp3"),
            ];
            known.iter().find(|(start, _)| data.starts_with(start)).map(|(_, mime)| *mime)
        }
        MediaSource::Url(address) | MediaSource::FileId(address) => {
            let path = address.split(['?', '#']).next().unwrap_or_default();
            mime_of_extension(path.rsplit('.').next().unwrap_or_default())
        }
        MediaSource::Text(_) => None,
    };
    found.map(str::to_owned)
}

fn mime_of_extension(extension: &str) -> Option<&'static str> {
    Some(match extension.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "heic" => "image/heic",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "mp3" => "audio/mp3",
        "wav" => "audio/wav",
        "ogg" => "audio/ogg",
        "flac" => "audio/flac",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "mov" => "video/quicktime",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_in_either_spelling() {
        let image = json!({"inline_data": {"mime_type": "image/png", "data": "iVBORw0-_A"}});
        let Some(Part::Media(media)) = read(&image) else { panic!("{image}") };
        assert_eq!((media.kind, media.mime.as_deref()), (MediaKind::Image, Some("image/png")));
        assert_eq!(media.source, MediaSource::Base64("iVBORw0+/A==".to_owned()));
        let call = json!({"function_call": {"name": "look", "args": {"at": 1}}, "thought_signature": "c2ln"});
        let Some(Part::ToolCall(call)) = read(&call) else { panic!() };
        assert_eq!((call.name.as_str(), call.arguments.as_str()), ("look", r#"{"at":1}"#));
        assert_eq!(own_signature(call.signature.as_ref()), Some("c2ln"));
    }

    #[test]
    fn thoughts_and_bare_signatures_are_kept_and_nothing_is_nothing() {
        assert!(
            matches!(read(&json!({"text": "hm", "thought": true})), Some(Part::Reasoning(thought)) if thought.text == "hm")
        );
        assert!(
            matches!(read(&json!({"text": "", "thoughtSignature": "eA=="})), Some(Part::Text(text)) if text.signature.is_some())
        );
        assert_eq!(read(&json!({"text": ""})), None);
        assert_eq!(read(&json!({"videoMetadata": {}})), None);
    }

    #[test]
    fn code_and_its_result_are_shown_as_text() {
        let code = read(&json!({"executableCode": {"language": "PYTHON", "code": "print(1)\n"}}));
        assert!(matches!(code, Some(Part::Text(text)) if text.text == "\n```python\nprint(1)\n```\n"));
        let result = read(&json!({"code_execution_result": {"outcome": "OUTCOME_OK", "output": "1\n"}}));
        assert!(matches!(result, Some(Part::Text(text)) if text.text == "\n```\n1\n```\n"));
    }

    #[test]
    fn media_survive_there_and_back() {
        for part in [
            json!({"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}),
            json!({"fileData": {"mimeType": "video/mp4", "fileUri": "https://example.org/film"}}),
            json!({"fileData": {"mimeType": "application/pdf", "fileUri": "gs://bucket/a.pdf"}}),
        ] {
            assert_eq!(write_media(&read_media(&part).unwrap()), Some(part));
        }
    }

    #[test]
    fn a_file_of_another_provider_cannot_be_written() {
        let media =
            |source| Media { kind: MediaKind::Image, mime: None, source, name: None, detail: None, cache: None };
        assert_eq!(write_media(&media(MediaSource::FileId("file-abc".to_owned()))), None);
        let address = media(MediaSource::Url("https://example.org/cat.PNG?size=1".to_owned()));
        assert_eq!(write_media(&address).unwrap()["fileData"]["mimeType"], "image/png");
        let bare = media(MediaSource::Base64("/9j/4AAQ".to_owned()));
        assert_eq!(write_media(&bare).unwrap()["inlineData"]["mimeType"], "image/jpeg");
    }

    #[test]
    fn arguments_are_always_an_object() {
        let call = |arguments: &str, kind| ToolCall {
            id: String::new(),
            name: "f".to_owned(),
            arguments: arguments.to_owned(),
            kind,
            signature: None,
            cache: None,
        };
        let written = |arguments, kind| write_call(&call(arguments, kind), None)["functionCall"]["args"].clone();
        assert_eq!(written(r#"{"b":1,"a":2}"#, ToolKind::Function).to_string(), r#"{"b":1,"a":2}"#);
        assert_eq!(written("", ToolKind::Function), json!({}));
        assert_eq!(written("[1", ToolKind::Function), json!({"input": "[1"}));
        assert_eq!(written(r#"{"b":1}"#, ToolKind::Custom), json!({"input": r#"{"b":1}"#}));
    }
}
