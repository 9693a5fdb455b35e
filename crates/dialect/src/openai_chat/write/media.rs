//! Pictures, sounds and documents as parts of a message.

use serde_json::{Value, json};

use crate::canonical::{Media, MediaKind, MediaSource};
use crate::losses::Losses;

/// A part of a user's message; none, with a loss noted, where the dialect has nothing for it.
pub fn part(media: &Media, losses: &mut Losses) -> Option<Value> {
    if media.cache.is_some() {
        losses.approximated("cache_control");
    }
    match media.kind {
        MediaKind::Image => image(media, losses),
        MediaKind::Audio => audio(media, losses),
        MediaKind::Document => document(media, losses),
        MediaKind::Video => {
            losses.unsupported("video");
            None
        }
    }
}

/// A picture of an answer in OpenRouter's form, the only one there is
/// (openrouter.ai/docs/features/multimodal/image-generation, read 2026-11-22).
pub fn answer_image(media: &Media) -> Option<Value> {
    let url = url(media, "image/png")?;
    (media.kind == MediaKind::Image).then(|| json!({"type": "image_url", "image_url": {"url": url}}))
}

fn image(media: &Media, losses: &mut Losses) -> Option<Value> {
    let Some(url) = url(media, "image/png") else {
        losses.foreign("image.file_id");
        return None;
    };
    let mut image = json!({"url": url});
    if let Some(detail) = &media.detail {
        image["detail"] = detail.as_str().into();
    }
    Some(json!({"type": "image_url", "image_url": image}))
}

/// The address, or the content as a `data:` URL.
fn url(media: &Media, usual_mime: &str) -> Option<String> {
    match &media.source {
        MediaSource::Url(url) => Some(url.clone()),
        MediaSource::Base64(content) => {
            Some(format!("data:{};base64,{content}", media.mime.as_deref().unwrap_or(usual_mime)))
        }
        MediaSource::FileId(_) | MediaSource::Text(_) => None,
    }
}

fn audio(media: &Media, losses: &mut Losses) -> Option<Value> {
    match &media.source {
        MediaSource::Base64(content) => {
            let format = audio_format(media.mime.as_deref().unwrap_or("audio/wav"));
            Some(json!({"type": "input_audio", "input_audio": {"data": content, "format": format}}))
        }
        MediaSource::Url(_) => {
            losses.unsupported("audio.url");
            None
        }
        MediaSource::FileId(_) | MediaSource::Text(_) => {
            losses.foreign("audio.file_id");
            None
        }
    }
}

/// OpenAI's name of a format: the subtype, but for its older spellings.
fn audio_format(mime: &str) -> &str {
    let subtype = mime.split(';').next().unwrap_or(mime).rsplit('/').next().unwrap_or(mime);
    match subtype {
        "mpeg" | "mpeg3" | "x-mpeg" => "mp3",
        "x-wav" | "wave" | "vnd.wave" => "wav",
        other => other,
    }
}

fn document(media: &Media, losses: &mut Losses) -> Option<Value> {
    match &media.source {
        MediaSource::Text(text) => {
            // A document that is text is read as well from the message itself.
            losses.approximated("document.text");
            let text = media.name.as_ref().map_or_else(|| text.clone(), |name| format!("{name}\n\n{text}"));
            Some(json!({"type": "text", "text": text}))
        }
        MediaSource::Base64(content) => {
            let mime = media.mime.as_deref().unwrap_or("application/pdf");
            let name = media.name.as_deref().unwrap_or("document.pdf");
            let file = json!({"filename": name, "file_data": format!("data:{mime};base64,{content}")});
            Some(json!({"type": "file", "file": file}))
        }
        MediaSource::FileId(id) if id.starts_with("file-") => Some(json!({"type": "file", "file": {"file_id": id}})),
        MediaSource::FileId(_) => {
            losses.foreign("document.file_id");
            None
        }
        MediaSource::Url(_) => {
            losses.unsupported("document.url");
            None
        }
    }
}
