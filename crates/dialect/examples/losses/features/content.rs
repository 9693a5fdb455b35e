//! Texts and media.

use megarouter_dialect::canonical::{CacheMark, Conversation, Media, MediaKind, MediaSource, Part, Role, Text};
use serde_json::json;

use super::{Feature, before, said, shown, text};

/// A picture of one dot.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

fn is_text(part: &Part) -> bool {
    matches!(part, Part::Text(_))
}

fn is_medium(part: &Part) -> bool {
    matches!(part, Part::Media(_))
}

/// What is meant by no `detail`.
pub const USUAL_DETAIL: &str = "detail: Some(\"auto\")";

fn media(conversation: &Conversation) -> String {
    shown(conversation, Role::User, is_medium).replace(USUAL_DETAIL, "detail: None")
}

fn system(conversation: &Conversation) -> String {
    conversation.system.iter().map(|text| text.text.as_str()).collect::<Vec<_>>().join("\n\n")
}

fn plain(text: &str) -> Text {
    Text { text: text.to_owned(), ..Text::default() }
}

/// Adds a medium to what the person says.
fn show(conversation: &mut Conversation, kind: MediaKind, mime: Option<&str>, source: MediaSource) {
    let medium = Media { kind, mime: mime.map(str::to_owned), source, name: None, detail: None, cache: None };
    add(conversation, medium);
}

fn add(conversation: &mut Conversation, medium: Media) {
    conversation.turns[0].parts.push(Part::Media(medium));
}

fn base64(content: &str) -> MediaSource {
    MediaSource::Base64(content.to_owned())
}

fn url(address: &str) -> MediaSource {
    MediaSource::Url(address.to_owned())
}

fn file(id: &str) -> MediaSource {
    MediaSource::FileId(id.to_owned())
}

/// A picture that the person shows.
pub fn picture() -> Media {
    let (kind, mime) = (MediaKind::Image, Some("image/png".to_owned()));
    Media { kind, mime, source: base64(PNG), name: None, detail: None, cache: None }
}

/// What is said in words.
pub const TEXTS: &[Feature] = &[
    Feature {
        title: "instructions (system, developer)",
        ask: |conversation| conversation.system = vec![plain("Be brief.")],
        seen: system,
    },
    Feature {
        title: "several instructions",
        ask: |conversation| conversation.system = vec![plain("Be brief."), plain("Be kind.")],
        seen: system,
    },
    Feature {
        title: "instructions between turns",
        ask: |conversation| {
            before(
                conversation,
                [
                    said(Role::Assistant, vec![text("Yes?")]),
                    said(Role::User, vec![text("Wait.")]),
                    said(Role::System, vec![text("Be brief from here on.")]),
                ],
            );
        },
        seen: |conversation| shown(conversation, Role::System, is_text),
    },
    Feature {
        title: "turns of the model",
        ask: |conversation| before(conversation, [said(Role::Assistant, vec![text("Yes?")])]),
        seen: |conversation| shown(conversation, Role::Assistant, is_text),
    },
    Feature {
        title: "name of a participant",
        ask: |conversation| conversation.turns[0].name = Some("alice".to_owned()),
        seen: |conversation| format!("{:?}", conversation.turns.last().map(|turn| &turn.name)),
    },
    Feature {
        title: "refusal of the model's so far",
        ask: |conversation| before(conversation, [said(Role::Assistant, vec![Part::Refusal("No.".to_owned())])]),
        seen: |conversation| shown(conversation, Role::Assistant, |part| matches!(part, Part::Refusal(_))),
    },
    Feature {
        title: "sources of a text so far",
        ask: |conversation| {
            let source = json!({"type": "url_citation", "url_citation": {"url": "https://example.org", "title": "E"}});
            let cited = Text { citations: vec![source], ..plain("It is so.") };
            before(conversation, [said(Role::Assistant, vec![Part::Text(cited)])]);
        },
        seen: |conversation| {
            shown(conversation, Role::Assistant, |part| matches!(part, Part::Text(text) if !text.citations.is_empty()))
        },
    },
    Feature {
        title: "beginning of the answer (prefill)",
        ask: |conversation| conversation.turns.push(said(Role::Assistant, vec![text("{\"answer\":")])),
        seen: |conversation| format!("{:?}", conversation.turns.last()),
    },
];

/// What is shown.
pub const MEDIA: &[Feature] = &[
    Feature { title: "picture, base64", ask: |conversation| add(conversation, picture()), seen: media },
    Feature {
        title: "picture, address",
        ask: |conversation| show(conversation, MediaKind::Image, None, url("https://example.org/cat.png")),
        seen: |conversation| media(conversation).replace("Some(\"image/png\")", "None"),
    },
    Feature {
        title: "picture, id of OpenAI's file store",
        ask: |conversation| show(conversation, MediaKind::Image, None, file("file-abc123")),
        seen: media,
    },
    Feature {
        title: "picture, `detail`",
        ask: |conversation| add(conversation, Media { detail: Some("low".to_owned()), ..picture() }),
        seen: media,
    },
    Feature {
        title: "picture, SVG",
        ask: |conversation| show(conversation, MediaKind::Image, Some("image/svg+xml"), base64("PHN2Zy8+")),
        seen: media,
    },
    Feature {
        title: "picture, cache mark",
        ask: |conversation| add(conversation, Media { cache: Some(CacheMark::default()), ..picture() }),
        seen: media,
    },
    Feature {
        title: "PDF, base64",
        ask: |conversation| show(conversation, MediaKind::Document, Some("application/pdf"), base64("JVBERi0xLjQK")),
        seen: |conversation| without_name(&media(conversation)),
    },
    Feature {
        title: "PDF with a name",
        ask: |conversation| {
            let (kind, mime, source) =
                (MediaKind::Document, Some("application/pdf".to_owned()), base64("JVBERi0xLjQK"));
            add(
                conversation,
                Media { kind, mime, source, name: Some("bill.pdf".to_owned()), detail: None, cache: None },
            );
        },
        seen: media,
    },
    Feature {
        title: "PDF, address",
        ask: |conversation| {
            show(conversation, MediaKind::Document, Some("application/pdf"), url("https://example.org/a.pdf"));
        },
        seen: |conversation| media(conversation).replace("Some(\"application/pdf\")", "None"),
    },
    Feature {
        title: "PDF, id of OpenAI's file store",
        ask: |conversation| show(conversation, MediaKind::Document, None, file("file-abc123")),
        seen: media,
    },
    Feature {
        title: "document, id of Anthropic's file store",
        ask: |conversation| show(conversation, MediaKind::Document, None, file("file_011CNha8iCJcU1wXNR6q4V8w")),
        seen: media,
    },
    Feature {
        title: "document, text",
        ask: |conversation| {
            show(
                conversation,
                MediaKind::Document,
                Some("text/plain"),
                MediaSource::Text("Once upon a time.".to_owned()),
            );
        },
        seen: media,
    },
    Feature {
        title: "document, HTML in base64",
        ask: |conversation| show(conversation, MediaKind::Document, Some("text/html"), base64("PGI+SGk8L2I+")),
        seen: |conversation| without_name(&media(conversation)),
    },
    Feature {
        title: "sound, base64 WAV",
        ask: |conversation| show(conversation, MediaKind::Audio, Some("audio/wav"), base64("UklGRgAA")),
        seen: media,
    },
    Feature {
        title: "sound, base64 Ogg",
        ask: |conversation| show(conversation, MediaKind::Audio, Some("audio/ogg"), base64("T2dnUwAC")),
        seen: media,
    },
    Feature {
        title: "sound, address",
        ask: |conversation| show(conversation, MediaKind::Audio, Some("audio/wav"), url("https://example.org/a.wav")),
        seen: media,
    },
    Feature {
        title: "film, base64",
        ask: |conversation| show(conversation, MediaKind::Video, Some("video/mp4"), base64("AAAAIGZ0eXA=")),
        seen: media,
    },
    Feature {
        title: "film, address",
        ask: |conversation| show(conversation, MediaKind::Video, Some("video/mp4"), url("https://example.org/a.mp4")),
        seen: media,
    },
];

/// Dialects that want a name make one.
fn without_name(media: &str) -> String {
    media.replace("name: Some(\"document.pdf\")", "name: None").replace("name: Some(\"document.html\")", "name: None")
}
