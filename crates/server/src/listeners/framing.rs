//! What a request head must look like before anything reads it.
//!
//! Two programs that disagree on where a request ends can be made to smuggle one inside another, so
//! everything that can be read in two ways is refused here rather than repaired. Only the framing
//! is judged; paths, hosts and methods are other modules' business.

use super::refusal::Refusal;

/// The most fields a head may have.
const MAX_FIELDS: usize = 100;

/// How the body after a head ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// After so many bytes; zero when there is none.
    Length(u64),
    /// By itself. The connection is not used again, so nothing can follow it.
    Chunked,
}

/// Judges a head, from the request line to the empty line.
///
/// # Errors
/// The answer that the client gets before the connection is closed.
pub fn judge(head: &[u8]) -> Result<Framing, Refusal> {
    let head = head.strip_suffix(b"\r\n\r\n").ok_or(Refusal::Malformed)?;
    let mut lines = head.split(|byte| *byte == b'\n').map(without_return).enumerate().peekable();
    let mut fields = Fields::default();
    let mut is_http_10 = false;
    while let Some((index, (line, ended_with_return))) = lines.next() {
        // The last line lost its ending above; every other one must end with CR LF, and no CR may
        // stand anywhere else.
        if ended_with_return != lines.peek().is_some() || line.contains(&b'\r') {
            return Err(Refusal::Malformed);
        }
        if index == 0 {
            is_http_10 = request_line(line)?;
        } else {
            fields.add(line, index)?;
        }
    }
    fields.framing(is_http_10)
}

fn without_return(line: &[u8]) -> (&[u8], bool) {
    line.strip_suffix(b"\r").map_or((line, false), |line| (line, true))
}

/// True for HTTP/1.0.
fn request_line(line: &[u8]) -> Result<bool, Refusal> {
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    if words.next().is_some() || target.is_none_or(<[u8]>::is_empty) {
        return Err(Refusal::Malformed);
    }
    if method == Some(b"CONNECT") {
        return Err(Refusal::Unsupported);
    }
    match version {
        Some(b"HTTP/1.1") => Ok(false),
        Some(b"HTTP/1.0") => Ok(true),
        Some(other) if other.starts_with(b"HTTP/") => Err(Refusal::Unsupported),
        _ => Err(Refusal::Malformed),
    }
}

#[derive(Default)]
struct Fields {
    length: Option<u64>,
    is_chunked: bool,
}

impl Fields {
    fn add(&mut self, line: &[u8], index: usize) -> Result<(), Refusal> {
        if index > MAX_FIELDS {
            return Err(Refusal::HeadTooLarge);
        }
        let colon = line.iter().position(|byte| *byte == b':').ok_or(Refusal::Malformed)?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        // A continued line begins with white space, which is no part of a name either.
        if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
            return Err(Refusal::Malformed);
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            let length = parse_length(value).ok_or(Refusal::Malformed)?;
            if self.length.replace(length).is_some() {
                return Err(Refusal::Malformed);
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.is_chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Refusal::Malformed);
            }
            self.is_chunked = true;
        } else if name.eq_ignore_ascii_case(b"upgrade") && !value.eq_ignore_ascii_case(b"h2c") {
            // HTTP/2 is only offered by the client's library and may be ignored; anything else is
            // meant, and is not spoken here.
            return Err(Refusal::Unsupported);
        }
        Ok(())
    }

    fn framing(&self, is_http_10: bool) -> Result<Framing, Refusal> {
        match (self.is_chunked, self.length) {
            (true, Some(_)) => Err(Refusal::Malformed),
            (true, None) if is_http_10 => Err(Refusal::Malformed),
            (true, None) => Ok(Framing::Chunked),
            (false, length) => Ok(Framing::Length(length.unwrap_or(0))),
        }
    }
}

fn parse_length(value: &[u8]) -> Option<u64> {
    let is_plain = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    is_plain.then(|| std::str::from_utf8(value).ok()?.parse().ok())?
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fields: &str) -> Result<Framing, Refusal> {
        judge(format!("POST /v1/models HTTP/1.1\r\nhost: localhost:1\r\n{fields}\r\n").as_bytes())
    }

    #[test]
    fn plain_requests_pass() {
        assert_eq!(of(""), Ok(Framing::Length(0)));
        assert_eq!(of("Content-Length: 12\r\n"), Ok(Framing::Length(12)));
        assert_eq!(of("transfer-encoding:Chunked \r\n"), Ok(Framing::Chunked));
        assert_eq!(of("connection: upgrade\r\nupgrade: h2c\r\n"), Ok(Framing::Length(0)));
        assert_eq!(judge(b"GET / HTTP/1.0\r\n\r\n"), Ok(Framing::Length(0)));
    }

    #[test]
    fn two_ways_to_read_a_length_are_refused() {
        let ambiguous = [
            "content-length: 3\r\ntransfer-encoding: chunked\r\n",
            "transfer-encoding: chunked\r\ncontent-length: 3\r\n",
            "content-length: 3\r\ncontent-length: 3\r\n",
            "content-length: 3, 3\r\n",
            "content-length: +3\r\n",
            "content-length: 0x3\r\n",
            "content-length: -1\r\n",
            "content-length:\r\n",
            "content-length: 99999999999999999999\r\n",
            "transfer-encoding: identity\r\n",
            "transfer-encoding: gzip, chunked\r\n",
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            "transfer-encoding: \u{b}chunked\r\n",
            "transfer-encoding : chunked\r\n",
            "content-length : 3\r\n",
            "x: a\r\n b\r\n",
            " folded: first\r\n",
            "x: a\rb\r\n",
            "x: a\nb: c\r\n",
            "no colon\r\n",
            ": no name\r\n",
        ];
        for fields in ambiguous {
            assert_eq!(of(fields), Err(Refusal::Malformed), "{fields:?}");
        }
        assert_eq!(judge(b"POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n"), Err(Refusal::Malformed));
    }

    #[test]
    fn other_protocols_are_refused() {
        assert_eq!(judge(b"CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n"), Err(Refusal::Unsupported));
        assert_eq!(judge(b"PRI * HTTP/2.0\r\n\r\n"), Err(Refusal::Unsupported));
        assert_eq!(of("upgrade: websocket\r\n"), Err(Refusal::Unsupported));
        for line in ["GET /", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", "GET / HTTP/1.1 x", ""] {
            assert_eq!(judge(format!("{line}\r\n\r\n").as_bytes()), Err(Refusal::Malformed), "{line:?}");
        }
    }

    #[test]
    fn fields_are_counted() {
        let fields = |count: usize| "x: y\r\n".repeat(count);
        // The host is one of them.
        assert_eq!(of(&fields(99)), Ok(Framing::Length(0)));
        assert_eq!(of(&fields(100)), Err(Refusal::HeadTooLarge));
    }
}
