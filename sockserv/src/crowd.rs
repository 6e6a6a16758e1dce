//! Who is inside: all clients that have a process, what is known of each, and how many of them play.
//!
//! It decides nothing. The caller is `door`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use pq_otp::Pid;

use crate::game::Login;
use crate::gmcp::Message;
use crate::hall::{Arrival, Way};
use crate::port::{About, Port};

/// All clients of a door. The door bounds how many.
#[derive(Default)]
pub(crate) struct Crowd {
    inside: Mutex<HashMap<u64, Arc<Client>>>,
    players: AtomicUsize,
}

/// A client that has a process, as [`crate::Door::guests`] tells of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Guest {
    /// The node's number of its connection.
    pub port: u64,
    /// Where it comes from.
    pub address: SocketAddr,
    /// By which way.
    pub way: Way,
    /// The process that talks with it.
    pub process: Pid,
    /// The name of its hero, once that plays.
    pub hero: Option<String>,
    /// Whether it speaks telnet; otherwise it reads and writes text.
    pub speaks_telnet: bool,
    /// What its program calls itself, where it does.
    pub program: Option<String>,
    /// What it calls its terminal.
    pub terminal: Option<String>,
    /// When it came.
    pub since: SystemTime,
    /// For how long it has sent no line, and its program no `Core.KeepAlive`.
    pub idle: Duration,
}

/// What the door knows of a client from the beginning.
pub(crate) struct Client {
    pub(crate) port: Arc<Port>,
    pub(crate) arrival: Arrival,
    pub(crate) process: Pid,
    hero: OnceLock<String>,
    since: SystemTime,
    entered: Instant,
    /// When its last line came, in milliseconds after it entered.
    heard_ms: AtomicU64,
}

impl Client {
    /// A client that enters now.
    pub(crate) fn new(port: Arc<Port>, arrival: Arrival, process: Pid) -> Client {
        Client {
            port,
            arrival,
            process,
            hero: OnceLock::new(),
            since: SystemTime::now(),
            entered: Instant::now(),
            heard_ms: AtomicU64::new(0),
        }
    }

    /// Takes note of whose client it is; `true` when that hero plays. A session has one hero.
    pub(crate) fn plays_as(&self, login: Login) -> bool {
        match login {
            Login::Playing(name) => {
                self.hero.get_or_init(|| name);
                true
            }
            Login::Named(_) | Login::Arriving(_) | Login::Nobody => false,
        }
    }

    /// The name of its hero, once that plays; a game that tells no names has none here.
    pub(crate) fn hero(&self) -> Option<&str> {
        let hero = self.hero.get().map(String::as_str);
        hero.filter(|name| !name.is_empty())
    }

    fn inside_ms(&self) -> u64 {
        self.entered.elapsed().as_millis() as u64
    }

    fn guest(&self, port: u64) -> Guest {
        let About {
            speaks_telnet,
            program,
            terminal,
            awake,
        } = self.port.about();
        let heard_ms = self.heard_ms.load(Ordering::Relaxed);
        let silent = Duration::from_millis(self.inside_ms().saturating_sub(heard_ms));
        Guest {
            port,
            address: self.arrival.address,
            way: self.arrival.way,
            process: self.process,
            hero: self.hero().map(str::to_string),
            speaks_telnet,
            program,
            terminal,
            since: self.since,
            idle: awake.map_or(silent, |awake| awake.min(silent)),
        }
    }
}

impl Crowd {
    /// A client comes in; it leaves when the place is dropped.
    pub(crate) fn enter(self: &Arc<Crowd>, id: u64, client: Client) -> Place {
        let client = Arc::new(client);
        self.lock().insert(id, client.clone());
        Place {
            crowd: self.clone(),
            id,
            client,
            plays: false,
        }
    }

    /// How many have sent a line.
    pub(crate) fn players(&self) -> usize {
        self.players.load(Ordering::Relaxed)
    }

    /// Everybody, in the order in which they came.
    pub(crate) fn guests(&self) -> Vec<Guest> {
        let mut all = self.all();
        all.sort_unstable_by_key(|(id, _)| *id);
        all.iter().map(|(id, client)| client.guest(*id)).collect()
    }

    /// Sends a message to all that want it.
    pub(crate) fn message(&self, message: &Message) {
        for (_, client) in self.all() {
            // Who is too slow is dropped by its own task.
            let _ = client.port.message(message);
        }
    }

    /// What is said about heroes may be something else from now on.
    pub(crate) fn look_again(&self) {
        for (_, client) in self.all() {
            client.port.look_again();
        }
    }

    /// Writes a line to all; returns how many they are.
    pub(crate) fn announce(&self, text: &str) -> usize {
        let all = self.all();
        for (_, client) in &all {
            // As above.
            let _ = client.port.announce(text);
        }
        all.len()
    }

    /// Says a line to one, unless it is empty, and closes its connection; `false` when it has gone already.
    pub(crate) fn kick(&self, id: u64, text: &str) -> bool {
        let Some(client) = self.lock().get(&id).cloned() else {
            return false;
        };
        client.port.dismiss(text);
        true
    }

    /// Everybody. Not to be visited under the lock: clients may come and go meanwhile.
    pub(crate) fn all(&self) -> Vec<(u64, Arc<Client>)> {
        let inside = self.lock();
        inside.iter().map(|(id, one)| (*id, one.clone())).collect()
    }

    /// Nothing that holds the lock can panic halfway, so a poisoned one is as good as any.
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Client>>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one client.
pub(crate) struct Place {
    crowd: Arc<Crowd>,
    id: u64,
    client: Arc<Client>,
    plays: bool,
}

impl Place {
    /// Whose place it is.
    pub(crate) fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// The client has sent a line, so there is somebody.
    pub(crate) fn plays(&mut self) {
        let now = self.client.inside_ms();
        self.client.heard_ms.store(now, Ordering::Relaxed);
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
    use crate::budget::Budget;
    use crate::endpoint::Event;
    use crate::gmcp::Phase;
    use crate::option::GMCP;
    use crate::port::Output;
    use crate::settings::{Opening, Settings};
    use crate::telnet::Verb;

    /// A client that has agreed to messages and asked for this package.
    fn subscribed(package: &str) -> Arc<Port> {
        let settings = Settings {
            opening: Opening::Quiet,
            ..Settings::default()
        };
        let port = Port::new(settings.current());
        let (verb, option) = (Verb::Do, GMCP);
        port.hear(&Event::Negotiation { verb, option }, 3);
        let bytes = format!("Core.Supports.Set [\"{package} 1\"]").into_bytes();
        port.hear(&Event::Subnegotiation { option, bytes }, 40);
        Arc::new(port)
    }

    fn client(port: &Arc<Port>) -> Client {
        let arrival = Arrival {
            address: SocketAddr::from(([127, 0, 0, 1], 7)),
            way: Way::Plain,
            budget: Arc::new(Budget::new(Settings::default().current())),
        };
        Client::new(port.clone(), arrival, Pid::from_raw(1))
    }

    #[tokio::test]
    async fn a_line_to_all_begins_at_the_front_of_a_line() {
        let crowd = Arc::new(Crowd::default());
        let ports = ["PQ", "Char"].map(subscribed);
        let _places = [0, 1].map(|id| crowd.enter(id as u64, client(&ports[id])));
        for (port, before) in ports.iter().zip(["a whole line\n", "a prompt> "]) {
            port.output().await;
            port.write(before.as_bytes()).unwrap();
            port.output().await;
        }
        assert_eq!(crowd.announce("a\x1b[2J b\n\x0ered\x0fc"), 2);
        let text = "a[2J bredc\r\n";
        let told = [text.to_string(), format!("\r\n{text}a prompt> ")];
        for (port, told) in ports.iter().zip(told) {
            assert_eq!(port.output().await, Output::Bytes(told.into_bytes().into()));
        }
    }

    #[tokio::test]
    async fn who_is_kicked_hears_why_and_nobody_else_does() {
        let crowd = Arc::new(Crowd::default());
        let ports = ["PQ", "Char"].map(subscribed);
        let _places = [0, 1].map(|id| crowd.enter(id as u64, client(&ports[id])));
        for port in &ports {
            port.output().await;
        }
        assert!(!crowd.kick(2, "nobody"));
        assert!(crowd.kick(1, "Enough."));
        ports[1].write(b"not any more").unwrap();
        assert_eq!(
            ports[1].output().await,
            Output::Bytes(
                [
                    b"Enough.\r\n",
                    Message::goodbye("Enough.").wire().as_slice()
                ]
                .concat()
                .into()
            )
        );
        assert_eq!(ports[1].output().await, Output::Dismissed);
        ports[0].write(b"on\n").unwrap();
        assert_eq!(ports[0].output().await, Output::Bytes("on\r\n".into()));
    }

    #[tokio::test]
    async fn a_message_to_all_comes_to_those_that_asked_for_it() {
        let crowd = Arc::new(Crowd::default());
        let ports = ["PQ", "Char"].map(subscribed);
        let _places = [0, 1].map(|id| crowd.enter(id as u64, client(&ports[id])));
        let mut offers = Vec::new();
        for port in &ports {
            offers.push(port.output().await);
            port.write(b"before\n").unwrap();
        }
        assert_eq!(offers[0], offers[1]);
        let message = Message::upgrade(Phase::Commit, "1.0.0", "1.1.0", None);
        crowd.message(&message);
        let told = [b"before\r\n", message.wire().as_slice()].concat();
        assert_eq!(ports[0].output().await, Output::Bytes(told.into()));
        assert_eq!(ports[1].output().await, Output::Bytes("before\r\n".into()));
    }

    #[test]
    fn who_has_sent_a_line_plays_until_it_leaves() {
        let crowd = Arc::new(Crowd::default());
        let enter = |id| {
            crowd.enter(
                id,
                client(&Arc::new(Port::new(Settings::default().current()))),
            )
        };
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
