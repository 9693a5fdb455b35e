//! The one pass over a prompt: counts while it walks, and turns counts into values at the end.

use super::dense::{COUNT, Dense, FIRST_CATEGORY, Name};
use super::lexicon::{CATEGORIES, Category, HASH_START, bit, categories, hash_byte};
use super::sections::Sections;
use super::{Features, SLOTS, Text};

/// Counts of what was met.
pub(super) struct Scan {
    slots: Vec<u16>,
    seen: [u64; SLOTS / 64],
    by_category: [u32; CATEGORIES],
    before: u32,
    words: u32,
    word_bytes: u32,
    long_words: u32,
    distinct: u32,
    unlisted: u32,
    capitals: u32,
    sentences: u32,
    numbers: u32,
    number_digits: u32,
    longest_number: u32,
    decimals: u32,
    latex: u32,
    operators: u32,
    equations: u32,
    depth: u32,
    deepest: u32,
    brackets: u32,
    symbols: u32,
    non_ascii: u32,
    lines: u32,
    list_items: u32,
    questions: u32,
    options: u32,
    option_bytes: u32,
    option_numbers: u32,
    longest_option: u32,
    blanks: u32,
    code_lines: u32,
    indent: u32,
    loops: u32,
    branches: u32,
    calls: u32,
    fences: u32,
    quotes: u32,
    examples: u32,
    bytes: u32,
    ask_bytes: u32,
    option_words: u32,
    in_option: bool,
}

impl Scan {
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::with_capacity(256),
            seen: [0; SLOTS / 64],
            by_category: [0; CATEGORIES],
            before: 0,
            words: 0,
            word_bytes: 0,
            long_words: 0,
            distinct: 0,
            unlisted: 0,
            capitals: 0,
            sentences: 0,
            numbers: 0,
            number_digits: 0,
            longest_number: 0,
            decimals: 0,
            latex: 0,
            operators: 0,
            equations: 0,
            depth: 0,
            deepest: 0,
            brackets: 0,
            symbols: 0,
            non_ascii: 0,
            lines: 0,
            list_items: 0,
            questions: 0,
            options: 0,
            option_bytes: 0,
            option_numbers: 0,
            longest_option: 0,
            blanks: 0,
            code_lines: 0,
            indent: 0,
            loops: 0,
            branches: 0,
            calls: 0,
            fences: 0,
            quotes: 0,
            examples: 0,
            bytes: 0,
            ask_bytes: 0,
            option_words: 0,
            in_option: false,
        }
    }

    /// Reads a piece of the user's words.
    pub(super) fn read(&mut self, piece: &str) {
        for line in piece.split('\n') {
            self.line(line);
        }
        self.before = 0;
    }

    fn line(&mut self, line: &str) {
        let text = line.trim_start();
        if text.is_empty() {
            return;
        }
        let bytes = text.as_bytes();
        let indent = line.len() - text.len();
        self.lines += 1;
        self.bytes += size(line.len());
        self.shape(bytes, indent);
        let ask = if is_option(bytes) { 0 } else { inline_options(bytes) };
        self.ask_bytes += size(ask);
        self.walk(&bytes[..ask]);
        if ask < bytes.len() {
            self.options(&bytes[ask..]);
        }
    }

    /// One answer to choose from, or several in one line.
    fn options(&mut self, text: &[u8]) {
        let numbers = self.option_numbers;
        let count = if is_option(text) { 1 } else { marks(text) };
        self.options += count;
        self.option_bytes += size(text.len());
        self.longest_option = self.longest_option.max(size(text.len()) / count.max(1));
        self.in_option = true;
        self.walk(text);
        self.in_option = false;
        self.option_numbers = numbers + if self.option_numbers > numbers { count } else { 0 };
    }

    /// What the line's beginning and end say about it.
    fn shape(&mut self, line: &[u8], indent: usize) {
        let last = line.trim_ascii_end().last().copied().unwrap_or(b' ');
        self.fences += u32::from(line.starts_with(b"```"));
        self.list_items += u32::from(is_list_item(line));
        self.examples += u32::from(is_example(line));
        let is_code = indent >= 4 || matches!(last, b';' | b'{' | b'}') || is_code_start(line);
        if is_code {
            self.code_lines += 1;
            self.indent = self.indent.max(size(indent));
        }
        self.loops += u32::from(line.starts_with(b"for ") || line.starts_with(b"while ") || line.starts_with(b"for("));
        self.branches += u32::from(
            line.starts_with(b"if ")
                || line.starts_with(b"elif ")
                || line.starts_with(b"else:")
                || line.starts_with(b"if("),
        );
    }

    fn walk(&mut self, line: &[u8]) {
        let mut index = 0;
        while index < line.len() {
            let byte = line[index];
            index = match byte {
                b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => self.word(line, index),
                b'0'..=b'9' => self.number(line, index),
                b' ' | b'\t' | b'\r' => index + 1,
                _ => self.sign(line, index),
            };
        }
    }

    fn word(&mut self, line: &[u8], start: usize) -> usize {
        let (mut hash, mut end, mut high) = (HASH_START, start, 0_u32);
        while let Some(byte) = line.get(end) {
            if !(byte.is_ascii_alphabetic() || *byte >= 0x80) {
                break;
            }
            high += u32::from(*byte >= 0x80);
            hash = hash_byte(hash, byte.to_ascii_lowercase());
            end += 1;
        }
        let length = size(end - start);
        let mask = categories(hash);
        if self.in_option {
            self.option_words += 1;
        } else {
            self.words += 1;
            self.word_bytes += length;
            self.non_ascii += high;
            self.long_words += u32::from(length >= 8);
            self.capitals += u32::from(line[start].is_ascii_uppercase());
            self.calls += u32::from(line.get(end) == Some(&b'('));
            self.unlisted += u32::from(mask == 0 && length >= 3);
        }
        let mut left = if self.in_option { mask & SUBJECTS } else { mask };
        while left != 0 {
            self.by_category[left.trailing_zeros() as usize] += 1;
            left &= left - 1;
        }
        let is_new = self.slot(hash);
        self.distinct += u32::from(is_new && !self.in_option);
        if self.before != 0 {
            self.slot(self.before.rotate_left(5) ^ hash.wrapping_mul(0x9e37_79b9));
        }
        self.before = hash;
        end
    }

    fn number(&mut self, line: &[u8], start: usize) -> usize {
        let (mut end, mut digits) = (start, 0);
        let mut is_decimal = false;
        while let Some(byte) = line.get(end) {
            let goes_on = line.get(end + 1).is_some_and(u8::is_ascii_digit);
            match byte {
                b'0'..=b'9' => digits += 1,
                b'.' if goes_on => is_decimal = true,
                b',' if goes_on => {}
                _ => break,
            }
            end += 1;
        }
        if self.in_option {
            self.option_numbers += 1;
        } else {
            self.numbers += 1;
            self.number_digits += digits;
            self.longest_number = self.longest_number.max(digits);
            self.decimals += u32::from(is_decimal);
        }
        // A number stands for any other of its length, so that word pairs meet again.
        let hash = hash_byte(hash_byte(HASH_START, b'#'), digits.min(6) as u8);
        self.slot(hash);
        self.before = hash_byte(HASH_START, b'#');
        end
    }

    fn sign(&mut self, line: &[u8], index: usize) -> usize {
        let byte = line[index];
        if self.in_option {
            self.before = 0;
            return index + 1;
        }
        let next = line.get(index + 1).copied().unwrap_or(b' ');
        self.symbols += 1;
        match byte {
            b'.' | b'!' => self.sentences += u32::from(next == b' ' || index + 1 == line.len()),
            b'?' => {
                self.questions += 1;
                self.sentences += 1;
            }
            b'(' | b'[' | b'{' => {
                self.brackets += 1;
                self.depth += 1;
                self.deepest = self.deepest.max(self.depth);
            }
            b')' | b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            b'\\' => self.latex += u32::from(next.is_ascii_alphabetic()),
            b'$' => self.latex += u32::from(!next.is_ascii_digit()),
            b'+' | b'*' | b'/' | b'^' | b'<' | b'>' | b'%' => self.operators += 1,
            b'=' => {
                self.operators += 1;
                self.equations += 1;
            }
            b'"' => self.quotes += 1,
            b'_' if next == b'_' => {
                self.blanks += 1;
                return index + line[index..].iter().take_while(|byte| **byte == b'_').count();
            }
            _ => {}
        }
        if !matches!(byte, b',' | b'\'' | b'-' | b'"' | b'_') {
            self.before = 0;
        }
        index + 1
    }

    /// Notes a slot; whether it is the first time.
    fn slot(&mut self, hash: u32) -> bool {
        let slot = (hash ^ (hash >> 15)).wrapping_mul(0x85eb_ca6b) >> (32 - SLOTS.ilog2());
        let (place, bit) = (slot as usize / 64, 1_u64 << (slot % 64));
        let is_new = self.seen[place] & bit == 0;
        if is_new {
            self.seen[place] |= bit;
            self.slots.push(u16::try_from(slot).unwrap_or(0));
        }
        is_new
    }

    pub(super) fn finish(self, text: &Text<'_>, sections: &Sections<'_>, total_bytes: usize) -> Features {
        let mut dense = Dense([0.0; COUNT]);
        let mut set = |name, value| dense.set(name, value);
        let words = self.words.max(1);
        let bytes = self.ask_bytes.max(1);
        let lines = self.lines.max(1);
        let sentences = self.sentences.max(1);
        set(Name::Length, amount(size(total_bytes), 13));
        set(Name::Words, amount(self.words, 11));
        set(Name::Sentences, amount(self.sentences, 6));
        set(Name::SentenceLength, amount(self.words / sentences, 6));
        set(Name::WordLength, share(self.word_bytes, words) / 8.0);
        set(Name::LongWords, share(self.long_words, words));
        set(Name::Variety, share(self.distinct, words));
        set(Name::FunctionWords, share(self.by_category[Category::Function as usize], words));
        set(Name::Unlisted, share(self.unlisted, words));
        set(Name::Capitals, share(self.capitals, words));
        set(Name::Numbers, amount(self.numbers, 6));
        set(Name::NumberShare, share(self.number_digits, bytes));
        set(Name::NumberSize, amount(self.longest_number, 4));
        set(Name::Decimals, amount(self.decimals, 5));
        set(Name::Latex, amount(self.latex, 6));
        set(Name::LatexShare, share(self.latex, words + self.numbers));
        set(Name::Operators, amount(self.operators, 6));
        set(Name::Equations, amount(self.equations, 5));
        set(Name::Brackets, amount(self.deepest, 3));
        set(Name::BracketShare, share(self.brackets * 8, bytes));
        set(Name::Symbols, share(self.symbols * 2, bytes));
        set(Name::NonAscii, share(self.non_ascii, bytes));
        set(Name::Lines, amount(self.lines, 7));
        set(Name::ListItems, amount(self.list_items, 5));
        set(Name::Questions, amount(self.questions, 3));
        set(Name::Options, amount(self.options, 4));
        set(Name::OptionLength, amount(self.option_bytes / self.options.max(1), 8));
        set(Name::OptionNumbers, share(self.option_numbers, self.options.max(1)));
        set(
            Name::OptionSpread,
            if self.options == 0 {
                0.0
            } else {
                1.0 - share(self.option_bytes, self.options * self.longest_option.max(1))
            },
        );
        set(Name::AskLength, amount(self.ask_bytes, 13));
        set(Name::OptionWords, amount(self.option_words, 9));
        set(Name::Blank, amount(self.blanks, 3));
        set(Name::CodeLines, amount(self.code_lines, 6));
        set(Name::CodeShare, share(self.code_lines, lines));
        set(Name::Indent, amount(self.indent, 5));
        set(Name::Loops, amount(self.loops, 3));
        set(Name::Branches, amount(self.branches, 3));
        set(Name::Calls, amount(self.calls, 5));
        set(Name::Fences, amount(self.fences, 3));
        set(Name::Quotes, amount(self.quotes, 5));
        set(Name::Examples, amount(self.examples, 4));
        set(Name::Tools, amount(size(text.tool_count + sections.tools), 5));
        set(Name::Skipped, amount(size(sections.skipped_bytes), 16));
        set(Name::Context, amount(size(text.context_bytes), 20));
        set(Name::Turns, amount(size(text.earlier_turns), 6));
        set(Name::Schema, if text.has_schema { 1.0 } else { 0.0 });
        for (category, count) in self.by_category.iter().enumerate() {
            dense.0[FIRST_CATEGORY + category] = amount(*count, 5);
        }
        Features { dense, slots: self.slots }
    }
}

/// The categories that say what a text is about, which answers to choose from tell as well.
const SUBJECTS: u32 = bit(Category::Maths)
    | bit(Category::Advanced)
    | bit(Category::Physics)
    | bit(Category::Chemistry)
    | bit(Category::Life)
    | bit(Category::Law)
    | bit(Category::Business)
    | bit(Category::Humanities);

/// How many answers to choose from follow each other in one line: "(A) one (B) two" are 2.
fn marks(text: &[u8]) -> u32 {
    size(text.windows(3).filter(|window| matches!(window, [b'(', b'A'..=b'J' | b'a'..=b'j', b')'])).count())
}

/// Where answers to choose from begin within a line, as in "... (A) one (B) two"; else its length.
fn inline_options(line: &[u8]) -> usize {
    let (mut first, mut from) = (None, 0);
    while let Some(offset) = line[from..].iter().position(|byte| *byte == b'(') {
        let at = from + offset;
        match (line.get(at + 1..at + 3), first) {
            (Some([b'A' | b'a', b')']), None) => first = Some(at),
            (Some([b'B' | b'b', b')']), Some(first)) => return first,
            _ => {}
        }
        from = at + 1;
    }
    line.len()
}

/// Whether the line is an answer to choose from: "A. ...", "(b) ...", "C) ...".
fn is_option(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"(").unwrap_or(line);
    matches!(line, [b'A'..=b'J' | b'a'..=b'j', b'.' | b')' | b':', rest @ ..] if rest.first().is_none_or(|byte| *byte == b' '))
}

fn is_list_item(line: &[u8]) -> bool {
    matches!(
        line,
        [b'-' | b'*', b' ', ..]
            | [b'0'..=b'9', b'.' | b')', b' ', ..]
            | [b'0'..=b'9', b'0'..=b'9', b'.' | b')', b' ', ..]
    )
}

fn is_example(line: &[u8]) -> bool {
    [b"Q:".as_slice(), b"Input:", b"Example", b"Question:", b">>>", b"assert "]
        .iter()
        .any(|start| line.starts_with(start))
}

fn is_code_start(line: &[u8]) -> bool {
    [
        b"def ".as_slice(),
        b"class ",
        b"import ",
        b"from ",
        b"return ",
        b"#include",
        b"function ",
        b"const ",
        b"let ",
        b"var ",
        b"public ",
        b"SELECT ",
        b"fn ",
        b"assert ",
    ]
    .iter()
    .any(|start| line.starts_with(start) && !line.ends_with(b"."))
}

fn size(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A share of a whole that is not 0.
#[expect(clippy::cast_precision_loss, reason = "counts are below 2^24")]
fn share(part: u32, whole: u32) -> f32 {
    part as f32 / whole as f32
}

/// An amount on a logarithmic scale, 1 at `2^full - 1`.
///
/// Linear between powers of two, so that it is the same on every platform.
#[expect(clippy::cast_precision_loss, reason = "counts are below 2^24")]
fn amount(count: u32, full: u32) -> f32 {
    let up = count.saturating_add(1);
    let whole = up.ilog2();
    (whole as f32 + (up as f32 / (1_u64 << whole) as f32 - 1.0)) / full as f32
}
