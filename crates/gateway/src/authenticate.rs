//! Authenticate: whose key came with the request.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use megarouter_domain::access::{self, Principal};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::code::Code;
use megarouter_domain::snapshot::Snapshot;
use percent_encoding::percent_decode_str;

use crate::accept::parameter;
use crate::render::Failure;

/// Finds the principal by the virtual key in `Authorization: Bearer`, `x-api-key`, `x-goog-api-key` or
/// the query's `key`, as the SDKs of the dialects send it.
///
/// # Errors
/// When there is no key, more than one, or one that may not be used.
pub fn authenticate(
    snapshot: &Snapshot,
    headers: &HeaderMap,
    query: &str,
    now: Timestamp,
) -> Result<Principal, Failure> {
    let presented = credential(headers, query)?;
    access::authenticate(snapshot, &presented, now).map_err(|code| {
        Failure::new(
            code,
            "This API key is not valid here. Use a MegaRouter key, from Keys and apps, not a provider's.",
        )
    })
}

/// The one place that reads credentials from a request.
fn credential<'a>(headers: &'a HeaderMap, query: &'a str) -> Result<Cow<'a, str>, Failure> {
    let bearer = headers.get_all(AUTHORIZATION).iter().map(|value| {
        let text = value.to_str().ok()?;
        let (scheme, rest) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim())
    });
    let plain = ["x-api-key", "x-goog-api-key"].into_iter().flat_map(|name| headers.get_all(name));
    let plain = plain.map(|value| value.to_str().ok().map(str::trim));
    let in_headers = bearer.chain(plain).map(|text| Cow::Borrowed(text.unwrap_or_default()));
    let in_query = parameter(query, "key").map(|text| percent_decode_str(text).decode_utf8_lossy());
    let mut presented = in_headers.chain(in_query);
    let missing = || {
        Failure::new(
            Code::KeyMissing,
            "No API key came with the request. Send a MegaRouter key as `Authorization: Bearer mr-...`.",
        )
    };
    let first = presented.next().ok_or_else(missing)?;
    if first.is_empty() {
        return Err(missing());
    }
    if presented.any(|other| other != first) {
        return Err(Failure::new(Code::KeyInvalid, "Two different API keys came with the request. Send one."));
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn read(headers: &[(&'static str, &'static str)]) -> Result<String, Code> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        credential(&map, "").map(Cow::into_owned).map_err(|failure| failure.code)
    }

    #[test]
    fn reads_either_header_and_refuses_two_different_keys() {
        assert_eq!(read(&[("authorization", "Bearer mr-a")]), Ok("mr-a".to_owned()));
        assert_eq!(read(&[("authorization", "bearer  mr-a ")]), Ok("mr-a".to_owned()));
        assert_eq!(read(&[("x-api-key", "mr-a")]), Ok("mr-a".to_owned()));
        assert_eq!(read(&[("x-api-key", "mr-a"), ("authorization", "Bearer mr-a")]), Ok("mr-a".to_owned()));
        assert_eq!(read(&[("x-api-key", "mr-a"), ("authorization", "Bearer mr-b")]), Err(Code::KeyInvalid));
        assert_eq!(read(&[("authorization", "Basic abc")]), Err(Code::KeyMissing));
        assert_eq!(read(&[("x-goog-api-key", "mr-a")]), Ok("mr-a".to_owned()));
        assert_eq!(read(&[]), Err(Code::KeyMissing));
        let in_query =
            |query| credential(&HeaderMap::new(), query).map(Cow::into_owned).map_err(|failure| failure.code);
        assert_eq!(in_query("alt=sse&key=mr%2Da"), Ok("mr-a".to_owned()));
        assert_eq!(in_query("key="), Err(Code::KeyMissing));
    }
}
