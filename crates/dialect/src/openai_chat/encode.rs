//! Writing events as a stream of chunks, to the letter of OpenAI's.
//!
//! Every chunk has the answer's id, time and model; the first of a choice has the role;
//! `finish_reason` is null until the last; figures come once, in an extra chunk without choices just
//! before `[DONE]`, and only if the client asked (OpenAI API reference, "Streaming", read
//! 2026-11-22).

mod choice;
mod frame;

use std::collections::BTreeMap;

use bytes::BytesMut;
use megarouter_domain::usage::Usage;

use self::choice::ChoiceState;
use self::frame::Frame;
use super::{error, usage};
use crate::canonical::{Delta, Event, Finish, Opening};
use crate::errors::ErrorNote;
use crate::request::Echo;
use crate::stream::Encode;

/// A writer of one stream.
#[derive(Debug)]
pub struct Encoder {
    echo: Echo,
    frame: Frame,
    choices: BTreeMap<u32, ChoiceState>,
    usage: Option<Usage>,
    is_over: bool,
}

impl Encoder {
    /// A writer of a stream that has not begun.
    pub fn new(echo: Echo) -> Self {
        let frame = Frame::new(&echo);
        Self { echo, frame, choices: BTreeMap::new(), usage: None, is_over: false }
    }

    /// The choice, with its role written.
    fn choice(&mut self, index: u32, out: &mut BytesMut) -> &mut ChoiceState {
        let frame = &self.frame;
        self.choices.entry(index).or_insert_with(|| {
            frame.delta(index, "\"role\":\"assistant\",\"content\":\"\"", out);
            ChoiceState::new(index)
        })
    }

    fn open(&mut self, index: u32, part: u32, opening: Opening, out: &mut BytesMut) {
        self.choice(index, out);
        let state = self.choices.entry(index).or_insert_with(|| ChoiceState::new(index));
        state.open(part, opening, &self.echo, &self.frame, out);
    }

    fn delta(&mut self, index: u32, part: u32, delta: Delta, out: &mut BytesMut) {
        self.choice(index, out);
        if let Some(state) = self.choices.get_mut(&index) {
            state.delta(part, delta, &self.echo, &self.frame, out);
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        // An answer has at least one choice, said nothing or not.
        self.choice(self.choices.keys().next().copied().unwrap_or_default(), out);
        for state in self.choices.values_mut() {
            state.end(&self.frame, out);
        }
        if let Some(usage) = self.usage.filter(|_| self.echo.wants_usage) {
            self.frame.usage(&usage::to_wire(&usage), out);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
        self.is_over = true;
    }

    fn finish(&mut self, index: u32, finish: Finish, out: &mut BytesMut) {
        self.choice(index, out).finish = Some(finish);
    }
}

impl Encode for Encoder {
    fn write(&mut self, event: Event, out: &mut BytesMut) {
        if self.is_over {
            return;
        }
        match event {
            Event::Start { id, model, created } => {
                self.frame.start(id, model, created);
                self.choice(0, out);
            }
            Event::Open { choice, part, opening } => self.open(choice, part, opening, out),
            Event::Delta { choice, part, delta } => self.delta(choice, part, delta, out),
            Event::Close { choice, part } => {
                if let Some(state) = self.choices.get_mut(&choice) {
                    state.close(part, &self.frame, out);
                }
            }
            Event::Finish { choice, finish } => self.finish(choice, finish, out),
            Event::Usage(usage) => self.usage = Some(usage),
            Event::ServiceTier(tier) => self.frame.tier(tier),
            // Errors are the gateway's to word: see `fail`.
            Event::Failed(_) => {}
            Event::Done => self.end(out),
        }
    }

    fn fail(&mut self, note: &ErrorNote<'_>, out: &mut BytesMut) {
        self.is_over = true;
        out.extend_from_slice(&error::render_event(note));
    }
}

#[cfg(test)]
mod tests;
