//! Behind every entrance: a client that may come in gets a session, and one that may not is told why.
//!
//! ```text
//!   arrival ─► the client's true address ─► gate ─┬► a session
//!                                                 └► a sentence
//! ```

use std::net::SocketAddr;
use std::sync::Arc;

use pq_otp::Node;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::admission::arrival::{Arrival, Transport};
use crate::admission::avatars::Avatars;
use crate::admission::budget::Budget;
use crate::admission::gate::{Gate, Pass};
use crate::admission::proxied::{self, Unknown};
use crate::admission::refused::Refusal;
use crate::admission::seldom::seldom;
use crate::admission::shares::Shares;
use crate::session::connection::{self, Owner};
use crate::session::ending::EndingCell;
use crate::session::port::Port;
use crate::session::sessions::Sessions;
use crate::settings::{Current, Opening};

/// What every entrance needs.
pub(crate) struct Reception {
    pub(crate) gate: Arc<Gate>,
    pub(crate) sessions: Sessions,
    pub(crate) settings: Current,
    pub(crate) shares: Shares,
    /// Permits for clients that are told why they may not come in.
    pub(crate) turned_away: Semaphore,
    /// Permits for proxies that have not said yet for whom they speak.
    arriving: Semaphore,
}

impl Reception {
    /// The reception of a node.
    pub(crate) fn new(node: Node, settings: Current) -> Reception {
        let shares = Shares::of_this_process();
        let avatars = Arc::new(Avatars::default());
        if !node.tell_kin(avatars.clone()) {
            tracing::error!("another door counts the avatars of this node: here none is counted");
        }
        let gate = Arc::new(Gate::new(avatars));
        Reception {
            sessions: Sessions::new(node, gate.clone(), settings.clone()),
            gate,
            settings,
            shares,
            turned_away: Semaphore::new(shares.turned_away),
            arriving: Semaphore::new(shares.arriving),
        }
    }

    /// A client that has come from there.
    pub(crate) fn arrival(&self, address: SocketAddr, transport: Transport) -> Arrival {
        Arrival {
            address,
            transport,
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
        transport: Transport,
    ) -> Option<SocketAddr> {
        if !self.is_proxy(peer) {
            return Some(peer);
        }
        let _permit = self.arriving.try_acquire().ok()?;
        match Box::pin(proxied::read(stream)).await {
            Ok(from) => Some(from.unwrap_or(peer)),
            Err(Unknown::Gone) => None,
            Err(Unknown::Refused(refusal)) => {
                seldom!(warn, proxy = %peer, why = %refusal, "a proxy's client is turned away");
                self.gate.refused.count(&refusal);
                self.turn_away(stream, &self.arrival(peer, transport), &refusal)
                    .await;
                None
            }
        }
    }

    /// Whether a client from there may come in.
    pub(crate) fn enter(&self, from: SocketAddr) -> Result<Pass, Refusal> {
        let settings = self.settings.load();
        self.gate.enter(from.ip(), &settings.limits, &settings.noun)
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

    /// The same, and tells why the connection ends. Returns the pass: a client that has been told something is in until it
    /// has read that.
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
        } else if let Err(stream) = self.sessions.serve(stream, &arrival, &ending).await {
            ending.refuse(&Refusal::NoProcess);
            self.gate.refused.count(&Refusal::NoProcess);
            self.turn_away(stream, &arrival, &Refusal::NoProcess).await;
        }
        entered.ok()
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

/// For clients that have no process.
struct Nobody;

impl Owner for Nobody {
    fn on_line(&mut self, _line: &[u8]) {}

    fn on_closed(&mut self, _reason: &str) {}
}
