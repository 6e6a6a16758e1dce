//! The register of all clients that have a process, with the known facts about each.
//!
//! The register decides nothing. A request for an avatar checks each time whether it still plays, because it may have ended
//! since. `avatars` counts the players. The caller is `door`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use pq_otp::Pid;
use tokio::sync::Notify;

use crate::admission::arrival::{Arrival, Transport};
use crate::admission::avatars::Player;
use crate::session::port::{About, Port};
use crate::session::told::Told;
use crate::settings::game::{Avatar, Login};
use crate::wire::gmcp::Message;

/// A function that tells whether a process lives.
type Lives = Box<dyn Fn(Pid) -> bool + Send + Sync>;

/// All clients of a door. The door bounds their number.
pub(crate) struct Crowd {
    inside: Mutex<HashMap<u64, Arc<Client>>>,
    lives: Lives,
}

/// A client that has a process, as listed by [`crate::Door::guests`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Guest {
    /// The node's number of the client's port.
    pub port: u64,
    /// The address of the client; for a client behind a proxy, not the proxy's.
    pub address: SocketAddr,
    /// The transport of the client's bytes.
    pub transport: Transport,
    /// The client's session: the process that talks with it.
    pub process: Pid,
    /// The name of its avatar, while that avatar plays.
    pub avatar: Option<String>,
    /// Whether it speaks telnet; otherwise it reads and writes text.
    pub speaks_telnet: bool,
    /// The name of its program, if the client has told it.
    pub program: Option<String>,
    /// The name of its terminal, if the client has told it.
    pub terminal: Option<String>,
    /// The time of its arrival.
    pub since: SystemTime,
    /// The time since its last line, or since the last `Core.KeepAlive` of its program.
    pub idle: Duration,
}

/// A client in the register.
pub(crate) struct Client {
    pub(crate) port: Arc<Port>,
    pub(crate) arrival: Arrival,
    pub(crate) process: Pid,
    /// Notified when an avatar of the client has ended.
    pub(crate) fell: Arc<Notify>,
    told: Arc<Told>,
    /// The last avatar that played for the client; it may have ended.
    avatar: Mutex<Option<Avatar>>,
    since: SystemTime,
    entered: Instant,
    /// The time of the last line, in milliseconds after the client entered.
    heard_ms: AtomicU64,
}

impl Player for Client {
    fn begins(&self) {
        self.told.begin(self.process, &self.port);
    }

    fn falls(&self) {
        self.fell.notify_one();
    }
}

impl Client {
    /// A client that enters at this time.
    pub(crate) fn new(port: Arc<Port>, arrival: Arrival, process: Pid, told: Arc<Told>) -> Client {
        Client {
            told,
            port,
            arrival,
            process,
            fell: Arc::default(),
            avatar: Mutex::default(),
            since: SystemTime::now(),
            entered: Instant::now(),
            heard_ms: AtomicU64::new(0),
        }
    }

    /// Stores the avatar if it plays; returns whether it does.
    pub(crate) fn plays_as(&self, login: Login) -> bool {
        match login {
            Login::Playing(avatar) => {
                *self.avatar.lock() = Some(avatar);
                true
            }
            Login::Named(_) | Login::Arriving(_) | Login::Nobody | Login::Unknown => false,
        }
    }

    fn inside_ms(&self) -> u64 {
        self.entered.elapsed().as_millis() as u64
    }

    fn guest(&self, port: u64, avatar: Option<String>) -> Guest {
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
            transport: self.arrival.transport,
            process: self.process,
            avatar,
            speaks_telnet,
            program,
            terminal,
            since: self.since,
            idle: awake.map_or(silent, |awake| awake.min(silent)),
        }
    }
}

impl Crowd {
    /// An empty register; `lives` tells which processes live.
    pub(crate) fn new(lives: impl Fn(Pid) -> bool + Send + Sync + 'static) -> Crowd {
        Crowd {
            inside: Mutex::default(),
            lives: Box::new(lives),
        }
    }

    /// Whether the client's avatar still plays.
    pub(crate) fn is_played(&self, client: &Client) -> bool {
        self.name_of_avatar(client).is_some()
    }

    /// The name of the client's avatar, while it plays; `None` in a game without names.
    pub(crate) fn avatar_of(&self, client: &Client) -> Option<String> {
        self.name_of_avatar(client).filter(|name| !name.is_empty())
    }

    fn name_of_avatar(&self, client: &Client) -> Option<String> {
        let avatar = client.avatar.lock().clone();
        let lives = |avatar: &Avatar| {
            (self.lives)(client.process) && avatar.process.is_none_or(&self.lives)
        };
        avatar.filter(lives).map(|avatar| avatar.name)
    }

    /// Adds a client, which leaves when its presence is dropped.
    pub(crate) fn enter(self: &Arc<Crowd>, id: u64, client: Client) -> Presence {
        let client = Arc::new(client);
        self.inside.lock().insert(id, client.clone());
        Presence {
            crowd: self.clone(),
            id,
            client,
        }
    }

    /// All clients, in the order of their arrival.
    pub(crate) fn guests(&self) -> Vec<Guest> {
        let mut all = self.all();
        all.sort_unstable_by_key(|(id, _)| *id);
        let guest = |(id, client): &(u64, Arc<Client>)| client.guest(*id, self.avatar_of(client));
        all.iter().map(guest).collect()
    }

    /// Sends a message to all clients that have subscribed to it.
    pub(crate) fn message(&self, message: &Message) {
        for (_, client) in self.all() {
            // An overflow is ignored here: the task of a client that reads too slowly drops it.
            let _ = client.port.message(message);
        }
    }

    /// Asks the game again for the facts about all avatars.
    pub(crate) fn look_again(&self) {
        for (_, client) in self.all() {
            client.port.look_again();
        }
    }

    /// Writes a line to all clients; returns their number.
    pub(crate) fn announce(&self, text: &str) -> usize {
        let all = self.all();
        for (_, client) in &all {
            // An overflow is ignored, as above.
            let _ = client.port.announce(text);
        }
        all.len()
    }

    /// Writes a line to one client, unless it is empty, and closes the connection; `false` when the client has gone already.
    pub(crate) fn kick(&self, id: u64, text: &str) -> bool {
        let Some(client) = self.get(id) else {
            return false;
        };
        client.port.dismiss(text);
        true
    }

    /// Writes a line to one client.
    pub(crate) fn tell(&self, id: u64, text: &str) {
        // An overflow is ignored, as above.
        let _ = self.get(id).map(|client| client.port.announce(text));
    }

    /// Writes a line to the client whose last avatar is or was this process. Returns whether there is one.
    pub(crate) fn tell_player(&self, avatar: Pid, text: &str) -> bool {
        let plays = |client: &Client| {
            let last = client.avatar.lock();
            last.as_ref().and_then(|last| last.process) == Some(avatar)
        };
        let all = self.all();
        let found = all.iter().find(|(_, client)| plays(client));
        // An overflow is ignored, as above.
        let told = found.map(|(_, client)| client.port.announce(text));
        told.is_some()
    }

    /// Writes a line to the client of this session, and closes the connection. `false` when the client has gone already.
    pub(crate) fn kick_session(&self, session: Pid, text: &str) -> bool {
        let all = self.all();
        let found = all.iter().find(|(_, client)| client.process == session);
        let kicked = found.map(|(_, client)| client.port.dismiss(text));
        kicked.is_some()
    }

    pub(crate) fn get(&self, id: u64) -> Option<Arc<Client>> {
        self.inside.lock().get(&id).cloned()
    }

    /// All clients, copied. Callers must not visit them under the lock: clients may come and go meanwhile.
    pub(crate) fn all(&self) -> Vec<(u64, Arc<Client>)> {
        let inside = self.inside.lock();
        inside.iter().map(|(id, one)| (*id, one.clone())).collect()
    }
}

/// The membership of one client in the register; dropping it removes the client.
pub(crate) struct Presence {
    crowd: Arc<Crowd>,
    id: u64,
    client: Arc<Client>,
}

impl Presence {
    /// The client with this membership.
    pub(crate) fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Notes that the client has sent a line, so its player is present.
    pub(crate) fn hears(&self) {
        let now = self.client.inside_ms();
        self.client.heard_ms.store(now, Ordering::Relaxed);
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.crowd.inside.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::budget::Budget;
    use crate::session::port::Output;
    use crate::settings::{Opening, Settings};
    use crate::wire::endpoint::Event;
    use crate::wire::gmcp::Phase;
    use crate::wire::option::GMCP;
    use crate::wire::telnet::Verb;

    /// The port of a client that has agreed to GMCP and subscribed to this package.
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
            transport: Transport::Plain,
            budget: Arc::new(Budget::new(Settings::default().current())),
        };
        Client::new(port.clone(), arrival, Pid::from_raw(1), Arc::default())
    }

    #[tokio::test]
    async fn a_line_to_all_begins_at_the_front_of_a_line() {
        let crowd = Arc::new(Crowd::new(|_| true));
        let ports = ["PQ", "Char"].map(subscribed);
        let _presences = [0, 1].map(|id| crowd.enter(id as u64, client(&ports[id])));
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
        let crowd = Arc::new(Crowd::new(|_| true));
        let ports = ["PQ", "Char"].map(subscribed);
        let _presences = [0, 1].map(|id| crowd.enter(id as u64, client(&ports[id])));
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
        let crowd = Arc::new(Crowd::new(|_| true));
        let ports = ["PQ", "Char"].map(subscribed);
        let _presences = [0, 1].map(|id| crowd.enter(id as u64, client(&ports[id])));
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
    fn a_client_has_its_avatar_as_long_as_that_and_its_session_live() {
        let (session, first, second) = (Pid::from_raw(1), Pid::from_raw(2), Pid::from_raw(3));
        let dead = Arc::new(Mutex::new(Vec::new()));
        let died = dead.clone();
        let crowd = Arc::new(Crowd::new(move |pid| !died.lock().contains(&pid)));
        let presence = crowd.enter(
            1,
            client(&Arc::new(Port::new(Settings::default().current()))),
        );
        let avatar = || crowd.guests().into_iter().find_map(|guest| guest.avatar);
        let plays_as = |name: &str, process| {
            let name = name.to_string();
            let process = Some(process);
            presence
                .client()
                .plays_as(Login::Playing(Avatar { name, process }))
        };
        assert!(
            !presence
                .client()
                .plays_as(Login::Arriving("Ann".to_string()))
        );
        assert_eq!(avatar(), None);
        assert!(plays_as("Ann", first));
        assert_eq!(avatar().as_deref(), Some("Ann"));
        dead.lock().push(first);
        assert_eq!(avatar(), None);
        assert!(plays_as("Bob", second));
        assert_eq!(avatar().as_deref(), Some("Bob"));
        dead.lock().push(session);
        assert_eq!(
            (avatar(), crowd.is_played(presence.client())),
            (None, false)
        );
        drop(presence);
        assert_eq!(crowd.inside.lock().len(), 0);
    }
}
