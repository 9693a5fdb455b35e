//! The user's own words in a raw prompt, apart from tool definitions and what programs put in.
//!
//! Agents send tool definitions, file contents and reminders along with a line of the user's. Their
//! length says nothing about how hard the task is, so they are counted, not read.

/// The most separate pieces that are kept.
pub const PIECES: usize = 8;

/// The user's own words: up to [`PIECES`] pieces of the text, in order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sections<'a> {
    pieces: [&'a str; PIECES],
    count: usize,
    /// Bytes that were left out because a program put them in.
    pub skipped_bytes: usize,
    /// Tools that are defined in the text.
    pub tools: usize,
}

impl<'a> Sections<'a> {
    /// The pieces, in order.
    pub fn pieces(&self) -> &[&'a str] {
        &self.pieces[..self.count]
    }

    fn keep(&mut self, piece: &'a str) {
        if piece.trim().is_empty() {
            return;
        }
        match self.pieces.get_mut(self.count) {
            Some(place) => {
                *place = piece;
                self.count += 1;
            }
            None => self.skipped_bytes += piece.len(),
        }
    }
}

/// Blocks that programs put into prompts, by how they begin and end.
const BLOCKS: [(&str, &str); 7] = [
    ("<system-reminder>", "</system-reminder>"),
    ("<environment_details>", "</environment_details>"),
    ("<environment_context>", "</environment_context>"),
    ("<file_contents>", "</file_contents>"),
    ("<file", "</file>"),
    ("<tools>", "</tools>"),
    ("<documents>", "</documents>"),
];

/// The most blocks that are looked for; what comes after them is taken for the user's own.
const MOST_BLOCKS: usize = 16;

/// Cuts a prompt into the user's own words and the rest.
pub fn split(prompt: &str) -> Sections<'_> {
    let mut sections = Sections::default();
    let mut rest = prompt;
    for _ in 0..MOST_BLOCKS {
        let Some((start, end, tools)) = next_block(rest) else { break };
        sections.keep(&rest[..start]);
        sections.skipped_bytes += end - start;
        sections.tools += tools;
        rest = &rest[end..];
    }
    sections.keep(rest);
    sections
}

/// The next block that a program put in: where it starts, where it ends, how many tools it defines.
fn next_block(text: &str) -> Option<(usize, usize, usize)> {
    let marked = next_marked(text);
    let reach = marked.map_or(text.len(), |(start, _)| start);
    let tools = next_tools(&text[..reach]);
    tools.or_else(|| marked.map(|(start, end)| (start, end, 0)))
}

fn next_marked(text: &str) -> Option<(usize, usize)> {
    // Most prompts have no such sign at all, and then nothing is searched for seven times.
    let from = text.bytes().position(|byte| byte == b'<')?;
    let marked = |(open, close): &(&str, &str)| {
        let start = from + text[from..].find(open)?;
        let length = text[start..].find(close)?;
        Some((start, start + length + close.len()))
    };
    BLOCKS.iter().filter_map(marked).min()
}

/// A JSON array or object that defines tools: it has `"parameters"` or `"input_schema"` as a key.
fn next_tools(text: &str) -> Option<(usize, usize, usize)> {
    let from = text.bytes().position(|byte| byte == b'{')?;
    let key = ["\"parameters\"", "\"input_schema\""].iter().filter_map(|key| text[from..].find(key)).min()? + from;
    let start = json_start(text.as_bytes(), key)?;
    let end = json_end(text.as_bytes(), start);
    let block = &text[start..end];
    let tools = block.matches("\"parameters\"").count() + block.matches("\"input_schema\"").count();
    Some((label_start(text, start), end, tools))
}

/// The outermost bracket that is still open at `key`, looking back over the text's JSON.
fn json_start(bytes: &[u8], key: usize) -> Option<usize> {
    let mut depth = 0_i32;
    let mut outermost = None;
    for index in (0..key).rev() {
        match bytes[index] {
            b'}' | b']' => depth += 1,
            b'{' | b'[' => {
                depth -= 1;
                if depth < 0 {
                    outermost = Some(index);
                    depth = 0;
                }
            }
            // An empty line outside of brackets ends the JSON; definitions have none at their top.
            b'\n' if depth == 0 && index > 0 && bytes[index - 1] == b'\n' => break,
            _ => {}
        }
    }
    outermost
}

fn json_end(bytes: &[u8], start: usize) -> usize {
    let (mut depth, mut in_string, mut escaped) = (0_i32, false, false);
    for (index, byte) in bytes.iter().enumerate().skip(start) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => {
                depth -= 1;
                if depth == 0 {
                    return index + 1;
                }
            }
            _ => {}
        }
    }
    bytes.len()
}

/// Takes a label such as "Tools:" before the definitions along.
fn label_start(text: &str, start: usize) -> usize {
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let label = text[line..start].trim_end();
    if label.len() <= 40 && label.ends_with(':') { line } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tool_definitions_are_counted_and_left_out() {
        let prompt = "Book a table for two.\n\nTools: [{\"name\": \"book\", \"parameters\": {\"type\": \"dict\", \"a\": \"}\"}}, {\"name\": \"x\", \"parameters\": {}}]\n\nToday, please.";
        let sections = split(prompt);
        assert_eq!(sections.pieces(), ["Book a table for two.\n\n", "\n\nToday, please."]);
        assert_eq!(sections.tools, 2);
    }

    #[test]
    fn reminders_are_left_out() {
        let sections = split("Fix the bug.<system-reminder>Be brief.\nUse tools.</system-reminder> Now.");
        assert_eq!(sections.pieces(), ["Fix the bug.", " Now."]);
        assert_eq!(sections.skipped_bytes, 55);
    }

    #[test]
    fn text_without_blocks_is_one_piece() {
        assert_eq!(split("Is 2 < 3?").pieces(), ["Is 2 < 3?"]);
        assert!(split("").pieces().is_empty());
        assert_eq!(split("a <file without end").pieces(), ["a <file without end"]);
    }
}
