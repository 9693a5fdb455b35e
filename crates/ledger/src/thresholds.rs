//! Which steps of the budgets' ladders were reached, each told once per account and window.

use std::collections::HashSet;
use std::ops::Range;

use megarouter_domain::budget::{Basis, Measure, Rung};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::period::{END, Period};

use crate::account::{Account, AccountKey, Crossed};
use crate::limits::Limits;

/// Before this part of a window has passed, a forecast would be a guess: one twentieth.
const FORETELLS_AFTER: i128 = 20;

/// What was told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    steps: HashSet<(AccountKey, u16, Basis)>,
}

impl Told {
    /// The steps that were reached since the last call. A step of a window that rolls is told again
    /// after it was left.
    pub fn crossed(
        &mut self,
        limits: &Limits,
        accounts: impl Iterator<Item = Account>,
        now: Timestamp,
    ) -> Vec<Crossed> {
        let mut crossed = Vec::new();
        let mut reached = HashSet::new();
        for account in accounts {
            let Some(line) = limits.line(account.key.budget).map(|place| &limits.lines()[place]) else { continue };
            for rung in &line.budget.ladder {
                let Some(found) = reach(&account, *rung, line.budget.period, now) else { continue };
                let step = (account.key.clone(), rung.at_percent, rung.basis);
                if !self.steps.contains(&step) {
                    crossed.push(found);
                }
                reached.insert(step);
            }
        }
        // What is no longer reached, or whose window is over, is forgotten; within a window nothing
        // but a correction, a raise or time takes a step back.
        self.steps = reached;
        crossed
    }
}

fn reach(account: &Account, rung: Rung, period: Period, now: Timestamp) -> Option<Crossed> {
    let used = if account.measure == Measure::Concurrent { account.held } else { account.posted };
    let foretold = match period {
        Period::Rolling { .. } | Period::Total => None,
        _ => forecast(used, &account.window, now),
    };
    let figure = match rung.basis {
        Basis::Actual => used,
        Basis::Forecast => foretold?,
    };
    let is_reached = u128::from(figure) * 100 >= u128::from(account.limit) * u128::from(rung.at_percent);
    is_reached.then(|| Crossed {
        key: account.key.clone(),
        at_percent: rung.at_percent,
        basis: rung.basis,
        action: rung.action,
        limit: account.limit,
        used,
        forecast: foretold.unwrap_or(used),
        window: account.window.clone(),
    })
}

/// What the window is going to use at its rate so far; `None` while that is a guess.
fn forecast(used: u64, window: &Range<Timestamp>, now: Timestamp) -> Option<u64> {
    let micros = |time: Timestamp| i128::from(time.as_micros());
    let length = micros(window.end) - micros(window.start);
    let passed = (micros(now) - micros(window.start)).min(length);
    let is_known = window.end < END && passed > 0 && passed * FORETELLS_AFTER >= length;
    is_known.then(|| u64::try_from(i128::from(used) * length / passed).unwrap_or(u64::MAX))
}
