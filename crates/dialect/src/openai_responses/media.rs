//! Pictures, sounds and documents of this dialect, read and written.

use serde_json::{Map, Value, json};

use crate::canonical::{CacheMark, Media, MediaKind, MediaSource, Part};
use crate::losses::Losses;

/// Reads an `input_image`.
pub fn image(part: &Value, cache: Option<CacheMark>) -> Option<Part> {
    let detail = part["detail"].as_str().map(str::to_owned);
    let (mime, source) = source(part, "image_url", "file_id")?;
    Some(Part::Media(Media { kind: MediaKind::Image, mime, source, name: None, detail, cache }))
}

/// Reads an `input_file`.
pub fn file(part: &Value, cache: Option<CacheMark>) -> Option<Part> {
    let name = part["filename"].as_str().map(str::to_owned);
    let (mime, source) = match part["file_data"].as_str() {
        Some(data) => inline(data),
        None => source(part, "file_url", "file_id")?,
    };
    let mime = mime.or_else(|| name.as_deref().and_then(mime_of_name).map(str::to_owned));
    Some(Part::Media(Media { kind: MediaKind::Document, mime, source, name, detail: None, cache }))
}

/// Reads an `input_audio`.
pub fn audio(part: &Value, cache: Option<CacheMark>) -> Option<Part> {
    let sound = &part["input_audio"];
    let mime = match sound["format"].as_str() {
        Some("mp3") => "audio/mpeg".to_owned(),
        Some(format) => format!("audio/{format}"),
        None => "audio/wav".to_owned(),
    };
    let source = MediaSource::Base64(sound["data"].as_str()?.to_owned());
    Some(Part::Media(Media { kind: MediaKind::Audio, mime: Some(mime), source, name: None, detail: None, cache }))
}

/// Reads the picture of an `image_generation_call`.
pub fn made_image(item: &Value) -> Part {
    let format = item["output_format"].as_str().unwrap_or("png");
    Part::Media(Media {
        kind: MediaKind::Image,
        mime: Some(format!("image/{format}")),
        source: MediaSource::Base64(item["result"].as_str().unwrap_or_default().to_owned()),
        name: None,
        detail: None,
        cache: None,
    })
}

fn source(part: &Value, url: &str, file_id: &str) -> Option<(Option<String>, MediaSource)> {
    match (part[url].as_str(), part[file_id].as_str()) {
        (Some(url), _) if url.starts_with("data:") => Some(inline(url)),
        (Some(url), _) => Some((None, MediaSource::Url(url.to_owned()))),
        (None, Some(id)) => Some((None, MediaSource::FileId(id.to_owned()))),
        (None, None) => None,
    }
}

/// Content in the request itself: a `data:` URL, or bare base64.
fn inline(data: &str) -> (Option<String>, MediaSource) {
    let Some((kind, content)) = data.strip_prefix("data:").and_then(|rest| rest.split_once(',')) else {
        return (None, MediaSource::Base64(data.to_owned()));
    };
    let mime = kind.split(';').next().filter(|mime| !mime.is_empty()).map(str::to_owned);
    let is_base64 = kind.ends_with(";base64");
    let source =
        if is_base64 { MediaSource::Base64(content.to_owned()) } else { MediaSource::Text(content.to_owned()) };
    (mime, source)
}

/// Endings of names and what they stand for.
const ENDINGS: [(&str, &str); 6] = [
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
    ("csv", "text/csv"),
    ("html", "text/html"),
    ("json", "application/json"),
];

fn mime_of_name(name: &str) -> Option<&'static str> {
    let ending = name.rsplit_once('.')?.1;
    ENDINGS.iter().find(|(known, _)| ending.eq_ignore_ascii_case(known)).map(|(_, mime)| *mime)
}

/// Writes a medium as a part of a message or of a tool's output; `None`, with a loss, when there is no
/// such part.
pub fn write(media: &Media, losses: &mut Losses) -> Option<Value> {
    match media.kind {
        MediaKind::Image => write_image(media, losses),
        MediaKind::Document => write_file(media, losses),
        MediaKind::Audio => write_audio(media, losses),
        MediaKind::Video => {
            losses.unsupported("video");
            None
        }
    }
}

fn write_image(media: &Media, losses: &mut Losses) -> Option<Value> {
    let mut part = Map::from_iter([("type".to_owned(), json!("input_image"))]);
    match &media.source {
        MediaSource::Base64(content) => {
            part.insert("image_url".to_owned(), data_url(media, "image/png", content).into())
        }
        MediaSource::Url(url) => part.insert("image_url".to_owned(), url.as_str().into()),
        MediaSource::FileId(id) => part.insert("file_id".to_owned(), file_id(id, "image.file_id", losses)?.into()),
        MediaSource::Text(_) => {
            losses.unsupported("image.text");
            return None;
        }
    };
    part.insert("detail".to_owned(), media.detail.as_deref().unwrap_or("auto").into());
    Some(part.into())
}

fn write_file(media: &Media, losses: &mut Losses) -> Option<Value> {
    let mut part = Map::from_iter([("type".to_owned(), json!("input_file"))]);
    match &media.source {
        MediaSource::Base64(content) => {
            part.insert("filename".to_owned(), file_name(media).into());
            part.insert("file_data".to_owned(), data_url(media, "application/pdf", content).into());
        }
        MediaSource::Url(url) => {
            part.insert("file_url".to_owned(), url.as_str().into());
        }
        MediaSource::FileId(id) => {
            part.insert("file_id".to_owned(), file_id(id, "file.file_id", losses)?.into());
        }
        MediaSource::Text(text) => {
            losses.approximated("document");
            let title = media.name.as_deref().map(|name| format!("{name}\n\n")).unwrap_or_default();
            return Some(json!({"type": "input_text", "text": format!("{title}{text}")}));
        }
    }
    Some(part.into())
}

/// A name with an ending, by which the provider tells what it is.
fn file_name(media: &Media) -> String {
    let name = media.name.as_deref().filter(|name| !name.is_empty()).unwrap_or("document");
    if name.contains('.') {
        return name.to_owned();
    }
    let mime = media.mime.as_deref().unwrap_or("application/pdf");
    let ending = ENDINGS.iter().find(|(_, known)| *known == mime).map_or("pdf", |(ending, _)| ending);
    format!("{name}.{ending}")
}

fn write_audio(media: &Media, losses: &mut Losses) -> Option<Value> {
    let format = match media.mime.as_deref() {
        Some("audio/mpeg" | "audio/mp3") => "mp3",
        Some("audio/wav" | "audio/x-wav" | "audio/wave") => "wav",
        _ => {
            losses.unsupported("input_audio.format");
            return None;
        }
    };
    let MediaSource::Base64(content) = &media.source else {
        losses.unsupported("input_audio.url");
        return None;
    };
    Some(json!({"type": "input_audio", "input_audio": {"data": content, "format": format}}))
}

fn data_url(media: &Media, usual: &str, content: &str) -> String {
    format!("data:{};base64,{content}", media.mime.as_deref().unwrap_or(usual))
}

/// An id of OpenAI's file store; those of others mean nothing there.
fn file_id<'a>(id: &'a str, what: &str, losses: &mut Losses) -> Option<&'a str> {
    let is_own = id.starts_with("file-") || id.starts_with("assistant-");
    if !is_own {
        losses.foreign(what);
    }
    is_own.then_some(id)
}
