//! The values that a person can check against a prompt, each with its name.

/// One value; all are between 0 and about 1.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// Its name in the code and in the weights.
    pub name: &'static str,
    /// What it says, in words for a person.
    pub words: &'static str,
}

macro_rules! values {
    ($($name:ident: $words:literal,)*) => {
        /// Which value.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        #[expect(missing_docs, reason = "each says what it is in words of its own")]
        pub enum Name { $($name,)* }

        /// Every value, in the order of [`Name`].
        pub const VALUES: &[Value] = &[$(Value { name: stringify!($name), words: $words },)*];
    };
}

values! {
    Length: "length of the request",
    Words: "number of words",
    Sentences: "number of sentences",
    SentenceLength: "long sentences",
    WordLength: "long words",
    LongWords: "share of long words",
    Variety: "variety of words",
    FunctionWords: "share of plain grammar words",
    Unlisted: "share of special words",
    Capitals: "share of names and capitals",
    Numbers: "how many numbers",
    NumberShare: "share of numbers",
    NumberSize: "size of the numbers",
    Decimals: "decimal fractions",
    Latex: "formulas in LaTeX",
    LatexShare: "share of formulas",
    Operators: "mathematical signs",
    Equations: "equations",
    Brackets: "depth of brackets",
    BracketShare: "share of brackets",
    Symbols: "share of symbols",
    NonAscii: "characters beyond ASCII",
    Lines: "number of lines",
    ListItems: "items of a list",
    Questions: "question marks",
    Options: "answers to choose from",
    OptionLength: "length of the answers to choose from",
    OptionNumbers: "numbers in the answers to choose from",
    OptionSpread: "answers of unequal length",
    AskLength: "length of the question itself",
    OptionWords: "words in the answers to choose from",
    Blank: "a gap to fill",
    CodeLines: "lines of code",
    CodeShare: "share of code",
    Indent: "depth of indentation",
    Loops: "loops in code",
    Branches: "branches in code",
    Calls: "calls in code",
    Fences: "fenced blocks",
    Quotes: "quoted text",
    Examples: "worked examples",
    Tools: "tools on offer",
    Skipped: "text put in by programs",
    Context: "context beside the request",
    Turns: "earlier turns",
    Schema: "a schema for the answer",
    Quantity: "words of quantity",
    Compute: "asks to work something out",
    Proof: "asks for a proof",
    Maths: "mathematical words",
    Advanced: "advanced mathematics",
    Physics: "physics and engineering",
    Chemistry: "chemistry",
    Life: "biology and medicine",
    Law: "law and government",
    Business: "economics and business",
    Humanities: "history and humanities",
    Code: "words of programming",
    Condition: "conditions",
    Negation: "negations",
    Constraint: "demands on the answer",
    Format: "demands on the form",
    Creative: "asks to invent",
    Summarise: "asks to shorten",
    Translate: "asks to translate",
    Extract: "asks about a given text",
    Explain: "asks to explain",
    Recall: "asks for a fact",
    Order: "order in time",
    Relation: "relations between things",
    Edit: "asks to change a text",
    Chat: "talk from person to person",
    Function: "plain grammar words",
    Join: "several tasks joined",
    Everyday: "everyday words",
    Errand: "an errand for a tool",
}

/// How many values there are.
pub const COUNT: usize = VALUES.len();

/// The first of the values that count words of a category of the lexicon.
pub(super) const FIRST_CATEGORY: usize = Name::Quantity as usize;

/// One value for each [`Name`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dense(pub [f32; COUNT]);

impl Dense {
    /// A value by name.
    pub fn get(&self, name: Name) -> f32 {
        self.0[name as usize]
    }

    pub(super) fn set(&mut self, name: Name, value: f32) {
        self.0[name as usize] = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::lexicon::CATEGORIES;

    #[test]
    fn every_category_of_the_lexicon_has_a_value() {
        assert_eq!(COUNT - FIRST_CATEGORY, CATEGORIES);
        assert_eq!(VALUES[Name::Errand as usize].name, "Errand");
    }
}
