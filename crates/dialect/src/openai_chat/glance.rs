//! A glance at a chat request.

use megarouter_domain::catalog::Set;
use megarouter_domain::facts::Need;

use crate::glance::{Glance, Turn, is_there, word};
use crate::json::{elements, entries};

/// Looks at a body that was checked.
pub fn glance(body: &str) -> Glance {
    let mut glance = Glance::default();
    // An object without members asks for a search as it is.
    let asks = |(name, value): &(&str, &str)| is_there(value) || (*name, *value) == ("web_search_options", "{}");
    for (name, value) in entries(body).filter(asks) {
        match name {
            "messages" => glance.take_turns(elements(value), turn),
            "tools" => tools(value, &mut glance),
            "functions" => glance.bring(elements(value).count()),
            "response_format" if is_type(value, "json_schema") => glance.needs.insert(Need::Schema),
            "reasoning_effort" if word(value) != "none" => glance.needs.insert(Need::Reasoning),
            // Both are what other providers of this dialect took for it.
            "reasoning" | "thinking" if !is_type(value, "disabled") => glance.needs.insert(Need::Reasoning),
            "web_search_options" => glance.needs.insert(Need::WebSearch),
            "modalities" => modalities(value, &mut glance.needs),
            "audio" => glance.needs.insert(Need::AudioOutput),
            "prompt_cache_key" => glance.cache_key = serde_json::from_str(value).ok(),
            _ => {}
        }
    }
    glance
}

fn tools(tools: &str, glance: &mut Glance) {
    let (searches, own): (Vec<_>, Vec<_>) = elements(tools).partition(|tool| is_search(tool));
    if !searches.is_empty() {
        glance.needs.insert(Need::WebSearch);
    }
    glance.bring(own.len());
}

fn is_search(tool: &str) -> bool {
    entries(tool).any(|(name, value)| name == "type" && word(value).starts_with("web_search"))
}

fn is_type(object: &str, kind: &str) -> bool {
    entries(object).any(|(name, value)| name == "type" && word(value) == kind)
}

fn modalities(wanted: &str, needs: &mut Set<Need>) {
    for modality in elements(wanted) {
        match word(modality) {
            "audio" => needs.insert(Need::AudioOutput),
            "image" => needs.insert(Need::ImageOutput),
            _ => {}
        }
    }
}

fn turn<'a>(message: &'a str, needs: &mut Set<Need>) -> Turn<'a> {
    let mut turn = Turn { is_users: false, texts: vec![] };
    for (name, value) in entries(message) {
        match name {
            "role" => turn.is_users = word(value) == "user",
            "content" if value.starts_with('"') => turn.texts.push(value),
            "content" => elements(value).for_each(|part| self::part(part, &mut turn, needs)),
            _ => {}
        }
    }
    turn
}

fn part<'a>(part: &'a str, turn: &mut Turn<'a>, needs: &mut Set<Need>) {
    for (name, value) in entries(part) {
        match (name, word(value)) {
            ("text", _) => turn.texts.push(value),
            ("type", "image_url") => needs.insert(Need::Images),
            ("type", "input_audio") => needs.insert(Need::Audio),
            ("type", "video_url") => needs.insert(Need::Video),
            ("type", "file") => needs.insert(Need::Documents),
            _ => {}
        }
    }
}
