//! Idempotency keys: a request that a client sends twice is called once.
//!
//! A client names its request in `Idempotency-Key`. For 24 hours another request of the same virtual key
//! with that name is not sent on: answers are not kept, so it is refused with the id of the first one. A
//! first one that failed or was refused without an answer gives its name back, so that trying again works.
//! Names are remembered in memory, as hashes: at most 65,536, the oldest make room, and a restart
//! forgets them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use megarouter_domain::code::Code;
use megarouter_domain::id::{KeyId, RequestId};
use sha2::{Digest, Sha256};

use crate::accept::Asked;
use crate::render::Failure;

/// The header that names a request.
pub const HEADER: &str = "idempotency-key";

/// How long a name is remembered.
const KEPT_FOR: Duration = Duration::from_hours(24);
/// How many names are remembered.
const MOST_KEPT: usize = 65_536;
/// The longest name, in bytes.
const LONGEST: usize = 255;

type Hash = [u8; 32];

/// Every request that was named lately.
#[derive(Debug, Default)]
pub struct Names {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    by_name: HashMap<Hash, Named>,
    /// The names in the order they came; may hold some that were given back.
    order: VecDeque<(Hash, RequestId)>,
}

#[derive(Clone, Copy, Debug)]
struct Named {
    body: Hash,
    request_id: RequestId,
    at: Duration,
    is_running: bool,
}

/// A name that a request has for itself. Dropped without [`Claim::keep`], it is given back.
#[derive(Debug)]
pub struct Claim {
    names: Arc<Names>,
    name: Hash,
    request_id: RequestId,
    is_kept: bool,
}

/// A request that may have been made before.
#[derive(Clone, Copy, Debug)]
pub struct Repeatable {
    name: Hash,
    body: Hash,
}

impl Repeatable {
    /// Reads the name of a request; `None` where it has none. What is asked for counts as part of the
    /// body.
    ///
    /// # Errors
    /// When the header cannot be a name.
    pub fn read(headers: &HeaderMap, key: KeyId, asked: Option<&Asked>, body: &Bytes) -> Result<Option<Self>, Failure> {
        let Some(value) = headers.get(HEADER) else { return Ok(None) };
        if value.is_empty() || value.len() > LONGEST {
            let message = format!("The header `{HEADER}` must be 1 to {LONGEST} bytes long.");
            return Err(Failure { param: Some(HEADER.to_owned()), ..Failure::new(Code::RequestInvalid, message) });
        }
        let name = Sha256::new().chain_update(key.as_uuid()).chain_update(value.as_bytes()).finalize().into();
        let operation = asked.map_or("pass_through", |asked| asked.operation.as_str());
        let model = asked.and_then(|asked| asked.model.as_deref()).unwrap_or_default();
        let about = Sha256::new().chain_update(operation).chain_update([0]).chain_update(model).chain_update([0]);
        Ok(Some(Self { name, body: about.chain_update(body).finalize().into() }))
    }
}

impl Names {
    /// Takes a request's name for it, at a time of the measuring clock.
    ///
    /// # Errors
    /// When another request has the name.
    pub fn claim(
        self: &Arc<Self>,
        repeatable: Repeatable,
        request_id: RequestId,
        now: Duration,
    ) -> Result<Claim, Failure> {
        let Repeatable { name, body } = repeatable;
        let mut table = self.lock();
        table.make_room(now);
        if let Some(first) = table.by_name.get(&name) {
            return Err(conflict(first, body));
        }
        table.by_name.insert(name, Named { body, request_id, at: now, is_running: true });
        table.order.push_back((name, request_id));
        Ok(Claim { names: Arc::clone(self), name, request_id, is_kept: false })
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // A panic inside cannot leave the table in a state that matters.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Forgets what is too old, and what was given back as far as it stands at the front.
    fn make_room(&mut self, now: Duration) {
        while let Some((name, request_id)) = self.order.front() {
            let named = self.by_name.get(name).filter(|named| named.request_id == *request_id);
            let is_over = named.is_none_or(|named| now.saturating_sub(named.at) >= KEPT_FOR);
            if !is_over && self.order.len() < MOST_KEPT {
                return;
            }
            if named.is_some() {
                self.by_name.remove(name);
            }
            self.order.pop_front();
        }
    }
}

impl Claim {
    /// Ends the request and keeps its name: it was answered, or may have been billed.
    pub fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut table = self.names.lock();
        let is_ours = |named: &&mut Named| named.request_id == self.request_id;
        let Some(named) = table.by_name.get_mut(&self.name).filter(is_ours) else { return };
        named.is_running = false;
        if !self.is_kept {
            table.by_name.remove(&self.name);
        }
    }
}

fn conflict(first: &Named, body: Hash) -> Failure {
    let id = first.request_id;
    let (status, message) = match first {
        named if named.body != body => (
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("Another request has this idempotency key: {id}. Use a key of its own for each request."),
        ),
        Named { is_running: true, .. } => (
            StatusCode::CONFLICT,
            format!("The same request with this idempotency key is under way: {id}. It was not sent again."),
        ),
        Named { is_running: false, .. } => (
            StatusCode::CONFLICT,
            format!(
                "The same request with this idempotency key was made already: {id}. Answers are not kept here, so it \
                 was not sent again. Use another key to ask anew."
            ),
        ),
    };
    Failure { status: Some(status), ..Failure::new(Code::IdempotencyConflict, message) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use megarouter_domain::clock::Timestamp;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000);

    fn id(seed: u8) -> RequestId {
        RequestId::new(NOW, [seed; 10])
    }

    fn request(key: u8, name: &str, body: &'static str) -> Repeatable {
        let headers = HeaderMap::from_iter([(HEADER.parse().unwrap(), name.parse().unwrap())]);
        let key = KeyId::new(NOW, [key; 10]);
        Repeatable::read(&headers, key, None, &Bytes::from_static(body.as_bytes())).unwrap().unwrap()
    }

    #[test]
    fn a_name_is_taken_once_for_each_key_until_it_is_too_old() {
        let names = Arc::new(Names::default());
        let status =
            |seed, request, now| names.claim(request, id(seed), now).map_err(|failure| failure.status.unwrap());
        let first = status(1, request(1, "a", "{}"), Duration::ZERO).unwrap();
        assert_eq!(status(2, request(1, "a", "{}"), Duration::ZERO).unwrap_err(), StatusCode::CONFLICT);
        first.keep();
        assert_eq!(status(3, request(1, "a", "{}"), Duration::ZERO).unwrap_err(), StatusCode::CONFLICT);
        assert_eq!(status(4, request(1, "a", "[]"), Duration::ZERO).unwrap_err(), StatusCode::UNPROCESSABLE_ENTITY);
        assert!(status(5, request(2, "a", "{}"), Duration::ZERO).is_ok());
        assert!(status(6, request(1, "a", "{}"), KEPT_FOR).is_ok());
    }

    #[test]
    fn a_request_that_came_to_nothing_gives_its_name_back() {
        let names = Arc::new(Names::default());
        for seed in 0..3 {
            drop(names.claim(request(1, "a", "{}"), id(seed), Duration::ZERO).unwrap());
        }
        assert!(names.lock().by_name.is_empty());
    }

    #[test]
    fn only_so_many_names_are_remembered() {
        let names = Arc::new(Names::default());
        for number in 0..=MOST_KEPT {
            let mut entropy = [0; 10];
            entropy[..8].copy_from_slice(&number.to_be_bytes());
            let request_id = RequestId::new(NOW, entropy);
            names.claim(request(1, &number.to_string(), "{}"), request_id, Duration::ZERO).unwrap().keep();
        }
        let table = names.lock();
        assert_eq!((table.by_name.len(), table.order.len()), (MOST_KEPT, MOST_KEPT));
    }

    #[test]
    fn what_cannot_be_a_name_is_refused() {
        let headers = HeaderMap::from_iter([(HEADER.parse().unwrap(), "x".repeat(256).parse().unwrap())]);
        let refused = Repeatable::read(&headers, KeyId::new(NOW, [0; 10]), None, &Bytes::new()).unwrap_err();
        assert_eq!((refused.code, refused.param.as_deref()), (Code::RequestInvalid, Some(HEADER)));
    }
}
