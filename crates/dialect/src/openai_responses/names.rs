//! Names and ids that fit into the places they go to.
//!
//! Tools within a namespace have one flat name in the canonical conversation, and the same one in
//! every turn: it is made from the two names alone. Ids that are too long are cut and told apart by
//! a digest, the same one each time, so that a result still finds its call.

use std::collections::HashMap;

use crate::canonical::ToolKind;
use crate::request::ClientTool;

/// The longest name of a function, in bytes (OpenAI API reference, "Create a model response", read
/// 2026-11-22).
const MAX_NAME: usize = 64;

/// The longest call id, item id, cache key and end user's id, in bytes (same source).
pub const MAX_ID: usize = 64;

/// The client's tools and the canonical names they got.
#[derive(Debug, Default)]
pub struct Names {
    tools: HashMap<String, ClientTool>,
}

impl Names {
    /// Gives a tool its canonical name.
    pub fn add(&mut self, namespace: Option<&str>, name: &str, kind: ToolKind) -> String {
        let tool = ClientTool { name: name.to_owned(), namespace: namespace.map(str::to_owned), kind };
        let mut canonical = canonical(namespace, name);
        if self.tools.get(&canonical).is_some_and(|taken| *taken != tool) {
            canonical = marked(&canonical, digest(&[namespace.unwrap_or_default(), name]));
        }
        self.tools.insert(canonical.clone(), tool);
        canonical
    }

    /// The canonical name of a tool that is called by the client's name of it.
    pub fn find(&self, namespace: Option<&str>, name: &str) -> String {
        let is_meant = |tool: &ClientTool| tool.name == name && tool.namespace.as_deref() == namespace;
        let usual = canonical(namespace, name);
        match self.tools.get(&usual) {
            Some(tool) if is_meant(tool) => usual,
            Some(_) | None => {
                self.tools.iter().find(|(_, tool)| is_meant(tool)).map_or(usual, |(name, _)| name.clone())
            }
        }
    }

    /// The tools whose canonical form differs from the client's.
    pub fn into_differing(self) -> HashMap<String, ClientTool> {
        let differs = |tool: &ClientTool| tool.namespace.is_some() || tool.kind == ToolKind::Custom;
        self.tools.into_iter().filter(|(_, tool)| differs(tool)).collect()
    }
}

/// The canonical name: the tool's own, after its namespace where it has one.
pub fn canonical(namespace: Option<&str>, name: &str) -> String {
    let Some(namespace) = namespace else { return name.to_owned() };
    let between = if namespace.ends_with("__") { "" } else { "__" };
    let joined = format!("{namespace}{between}{name}");
    let is_legal = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if joined.len() <= MAX_NAME && joined.chars().all(is_legal) {
        return joined;
    }
    let legal: String = joined.chars().map(|letter| if is_legal(letter) { letter } else { '_' }).collect();
    marked(&legal, digest(&[namespace, name]))
}

/// The text, or a shorter one that stands for it alone.
pub fn shortened(text: &str) -> String {
    if text.len() <= MAX_ID {
        return text.to_owned();
    }
    format!("{}_{:016x}", beginning(text, MAX_ID - 17), digest(&[text]))
}

fn marked(name: &str, digest: u64) -> String {
    format!("{}_{:08x}", beginning(name, MAX_NAME - 9), digest >> 32)
}

fn beginning(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    &text[..end]
}

/// FNV-1a over the texts with a mark between them: to tell apart, not to protect.
fn digest(texts: &[&str]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0xff]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespaced_tool_has_one_legal_name_in_every_turn() {
        assert_eq!(canonical(None, "shell"), "shell");
        assert_eq!(canonical(Some("crm"), "find"), "crm__find");
        assert_eq!(canonical(Some("mcp__files__"), "read"), "mcp__files__read");
        let long = canonical(Some(&"n".repeat(60)), "find.me");
        assert_eq!(long.len(), MAX_NAME);
        assert!(long.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_'));
        assert_ne!(long, canonical(Some(&"n".repeat(60)), "find-me"));
    }

    #[test]
    fn two_tools_never_share_a_name() {
        let mut names = Names::default();
        let plain = names.add(None, "crm__find", ToolKind::Function);
        let spaced = names.add(Some("crm"), "find", ToolKind::Function);
        assert_eq!(plain, "crm__find");
        assert_ne!(plain, spaced);
        assert_eq!(names.find(Some("crm"), "find"), spaced);
        assert_eq!(names.find(None, "crm__find"), plain);
        assert_eq!(names.find(Some("gone"), "find"), "gone__find");
    }

    #[test]
    fn long_ids_are_cut_and_stay_apart() {
        let (one, other) = (format!("{}a", "é".repeat(60)), format!("{}b", "é".repeat(60)));
        assert_eq!(shortened("call_1"), "call_1");
        assert!(shortened(&one).len() <= MAX_ID);
        assert_ne!(shortened(&one), shortened(&other));
        assert_eq!(shortened(&one), shortened(&one));
    }
}
