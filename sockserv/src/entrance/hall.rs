//! The hall: behind every entrance. A client that may come in gets a process, and is served until it leaves; one
//! that may not is told why.
//!
//! ```text
//!   arrival ─► gate ─┬► port ─► start_child(sockserv_sup, [Port]) ─► process ─► connection::run
//!                    └► a sentence
//! ```
//! An entrance says where a client comes from, of one behind a proxy too ([`Hall::origin`]). What it is, a socket, TLS or a page, is not known here: a client is something that reads and writes.

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pq_otp::{Node, Pid, PortSink, Reason};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use crate::admission::budget::Budget;
use crate::admission::gate::{Gate, Pass};
use crate::admission::heroes::Heroes;
use crate::admission::metered::Metered;
use crate::admission::proxied::{self, Unknown};
use crate::admission::refused::Refusal;
use crate::admission::shares::Shares;
use crate::session::connection::{self, End, Owner};
use crate::session::crowd::{Client, Crowd, Place};
use crate::session::describe::describe;
use crate::session::ending::EndingCell;
use crate::session::port::Port;
use crate::session::starting::start_session;
use crate::settings::game::Login;
use crate::settings::{Current, Opening};

/// How long a client waits for its process: the default of `gen_server:call/2`, in which OTP would start it.
const START_TIMEOUT: Duration = Duration::from_secs(5);

/// How soon a session is asked again whether the hero that it has asked for plays now; then half as soon each time.
const ARRIVING: Duration = Duration::from_millis(10);

/// And no more seldom than this.
const ARRIVING_MAX: Duration = Duration::from_secs(1);

/// What every client needs.
pub(crate) struct Hall {
    pub(crate) node: Node,
    supervisor: &'static str,
    pub(crate) gate: Arc<Gate>,
    pub(crate) crowd: Arc<Crowd>,
    pub(crate) heroes: Arc<Heroes>,
    pub(crate) settings: Current,
    pub(crate) shares: Shares,
    /// Places for those who are told why they may not come in.
    pub(crate) turned_away: Semaphore,
    /// And for proxies that have not said yet for whom they are.
    arriving: Semaphore,
}

/// By which way a client came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// A socket.
    Plain,
    /// A socket with TLS.
    Tls,
    /// A WebSocket.
    Web,
}

/// A client that has arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) address: SocketAddr,
    pub(crate) way: Way,
    /// What it may send.
    pub(crate) budget: Arc<Budget>,
}

impl Arrival {
    /// Its wire, read at the pace that it may have.
    pub(crate) fn meter<S>(&self, stream: S) -> Metered<S> {
        Metered::new(stream, self.budget.clone())
    }
}

impl Hall {
    /// A hall whose clients get children of `supervisor`.
    pub(crate) fn new(node: Node, supervisor: &'static str, settings: Current) -> Hall {
        let shares = Shares::of_this_process();
        let heroes = Arc::new(Heroes::default());
        if !node.tell_kin(heroes.clone()) {
            tracing::error!("another door counts the heroes of this node: here none is counted");
        }
        let lives = node.clone();
        Hall {
            node,
            supervisor,
            gate: Arc::new(Gate::new(heroes.clone())),
            crowd: Arc::new(Crowd::new(move |pid| lives.is_alive(pid))),
            heroes,
            settings,
            shares,
            turned_away: Semaphore::new(shares.turned_away),
            arriving: Semaphore::new(shares.arriving),
        }
    }

    /// A client that has come from there.
    pub(crate) fn arrival(&self, address: SocketAddr, way: Way) -> Arrival {
        Arrival {
            address,
            way,
            budget: Arc::new(Budget::new(self.settings.clone())),
        }
    }

    /// Whether this is the address of a proxy of ours.
    pub(crate) fn is_proxy(&self, address: SocketAddr) -> bool {
        self.settings.load().is_proxy(address.ip())
    }

    /// Where the client behind a connection comes from; nothing of one that does not say so and ought to, which is told.
    pub(crate) async fn origin(
        &self,
        stream: &mut TcpStream,
        peer: SocketAddr,
        way: Way,
    ) -> Option<SocketAddr> {
        if !self.is_proxy(peer) {
            return Some(peer);
        }
        let _place = self.arriving.try_acquire().ok()?;
        match Box::pin(proxied::read(stream)).await {
            Ok(from) => Some(from.unwrap_or(peer)),
            Err(Unknown::Gone) => None,
            Err(Unknown::Refused(refusal)) => {
                crate::seldom!(warn, proxy = %peer, why = %refusal, "a proxy's client is turned away");
                self.gate.refused.count(&refusal);
                self.turn_away(stream, &self.arrival(peer, way), &refusal)
                    .await;
                None
            }
        }
    }

    /// Whether a client from there may come in.
    pub(crate) fn enter(&self, from: SocketAddr) -> Result<Pass, Refusal> {
        self.gate.enter(from.ip(), &self.settings.load().limits)
    }

    /// Serves a client until it leaves, or tells it why it may not come in.
    pub(crate) async fn receive(
        &self,
        stream: impl AsyncRead + AsyncWrite,
        arrival: Arrival,
        entered: Result<Pass, Refusal>,
    ) {
        let ending = EndingCell::default();
        let _pass = self.receive_telling(stream, arrival, entered, ending).await;
    }

    /// The same, and tells why the connection ends. Returns the pass: who has been told something is in until it has read
    /// that.
    pub(crate) async fn receive_telling(
        &self,
        stream: impl AsyncRead + AsyncWrite,
        arrival: Arrival,
        entered: Result<Pass, Refusal>,
        ending: EndingCell,
    ) -> Option<Pass> {
        if let Err(refusal) = &entered {
            ending.refuse(refusal);
            self.turn_away(stream, &arrival, refusal).await;
        } else {
            self.serve(stream, arrival, ending).await;
        }
        entered.ok()
    }

    async fn serve(
        &self,
        stream: impl AsyncRead + AsyncWrite,
        arrival: Arrival,
        ending: EndingCell,
    ) {
        let port = Arc::new(port(&arrival, self.settings.clone()).telling(ending.clone()));
        let id = self.node.open_port(Arc::new(Sink(port.clone())));
        match start_session(&self.node, self.supervisor, id, START_TIMEOUT).await {
            Ok(owner) => {
                self.node.own_port(id, owner);
                let client = Client::new(port, arrival, owner);
                self.converse(stream, Session::new(self, id, client)).await;
            }
            Err(why) => {
                crate::seldom!(warn, address = %arrival.address, %why, "a client gets no process");
                ending.refuse(&Refusal::NoProcess);
                self.node.close_port(id);
                self.gate.refused.count(&Refusal::NoProcess);
                self.turn_away(stream, &arrival, &Refusal::NoProcess).await;
            }
        }
    }

    async fn converse(&self, stream: impl AsyncRead + AsyncWrite, mut session: Session<'_>) {
        let (client, lines) = (session.place.client().clone(), session.lines.clone());
        let end = tokio::select! {
            end = connection::run(stream, &client.port, &mut session) => end,
            never = self.log_in(&client, &lines) => match never {},
            never = describe(&client, &self.settings) => match never {},
        };
        if matches!(end, End::Stalled | End::Overflown) {
            self.gate.refused.count(&Refusal::Slow);
        }
        let (address, process) = (client.arrival.address, client.process);
        let program = client.port.client();
        tracing::debug!(%address, %process, client = %program, %end, "client gone");
    }

    /// Finds out whose client it is, and again when its hero has ended; one that takes too long, or whose name is banned, is
    /// closed.
    async fn log_in(&self, client: &Client, lines: &Notify) -> Infallible {
        loop {
            let limit = self.settings.load().limits.login;
            let deadline = limit.map(|limit| Instant::now() + limit);
            let known = self.know(client, lines);
            let known = match deadline {
                Some(deadline) => timeout_at(deadline, known).await,
                None => Ok(known.await),
            };
            let refused = known.unwrap_or_else(|_| Err(Refusal::Login(limit.unwrap_or_default())));
            if let Err(refusal) = refused {
                self.dismiss(client, &refusal);
                return pending().await;
            }
            while self.crowd.is_played(client) {
                client.fell.notified().await;
            }
        }
    }

    /// Waits until a hero plays there.
    async fn know(&self, client: &Client, lines: &Notify) -> Result<(), Refusal> {
        // A ban may have come while its process was started.
        self.gate.ban_of_address(client.arrival.address.ip())?;
        loop {
            client.port.set_dialogue(true);
            lines.notified().await;
            let mut pause = ARRIVING;
            while let Some(login) = self.ask(client).await? {
                client.port.set_dialogue(false);
                if client.plays_as(login) {
                    // And now that it can be found by its name, once more.
                    return self.ban_of_hero(client);
                }
                // The next line may say something else.
                let _ = timeout(pause, lines.notified()).await;
                pause = ARRIVING_MAX.min(pause * 2);
            }
        }
    }

    /// Asks the session once: the hero that plays or is being started, unless its name is banned.
    async fn ask(&self, client: &Client) -> Result<Option<Login>, Refusal> {
        let (answer, answered) = oneshot::channel();
        let game = self.settings.load().game.clone();
        let on_answer = move |login| drop(answer.send(login));
        game.login(client.process, Box::new(on_answer));
        let login = answered.await.unwrap_or(Login::Nobody);
        self.gate.ban_of_name(login.name())?;
        Ok(match login {
            // Its player is to say something first.
            Login::Nobody | Login::Named(_) => None,
            login => Some(login),
        })
    }

    fn ban_of_hero(&self, client: &Client) -> Result<(), Refusal> {
        let name = self.crowd.hero_of(client);
        name.map_or(Ok(()), |name| self.gate.ban_of_name(&name))
    }

    /// Closes who is in and banned; returns how many they are.
    pub(crate) fn dismiss_banned(&self) -> usize {
        let mut dismissed = 0;
        for (_, client) in self.crowd.all() {
            let address = self.gate.ban_of_address(client.arrival.address.ip());
            if let Err(refusal) = address.and_then(|()| self.ban_of_hero(&client)) {
                self.dismiss(&client, &refusal);
                dismissed += 1;
            }
        }
        dismissed
    }

    /// Tells a client why it is closed, and closes it.
    fn dismiss(&self, client: &Client, refusal: &Refusal) {
        self.gate.refused.count(refusal);
        client.port.dismiss(&refusal.to_string());
    }

    /// Tells a client why it may not come in.
    pub(crate) async fn turn_away(
        &self,
        stream: impl AsyncRead + AsyncWrite,
        arrival: &Arrival,
        refusal: &Refusal,
    ) {
        let Ok(_permit) = self.turned_away.try_acquire() else {
            return;
        };
        tracing::debug!(address = %arrival.address, why = refusal.word(), "turned away");
        let budget = arrival.budget.clone();
        let port = Port::opening(self.settings.clone(), Opening::Quiet, budget);
        // A fresh outbox has room for a sentence.
        let _ = port.write(format!("{refusal}\n").as_bytes());
        port.close();
        connection::run(stream, &port, &mut Nobody).await;
    }
}

/// A port for a client that came by this way.
fn port(arrival: &Arrival, settings: Current) -> Port {
    let opening = match arrival.way {
        Way::Plain | Way::Tls => settings.load().opening,
        // Behind a page is telnet that waits to be asked.
        Way::Web => Opening::Probe,
    };
    let port = Port::opening(settings, opening, arrival.budget.clone());
    match arrival.way {
        Way::Plain => port.compressing(),
        Way::Tls | Way::Web => port,
    }
}

/// The node's end of a connection.
struct Sink(Arc<Port>);

impl PortSink for Sink {
    fn write(&self, bytes: &[u8]) {
        // An overflow drops the client, and its task logs it: `Port::write`.
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

/// The connection's way into the node.
struct Session<'a> {
    hall: &'a Hall,
    port: u64,
    place: Place,
    /// A line has been handed over: it may have said who plays.
    lines: Arc<Notify>,
}

impl<'a> Session<'a> {
    fn new(hall: &'a Hall, port: u64, client: Client) -> Session<'a> {
        hall.heroes.tell(client.process, client.fell.clone());
        Session {
            hall,
            port,
            place: hall.crowd.enter(port, client),
            lines: Arc::default(),
        }
    }

    fn owner(&self) -> Pid {
        self.place.client().process
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        self.hall.heroes.tell_no_more(self.owner());
    }
}

impl Owner for Session<'_> {
    fn on_line(&mut self, line: &[u8]) {
        self.place.hears();
        self.hall.node.port_input(self.port, self.owner(), line);
        self.lines.notify_one();
    }

    fn on_closed(&mut self, reason: &str) {
        self.hall.node.port_closed(self.port, self.owner(), reason);
    }

    fn on_refused(&mut self, refusal: &Refusal) {
        self.hall.gate.refused.count(refusal);
    }
}

/// For clients that have no process.
struct Nobody;

impl Owner for Nobody {
    fn on_line(&mut self, _line: &[u8]) {}

    fn on_closed(&mut self, _reason: &str) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::port::Output;
    use crate::settings::Settings;
    use crate::wire::endpoint::Event;
    use crate::wire::option::COMPRESS2;
    use crate::wire::telnet::{Verb, negotiation};

    #[tokio::test]
    async fn only_a_plain_socket_is_offered_compression() {
        for (way, verb) in [
            (Way::Plain, Verb::Will),
            (Way::Tls, Verb::Wont),
            (Way::Web, Verb::Wont),
        ] {
            let settings = Settings::default().current();
            let arrival = Arrival {
                address: ([127, 0, 0, 1], 0).into(),
                way,
                budget: Arc::new(Budget::new(settings.clone())),
            };
            let port = port(&arrival, settings);
            let asks = Event::Negotiation {
                verb: Verb::Do,
                option: COMPRESS2,
            };
            port.hear(&asks, 3);
            let Output::Bytes(answers) = port.output().await else {
                panic!("{way:?} is not answered");
            };
            let verbs = [Verb::Will, Verb::Wont].map(|verb| negotiation(verb, COMPRESS2));
            let is_said = |word: &&[u8]| verbs.iter().any(|verb| verb == word);
            let said: Vec<&[u8]> = answers.windows(3).filter(is_said).collect();
            assert_eq!(said, [negotiation(verb, COMPRESS2)], "{way:?}");
        }
    }
}
