//! Text with values in columns, as spreadsheets write it: RFC 4180, also with semicolons or tabs.

use thiserror::Error;

/// The most lines with values.
pub(super) const MOST_ROWS: usize = 10_000;
/// The longest value, in characters.
pub(super) const LONGEST_VALUE: usize = 254;

/// One line with values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The number of its first line in the text; the first is 1.
    pub line: u64,
    /// Its values, without the spaces round them.
    pub values: Vec<String>,
}

/// Why a text is no table.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(super) enum CsvError {
    /// A quote has no end.
    #[error("the quoted value that begins in line {0} has no closing quote")]
    Unclosed(u64),
    /// Something stands between a closing quote and the next separator.
    #[error("in line {0} something follows a closing quote; double the quotes within a value")]
    AfterQuote(u64),
    /// A value is too long.
    #[error("line {0} has a value of more than {LONGEST_VALUE} characters")]
    TooLong(u64),
    /// There are too many lines.
    #[error("it has more than {MOST_ROWS} lines; split it")]
    TooMany,
}

/// Reads a whole text; lines without any value are left out.
pub(super) fn read(text: &str) -> Result<Vec<Row>, CsvError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { rest: text, line: 1, separator: separator(text) };
    let mut rows = Vec::new();
    while !reader.rest.is_empty() {
        let row = reader.row()?;
        if row.values.iter().any(|value| !value.is_empty()) {
            rows.push(row);
        }
        // The first line has the names of the columns.
        if rows.len() > MOST_ROWS + 1 {
            return Err(CsvError::TooMany);
        }
    }
    Ok(rows)
}

/// What separates the names of the columns.
fn separator(text: &str) -> char {
    let first = text.lines().next().unwrap_or_default();
    [',', ';', '\t'].into_iter().find(|separator| first.contains(*separator)).unwrap_or(',')
}

struct Reader<'a> {
    rest: &'a str,
    line: u64,
    separator: char,
}

impl Reader<'_> {
    fn row(&mut self) -> Result<Row, CsvError> {
        let mut row = Row { line: self.line, values: Vec::new() };
        loop {
            let value = self.value()?;
            if value.chars().count() > LONGEST_VALUE {
                return Err(CsvError::TooLong(row.line));
            }
            row.values.push(value);
            match self.take() {
                Some(taken) if taken == self.separator => {}
                _ => break,
            }
        }
        self.line += 1;
        Ok(row)
    }

    /// Reads up to a separator or the end of the line, which stay.
    fn value(&mut self) -> Result<String, CsvError> {
        let separator = self.separator;
        let start = self.rest.trim_start_matches(|character: char| character == ' ' && character != separator);
        if let Some(quoted) = start.strip_prefix('"') {
            self.rest = quoted;
            return self.quoted();
        }
        let end = self.rest.find([separator, '\n', '\r']).unwrap_or(self.rest.len());
        let (value, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(value.trim().to_owned())
    }

    fn quoted(&mut self) -> Result<String, CsvError> {
        let (begun, mut value) = (self.line, String::new());
        loop {
            let (part, rest) = self.rest.split_once('"').ok_or(CsvError::Unclosed(begun))?;
            self.line += part.matches('\n').count() as u64;
            value.push_str(part);
            self.rest = rest;
            let Some(rest) = self.rest.strip_prefix('"') else { break };
            value.push('"');
            self.rest = rest;
        }
        self.rest = self.rest.trim_start_matches(' ');
        let is_end = self.rest.is_empty() || self.rest.starts_with([self.separator, '\n', '\r']);
        if is_end { Ok(value.trim().to_owned()) } else { Err(CsvError::AfterQuote(begun)) }
    }

    /// Takes the separator or the end of the line; both characters of one that has two.
    fn take(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let taken = characters.next()?;
        self.rest = characters.as_str();
        if taken == '\r' {
            self.rest = self.rest.strip_prefix('\n').unwrap_or(self.rest);
        }
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<Vec<String>> {
        read(text).unwrap().into_iter().map(|row| row.values).collect()
    }

    #[test]
    fn reads_what_spreadsheets_write() {
        assert_eq!(values("\u{feff}name,email\r\nAda, a@b.c \r\n"), [["name", "email"], ["Ada", "a@b.c"]]);
        assert_eq!(values("name;team\nAda;Search"), [["name", "team"], ["Ada", "Search"]]);
        assert_eq!(values("name\tteam\nAda\t"), [vec!["name", "team"], vec!["Ada", ""]]);
        assert_eq!(values("name\n\n  \nAda\n"), [["name"], ["Ada"]]);
        assert_eq!(values(""), Vec::<Vec<String>>::new());
    }

    #[test]
    fn quotes_hold_separators_quotes_and_ends_of_lines() {
        assert_eq!(values("a,b\n\"Lovelace, \"\"Ada\"\"\" ,x"), [["a", "b"], ["Lovelace, \"Ada\"", "x"]]);
        let rows = read("a\n\"one\ntwo\"\nthree").unwrap();
        assert_eq!((rows[1].line, rows[1].values[0].as_str(), rows[2].line), (2, "one\ntwo", 4));
    }

    #[test]
    fn says_where_it_is_broken() {
        assert_eq!(read("a\nb\n\"c"), Err(CsvError::Unclosed(3)));
        assert_eq!(read("a\n\"b\"c"), Err(CsvError::AfterQuote(2)));
        assert_eq!(read(&format!("a\n{}", "x".repeat(LONGEST_VALUE + 1))), Err(CsvError::TooLong(2)));
        assert!(read(&format!("a\n{}", "x".repeat(LONGEST_VALUE))).is_ok());
        assert_eq!(read(&"x\n".repeat(MOST_ROWS + 2)), Err(CsvError::TooMany));
        assert_eq!(read(&"x\n".repeat(MOST_ROWS + 1)).unwrap().len(), MOST_ROWS + 1);
    }
}
