//! Speed and reliability of one deployment, as moving averages in whole microseconds.

use std::time::Duration;

use megarouter_domain::permille::Permille;

/// How many calls the share of served ones looks back on.
const REMEMBERED: u32 = 32;
/// From how many calls on that share says something.
const TELLING: u32 = 10;
/// Measurements older than this say nothing about how it is doing.
const STALE: Duration = Duration::from_secs(15 * 60);
/// How long the peak takes to fall half way to what is usual.
const PEAK_FALLS: Duration = Duration::from_secs(20);
/// An answer whose end comes so soon after its beginning was not streamed.
const IN_ONE_PIECE: Duration = Duration::from_millis(20);
/// Answers shorter than this, in tokens, say nothing about speed: they came in one piece.
const SHORTEST: u64 = 16;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Measures {
    /// Microseconds.
    first_output: Option<u64>,
    /// Microseconds, with when it was last raised.
    peak: Option<(u64, Duration)>,
    /// Thousandths of a token a second.
    speed: Option<u64>,
    /// The last outcomes, a bit each, the newest lowest; 1 is served.
    outcomes: u32,
    count: u32,
    last: Duration,
}

impl Measures {
    pub fn served(
        &mut self,
        first_output: Option<Duration>,
        total: Duration,
        output_tokens: Option<u64>,
        now: Duration,
    ) {
        self.outcome(true, now);
        let Some(first_output) = first_output else { return };
        let writing = total.saturating_sub(first_output);
        let mut sample = micros(first_output);
        let tokens = output_tokens.filter(|tokens| *tokens >= SHORTEST);
        if writing >= IN_ONE_PIECE {
            let speed = tokens.and_then(|tokens| tokens.saturating_mul(1_000_000_000).checked_div(micros(writing)));
            self.speed = speed.map(|speed| moved(self.speed, speed)).or(self.speed);
        } else if let Some(written) =
            self.speed.and_then(|speed| output_tokens?.saturating_mul(1_000_000_000).checked_div(speed))
        {
            // It was written before any of it was sent.
            sample = sample.saturating_sub(written);
        }
        let peak = self.peak_at(now).map_or(sample, |peak| peak.max(sample));
        self.peak = Some((peak, now));
        self.first_output = Some(moved(self.first_output, sample));
    }

    pub fn failed(&mut self, now: Duration) {
        self.outcome(false, now);
    }

    pub fn first_output(&self) -> Option<Duration> {
        self.first_output.map(Duration::from_micros)
    }

    /// The peak, on its way down to what is usual.
    pub fn peak(&self, now: Duration) -> Option<Duration> {
        self.peak_at(now).map(Duration::from_micros)
    }

    pub fn tokens_per_second(&self) -> Option<u32> {
        self.speed.map(|speed| u32::try_from(speed / 1_000).unwrap_or(u32::MAX))
    }

    pub fn availability(&self, now: Duration) -> Option<Permille> {
        (self.count > 0 && !self.is_stale(now)).then(|| self.share())
    }

    /// The share of served calls, once there were enough of them to tell.
    pub fn judged(&self, now: Duration) -> Option<Permille> {
        self.availability(now).filter(|_| self.count >= TELLING)
    }

    fn share(&self) -> Permille {
        Permille::clamped(i64::from(self.outcomes.count_ones() * 1_000 / self.count.max(1)))
    }

    fn outcome(&mut self, served: bool, now: Duration) {
        if self.is_stale(now) {
            *self = Self::default();
        }
        self.outcomes = self.outcomes << 1 | u32::from(served);
        self.count = (self.count + 1).min(REMEMBERED);
        self.last = now;
    }

    fn is_stale(&self, now: Duration) -> bool {
        self.count > 0 && now.saturating_sub(self.last) > STALE
    }

    fn peak_at(&self, now: Duration) -> Option<u64> {
        let ((peak, since), usual) = (self.peak?, self.first_output?);
        let (half, age) = (micros(PEAK_FALLS), micros(now.saturating_sub(since)));
        let above = u128::from(peak.saturating_sub(usual)) * u128::from(half) / u128::from(half + age);
        Some(usual + u64::try_from(above).unwrap_or(0))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX >> 1).min(u64::MAX >> 1)
}

/// An average moved by a fifth of the way to a sample.
fn moved(average: Option<u64>, sample: u64) -> u64 {
    average.map_or(sample, |average| average - average / 5 + sample / 5)
}
