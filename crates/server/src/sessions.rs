//! Who may use the web UI: one-time links, and the sessions they are exchanged for.
//!
//! Both live in memory only, as hashes, and end with the program. There are no cookies, so a web
//! page elsewhere has nothing to send along.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use megarouter_domain::clock::Clock;
use megarouter_domain::secret::Secret;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// How long a link can be used.
const LINK_LIFETIME: Duration = Duration::from_secs(10 * 60);
/// How long a session lives after its last use.
const SESSION_IDLE: Duration = Duration::from_secs(12 * 60 * 60);
/// The oldest is forgotten when there are more.
const MOST: usize = 64;

/// The links and sessions of one instance.
pub struct Sessions {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    links: Vec<Token>,
    sessions: Vec<Token>,
}

struct Token {
    hash: [u8; 32],
    /// On the monotonic clock.
    ends: Duration,
}

impl Sessions {
    /// No links and no sessions.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// Makes the token of a new link: 256 random bits, good for one exchange within ten minutes.
    pub fn new_link(&self) -> Secret {
        add(&mut self.lock().links, self.clock.monotonic() + LINK_LIFETIME)
    }

    /// Exchanges a link's token for a session's; `None` when it is unknown, used or too old.
    pub fn exchange(&self, token: &str) -> Option<Secret> {
        let now = self.clock.monotonic();
        let mut state = self.lock();
        let place = find(&mut state.links, token, now)?;
        state.links.remove(place);
        Some(add(&mut state.sessions, now + SESSION_IDLE))
    }

    /// True when a session's token is good; using it keeps the session alive.
    pub fn admits(&self, token: &str) -> bool {
        let now = self.clock.monotonic();
        let mut state = self.lock();
        let Some(place) = find(&mut state.sessions, token, now) else { return false };
        state.sessions[place].ends = now + SESSION_IDLE;
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add(tokens: &mut Vec<Token>, ends: Duration) -> Secret {
    let random: [u8; 32] = rand::random();
    let token = Secret::new(URL_SAFE_NO_PAD.encode(random));
    if tokens.len() == MOST {
        tokens.remove(0);
    }
    tokens.push(Token { hash: hash(token.expose()), ends });
    token
}

/// Looks at every token, so that the time taken says nothing about which one nearly matched.
fn find(tokens: &mut Vec<Token>, presented: &str, now: Duration) -> Option<usize> {
    tokens.retain(|token| now < token.ends);
    let presented = hash(presented);
    let matching = |(place, token): (usize, &Token)| bool::from(token.hash.ct_eq(&presented)).then_some(place);
    tokens.iter().enumerate().map(matching).fold(None, Option::or)
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use megarouter_domain::clock::Timestamp;

    #[derive(Default)]
    struct Turned(Mutex<Duration>);

    impl Clock for Turned {
        fn now(&self) -> Timestamp {
            Timestamp::default()
        }

        fn monotonic(&self) -> Duration {
            *self.0.lock().unwrap()
        }
    }

    fn sessions() -> (Arc<Turned>, Sessions) {
        let clock = Arc::new(Turned::default());
        (Arc::clone(&clock), Sessions::new(clock))
    }

    #[test]
    fn a_link_works_once() {
        let (_, sessions) = sessions();
        let link = sessions.new_link();
        let session = sessions.exchange(link.expose()).unwrap();
        assert!(sessions.admits(session.expose()));
        assert!(sessions.exchange(link.expose()).is_none());
        assert!(!sessions.admits(link.expose()), "a link is no session");
        assert!(!sessions.admits("") && sessions.exchange("").is_none());
    }

    #[test]
    fn links_and_unused_sessions_end() {
        let (clock, sessions) = sessions();
        let (late, used) = (sessions.new_link(), sessions.new_link());
        let session = sessions.exchange(used.expose()).unwrap();
        *clock.0.lock().unwrap() += LINK_LIFETIME;
        assert!(sessions.exchange(late.expose()).is_none());
        *clock.0.lock().unwrap() += Duration::from_secs(11 * 60 * 60);
        assert!(sessions.admits(session.expose()), "using it keeps it alive");
        *clock.0.lock().unwrap() += SESSION_IDLE;
        assert!(!sessions.admits(session.expose()));
    }

    #[test]
    fn old_ones_are_forgotten_rather_than_piled_up() {
        let (_, sessions) = sessions();
        let first = sessions.new_link();
        let rest: Vec<_> = (0..MOST).map(|_| sessions.new_link()).collect();
        assert!(sessions.exchange(first.expose()).is_none());
        assert!(sessions.exchange(rest[MOST - 1].expose()).is_some());
    }
}
