//! The fields of a `multipart/form-data` body, where they lie.
//!
//! Read to the letter of RFC 7578 and RFC 2046, so that no server finds other fields in it than are
//! found here: what is not exactly such a form is refused.

use std::ops::Range;

use memchr::memmem;

use crate::fields::RequestError;
use crate::json::names_a_host;

/// A field: its name, whether it is a file, and where its content lies.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub is_file: bool,
    pub span: Range<usize>,
}

const NO_FORM: RequestError = RequestError::Invalid { field: "file", problem: "must be sent as multipart/form-data" };

const BROKEN: RequestError =
    RequestError::Invalid { field: "file", problem: "is in a form that is not multipart/form-data to the letter" };

/// The boundary that a content type names.
///
/// # Errors
/// When it is no form's content type.
pub fn boundary(content_type: &str) -> Result<String, RequestError> {
    let (kind, rest) = content_type.split_once(';').ok_or(NO_FORM)?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Err(NO_FORM);
    }
    let found = parameters(rest).ok_or(BROKEN)?.into_iter().find(|(name, _)| name == "boundary");
    found.map(|(_, value)| value).filter(|value| (1..=70).contains(&value.len())).ok_or(NO_FORM)
}

/// Finds the fields.
///
/// # Errors
/// When the body is no such form, names a field that would choose a host, or has a field twice that
/// is no file.
pub fn fields(body: &[u8], boundary: &str) -> Result<Vec<Field>, RequestError> {
    let delimiter = format!("--{boundary}");
    let mut rest = body.strip_prefix(delimiter.as_bytes()).ok_or(BROKEN)?;
    let next = format!("\r\n{delimiter}");
    let finder = memmem::Finder::new(&next);
    let mut fields: Vec<Field> = vec![];
    while !rest.starts_with(b"--") {
        let part = rest.strip_prefix(b"\r\n").ok_or(BROKEN)?;
        let end = finder.find(part).ok_or(BROKEN)?;
        let start = body.len() - part.len();
        let field = field(&part[..end], start)?;
        if names_a_host(&field.name) {
            return Err(RequestError::NamesHost(field.name));
        }
        let is_array = field.name.ends_with("[]");
        if !is_array && fields.iter().any(|known| known.name == field.name) {
            return Err(RequestError::Duplicate(field.name));
        }
        fields.push(field);
        rest = &part[end + next.len()..];
    }
    // What follows the last delimiter is nobody's.
    Ok(fields)
}

/// Reads a part that begins at `start` of the body.
fn field(part: &[u8], start: usize) -> Result<Field, RequestError> {
    let head_end = memmem::find(part, b"\r\n\r\n").ok_or(BROKEN)?;
    let head = std::str::from_utf8(&part[..head_end]).map_err(|_| BROKEN)?;
    let mut dispositions = head.split("\r\n").filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    });
    let (Some(disposition), None) = (dispositions.next(), dispositions.next()) else { return Err(BROKEN) };
    let (kind, rest) = disposition.split_once(';').ok_or(BROKEN)?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err(BROKEN);
    }
    let parameters = parameters(rest).ok_or(BROKEN)?;
    let mut names = parameters.iter().filter(|(name, _)| name == "name");
    let (Some((_, name)), None) = (names.next(), names.next()) else { return Err(BROKEN) };
    let is_file = parameters.iter().any(|(name, _)| name.starts_with("filename"));
    Ok(Field { name: name.clone(), is_file, span: start + head_end + 4..start + part.len() })
}

/// The parameters of a header's value: `name=token` or `name="text"`, between semicolons.
fn parameters(text: &str) -> Option<Vec<(String, String)>> {
    let mut found = vec![];
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = if let Some(quoted) = after.strip_prefix('"') {
            unquote(quoted)?
        } else {
            let end = after.find(';').unwrap_or(after.len());
            (after[..end].trim().to_owned(), &after[end..])
        };
        found.push((name.trim().to_ascii_lowercase(), value));
        let after = after.trim_start();
        rest = if after.is_empty() { after } else { after.strip_prefix(';')?.trim_start() };
    }
    Some(found)
}

/// The text up to the closing quote, and what follows.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            // Browsers leave a backslash as it is but before a quote; a name of ours has neither.
            '\\' => value.push(letters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn body(parts: &[(&str, &str)]) -> String {
        let parts: String = parts
            .iter()
            .map(|(head, content)| format!("--b\r\ncontent-disposition: form-data; {head}\r\n\r\n{content}\r\n"))
            .collect();
        parts + "--b--\r\n"
    }

    #[test]
    fn fields_are_found_where_they_lie() {
        let text = body(&[
            ("name=\"model\"", "whisper-1"),
            ("name=\"file\"; filename=\"a;\\\"name=x.wav\"", "RIFF\r\n--c\r\n"),
        ]);
        let found = fields(text.as_bytes(), "b").unwrap();
        let found: Vec<_> =
            found.into_iter().map(|field| (field.name, field.is_file, text[field.span].to_owned())).collect();
        let expected = [("model", false, "whisper-1"), ("file", true, "RIFF\r\n--c\r\n")];
        assert_eq!(found, expected.map(|(name, is_file, text)| (name.to_owned(), is_file, text.to_owned())));
    }

    #[test]
    fn the_boundary_is_read_from_the_header() {
        assert_eq!(boundary("multipart/form-data; boundary=abc").as_deref(), Ok("abc"));
        assert_eq!(boundary("Multipart/Form-Data; charset=utf-8; boundary=\"a b\"").as_deref(), Ok("a b"));
        for wrong in
            ["application/json", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=a"]
        {
            assert_eq!(boundary(wrong).unwrap_err().param(), Some("file"), "{wrong}");
        }
    }

    #[test]
    fn what_a_server_could_read_otherwise_is_refused() {
        let twice = body(&[("name=\"model\"", "a"), ("name=model", "b")]);
        assert_eq!(fields(twice.as_bytes(), "b"), Err(RequestError::Duplicate("model".to_owned())));
        let host = body(&[("name=\"api_base\"", "a")]);
        assert_eq!(fields(host.as_bytes(), "b"), Err(RequestError::NamesHost("api_base".to_owned())));
        let several =
            body(&[("name=\"timestamp_granularities[]\"", "word"), ("name=\"timestamp_granularities[]\"", "segment")]);
        assert_eq!(fields(several.as_bytes(), "b").unwrap().len(), 2);
        for broken in [
            "",
            "--b",
            "--b\r\n",
            "preamble\r\n--b--",
            "--b\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\nx",
            "--b\r\ncontent-disposition: form-data; name=\"a\"; name=\"b\"\r\n\r\nx\r\n--b--",
            "--b\r\ncontent-disposition: form-data; name=\"a\r\n\r\nx\r\n--b--",
            "--b\r\ncontent-type: text/plain\r\n\r\nx\r\n--b--",
            "--b\r\ncontent-disposition: form-data; name=a\r\ncontent-disposition: form-data; name=b\r\n\r\nx\r\n--b--",
            "--b \r\ncontent-disposition: form-data; name=a\r\n\r\nx\r\n--b--",
        ] {
            assert_eq!(fields(broken.as_bytes(), "b"), Err(BROKEN), "{broken:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(parts in proptest::collection::vec(proptest::sample::select(vec![
            "--b", "\r\n", "\r\n\r\n", "--", "content-disposition: form-data; name=", "\"", "model", "x", ";", "=", "\\",
        ]), 0..30)) {
            let text = parts.concat();
            for field in fields(text.as_bytes(), "b").unwrap_or_default() {
                prop_assert!(field.span.end <= text.len());
            }
        }
    }
}
