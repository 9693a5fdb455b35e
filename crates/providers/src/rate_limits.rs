//! What providers say in headers is left of a credential's limits.
//!
//! Three families: OpenAI's (`x-ratelimit-remaining-requests`, with times such as `6m0s`; platform.openai.com
//! "Rate limits"), Anthropic's (`anthropic-ratelimit-requests-remaining`, with RFC 3339 times;
//! platform.claude.com "Rate limits"), and one without a unit (`x-ratelimit-remaining`, with seconds or a Unix
//! time, as of OpenRouter and many gateways). All read 2026-11-22.

use std::time::Duration;

use http::HeaderMap;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::provider::RateLimits;

/// From this number on, seconds are a point in time and not a wait.
const SINCE_1970: u64 = 1_000_000_000;
/// From this number on, it is milliseconds.
const IN_MILLIS: u64 = 1_000_000_000_000;
/// The longest time to a renewal that is believed.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads what is left; what cannot be read counts as not said.
pub fn read(headers: &HeaderMap, now: Timestamp) -> RateLimits {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let count = |names: &[&str]| names.iter().find_map(|name| text(name)?.parse::<u64>().ok());
    let reset = |names: &[&str]| names.iter().find_map(|name| until(text(name)?, now)).map(|wait| wait.min(LONGEST));
    RateLimits {
        requests: count(&[
            "x-ratelimit-remaining-requests",
            "anthropic-ratelimit-requests-remaining",
            "x-ratelimit-remaining",
        ]),
        requests_reset: reset(&[
            "x-ratelimit-reset-requests",
            "anthropic-ratelimit-requests-reset",
            "x-ratelimit-reset",
        ]),
        tokens: count(&[
            "x-ratelimit-remaining-tokens",
            "anthropic-ratelimit-input-tokens-remaining",
            "anthropic-ratelimit-tokens-remaining",
        ]),
        tokens_reset: reset(&[
            "x-ratelimit-reset-tokens",
            "anthropic-ratelimit-input-tokens-reset",
            "anthropic-ratelimit-tokens-reset",
        ]),
    }
}

/// How long it is until a time in any of the three forms.
fn until(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(number) = text.parse::<u64>() {
        let at = |micros: u64| Some(Timestamp::from_micros(i64::try_from(micros).ok()?).since(now));
        return match number {
            IN_MILLIS.. => at(number.checked_mul(1_000)?),
            SINCE_1970.. => at(number.checked_mul(1_000_000)?),
            seconds => Some(Duration::from_secs(seconds)),
        };
    }
    spelled_out(text).or_else(|| Timestamp::parse_rfc3339(text).ok().map(|at| at.since(now)))
}

/// A duration as Go writes it: `1h2m3.5s`, `20ms`.
fn spelled_out(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|character: char| character.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let nanos: u64 = match unit {
            "h" => 3_600_000_000_000,
            "m" => 60_000_000_000,
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            "us" | "µs" => 1_000,
            "ns" => 1,
            _ => return None,
        };
        sum = sum.checked_add(times(number, nanos)?)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(sum)
}

/// A decimal number of units of so many nanoseconds.
fn times(number: &str, nanos: u64) -> Option<Duration> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole = whole.parse::<u64>().ok()?.checked_mul(nanos)?;
    let digits: String = fraction.chars().take(9).collect();
    let part = match u32::try_from(digits.len()).ok()? {
        0 => 0,
        count => digits.parse::<u64>().ok()?.checked_mul(nanos)? / 10_u64.pow(count),
    };
    Some(Duration::from_nanos(whole.checked_add(part)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn limits(headers: &[(&str, &str)]) -> RateLimits {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        read(&map, Timestamp::parse_rfc3339("2026-11-22T15:00:00Z").unwrap())
    }

    const SECONDS: fn(u64) -> Option<Duration> = |seconds| Some(Duration::from_secs(seconds));

    #[test]
    fn reads_every_family() {
        let openai = limits(&[
            ("x-ratelimit-remaining-requests", "59"),
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-remaining-tokens", "149984"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ]);
        let expected = RateLimits {
            requests: Some(59),
            requests_reset: SECONDS(1),
            tokens: Some(149_984),
            tokens_reset: SECONDS(360),
        };
        assert_eq!(openai, expected);
        let anthropic = limits(&[
            ("anthropic-ratelimit-requests-remaining", "0"),
            ("anthropic-ratelimit-requests-reset", "2026-11-22T15:00:30Z"),
            ("anthropic-ratelimit-tokens-remaining", "9000"),
            ("anthropic-ratelimit-input-tokens-remaining", "1000"),
            ("anthropic-ratelimit-input-tokens-reset", "2026-11-22T14:59:00Z"),
        ]);
        let expected = RateLimits {
            requests: Some(0),
            requests_reset: SECONDS(30),
            tokens: Some(1_000),
            tokens_reset: SECONDS(0),
        };
        assert_eq!(anthropic, expected);
        assert_eq!(limits(&[("x-ratelimit-remaining", "3"), ("x-ratelimit-reset", "12")]).requests_reset, SECONDS(12));
        let at = |time: &str| limits(&[("x-ratelimit-reset", time)]).requests_reset;
        assert_eq!(at("1795359610"), SECONDS(10));
        assert_eq!(at("1795359610500"), Some(Duration::from_millis(10_500)));
        assert_eq!(limits(&[]), RateLimits::default());
    }

    #[test]
    fn reads_times_as_they_are_spelled_out() {
        assert_eq!(spelled_out("2m59.56s"), Some(Duration::from_millis(179_560)));
        assert_eq!(spelled_out("20ms"), Some(Duration::from_millis(20)));
        assert_eq!(spelled_out("1h0m1s"), SECONDS(3_601));
        for nonsense in ["", "s", "5", "1x", "1s2", "-1s", ".s"] {
            assert_eq!(spelled_out(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn nonsense_says_nothing_and_nobody_is_locked_out_for_years() {
        assert_eq!(
            limits(&[("x-ratelimit-remaining-requests", "lots"), ("x-ratelimit-reset-requests", "soon")]),
            RateLimits::default()
        );
        assert_eq!(limits(&[("x-ratelimit-reset", "99999999999999")]).requests_reset, Some(LONGEST));
        assert_eq!(limits(&[("x-ratelimit-reset-requests", "99999999h")]).requests_reset, None);
    }
}
