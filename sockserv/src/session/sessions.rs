//! The sessions of a door: each admitted client gets a process of the node, and is served until it leaves.
//!
//! ```text
//!   a client ─► port ─► start_child(Supervisor, [Port]) ─► process ─► connection::run ─► lines for the process
//!                └──────────────────────────────────────────────────────────── texts ◄──┘
//! ```
//! A client is any stream that reads and writes. This module does not know whether it is a socket, TLS or a page.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pq_otp::{Node, Pid, PortSink, Reason};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;

use crate::admission::arrival::{Arrival, Transport};
use crate::admission::avatars::Avatars;
use crate::admission::gate::Gate;
use crate::admission::refused::Refusal;
use crate::admission::seldom::seldom;
use crate::session::connection::{self, End, Owner};
use crate::session::crowd::{Client, Crowd, Presence};
use crate::session::describe::describe;
use crate::session::ending::EndingCell;
use crate::session::login::Logins;
use crate::session::port::Port;
use crate::session::starting::start_session;
use crate::session::told::Told;
use crate::settings::{Current, Opening};
use crate::wire::gmcp::Login;

/// The time limit for the start of a client's process: the default of `gen_server:call/2`, by which OTP would start it.
const START_TIMEOUT: Duration = Duration::from_secs(5);

/// The shared state of all sessions.
pub(crate) struct Sessions {
    pub(crate) node: Node,
    avatars: Arc<Avatars>,
    pub(crate) told: Arc<Told>,
    pub(crate) logins: Logins,
    /// The sessions that were started, and the lines that their processes were given.
    pub(crate) started: AtomicU64,
    pub(crate) lines: AtomicU64,
}

impl Sessions {
    /// The state without any session.
    pub(crate) fn new(node: Node, gate: Arc<Gate>, settings: Current) -> Sessions {
        let lives = node.clone();
        Sessions {
            node,
            avatars: gate.avatars().clone(),
            told: Arc::default(),
            logins: Logins {
                gate,
                crowd: Arc::new(Crowd::new(move |pid| lives.is_alive(pid))),
                settings,
            },
            started: AtomicU64::new(0),
            lines: AtomicU64::new(0),
        }
    }

    /// Serves a client until it leaves.
    ///
    /// # Errors
    /// The stream, when no process can be started for the client.
    pub(crate) async fn serve<S: AsyncRead + AsyncWrite>(
        &self,
        stream: S,
        arrival: &Arrival,
        ending: &EndingCell,
    ) -> Result<(), S> {
        let port = Arc::new(port(arrival, self.logins.settings.clone()).telling(ending.clone()));
        let id = self.node.open_port(Arc::new(Sink(port.clone())));
        let supervisor = self.logins.settings.load().supervisor.clone();
        match start_session(&self.node, &supervisor, id, START_TIMEOUT).await {
            Ok(process) => {
                self.started.fetch_add(1, Ordering::Relaxed);
                self.node.own_port(id, process);
                let client = Client::new(port, arrival.clone(), process, self.told.clone());
                self.converse(stream, Session::new(self, id, client)).await;
                Ok(())
            }
            Err(why) => {
                seldom!(warn, address = %arrival.address, %why, "a client gets no process");
                self.node.close_port(id);
                Err(stream)
            }
        }
    }

    async fn converse(&self, stream: impl AsyncRead + AsyncWrite, mut session: Session<'_>) {
        let (client, lines) = (session.presence.client().clone(), session.lines.clone());
        let end = tokio::select! {
            end = connection::run(stream, &client.port, &mut session) => end,
            never = self.logins.follow(&client, &lines) => match never {},
            never = describe(&client, &self.logins.settings) => match never {},
        };
        if matches!(end, End::Stalled | End::Overflown) {
            self.logins.gate.refused.count(&Refusal::Slow);
        }
        let (address, process) = (client.arrival.address, client.process);
        let program = client.port.client();
        tracing::debug!(%address, %process, client = %program, %end, "client gone");
    }
}

/// The port of a client that has arrived over this transport.
fn port(arrival: &Arrival, settings: Current) -> Port {
    let opening = match arrival.transport {
        Transport::Plain | Transport::Tls => settings.load().opening,
        // The telnet end behind a page (`Peer`) never begins to negotiate by itself.
        Transport::Web => Opening::Probe,
    };
    let port = Port::opening(settings, opening, arrival.budget.clone());
    match arrival.transport {
        Transport::Plain => port.compressing(),
        Transport::Tls | Transport::Web => port,
    }
}

/// The output of the client's process.
struct Sink(Arc<Port>);

impl PortSink for Sink {
    fn write(&self, bytes: &[u8]) {
        // An overflow is ignored here: the client's task drops the client and logs it (`Port::write`).
        let _ = self.0.write(bytes);
    }

    fn close(&self) {
        self.0.close();
    }

    fn close_after(&self, reason: &Reason) {
        self.0.close_after(reason);
    }

    fn input_done(&self) {
        self.0.line_done();
    }
}

/// The input of the client's process.
struct Session<'a> {
    sessions: &'a Sessions,
    port: u64,
    presence: Presence,
    /// Notified of each line passed to the process, which may contain the name of an avatar.
    lines: Arc<Notify>,
}

impl<'a> Session<'a> {
    fn new(sessions: &'a Sessions, port: u64, client: Client) -> Session<'a> {
        let presence = sessions.logins.crowd.enter(port, client);
        let client = presence.client().clone();
        sessions.avatars.tell(client.process, client);
        Session {
            sessions,
            port,
            presence,
            lines: Arc::default(),
        }
    }

    fn process(&self) -> Pid {
        self.presence.client().process
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        self.sessions.avatars.tell_no_more(self.process());
        self.sessions.told.end(self.process());
    }
}

impl Owner for Session<'_> {
    fn on_line(&mut self, line: &[u8]) {
        self.presence.hears();
        self.sessions.lines.fetch_add(1, Ordering::Relaxed);
        let node = &self.sessions.node;
        node.port_input(self.port, self.process(), line);
        self.lines.notify_one();
    }

    fn on_closed(&mut self, reason: &str) {
        let node = &self.sessions.node;
        node.port_closed(self.port, self.process(), reason);
    }

    fn on_forget(&mut self, token: Login) {
        let game = &self.sessions.logins.settings.load().game;
        game.forget(token.name, token.word);
    }

    fn on_refused(&mut self, refusal: &Refusal) {
        self.sessions.logins.gate.refused.count(refusal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::budget::Budget;
    use crate::session::port::Output;
    use crate::settings::Settings;
    use crate::wire::endpoint::Event;
    use crate::wire::option::COMPRESS2;
    use crate::wire::telnet::{Verb, negotiation};

    #[tokio::test]
    async fn only_a_plain_socket_is_offered_compression() {
        for (transport, verb) in [
            (Transport::Plain, Verb::Will),
            (Transport::Tls, Verb::Wont),
            (Transport::Web, Verb::Wont),
        ] {
            let settings = Settings::default().current();
            let arrival = Arrival {
                address: ([127, 0, 0, 1], 0).into(),
                transport,
                budget: Arc::new(Budget::new(settings.clone())),
            };
            let port = port(&arrival, settings);
            let asks = Event::Negotiation {
                verb: Verb::Do,
                option: COMPRESS2,
            };
            port.hear(&asks, 3);
            let Output::Bytes(answers) = port.output().await else {
                panic!("{transport:?} is not answered");
            };
            let verbs = [Verb::Will, Verb::Wont].map(|verb| negotiation(verb, COMPRESS2));
            let is_said = |word: &&[u8]| verbs.iter().any(|verb| verb == word);
            let said: Vec<&[u8]> = answers.windows(3).filter(is_said).collect();
            assert_eq!(said, [negotiation(verb, COMPRESS2)], "{transport:?}");
        }
    }
}
