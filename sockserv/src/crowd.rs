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
    use crate::endpoint::Event;
    use crate::gmcp::Phase;
    use crate::option::GMCP;
    use crate::port::Output;
    use crate::settings::{Opening, Settings};
    use crate::telnet::Verb;

    /// A client that has agreed to messages and asked for this package.
    fn subscribed(package: &str) -> Arc<Port> {
        let port = Port::new(Arc::new(Settings {
            opening: Opening::Quiet,
            ..Settings::default()
        }));
        let (verb, option) = (Verb::Do, GMCP);
        port.hear(&Event::Negotiation { verb, option }, 3);
        let bytes = format!("Core.Supports.Set [\"{package} 1\"]").into_bytes();
        port.hear(&Event::Subnegotiation { option, bytes }, 40);
        Arc::new(port)
    }

    #[tokio::test]
    async fn a_message_to_all_comes_to_those_that_asked_for_it() {
        let crowd = Arc::new(Crowd::default());
        let ports = ["PQ", "Char"].map(subscribed);
        let _places = [0, 1].map(|id| crowd.enter(id as u64, ports[id].clone()));
        let mut offers = Vec::new();
        for port in &ports {
            offers.push(port.output().await);
            port.write(b"before\n").unwrap();
        }
        assert_eq!(offers[0], offers[1]);
        let message = Message::upgrade(Phase::Commit, "1.0.0", "1.1.0", None);
        crowd.message(&message);
        let told = [b"before\r\n", message.wire().as_slice()].concat();
        assert_eq!(ports[0].output().await, Output::Bytes(told));
        assert_eq!(
            ports[1].output().await,
            Output::Bytes(b"before\r\n".to_vec())
        );
    }

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
