//! What a node asks of the hub and what it gives back. Pure: the state of the engine goes in, a list
//! of things to do comes out.

use std::collections::HashMap;
use std::time::Duration;

use megarouter_domain::clock::Timestamp;
use megarouter_ledger::account::{AccountKey, GrantView};
use megarouter_ledger::refusal::LeaseNeed;

/// A grant that was not used for so long is given back but for what is used.
pub const IDLE: Duration = Duration::from_secs(30);

/// What is known of the grants beyond what the engine knows: how they were asked for, and how large
/// the last raise was.
#[derive(Debug, Default)]
pub struct Memory {
    known: HashMap<AccountKey, Known>,
}

#[derive(Debug)]
struct Known {
    need: LeaseNeed,
    raised_by: u64,
}

impl Memory {
    /// Notes what the hub answered to a need.
    pub fn granted(&mut self, need: &LeaseNeed, granted: u64) {
        let raised_by = granted.saturating_sub(need.granted);
        self.known.insert(need.key.clone(), Known { need: need.clone(), raised_by });
    }

    /// The grants that are nearly used up, with what to ask for: a quarter of the last raise is left
    /// or less, and the account is in use.
    pub fn short(&self, views: &[GrantView], now: Timestamp) -> Vec<LeaseNeed> {
        let is_short = |view: &&GrantView| {
            let left = view.granted.saturating_sub(view.used);
            let raise = self.known.get(&view.key).map_or(0, |known| known.raised_by);
            is_open(view, now) && !is_idle(view, now) && left <= raise / 4
        };
        views.iter().filter(is_short).filter_map(|view| self.need(view)).collect()
    }

    /// Forgets the accounts that the engine has forgotten.
    pub fn prune(&mut self, views: &[GrantView]) {
        self.known.retain(|key, _| views.iter().any(|view| view.key == *key));
    }

    fn need(&self, view: &GrantView) -> Option<LeaseNeed> {
        let known = self.known.get(&view.key)?;
        // One more than it has: how much it gets is for the hub to say.
        Some(LeaseNeed {
            limit: view.limit,
            granted: view.granted,
            need: view.granted.saturating_add(1),
            asked: 1,
            ..known.need.clone()
        })
    }
}

/// The grants of which something is to be given back: the window is over, or nobody used them lately.
pub fn idle(views: &[GrantView], now: Timestamp) -> Vec<AccountKey> {
    let is_given_back = |view: &&GrantView| view.granted > view.used && (!is_open(view, now) || is_idle(view, now));
    views.iter().filter(is_given_back).map(|view| view.key.clone()).collect()
}

/// The accounts of which more was used than granted: a provider charged more than was held, or the
/// budget is younger than what it counts.
pub fn overdrawn(views: &[GrantView]) -> Vec<&GrantView> {
    views.iter().filter(|view| view.used > view.granted).collect()
}

/// Puts the needs of several requests together, so that one call carries them all: what is used
/// already counts once, what each of them asks for is added up.
pub fn together<'a>(needs: impl IntoIterator<Item = &'a LeaseNeed>) -> Vec<LeaseNeed> {
    let mut sums: Vec<LeaseNeed> = Vec::new();
    for need in needs {
        match sums.iter_mut().find(|sum| sum.key == need.key) {
            None => sums.push(need.clone()),
            Some(sum) => {
                let used = (sum.need - sum.asked.min(sum.need)).max(need.need - need.asked.min(need.need));
                sum.asked = sum.asked.saturating_add(need.asked);
                sum.need = used.saturating_add(sum.asked);
                sum.granted = sum.granted.max(need.granted);
                sum.limit = sum.limit.min(need.limit);
            }
        }
    }
    sums
}

fn is_open(view: &GrantView, now: Timestamp) -> bool {
    now < view.window.end
}

fn is_idle(view: &GrantView, now: Timestamp) -> bool {
    now.since(view.used_at) >= IDLE
}

#[cfg(test)]
mod tests {
    use super::*;
    use megarouter_domain::budget::Measure;
    use megarouter_domain::id::BudgetId;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn key(number: u8) -> AccountKey {
        AccountKey { budget: BudgetId::new(at(0), [number; 10]), subject: None, window: at(0) }
    }

    fn view(number: u8, granted: u64, used: u64) -> GrantView {
        GrantView { key: key(number), limit: 1_000, granted, used, used_at: at(100), window: at(0)..at(3_600) }
    }

    fn need(number: u8, used: u64, asked: u64) -> LeaseNeed {
        LeaseNeed {
            key: key(number),
            measure: Measure::Cost,
            limit: 1_000,
            carries_from: None,
            granted: 50,
            need: used + asked,
            asked,
            window: at(0)..at(3_600),
        }
    }

    #[test]
    fn a_grant_is_raised_before_it_is_used_up() {
        let mut memory = Memory::default();
        memory.granted(&need(1, 50, 10), 150);
        assert!(memory.short(&[view(1, 150, 124)], at(101)).is_empty(), "more than a quarter is left");
        let asks = memory.short(&[view(1, 150, 125)], at(101));
        assert_eq!(asks.len(), 1);
        assert_eq!((asks[0].need, asks[0].granted, asks[0].asked), (151, 150, 1));
    }

    #[test]
    fn nothing_is_asked_for_accounts_that_rest_are_over_or_were_never_asked_for() {
        let mut memory = Memory::default();
        memory.granted(&need(1, 50, 10), 150);
        let used_up = view(1, 150, 150);
        assert!(memory.short(std::slice::from_ref(&used_up), at(130)).is_empty(), "it rests");
        assert!(memory.short(std::slice::from_ref(&used_up), at(3_600)).is_empty(), "its window is over");
        assert!(memory.short(&[view(2, 150, 150)], at(101)).is_empty(), "nobody knows how to ask for it");
        memory.prune(&[]);
        assert!(memory.short(&[used_up], at(101)).is_empty());
    }

    #[test]
    fn what_rests_or_is_over_is_given_back() {
        let views = [view(1, 150, 20), view(2, 20, 20)];
        assert!(idle(&views, at(129)).is_empty());
        assert_eq!(idle(&views, at(130)), [key(1)]);
        let mut over = view(3, 150, 20);
        over.used_at = at(3_599);
        assert_eq!(idle(&[over], at(3_600)), [key(3)]);
    }

    #[test]
    fn what_was_used_beyond_the_grant_is_reported() {
        assert_eq!(overdrawn(&[view(1, 100, 101), view(2, 100, 100)]), [&view(1, 100, 101)]);
    }

    #[test]
    fn several_requests_are_asked_for_at_once() {
        let sums = together(&[need(1, 40, 10), need(2, 40, 7), need(1, 45, 20)]);
        assert_eq!(sums.len(), 2);
        assert_eq!((sums[0].need, sums[0].asked), (75, 30), "45 used, and 30 for the two");
        assert_eq!((sums[1].need, sums[1].asked), (47, 7));
    }
}
