//! How many connections there may be.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The connections of one listener.
pub struct Caps {
    total: usize,
    per_peer: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    total: usize,
    by_peer: HashMap<IpAddr, usize>,
}

/// A place for one connection; given back when dropped.
pub struct Place {
    caps: Arc<Caps>,
    peer: IpAddr,
}

impl Caps {
    /// Caps on all connections, and on those of one other machine.
    pub fn new(total: usize, per_peer: usize) -> Arc<Self> {
        Arc::new(Self { total, per_peer, open: Mutex::default() })
    }

    /// Takes a place; `None` when there is none left for this peer.
    pub fn take(self: &Arc<Self>, peer: IpAddr) -> Option<Place> {
        let mut open = self.lock();
        if open.total >= self.total {
            return None;
        }
        // All programs of this machine share one address; only the total can cap them.
        if !peer.is_loopback() {
            let of_peer = open.by_peer.entry(peer).or_default();
            if *of_peer >= self.per_peer {
                return None;
            }
            *of_peer += 1;
        }
        open.total += 1;
        Some(Place { caps: Arc::clone(self), peer })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.caps.lock();
        open.total -= 1;
        if let Some(of_peer) = open.by_peer.get_mut(&self.peer) {
            *of_peer -= 1;
            if *of_peer == 0 {
                open.by_peer.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_it_is_dropped() {
        let caps = Caps::new(2, 1);
        let (here, there) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([10, 0, 0, 9]));
        let first = caps.take(there).unwrap();
        assert!(caps.take(there).is_none(), "one other machine has one place");
        let _second = caps.take(here).unwrap();
        assert!(caps.take(here).is_none(), "two places in all");
        drop(first);
        assert!(caps.take(there).is_some());
    }
}
