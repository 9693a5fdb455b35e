//! Feedback: what people and programs say of answers, and what can be seen without asking.
//!
//! `POST /v1/feedback` takes a word on an earlier request of the same key, or of another key of the same
//! owner. Beside it the gateway notices by itself when the same is asked again right after, when a cheaper
//! model's answer did not pass a check, and when an answer broke its schema. All of that goes to whoever
//! learns from it, with what is still remembered of the request; the rest is in the ledger.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use megarouter_domain::access::Principal;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::code::Code;
use megarouter_domain::feedback::{Feedback, Signal};
use megarouter_domain::id::{DeploymentId, KeyId, PolicyId, RequestId, UnitId};
use megarouter_domain::permille::Permille;
use megarouter_domain::record::Operation;
use megarouter_domain::task::TaskRecord;
use megarouter_routing::predictor::sketch::Sketch;
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::body::Body;
use crate::decode;
use crate::pipeline::Gateway;
use crate::render::Failure;

/// How many requests are remembered.
const MOST_REMEMBERED: usize = 10_000;
/// How soon the same words again are taken for a wish for another answer.
const AGAIN_WITHIN: Duration = Duration::from_secs(120);
/// How long somebody who gives feedback waits until an older request is found.
const FOUND_WITHIN: Duration = Duration::from_secs(3);
/// The largest feedback, in bytes.
const MOST_BYTES: usize = 16 * 1024;
/// The longest comment, in characters.
const LONGEST_COMMENT: usize = 2_000;

/// A statement on an answer, for whoever learns from it.
#[derive(Debug)]
pub struct Signalled {
    /// What is said.
    pub feedback: Feedback,
    /// What is remembered of the request; `None` when it has to be looked for in the ledger.
    pub answered: Option<Arc<Answered>>,
    /// Whose key says so: the request's own, or one of the same owner. `None` for what the gateway saw
    /// itself.
    pub by: Option<Arc<Principal>>,
    /// Where to tell whether there is such a request of that owner; `None` when it is known here.
    pub is_known: Option<oneshot::Sender<bool>>,
}

/// What is remembered of a request that a policy decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// The request.
    pub request_id: RequestId,
    /// When it arrived.
    pub at: Timestamp,
    /// Whose key it came with.
    pub key_id: KeyId,
    /// Who owned that key.
    pub owner: Option<UnitId>,
    /// The public model that served it.
    pub model: Arc<str>,
    /// The deployment that served it.
    pub deployment_id: DeploymentId,
    /// The policy that decided; `None` where none did.
    pub policy_id: Option<PolicyId>,
    /// The quality that was expected.
    pub expected: Option<Permille>,
    /// What it was about.
    pub task: Option<TaskRecord>,
    /// The same, to learn from.
    pub sketch: Option<Sketch>,
}

/// The statements' way out, and the requests they are about.
#[derive(Debug, Default)]
pub(crate) struct Opinions {
    sender: OnceLock<mpsc::Sender<Signalled>>,
    lost: AtomicU64,
    remembered: Mutex<Remembered>,
}

#[derive(Debug, Default)]
struct Remembered {
    by_id: HashMap<RequestId, Arc<Answered>>,
    /// The latest request with the same words in the same session, and when it ended.
    by_words: HashMap<u64, (RequestId, Duration)>,
    /// In the order they came, with their words.
    order: VecDeque<(RequestId, Option<u64>)>,
}

/// What a client sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    request_id: String,
    #[serde(default)]
    score: Option<f64>,
    #[serde(default)]
    thumbs: Option<Thumbs>,
    #[serde(default)]
    comment: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Thumbs {
    Up,
    Down,
}

impl Gateway {
    /// Sets where statements on answers go. Counts once.
    pub fn tell_signals_to(&self, sender: mpsc::Sender<Signalled>) {
        // A second one would be a mistake of whoever puts the program together.
        let _ = self.world.opinions.sender.set(sender);
    }

    /// How many statements were lost because they were not taken in time.
    pub fn lost_signals(&self) -> u64 {
        self.world.opinions.lost.load(Ordering::Relaxed)
    }

    /// Takes a word on an answer.
    ///
    /// # Errors
    /// When it cannot be read, or there is no such request of the key's owner.
    pub(crate) async fn take_feedback<B>(
        &self,
        principal: Principal,
        headers: &HeaderMap,
        body: B,
    ) -> Result<Response<Body>, Failure>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: std::fmt::Display,
    {
        decode::check_headers(headers, Operation::ChatCompletions, &self.limits)?;
        let body = decode::read(body, &self.limits).await?;
        let feedback = read(&body, self.clock.now())?;
        let request_id = feedback.request_id;
        if !self.world.opinions.give(feedback, principal).await {
            return Err(unknown(request_id));
        }
        let answer = format!(r#"{{"request_id":"{request_id}","status":"accepted"}}"#);
        let mut response = crate::pipeline::json(answer.into());
        *response.status_mut() = StatusCode::ACCEPTED;
        Ok(response)
    }
}

impl Opinions {
    /// Remembers a request that was answered; `words` is the same for the same words in the same session.
    pub fn remember(&self, answered: Answered, words: Option<u64>, now: Duration) {
        let request_id = answered.request_id;
        let mut remembered = self.lock();
        remembered.by_id.insert(request_id, Arc::new(answered));
        remembered.order.push_back((request_id, words));
        if let Some(words) = words {
            remembered.by_words.insert(words, (request_id, now));
        }
        if remembered.order.len() > MOST_REMEMBERED {
            remembered.forget_oldest();
        }
    }

    /// Notes that these words were asked: for another answer, where they were answered just before.
    pub fn asked(&self, words: u64, at: Timestamp, now: Duration) {
        let again = {
            let mut remembered = self.lock();
            let before = remembered.by_words.remove(&words);
            let before = before.filter(|(_, then)| now.saturating_sub(*then) < AGAIN_WITHIN);
            before.and_then(|(request_id, _)| remembered.by_id.get(&request_id).cloned())
        };
        if let Some(answered) = again {
            self.see(&answered, Signal::Regenerated, at);
        }
    }

    /// Tells what was seen of the answer to a request that has ended, if it is remembered.
    pub fn see_remembered(&self, request_id: RequestId, signal: Signal, at: Timestamp) {
        let answered = self.lock().by_id.get(&request_id).cloned();
        if let Some(answered) = answered {
            self.see(&answered, signal, at);
        }
    }

    /// Tells what was seen of an answer.
    pub fn see(&self, answered: &Arc<Answered>, signal: Signal, at: Timestamp) {
        let feedback = Feedback { request_id: answered.request_id, at, signal, score: score_of(signal), comment: None };
        let answered = Some(Arc::clone(answered));
        self.send(Signalled { feedback, answered, by: None, is_known: None });
    }

    /// Passes on what somebody says; false when there is no such request of theirs.
    async fn give(&self, feedback: Feedback, principal: Principal) -> bool {
        let answered = self.lock().by_id.get(&feedback.request_id).cloned();
        let key = &principal.key;
        if let Some(answered) = answered {
            let is_theirs = answered.key_id == key.id || (key.owner.is_some() && answered.owner == key.owner);
            let by = Some(Arc::new(principal));
            return is_theirs && self.send(Signalled { feedback, answered: Some(answered), by, is_known: None });
        }
        let (sender, is_known) = oneshot::channel();
        let by = Some(Arc::new(principal));
        self.send(Signalled { feedback, answered: None, by, is_known: Some(sender) })
            && matches!(timeout(FOUND_WITHIN, is_known).await, Ok(Ok(true)))
    }

    fn send(&self, signalled: Signalled) -> bool {
        let Some(sender) = self.sender.get() else { return false };
        let is_sent = sender.try_send(signalled).is_ok();
        if !is_sent {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        is_sent
    }

    fn lock(&self) -> MutexGuard<'_, Remembered> {
        // Nothing is left half-done by a panic: each map is changed by one call.
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remembered {
    fn forget_oldest(&mut self) {
        let Some((request_id, words)) = self.order.pop_front() else { return };
        self.by_id.remove(&request_id);
        let Some(words) = words else { return };
        if self.by_words.get(&words).is_some_and(|(latest, _)| *latest == request_id) {
            self.by_words.remove(&words);
        }
    }
}

/// How good an answer is taken for of which only that much is known.
const fn score_of(signal: Signal) -> Permille {
    Permille::clamped(match signal {
        Signal::Rated | Signal::Voted | Signal::Judged => 500,
        Signal::Regenerated => 300,
        Signal::Escalated => 200,
        Signal::BrokeSchema | Signal::BrokeTool => 0,
    })
}

fn read(body: &[u8], at: Timestamp) -> Result<Feedback, Failure> {
    if body.len() > MOST_BYTES {
        return Err(Failure::new(Code::RequestTooLarge, "Feedback has at most 16 KiB."));
    }
    let sent: Sent = serde_json::from_slice(body).map_err(|_| {
        let message = "Feedback is a JSON object with `request_id`, either `score` (0 to 1) or `thumbs` (`up` or \
                       `down`), and perhaps `comment`.";
        Failure::new(Code::RequestMalformed, message)
    })?;
    let request_id = sent
        .request_id
        .parse()
        .map_err(|_| invalid("request_id", "must be the `x-request-id` of an earlier answer"))?;
    let score = match (sent.score, sent.thumbs) {
        (Some(score), None) if (0.0..=1.0).contains(&score) => permille(score),
        (None, Some(Thumbs::Up)) => Permille::ONE,
        (None, Some(Thumbs::Down)) => Permille::ZERO,
        (Some(_), None) => return Err(invalid("score", "must be from 0 to 1")),
        (None, None) | (Some(_), Some(_)) => {
            return Err(invalid("score", "or `thumbs` must be there, and only one of them"));
        }
    };
    let comment = sent.comment.filter(|comment| !comment.trim().is_empty());
    if comment.as_ref().is_some_and(|comment| comment.chars().count() > LONGEST_COMMENT) {
        return Err(invalid("comment", "has more than 2,000 characters"));
    }
    Ok(Feedback { request_id, at, signal: Signal::Rated, score, comment: comment.map(Into::into) })
}

#[expect(clippy::cast_possible_truncation, reason = "from 0 to 1,000")]
fn permille(score: f64) -> Permille {
    Permille::clamped((score * 1_000.0).round() as i64)
}

fn invalid(field: &str, problem: &str) -> Failure {
    Failure { param: Some(field.to_owned()), ..Failure::new(Code::RequestInvalid, format!("`{field}` {problem}.")) }
}

fn unknown(request_id: RequestId) -> Failure {
    let message = format!(
        "There is no request `{request_id}` of this key's owner. Send the `x-request-id` of an answer that this key, or \
         another of its owner, got."
    );
    let failure = Failure::new(Code::RequestInvalid, message);
    Failure { status: Some(StatusCode::NOT_FOUND), param: Some("request_id".to_owned()), ..failure }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_micros(1_000_000);

    fn id(seed: u16) -> RequestId {
        let mut entropy = [0; 10];
        entropy[8..].copy_from_slice(&seed.to_be_bytes());
        RequestId::new(AT, entropy)
    }

    fn answered(seed: u16) -> Answered {
        Answered {
            request_id: id(seed),
            at: AT,
            key_id: KeyId::new(AT, [1; 10]),
            owner: None,
            model: "m".into(),
            deployment_id: DeploymentId::new(AT, [1; 10]),
            policy_id: None,
            expected: None,
            task: None,
            sketch: None,
        }
    }

    fn opinions() -> (Opinions, mpsc::Receiver<Signalled>) {
        let opinions = Opinions::default();
        let (sender, receiver) = mpsc::channel(8);
        opinions.sender.set(sender).unwrap();
        (opinions, receiver)
    }

    #[test]
    fn a_score_or_a_thumb_is_read_and_nothing_else() {
        let read = |fields: &str| {
            let body = format!(r#"{{"request_id":"{}",{fields}}}"#, id(1));
            read(body.as_bytes(), AT).map(|feedback| feedback.score.get()).map_err(|failure| failure.param)
        };
        assert_eq!(read(r#""score":0.755"#), Ok(755));
        assert_eq!(read(r#""thumbs":"up","comment":"good""#), Ok(1_000));
        assert_eq!(read(r#""thumbs":"down""#), Ok(0));
        let score = Err(Some("score".to_owned()));
        assert_eq!(
            [read(r#""score":1.1"#), read(r#""score":1,"thumbs":"up""#), read(r#""comment":"x""#)],
            [score.clone(), score.clone(), score]
        );
        assert_eq!(read(r#""stars":5"#), Err(None));
        assert_eq!(read(&format!(r#""score":1,"comment":"{}""#, "x".repeat(2_001))), Err(Some("comment".to_owned())));
        let no_id = super::read(br#"{"request_id":"chatcmpl-1","score":1}"#, AT).unwrap_err();
        assert_eq!(no_id.param.as_deref(), Some("request_id"));
    }

    #[test]
    fn the_same_words_again_soon_after_are_a_wish_for_another_answer() {
        let (opinions, mut told) = opinions();
        opinions.asked(7, AT, Duration::ZERO);
        opinions.remember(answered(1), Some(7), Duration::from_secs(1));
        opinions.asked(8, AT, Duration::from_secs(2));
        opinions.asked(7, AT, Duration::from_secs(2));
        let signalled = told.try_recv().unwrap();
        assert_eq!((signalled.feedback.request_id, signalled.feedback.signal), (id(1), Signal::Regenerated));
        opinions.asked(7, AT, Duration::from_secs(3));
        opinions.remember(answered(2), Some(7), Duration::from_secs(4));
        opinions.asked(7, AT, Duration::from_secs(4) + AGAIN_WITHIN);
        assert!(told.try_recv().is_err(), "once for each answer, and not much later");
    }

    #[test]
    fn only_so_much_is_remembered() {
        let (opinions, _told) = opinions();
        for seed in 0..=MOST_REMEMBERED {
            let seed = u16::try_from(seed).unwrap();
            opinions.remember(answered(seed), Some(u64::from(seed)), Duration::ZERO);
        }
        let remembered = opinions.lock();
        let sizes = (remembered.by_id.len(), remembered.by_words.len(), remembered.order.len());
        assert_eq!(sizes, (MOST_REMEMBERED, MOST_REMEMBERED, MOST_REMEMBERED));
        assert!(!remembered.by_id.contains_key(&id(0)));
    }
}
