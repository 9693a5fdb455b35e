//! Parts that came at once, one after the other: items of this dialect do not overlap.

use std::collections::VecDeque;

use crate::canonical::{Delta, Opening};

/// What happens to a part.
#[derive(Debug)]
pub enum Step {
    /// It begins.
    Open(Opening),
    /// It goes on.
    Delta(Delta),
    /// It is complete.
    Close,
}

/// Lets one part through and keeps the others back until it is complete.
#[derive(Debug, Default)]
pub struct Queue {
    active: Option<u32>,
    waiting: VecDeque<(u32, Vec<Step>)>,
}

impl Queue {
    /// Whether this part is the one let through.
    pub fn is_active(&self, part: u32) -> bool {
        self.active == Some(part)
    }

    /// Takes a step and returns those that may be written, in order.
    pub fn push(&mut self, part: u32, step: Step) -> Vec<Step> {
        match (self.active, &step) {
            (Some(active), _) if active == part => self.pass(step),
            (None, Step::Open(_)) => {
                self.active = Some(part);
                vec![step]
            }
            (Some(_), Step::Open(_)) => {
                self.waiting.push_back((part, vec![step]));
                vec![]
            }
            _ => {
                if let Some((_, steps)) = self.waiting.iter_mut().find(|(waiting, _)| *waiting == part) {
                    steps.push(step);
                }
                vec![]
            }
        }
    }

    /// Ends every part and returns the steps that were kept back.
    pub fn finish(&mut self) -> Vec<Step> {
        let mut steps: Vec<Step> = self.active.take().map(|_| Step::Close).into_iter().collect();
        for (_, kept) in self.waiting.drain(..) {
            let is_closed = kept.iter().any(|step| matches!(step, Step::Close));
            steps.extend(kept);
            steps.extend((!is_closed).then_some(Step::Close));
        }
        steps
    }

    fn pass(&mut self, step: Step) -> Vec<Step> {
        let is_end = matches!(step, Step::Close);
        let mut steps = vec![step];
        if is_end {
            self.active = None;
            while let Some((part, kept)) = self.waiting.pop_front() {
                let is_closed = kept.iter().any(|step| matches!(step, Step::Close));
                steps.extend(kept);
                if !is_closed {
                    self.active = Some(part);
                    break;
                }
            }
        }
        steps
    }
}
