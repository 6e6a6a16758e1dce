//! Who is inside: the ports of all clients that have a process, and how many of them play.
//!
//! It decides nothing. The caller is `door`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::gmcp::Message;
use crate::port::Port;

/// All clients of a door. The door bounds how many.
#[derive(Default)]
pub(crate) struct Crowd {
    inside: Mutex<HashMap<u64, Arc<Port>>>,
    players: AtomicUsize,
}

impl Crowd {
    /// A client comes in; it leaves when the place is dropped.
    pub(crate) fn enter(self: &Arc<Crowd>, id: u64, port: Arc<Port>) -> Place {
        self.lock().insert(id, port);
        Place {
            crowd: self.clone(),
            id,
            plays: false,
        }
    }

    /// How many have sent a line.
    pub(crate) fn players(&self) -> usize {
        self.players.load(Ordering::Relaxed)
    }

    /// Sends a message to all that want it.
    pub(crate) fn message(&self, message: &Message) {
        // Not under the lock: clients may come and go meanwhile.
        let ports: Vec<Arc<Port>> = self.lock().values().cloned().collect();
        for port in ports {
            // Who is too slow is dropped by its own task.
            let _ = port.message(message);
        }
    }

    /// Nothing that holds the lock can panic halfway, so a poisoned one is as good as any.
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Port>>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one client.
pub(crate) struct Place {
    crowd: Arc<Crowd>,
    id: u64,
    plays: bool,
}

impl Place {
    /// The client has sent a line, so there is somebody.
    pub(crate) fn plays(&mut self) {
        if !std::mem::replace(&mut self.plays, true) {
            self.crowd.players.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.lock().remove(&self.id);
        if self.plays {
            self.crowd.players.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_sent_a_line_plays_until_it_leaves() {
        let crowd = Arc::new(Crowd::default());
        let enter = |id| crowd.enter(id, Arc::new(Port::new(Arc::default())));
        let (mut player, crawler) = (enter(1), enter(2));
        player.plays();
        player.plays();
        assert_eq!((crowd.players(), crowd.lock().len()), (1, 2));
        drop(crawler);
        assert_eq!((crowd.players(), crowd.lock().len()), (1, 1));
        drop(player);
        assert_eq!((crowd.players(), crowd.lock().len()), (0, 0));
    }
}
