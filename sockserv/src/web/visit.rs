//! Visits: connections that load the page, until they play.
//!
//! A visit is short and of a bounded number, whatever its client does: it is over at a deadline, in the middle of a
//! request too. One that has become a WebSocket is none any more; from then on the door's own limits hold.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Sleep, sleep};

use crate::socket::prepare;

/// How long a visit lasts at most. The page is some 140 KiB: at 10 KiB/s, a bad mobile line, 14 s. A browser that is
/// done early keeps the connection, and makes a new one when it finds that closed.
const VISIT: Duration = Duration::from_secs(30);

/// How many visits there are at once. A browser makes six connections, and a workshop of a hundred opens the page in the
/// same minute.
const VISITS_MAX: usize = 1_024;

/// Where visits arrive.
pub(super) struct Visits {
    address: SocketAddr,
    arrivals: mpsc::Receiver<(Visit, SocketAddr)>,
}

impl Visits {
    /// Visits to a page at this address, and what takes a connection to them.
    pub(super) fn new(address: SocketAddr) -> (Visits, impl Fn(TcpStream, SocketAddr)) {
        let (sender, arrivals) = mpsc::channel(VISITS_MAX);
        let places = Arc::new(Semaphore::new(VISITS_MAX));
        let admit = move |stream: TcpStream, from: SocketAddr| {
            let place = places.clone().try_acquire_owned();
            match (place, prepare(&stream)) {
                // The queue has room for as many as there are places.
                (Ok(place), Ok(())) => drop(sender.try_send((Visit::new(stream, place), from))),
                (Err(_), _) => tracing::debug!(%from, "too many load the page: closed"),
                (_, Err(error)) => tracing::debug!(%from, %error, "client gone before it asked"),
            }
        };
        (Visits { address, arrivals }, admit)
    }
}

impl Listener for Visits {
    type Io = Visit;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Visit, SocketAddr) {
        match self.arrivals.recv().await {
            Some(arrival) => arrival,
            // The door is shut: nobody comes any more.
            None => pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// A connection, and the deadline of its visit.
pub(super) struct Visit {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    place: Arc<Place>,
}

/// A place among the visits, given back when the client plays or goes.
struct Place(Mutex<Option<OwnedSemaphorePermit>>);

impl Place {
    fn is_taken(&self) -> bool {
        self.permit().is_some()
    }

    fn permit(&self) -> std::sync::MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Visit {
    fn new(stream: TcpStream, place: OwnedSemaphorePermit) -> Visit {
        Visit {
            stream,
            end: Box::pin(sleep(VISIT)),
            place: Arc::new(Place(Mutex::new(Some(place)))),
        }
    }

    /// Whether its time is over; the task is woken when it will be.
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.place.is_taken() && self.end.as_mut().poll(cx).is_ready() {
            true => Err(io::ErrorKind::TimedOut.into()),
            false => Ok(()),
        }
    }
}

impl AsyncRead for Visit {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Visit {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Whose visit it is.
#[derive(Clone)]
pub(super) struct Visitor {
    pub(super) address: SocketAddr,
    place: Arc<Place>,
}

impl Visitor {
    /// It plays: the visit is over, the connection is not.
    pub(super) fn stays(&self) {
        *self.place.permit() = None;
    }
}

impl Connected<IncomingStream<'_, Visits>> for Visitor {
    fn connect_info(stream: IncomingStream<'_, Visits>) -> Visitor {
        Visitor {
            address: *stream.remote_addr(),
            place: stream.io().place.clone(),
        }
    }
}
