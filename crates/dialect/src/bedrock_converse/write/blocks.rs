//! Pictures, films, sounds and documents as blocks.

use serde_json::{Value, json};

use crate::canonical::{Media, MediaKind, MediaSource};
use crate::losses::Losses;

/// Numbers the documents of a request, whose names must differ.
#[derive(Default)]
pub struct Documents(usize);

/// A block; none, with a loss noted, where the dialect has nothing for it.
pub fn write(media: &Media, documents: &mut Documents, losses: &mut Losses) -> Option<Value> {
    match media.kind {
        MediaKind::Image => {
            if media.detail.as_deref().is_some_and(|detail| detail != "auto") {
                losses.unsupported("image.detail");
            }
            let format = known(media, "png", &["png", "jpeg", "gif", "webp"], "image", losses)?;
            Some(json!({"image": {"format": format, "source": source(media, "image", losses)?}}))
        }
        MediaKind::Video => {
            let formats = ["mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv", "three_gp"];
            let format = known(media, "mp4", &formats, "video", losses)?;
            Some(json!({"video": {"format": format, "source": source(media, "video", losses)?}}))
        }
        MediaKind::Audio => {
            let formats = ["mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "m4a", "mpeg", "pcm", "webm"];
            let format = known(media, "wav", &formats, "audio", losses)?;
            Some(json!({"audio": {"format": format, "source": source(media, "audio", losses)?}}))
        }
        MediaKind::Document => document(media, documents, losses),
    }
}

fn document(media: &Media, documents: &mut Documents, losses: &mut Losses) -> Option<Value> {
    let usual = if matches!(media.source, MediaSource::Text(_)) { "txt" } else { "pdf" };
    let formats = ["pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"];
    let format = known(media, usual, &formats, "document", losses)?;
    let source = match &media.source {
        MediaSource::Text(text) => json!({"text": text}),
        _ => source(media, "document", losses)?,
    };
    documents.0 += 1;
    if media.name.is_some() {
        losses.unsupported("document.filename");
    }
    // The name is read by the model and may hold few letters; Amazon advises a neutral one.
    let name = format!("document {}", documents.0);
    Some(json!({"document": {"format": format, "name": name, "source": source}}))
}

/// The content, or where it lies in Amazon's own store.
fn source(media: &Media, what: &str, losses: &mut Losses) -> Option<Value> {
    match &media.source {
        MediaSource::Base64(content) => Some(json!({"bytes": content})),
        MediaSource::Url(url) if url.starts_with("s3://") => Some(json!({"s3Location": {"uri": url}})),
        MediaSource::Url(_) => {
            losses.unsupported(&format!("{what}.url"));
            None
        }
        MediaSource::FileId(_) => {
            losses.foreign(&format!("{what}.file_id"));
            None
        }
        MediaSource::Text(_) => {
            losses.unsupported(&format!("{what}.text"));
            None
        }
    }
}

/// The name of the format, which must be one of those that are known.
fn known<'a>(media: &Media, usual: &'a str, formats: &[&'a str], what: &str, losses: &mut Losses) -> Option<&'a str> {
    let Some(mime) = media.mime.as_deref() else { return Some(usual) };
    let name = format_of(mime.split(';').next().unwrap_or(mime).trim());
    let found = formats.iter().find(|format| **format == name).copied();
    if found.is_none() {
        losses.unsupported(&format!("{what}.format"));
    }
    found
}

/// Bedrock's name for a media type: its subtype, but for those that have another.
fn format_of(mime: &str) -> &str {
    match mime {
        "image/jpg" => "jpeg",
        "audio/mpeg" => "mp3",
        "audio/x-wav" | "audio/wave" => "wav",
        "video/quicktime" => "mov",
        "video/3gpp" => "three_gp",
        "video/x-matroska" => "mkv",
        "video/x-flv" => "flv",
        "video/x-ms-wmv" => "wmv",
        "text/plain" => "txt",
        "text/markdown" => "md",
        "application/msword" => "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => "docx",
        "application/vnd.ms-excel" => "xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "xlsx",
        other => other.rsplit('/').next().unwrap_or(other),
    }
}
