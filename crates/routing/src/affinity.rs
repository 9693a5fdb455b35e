//! Which deployment serves a session, so that it goes on where its prompt cache is.
//!
//! A pin belongs to one tier: a policy's rule, or a model. Cheap background calls of a session take other
//! rules than its main work does, and do not inherit its pin. Pins end after a while without use, when
//! the provider's cache has gone too, and there is a bound on how many there are.

use std::collections::HashMap;
use std::time::Duration;

use megarouter_domain::id::{DeploymentId, ModelId, PolicyId};

use crate::mix;

/// How long a pin lasts after its last use. Providers keep prompts for about five minutes.
pub const LASTS: Duration = Duration::from_secs(5 * 60);

/// The most pins that are kept.
pub const MOST: usize = 50_000;

/// What a pin of a session belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tier {
    /// A rule of a policy, counted from 0.
    Rule(PolicyId, u16),
    /// A model that was asked for by its name.
    Model(ModelId),
}

/// A deployment that serves a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Which.
    pub deployment: DeploymentId,
    /// How much of the session's input it saw last, in tokens.
    pub tokens: u64,
}

/// The sessions that are going on.
#[derive(Clone, Debug, Default)]
pub struct Affinity {
    pins: HashMap<(u64, Tier), (Pin, Duration)>,
}

impl Affinity {
    /// The deployment that serves a session in a tier.
    pub fn pin(&self, session: &str, tier: Tier, now: Duration) -> Option<Pin> {
        let (pin, used) = self.pins.get(&(mix::of_text(session), tier))?;
        (now.saturating_sub(*used) < LASTS).then_some(*pin)
    }

    /// Notes that a deployment has served a session.
    pub fn keep(&mut self, session: &str, tier: Tier, pin: Pin, now: Duration) {
        let key = (mix::of_text(session), tier);
        if self.pins.len() >= MOST && !self.pins.contains_key(&key) {
            self.make_room(now);
        }
        self.pins.insert(key, (pin, now));
    }

    /// How many pins there are, ended ones included.
    pub fn len(&self) -> usize {
        self.pins.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.pins.is_empty()
    }

    /// Ended pins go; when that is not a tenth of all, those used longest ago go too. So the work of
    /// making room is spread over the pins that it makes room for.
    fn make_room(&mut self, now: Duration) {
        self.pins.retain(|_, (_, used)| now.saturating_sub(*used) < LASTS);
        let wanted = MOST - MOST / 10;
        if self.pins.len() <= wanted {
            return;
        }
        let mut uses: Vec<_> = self.pins.values().map(|(_, used)| *used).collect();
        let surplus = uses.len() - wanted;
        let (_, newest_to_go, _) = uses.select_nth_unstable(surplus - 1);
        let newest_to_go = *newest_to_go;
        let mut left = surplus;
        self.pins.retain(|_, (_, used)| {
            let goes = left > 0 && *used <= newest_to_go;
            left -= usize::from(goes);
            !goes
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use megarouter_domain::clock::Timestamp;

    fn tier() -> Tier {
        Tier::Model(ModelId::new(Timestamp::from_micros(0), [0; 10]))
    }

    fn pin(seed: u8) -> Pin {
        Pin { deployment: DeploymentId::new(Timestamp::from_micros(0), [seed; 10]), tokens: 100 }
    }

    #[test]
    fn a_pin_lasts_while_it_is_used_and_belongs_to_its_tier() {
        let mut affinity = Affinity::default();
        affinity.keep("s", tier(), pin(1), Duration::ZERO);
        assert_eq!(affinity.pin("s", tier(), LASTS / 2), Some(pin(1)));
        assert_eq!(affinity.pin("s", tier(), LASTS), None);
        assert_eq!(affinity.pin("t", tier(), Duration::ZERO), None);
        let other = Tier::Rule(PolicyId::new(Timestamp::from_micros(0), [0; 10]), 0);
        assert_eq!(affinity.pin("s", other, Duration::ZERO), None);
        affinity.keep("s", tier(), pin(2), LASTS / 2);
        assert_eq!(affinity.pin("s", tier(), LASTS), Some(pin(2)));
    }

    #[test]
    fn there_are_never_too_many() {
        let mut affinity = Affinity::default();
        let at = |number: usize| Duration::from_millis(u64::try_from(number).unwrap());
        for number in 0..MOST + 5_000 {
            affinity.keep(&number.to_string(), tier(), pin(1), at(number));
            assert!(affinity.len() <= MOST);
        }
        let now = at(MOST + 5_000);
        assert_eq!(affinity.pin("0", tier(), now), None);
        assert!(affinity.pin(&(MOST + 4_999).to_string(), tier(), now).is_some());
    }
}
