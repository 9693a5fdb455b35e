//! A glance at a request for a response.

use megarouter_domain::catalog::Set;
use megarouter_domain::facts::Need;

use crate::glance::{Glance, Turn, is_there, word};
use crate::json::{elements, entries};

/// Looks at a body that was checked.
pub fn glance(body: &str) -> Glance {
    let mut glance = Glance::default();
    for (name, value) in entries(body).filter(|(_, value)| is_there(value)) {
        match name {
            "input" if value.starts_with('"') => glance.take_text(value),
            "input" => glance.take_turns(elements(value), item),
            "tools" => elements(value).for_each(|tool| self::tool(tool, &mut glance)),
            "reasoning" if member(value, "effort").is_some_and(asks_effort) => glance.needs.insert(Need::Reasoning),
            "text" if member(value, "format").is_some_and(is_schema) => glance.needs.insert(Need::Schema),
            "prompt_cache_key" => glance.cache_key = serde_json::from_str(value).ok(),
            _ => {}
        }
    }
    glance
}

fn asks_effort(effort: &str) -> bool {
    is_there(effort) && word(effort) != "none"
}

fn is_schema(format: &str) -> bool {
    member(format, "type").map(word) == Some("json_schema")
}

/// Tools within a namespace count one by one.
fn tool(tool: &str, glance: &mut Glance) {
    match member(tool, "type").map(word).unwrap_or_default() {
        kind if kind.starts_with("web_search") => glance.needs.insert(Need::WebSearch),
        "image_generation" => glance.needs.insert(Need::ImageOutput),
        "namespace" => glance.bring(member(tool, "tools").map_or(0, |tools| elements(tools).count())),
        _ => glance.bring(1),
    }
}

fn item<'a>(item: &'a str, needs: &mut Set<Need>) -> Turn<'a> {
    let mut turn = Turn { is_users: false, texts: vec![] };
    for (name, value) in entries(item) {
        match name {
            "role" => turn.is_users = word(value) == "user",
            "content" if value.starts_with('"') => turn.texts.push(value),
            // What a tool gave is looked at for its pictures; it has no role.
            "content" | "output" => elements(value).for_each(|part| self::part(part, &mut turn, needs)),
            _ => {}
        }
    }
    turn
}

fn part<'a>(part: &'a str, turn: &mut Turn<'a>, needs: &mut Set<Need>) {
    for (name, value) in entries(part) {
        match (name, word(value)) {
            ("text", _) => turn.texts.push(value),
            ("type", "input_image") => needs.insert(Need::Images),
            ("type", "input_audio") => needs.insert(Need::Audio),
            ("type", "input_file") => needs.insert(Need::Documents),
            _ => {}
        }
    }
}

fn member<'a>(object: &'a str, wanted: &str) -> Option<&'a str> {
    entries(object).find(|(name, _)| *name == wanted).map(|(_, value)| value)
}
