//! Visits: connections that load the page, until they become clients that play.
//!
//! ```text
//!   arrival ─► gate ─► a slot ─► a request, whole in time ─► its answer ─► the next request, or the end
//!                └──────┴─► a sentence                └► a WebSocket: the visit ends, the client plays
//! ```
//! Visits are short and their number is bounded: a request that is not complete in time ends the visit, and so does a
//! deadline for the whole visit. When all slots are taken, the newest arrival gets the slot of the oldest visit without a
//! complete request, so half requests keep no visitor out.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use super::forwarded;
use crate::admission::budget::{Budget, Work};
use crate::admission::metered::{Metered, writes_to_stream};
use crate::admission::refused::Refusal;
use crate::admission::seldom::seldom;
use crate::entrance::reception::Reception;
use crate::entrance::socket::prepare;
use crate::session::connection::linger;

/// The maximum duration of a visit. The page has about 140 KiB: at 10 KiB/s, a bad mobile line, it takes 14 s. A browser
/// that is done early keeps the connection, and makes a new one when it finds the old one closed.
const VISIT: Duration = Duration::from_secs(30);

/// The time limit for the head of a request; for the first one, from the beginning of the connection. A browser sends the
/// head in one piece.
const REQUEST: Duration = Duration::from_secs(5);

/// The maximum length of a request's head, in bytes. Browsers send less than 1 KiB, and proxies add a little.
const REQUEST_MAX: usize = 16 * 1024;

/// The time limit for a client to read the reason for its refusal.
const FAREWELL: Duration = Duration::from_secs(5);

/// The state that all visits share.
pub(super) struct Visits {
    reception: Arc<Reception>,
    router: Router,
    slots: Arc<Slots>,
    shut: watch::Receiver<bool>,
}

impl Visits {
    /// The state for visits to this page.
    pub(super) fn new(
        reception: Arc<Reception>,
        router: Router,
        shut: watch::Receiver<bool>,
    ) -> Visits {
        let slots = Arc::new(Slots::new(reception.shares.visits));
        Visits {
            reception,
            router,
            slots,
            shut,
        }
    }

    /// Serves one connection until its visit ends.
    pub(super) async fn admit(&self, stream: TcpStream, peer: SocketAddr) {
        if let Err(error) = prepare(&stream) {
            return tracing::debug!(%peer, %error, "client gone before its request");
        }
        let is_proxy = self.reception.is_proxy(peer);
        let limits = &self.reception.settings.load_full().limits;
        // A visitor behind a proxy is judged at its request, which contains its address.
        let judged = (!is_proxy).then(|| self.reception.gate.visit(peer.ip(), limits));
        let slot = judged.transpose().and_then(|pass| {
            let slot = self.slots.take().ok_or(Refusal::PageFull);
            let slot = slot.inspect_err(|full| self.reception.gate.refused.count(full))?;
            Ok((pass, slot))
        });
        match slot {
            Ok((_pass, slot)) => self.serve(stream, peer, slot).await,
            Err(refusal) => self.turn_away(stream, &refusal).await,
        }
    }

    async fn serve(&self, stream: TcpStream, peer: SocketAddr, taken: Taken) {
        let slot = taken.slot.clone();
        let budget = Arc::new(Budget::new(self.reception.settings.clone()));
        let visit = Visit {
            stream: Metered::new(stream, budget.clone()),
            slot: slot.clone(),
        };
        let visitor = Visitor {
            peer,
            reception: self.reception.clone(),
            slot: slot.clone(),
            budget,
        };
        let service = TowerToHyperService::new(self.router.clone().layer(Extension(visitor)));
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(REQUEST)
            .max_buf_size(REQUEST_MAX);
        let serving = http
            .serve_connection(TokioIo::new(visit), service)
            .with_upgrades();
        let mut serving = pin!(serving);
        let (mut over, mut shut) = (pin!(sleep(VISIT)), self.shut.clone());
        let mut is_shut = pin!(shut.wait_for(|shut| *shut));
        let mut is_open = true;
        loop {
            tokio::select! {
                served = serving.as_mut() => {
                    return self.note(served, &slot);
                }
                () = slot.is_given_away() => return self.dismiss(&slot, Refusal::PageFull),
                () = over.as_mut() => return,
                _ = is_shut.as_mut(), if is_open => {
                    is_open = false;
                    serving.as_mut().graceful_shutdown();
                }
            }
        }
    }

    /// Handles the end of a connection: only a client that has begun a request is told that it took too long.
    fn note(&self, served: hyper::Result<()>, slot: &Slot) {
        match served {
            Err(error) if error.is_timeout() && slot.has_begun() => {
                self.dismiss(slot, Refusal::Request(REQUEST));
            }
            Err(error) => tracing::debug!(%error, "a visit has ended"),
            Ok(()) => (),
        }
    }

    /// Ends a visit with a refusal, which the connection sends when it is dropped, directly after this.
    fn dismiss(&self, slot: &Slot, refusal: Refusal) {
        self.reception.gate.refused.count(&refusal);
        slot.state.lock().last_words = Some(response(&refusal));
    }

    /// Tells a client why it does not get the page.
    async fn turn_away(&self, mut stream: TcpStream, refusal: &Refusal) {
        let Ok(_permit) = self.reception.turned_away.try_acquire() else {
            return;
        };
        let told = async {
            stream.write_all(response(refusal).as_bytes()).await?;
            stream.shutdown().await?;
            linger(&mut stream).await;
            io::Result::Ok(())
        };
        // A client that does not read the reason in time, or has gone, is ignored.
        let _ = timeout(FAREWELL, told).await;
    }
}

/// The slots of all visits.
struct Slots {
    max: usize,
    next: AtomicU64,
    taken: Mutex<HashMap<u64, Arc<Slot>>>,
}

impl Slots {
    fn new(max: usize) -> Slots {
        Slots {
            max,
            next: AtomicU64::new(0),
            taken: Mutex::default(),
        }
    }

    /// Takes a free slot, or the slot of the oldest visit without a request; `None` when all visits have sent a request.
    fn take(self: &Arc<Slots>) -> Option<Taken> {
        let mut taken = self.taken.lock();
        if taken.len() >= self.max {
            let idle = taken.iter().filter(|(_, slot)| !slot.has_asked());
            let (id, slot) = idle.min_by_key(|(id, _)| **id)?;
            let id = *id;
            slot.given_away.notify_one();
            taken.remove(&id);
        }
        let (id, slot) = (self.next.fetch_add(1, Ordering::Relaxed), Arc::default());
        taken.insert(id, Arc::clone(&slot));
        Some(Taken {
            slots: self.clone(),
            id,
            slot,
        })
    }
}

/// A taken slot; dropping it frees the slot.
struct Taken {
    slots: Arc<Slots>,
    id: u64,
    slot: Arc<Slot>,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.slots.taken.lock().remove(&self.id);
    }
}

/// The state of one visit in its slot.
#[derive(Default)]
struct Slot {
    /// Notified when another visit gets the slot.
    given_away: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The client has sent at least one byte.
    has_begun: bool,
    /// The client has sent a complete request.
    has_asked: bool,
    /// The response that is sent at the end, outside of an answer.
    last_words: Option<String>,
}

impl Slot {
    async fn is_given_away(&self) {
        self.given_away.notified().await;
    }

    fn has_begun(&self) -> bool {
        self.state.lock().has_begun
    }

    fn has_asked(&self) -> bool {
        self.state.lock().has_asked
    }
}

/// The connection of a visit.
struct Visit {
    stream: Metered<TcpStream>,
    slot: Arc<Slot>,
}

impl Drop for Visit {
    fn drop(&mut self) {
        if let Some(words) = self.slot.state.lock().last_words.take() {
            // The kernel has room for a sentence, or else the client reads nothing.
            let _ = self.stream.get_ref().try_write(words.as_bytes());
        }
    }
}

impl AsyncRead for Visit {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.slot.state.lock().has_begun = true;
        }
        read
    }
}

impl AsyncWrite for Visit {
    writes_to_stream!();
}

/// The visitor who sends the requests of one connection: a browser, or a proxy.
#[derive(Clone)]
pub(super) struct Visitor {
    peer: SocketAddr,
    reception: Arc<Reception>,
    slot: Arc<Slot>,
    budget: Arc<Budget>,
}

impl Visitor {
    /// Decides about a request with these headers, and returns the client's address: `None` when a proxy asks for itself.
    pub(super) async fn ask(&self, headers: &HeaderMap) -> Result<Option<SocketAddr>, Refusal> {
        self.slot.state.lock().has_asked = true;
        let settings = self.reception.settings.load_full();
        let is_proxy = settings.is_proxy(self.peer.ip());
        // A proxy speaks for many clients, and each of them is judged separately.
        self.budget.waive(is_proxy);
        self.budget.wait(Work::Line(0)).await;
        // Other tasks get a turn before each answer, which may have 512 KiB.
        yield_now().await;
        let from = forwarded::origin(headers, |address| settings.is_proxy(address));
        let judged = match from {
            Ok(None) if is_proxy => return Ok(None),
            Ok(None) => return Ok(Some(self.peer)),
            _ if !is_proxy => Err(Refusal::NoProxy),
            Err(why) => Err(Refusal::Unnamed(why)),
            Ok(Some(from)) => {
                self.reception.gate.ask(from.ip(), &settings.limits)?;
                return Ok(Some(from));
            }
        };
        judged.inspect_err(|refusal| self.refuse(refusal))
    }

    /// Counts a refusal that a proxy's headers have caused, and logs it: the operator may have forgotten to name a proxy.
    pub(super) fn refuse(&self, refusal: &Refusal) {
        seldom!(warn, from = %self.peer, why = %refusal, "a request is refused");
        self.reception.gate.refused.count(refusal);
    }

    /// Ends the visit because its client plays: the budget of the connection becomes the budget of the client.
    pub(super) fn plays(&self) -> Arc<Budget> {
        self.budget.waive(false);
        self.budget.clone()
    }
}

/// The HTTP status of a refusal.
fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Address { .. } | Refusal::NoProxy => StatusCode::FORBIDDEN,
        Refusal::Unnamed(_) => StatusCode::BAD_REQUEST,
        Refusal::Request(_) => StatusCode::REQUEST_TIMEOUT,
        Refusal::PageFull => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::TOO_MANY_REQUESTS,
    }
}

/// The answer to a request that is refused.
pub(super) fn answer(refusal: &Refusal) -> Response {
    (status(refusal), format!("{refusal}\n")).into_response()
}

/// The text of a response for a refusal outside of a request.
fn response(refusal: &Refusal) -> String {
    let (status, text) = (status(refusal), format!("{refusal}\n"));
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\r\n{text}",
        text.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_given_to_whoever_comes_by_who_has_waited_longest_without_asking() {
        let slots = Arc::new(Slots::new(3));
        let take = || slots.take().unwrap();
        let [first, second, third] = [take(), take(), take()];
        first.slot.state.lock().has_asked = true;
        let fourth = take();
        let is_given_away = |taken: &Taken| !slots.taken.lock().contains_key(&taken.id);
        assert!(is_given_away(&second) && !is_given_away(&first) && !is_given_away(&third));
        for asked in [&third, &fourth] {
            asked.slot.state.lock().has_asked = true;
        }
        assert!(slots.take().is_none());
        drop([second, third]);
        assert_eq!(slots.taken.lock().len(), 2);
        take();
    }

    #[test]
    fn a_refusal_is_an_answer_of_http() {
        let told = response(&Refusal::PerAddress(48));
        assert!(
            told.starts_with("HTTP/1.1 429 Too Many Requests\r\n"),
            "{told}"
        );
        assert!(
            told.ends_with("\r\n\r\nToo many connections come from your address: at most 48.\n")
        );
        assert!(told.contains("content-length: 57\r\n"), "{told}");
    }
}
