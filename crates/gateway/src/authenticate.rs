//! Authenticate: whose key came with the request.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use megarouter_domain::access::{self, Principal};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::code::Code;
use megarouter_domain::snapshot::Snapshot;

use crate::render::Failure;

/// Finds the principal by the virtual key in `Authorization: Bearer` or `x-api-key`.
///
/// # Errors
/// When there is no key, more than one, or one that may not be used.
pub fn authenticate(snapshot: &Snapshot, headers: &HeaderMap, now: Timestamp) -> Result<Principal, Failure> {
    let presented = credential(headers)?;
    access::authenticate(snapshot, presented, now).map_err(|code| {
        Failure::new(
            code,
            "This API key is not valid here. Use a MegaRouter key, from Keys and apps, not a provider's.",
        )
    })
}

/// The one place that reads credentials from a request.
fn credential(headers: &HeaderMap) -> Result<&str, Failure> {
    let bearer = headers.get_all(AUTHORIZATION).iter().map(|value| {
        let text = value.to_str().ok()?;
        let (scheme, rest) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim())
    });
    let plain = headers.get_all("x-api-key").iter().map(|value| value.to_str().ok().map(str::trim));
    let mut presented = bearer.chain(plain).map(Option::unwrap_or_default);
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
        credential(&map).map(str::to_owned).map_err(|failure| failure.code)
    }

    #[test]
    fn reads_either_header_and_refuses_two_different_keys() {
        assert_eq!(read(&[("authorization", "Bearer mr-a")]), Ok("mr-a".to_owned()));
        assert_eq!(read(&[("authorization", "bearer  mr-a ")]), Ok("mr-a".to_owned()));
        assert_eq!(read(&[("x-api-key", "mr-a")]), Ok("mr-a".to_owned()));
        assert_eq!(read(&[("x-api-key", "mr-a"), ("authorization", "Bearer mr-a")]), Ok("mr-a".to_owned()));
        assert_eq!(read(&[("x-api-key", "mr-a"), ("authorization", "Bearer mr-b")]), Err(Code::KeyInvalid));
        assert_eq!(read(&[("authorization", "Basic abc")]), Err(Code::KeyMissing));
        assert_eq!(read(&[]), Err(Code::KeyMissing));
    }
}
