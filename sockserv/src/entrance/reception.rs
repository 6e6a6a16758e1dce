//! The common path behind all entrances: an admitted client gets a session, and a refused one is told the reason.
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

/// The state that all entrances share.
pub(crate) struct Reception {
    pub(crate) gate: Arc<Gate>,
    pub(crate) sessions: Sessions,
    pub(crate) settings: Current,
    pub(crate) shares: Shares,
    /// Permits for refused clients that are being told the reason.
    pub(crate) turned_away: Semaphore,
    /// Permits for proxies that have not sent their header yet.
    arriving: Semaphore,
}

impl Reception {
    /// The reception of a node.
    pub(crate) fn new(node: Node, settings: Current) -> Reception {
        let shares = Shares::of_this_process();
        let avatars = Arc::new(Avatars::default());
        if !node.tell_kin(avatars.clone()) {
            tracing::error!("another door counts the avatars of this node: this door counts none");
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

    /// A client that has come from this address.
    pub(crate) fn arrival(&self, address: SocketAddr, transport: Transport) -> Arrival {
        Arrival {
            address,
            transport,
            budget: Arc::new(Budget::new(self.settings.clone())),
        }
    }

    /// Whether the address belongs to a trusted proxy.
    pub(crate) fn is_proxy(&self, address: SocketAddr) -> bool {
        self.settings.load().is_proxy(address.ip())
    }

    /// The true address of the client behind a connection. `None` when a proxy does not send it; the proxy is then told so.
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
                seldom!(warn, proxy = %peer, why = %refusal, "refused a client behind a proxy");
                self.gate.refused.count(&refusal);
                self.turn_away(stream, &self.arrival(peer, transport), &refusal)
                    .await;
                None
            }
        }
    }

    /// Decides whether a client from this address is admitted.
    pub(crate) fn enter(&self, from: SocketAddr) -> Result<Pass, Refusal> {
        let settings = self.settings.load();
        self.gate.enter(from.ip(), &settings.limits, &settings.noun)
    }

    /// Serves an admitted client until it leaves, or tells a refused one the reason.
    pub(crate) async fn receive(
        &self,
        stream: impl AsyncRead + AsyncWrite,
        arrival: Arrival,
        entered: Result<Pass, Refusal>,
    ) {
        let ending = EndingCell::default();
        let _pass = self.receive_telling(stream, arrival, entered, ending).await;
    }

    /// Like [`Reception::receive`], and reports the reason for the end to `ending`. Returns the pass, because an entrance that
    /// tells its client the reason counts the client until the client has read it.
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

    /// Tells a client the reason for its refusal, if a permit is free.
    pub(crate) async fn turn_away(
        &self,
        stream: impl AsyncRead + AsyncWrite,
        arrival: &Arrival,
        refusal: &Refusal,
    ) {
        let Ok(_permit) = self.turned_away.try_acquire() else {
            return;
        };
        tracing::debug!(address = %arrival.address, why = refusal.word(), "refused a client");
        let budget = arrival.budget.clone();
        let port = Port::opening(self.settings.clone(), Opening::Quiet, budget);
        // An empty outbox has room for a sentence.
        let _ = port.write(format!("{refusal}\n").as_bytes());
        port.close();
        connection::run(stream, &port, &mut Nobody).await;
    }
}

/// The owner of a connection without a process.
struct Nobody;

impl Owner for Nobody {
    fn on_line(&mut self, _line: &[u8]) {}

    fn on_closed(&mut self, _reason: &str) {}
}
