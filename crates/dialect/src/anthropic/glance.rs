//! A glance at a request of Anthropic's.

use megarouter_domain::catalog::Set;
use megarouter_domain::facts::Need;

use crate::glance::{Glance, Turn, is_there, need_of_mime, word};
use crate::json::{elements, entries};

/// Looks at a body that was checked.
pub fn glance(body: &str) -> Glance {
    let mut glance = Glance::default();
    for (name, value) in entries(body).filter(|(_, value)| is_there(value)) {
        match name {
            "messages" => glance.take_turns(elements(value), turn),
            "tools" => tools(value, &mut glance),
            "thinking" if type_of(value) != "disabled" => glance.needs.insert(Need::Reasoning),
            "output_config" | "output_format" if asks_schema(name, value) => glance.needs.insert(Need::Schema),
            _ => {}
        }
    }
    glance
}

fn tools(tools: &str, glance: &mut Glance) {
    let (searches, own): (Vec<_>, Vec<_>) = elements(tools).partition(|tool| type_of(tool).starts_with("web_search"));
    if !searches.is_empty() {
        glance.needs.insert(Need::WebSearch);
    }
    glance.bring(own.len());
}

/// The format is the member itself in the older form, and within another one in the current.
fn asks_schema(name: &str, value: &str) -> bool {
    let inner = entries(value).find(|(name, _)| *name == "format").map(|(_, format)| format);
    let format = if name == "output_format" { Some(value) } else { inner };
    format.is_some_and(|format| type_of(format) == "json_schema")
}

fn turn<'a>(message: &'a str, needs: &mut Set<Need>) -> Turn<'a> {
    let mut turn = Turn { is_users: false, texts: vec![] };
    for (name, value) in entries(message) {
        match name {
            "role" => turn.is_users = word(value) == "user",
            "content" if value.starts_with('"') => turn.texts.push(value),
            "content" => {
                for block in elements(value) {
                    media(block, needs);
                    let text = entries(block).find(|(name, _)| *name == "text").map(|(_, text)| text);
                    turn.texts.extend(text.filter(|_| type_of(block) == "text"));
                }
            }
            _ => {}
        }
    }
    turn
}

/// What a block shows: itself, or within the result of a tool.
fn media(block: &str, needs: &mut Set<Need>) {
    match type_of(block) {
        "image" => needs.insert(Need::Images),
        "document" => {
            let source = entries(block).find(|(name, _)| *name == "source").map_or("", |(_, source)| source);
            let mime = entries(source).find(|(name, _)| *name == "media_type").map(|(_, mime)| word(mime));
            // Without a type it is a PDF file elsewhere; documents of text have one, or are of blocks.
            let is_text = matches!(type_of(source), "text" | "content");
            match mime.and_then(need_of_mime) {
                Some(need) => needs.insert(need),
                None if !is_text => needs.insert(Need::Documents),
                None => {}
            }
        }
        "tool_result" => {
            let content = entries(block).find(|(name, _)| *name == "content").map_or("", |(_, content)| content);
            elements(content).filter(|inner| type_of(inner) != "tool_result").for_each(|inner| media(inner, needs));
        }
        _ => {}
    }
}

fn type_of(object: &str) -> &str {
    entries(object).find(|(name, _)| *name == "type").map_or("", |(_, kind)| word(kind))
}
