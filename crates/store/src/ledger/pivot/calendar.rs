//! Hours and days of a zone's clock, which jumps now and then.

use chrono::{NaiveDate, NaiveTime, Offset as _, TimeZone as _};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::period::Zone;

/// In microseconds.
pub(super) const HOUR: i64 = 3_600_000_000;
/// In microseconds.
pub(super) const DAY: i64 = 24 * HOUR;

/// A part of the range in which the zone's clock does not jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Steady {
    pub from: Timestamp,
    pub to: Timestamp,
    /// What the zone's clock is ahead of UTC, in microseconds.
    pub offset: i64,
}

/// Where a day of the zone's calendar begins: at midnight, or when the clock jumps over it, after that.
pub(super) fn day_begins(zone: Zone, day: NaiveDate) -> Timestamp {
    let midnight = day.and_time(NaiveTime::MIN);
    let hours = (0..=3)
        .filter_map(|hours| zone.rules().from_local_datetime(&(midnight + chrono::Duration::hours(hours))).earliest());
    let first = hours.into_iter().next().map(|time| time.to_utc());
    first.map_or_else(Timestamp::default, Timestamp::from)
}

/// Where an hour of the zone's clock begins.
pub(super) fn hour_start(zone: Zone, hours: i64) -> Timestamp {
    let local = chrono::DateTime::from_timestamp(hours * 3_600, 0).unwrap_or_default().naive_utc();
    let time = zone.rules().from_local_datetime(&local).earliest().map(|time| time.to_utc());
    time.map_or_else(|| Timestamp::from_micros(hours * HOUR), Timestamp::from)
}

/// What the zone's clock is ahead of UTC, in microseconds.
fn offset_at(zone: Zone, time: Timestamp) -> i64 {
    let utc = time.to_utc().unwrap_or_default().naive_utc();
    i64::from(zone.rules().offset_from_utc_datetime(&utc).fix().local_minus_utc()) * 1_000_000
}

/// The range cut where the zone's clock jumps, which all zones do at whole quarters of an hour.
pub(super) fn steady_parts(zone: Zone, from: Timestamp, to: Timestamp) -> Vec<Steady> {
    let step = 15 * 60 * 1_000_000;
    let mut parts = vec![Steady { from, to, offset: offset_at(zone, from) }];
    let mut day = from;
    while day < to {
        let next = Timestamp::from_micros(day.as_micros().saturating_add(DAY)).min(to);
        let last = parts.last().map_or(0, |part| part.offset);
        if offset_at(zone, next) != last {
            let mut at = Timestamp::from_micros(day.as_micros().div_euclid(step) * step);
            while offset_at(zone, at) == last && at < next {
                at = Timestamp::from_micros(at.as_micros() + step);
            }
            if let Some(part) = parts.last_mut() {
                part.to = at;
            }
            parts.push(Steady { from: at, to, offset: offset_at(zone, at) });
        }
        day = next;
    }
    parts.retain(|part| part.from < part.to);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn a_range_is_cut_where_the_clock_jumps() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        let parts = steady_parts(berlin, at("2026-03-01T00:00:00Z"), at("2026-11-22T00:00:00Z"));
        let ends: Vec<(Timestamp, i64)> = parts.iter().map(|part| (part.to, part.offset / HOUR)).collect();
        let expected =
            [(at("2026-03-29T01:00:00Z"), 1), (at("2026-10-25T01:00:00Z"), 2), (at("2026-11-22T00:00:00Z"), 1)];
        assert_eq!(ends, expected);
        assert_eq!(steady_parts(Zone::UTC, at("2026-03-01T00:00:00Z"), at("2026-11-22T00:00:00Z")).len(), 1);
    }

    #[test]
    fn days_begin_where_the_zone_says() {
        let day = |text: &str, zone: &str| day_begins(zone.parse().unwrap(), text.parse().unwrap());
        assert_eq!(day("2026-11-22", "UTC"), at("2026-11-22T00:00:00Z"));
        assert_eq!(day("2026-11-22", "Asia/Kolkata"), at("2026-11-21T18:30:00Z"));
        assert_eq!(day("2026-03-29", "Europe/Berlin"), at("2026-03-28T23:00:00Z"));
        // The clock jumps from midnight to one.
        assert_eq!(day("2026-03-28", "Asia/Beirut"), at("2026-03-27T22:00:00Z"));
        assert_eq!(day("2026-03-29", "Asia/Beirut"), at("2026-03-28T22:00:00Z"));
    }
}
