//! Clients without a socket: a port of the node whose other end records the output with its times.
//!
//! They connect as the listeners let clients connect (`sockserv::entrance::door`): a port is opened, `sockserv_sup`
//! starts a process, and the port is given to that process. Line ends and telnet are the business of the listeners and
//! do not occur here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pq_otp::spec::{self, SupReply, SupRequest};
use pq_otp::{Ask, Pid, PortSink};

use super::House;

/// The first question to a client.
pub const PROMPT: &str = "What's your character's name?\n";

/// A client without a socket.
#[derive(Clone)]
pub struct Client {
    /// The number of its port.
    pub port: u64,
    /// The process of its session.
    pub session: Pid,
    wire: Arc<Wire>,
}

/// The client's end of a port.
#[derive(Default)]
struct Wire(Mutex<Tape>);

#[derive(Default)]
struct Tape {
    /// Output that the client has not read yet.
    unread: Vec<u8>,
    closed: bool,
    inputs_done: u64,
}

impl Wire {
    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PortSink for Wire {
    fn write(&self, bytes: &[u8]) {
        let mut tape = self.tape();
        assert!(!tape.closed, "written after the end: {bytes:?}");
        tape.unread.extend(bytes);
    }

    fn close(&self) {
        self.tape().closed = true;
    }

    fn input_done(&self) {
        self.tape().inputs_done += 1;
    }
}

impl Client {
    /// The output since the last call.
    pub fn read(&self) -> String {
        let bytes = std::mem::take(&mut self.wire.tape().unread);
        String::from_utf8(bytes).expect("sessions write UTF-8")
    }

    /// Whether the node has closed the port.
    pub fn is_closed(&self) -> bool {
        self.wire.tape().closed
    }

    /// The number of inputs that the session has handled.
    pub fn inputs_done(&self) -> u64 {
        self.wire.tape().inputs_done
    }

    fn has_news(&self) -> bool {
        let tape = self.wire.tape();
        tape.closed || !tape.unread.is_empty()
    }
}

/// A client that has connected and waits for its session.
pub struct Knock {
    port: u64,
    wire: Arc<Wire>,
    /// The answer of the supervisor, once it has arrived: a session or none.
    answer: Arc<Mutex<Option<Option<Pid>>>>,
}

impl Knock {
    fn answer(&self) -> MutexGuard<'_, Option<Option<Pid>>> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl House {
    /// Opens a port and requests a session for it; nothing runs yet. While an upgrade defers starts, the request waits.
    pub fn knock(&mut self) -> Option<Knock> {
        let wire = Arc::new(Wire::default());
        let node = self.sim.node();
        let supervisor = node.whereis("sockserv_sup")?;
        let port = node.open_port(wire.clone());
        let args = rmp_serde::to_vec_named(&(port,)).expect("writing to a Vec cannot fail");
        let answer = Arc::new(Mutex::new(None));
        let slot = answer.clone();
        let request = spec::encode(&SupRequest::StartChild(args));
        node.request(supervisor, &request, move |reply| {
            let reply = reply.ok().and_then(|reply| spec::decode(&reply).ok());
            let started = match reply {
                Some(SupReply::Started(started)) => started,
                _ => None,
            };
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(started);
        });
        Some(Knock { port, wire, answer })
    }

    /// Whether the client gets no session, because its supervisor has ended.
    pub fn is_turned_away(&self, knock: &Knock) -> bool {
        *knock.answer() == Some(None)
    }

    /// The client, if its session has started.
    pub fn let_in(&mut self, knock: &Knock) -> Option<Client> {
        let session = knock.answer().flatten()?;
        let client = Client {
            port: knock.port,
            session,
            wire: knock.wire.clone(),
        };
        self.sim.node().own_port(client.port, client.session);
        Some(client)
    }

    /// Connects a client; `None` when no session starts. The client has not read its greeting yet.
    pub fn connect(&mut self) -> Option<Client> {
        let wire = Arc::new(Wire::default());
        let port = self.sim.node().open_port(wire.clone());
        let args = rmp_serde::to_vec_named(&(port,)).expect("writing to a Vec cannot fail");
        let supervisor = self.sim.node().whereis("sockserv_sup")?;
        let reply = self
            .sim
            .ask_supervisor(supervisor, &SupRequest::StartChild(args), 60_000);
        let Ok(SupReply::Started(Some(session))) = reply else {
            panic!("{reply:?}")
        };
        self.sim.node().own_port(port, session);
        self.sim.settle();
        Some(Client {
            port,
            session,
            wire,
        })
    }

    /// Connects a client and reads its greeting.
    pub fn enter(&mut self) -> Client {
        let client = self.connect().expect("sockserv runs");
        assert_eq!(client.read(), PROMPT);
        client
    }

    /// Connects a client and starts its hero with this name.
    pub fn enter_as(&mut self, name: &str) -> Client {
        let client = self.enter();
        self.begin(&client, name);
        client
    }

    /// Enters a name and agrees to the stats; then the client's hero plays.
    pub fn begin(&mut self, client: &Client, name: &str) {
        let stats = self.types(client, name);
        assert!(
            stats.ends_with("\nDo you agree to these? y/n\n\n"),
            "{stats}"
        );
        assert_eq!(self.types(client, "y"), "");
        assert!(self.whereis(name).is_some(), "{name} does not play");
    }

    /// Sends a line, given without its end, and returns the immediate output.
    pub fn types(&mut self, client: &Client, line: impl AsRef<[u8]>) -> String {
        self.sends(client, line);
        self.sim.settle();
        client.read()
    }

    /// Sends a line without running the node.
    pub fn sends(&mut self, client: &Client, line: impl AsRef<[u8]>) {
        let node = self.sim.node();
        node.port_input(client.port, client.session, line.as_ref());
    }

    /// Closes the connection from the client's side.
    pub fn drops(&mut self, client: &Client) {
        let node = self.sim.node();
        node.port_closed(client.port, client.session, "closed by the client");
        self.sim.settle();
    }

    /// Waits for the next output, for at most `limit_ms` ms, and returns its time and text. `None` when there is none,
    /// or when the port was closed without output.
    pub fn next_news(&mut self, client: &Client, limit_ms: u64) -> Option<(u64, String)> {
        self.sim.run_until(limit_ms, |_| client.has_news());
        let text = client.read();
        (!text.is_empty()).then(|| (self.sim.now_ms(), text))
    }

    /// Collects the output of the next `ms` ms, each text with its time in milliseconds from now.
    pub fn story(&mut self, client: &Client, ms: u64) -> Vec<(u64, String)> {
        let begin = self.sim.now_ms();
        let mut story = Vec::new();
        while let Some((at, text)) = self.next_news(client, begin + ms - self.sim.now_ms()) {
            story.push((at - begin, text));
        }
        self.sim.run_ms(begin + ms - self.sim.now_ms());
        story
    }
}
