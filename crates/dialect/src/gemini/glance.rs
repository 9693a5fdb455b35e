//! A glance at a `generateContent`.

use megarouter_domain::catalog::Set;
use megarouter_domain::facts::Need;

use super::wire::same_name;
use crate::glance::{Glance, Turn, is_there, need_of_mime, word};
use crate::json::{elements, entries};

/// Looks at a body that was checked.
pub fn glance(body: &str) -> Glance {
    let mut glance = Glance::default();
    for (name, value) in entries(body).filter(|(_, value)| is_there(value)) {
        match name {
            "contents" => glance.take_turns(one_or_all(value), turn),
            "tools" => one_or_all(value).flat_map(entries).for_each(|(name, value)| tool(name, value, &mut glance)),
            name if same_name(name, "generationConfig") => config(value, &mut glance.needs),
            _ => {}
        }
    }
    glance
}

/// Google's servers take a single message where a list is meant.
fn one_or_all(value: &str) -> impl Iterator<Item = &str> {
    elements(value).chain(value.starts_with('{').then_some(value))
}

fn tool(name: &str, value: &str, glance: &mut Glance) {
    match name {
        name if same_name(name, "functionDeclarations") => glance.bring(one_or_all(value).count()),
        name if same_name(name, "googleSearch") || same_name(name, "googleSearchRetrieval") => {
            glance.needs.insert(Need::WebSearch);
        }
        _ => {}
    }
}

fn config(config: &str, needs: &mut Set<Need>) {
    for (name, value) in entries(config).filter(|(_, value)| is_there(value)) {
        match name {
            name if same_name(name, "responseSchema") || same_name(name, "responseJsonSchema") => {
                needs.insert(Need::Schema);
            }
            name if same_name(name, "thinkingConfig") && thinks(value) => needs.insert(Need::Reasoning),
            name if same_name(name, "responseModalities") => {
                for modality in elements(value) {
                    match word(modality) {
                        "AUDIO" | "audio" => needs.insert(Need::AudioOutput),
                        "IMAGE" | "image" => needs.insert(Need::ImageOutput),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

fn thinks(config: &str) -> bool {
    !entries(config).any(|(name, value)| same_name(name, "thinkingBudget") && value == "0")
}

fn turn<'a>(content: &'a str, needs: &mut Set<Need>) -> Turn<'a> {
    // Without a role it is the user's.
    let mut turn = Turn { is_users: true, texts: vec![] };
    for (name, value) in entries(content) {
        match name {
            "role" => turn.is_users = word(value) == "user",
            "parts" => one_or_all(value).flat_map(entries).for_each(|(name, value)| match name {
                "text" if value.starts_with('"') => turn.texts.push(value),
                name if same_name(name, "inlineData") || same_name(name, "fileData") => {
                    let mime = entries(value).find(|(name, _)| same_name(name, "mimeType"));
                    if let Some(need) = mime.and_then(|(_, mime)| need_of_mime(word(mime))) {
                        needs.insert(need);
                    }
                }
                _ => {}
            }),
            _ => {}
        }
    }
    turn
}
