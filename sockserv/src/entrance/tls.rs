//! The entrance for telnet inside TLS.
//!
//! ```text
//!   accept ─► first byte ─┬► a handshake ─► TLS ─► reception
//!                         └► anything else, or nothing ─► a sentence in plain text
//! ```
//! Certificate and key are read again when their files change, for new clients. An unusable pair leaves the previous one in
//! force. Existing connections keep their keys.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::time_provider::TimeProvider;
use tokio_rustls::rustls::{self, ServerConfig};

use crate::admission::arrival::Transport;
use crate::admission::proxied::{Binary, is_text};
use crate::admission::refused::Refusal;
use crate::entrance::reception::Reception;
use crate::entrance::socket::prepare;
use crate::session::foreign::TLS_HANDSHAKE;

/// The time limit for a client's first byte, and again for its handshake. Three round trips over a bad mobile line take
/// less.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The minimum time between two checks of the files. Checks for every client would cost two system calls each.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The maximum number of refused clients that are told so inside TLS at the same time. They hold no place, and a handshake
/// costs more than the sentence: in a flood the others are told nothing.
const TURNED_AWAY_MAX: usize = 64;

/// The reason why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file cannot be read.
    #[error("read {path}: {source}")]
    Read {
        /// The path of the certificate or of the key.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// A file does not contain the expected PEM item.
    #[error("find {what} in {path} (PEM): {why}")]
    Pem {
        /// The expected item, such as `a certificate`.
        what: &'static str,
        /// The path of the certificate or of the key.
        path: PathBuf,
        /// The error of the parser, or that the item is missing.
        why: String,
    },
    /// Certificate and key do not belong together, or their kind is not supported.
    #[error("use the certificate {certfile} with the key {keyfile}: {source}")]
    Pair {
        /// The path of the certificate.
        certfile: PathBuf,
        /// The path of the key.
        keyfile: PathBuf,
        /// The error of rustls.
        source: rustls::Error,
    },
}

/// A certificate with its key, reloaded when the files change.
#[derive(Debug)]
pub struct Keys {
    certfile: PathBuf,
    keyfile: PathBuf,
    now: ArcSwap<CertifiedKey>,
    seen: Mutex<Seen>,
}

/// The state of the files at the last check.
#[derive(Debug)]
struct Seen {
    at: Instant,
    stamps: Stamps,
}

/// Modification time and length of both files; `None` for a file without metadata.
type Stamps = [Option<(SystemTime, u64)>; 2];

impl Keys {
    /// Reads a certificate with its chain (the server's own certificate first), and its key. The names are those of OTP's
    /// `ssl`.
    ///
    /// # Errors
    /// When a file cannot be read, contains no such item, or when the two do not belong together.
    pub fn open(certfile: &Path, keyfile: &Path) -> Result<Keys, KeyError> {
        // The stamps are taken before the files are read, so the next check sees a change in between.
        let stamps = stamps(certfile, keyfile);
        let key = read(certfile, keyfile)?;
        Ok(Keys {
            certfile: certfile.to_path_buf(),
            keyfile: keyfile.to_path_buf(),
            now: ArcSwap::from_pointee(key),
            seen: Mutex::new(Seen {
                at: Instant::now(),
                stamps,
            }),
        })
    }

    /// Reads the files again if they have changed.
    fn refresh(&self) {
        if !self.have_changed() {
            return;
        }
        match read(&self.certfile, &self.keyfile) {
            Ok(key) => {
                self.now.store(Arc::new(key));
                tracing::info!(certfile = %self.certfile.display(), "a new certificate is in force");
            }
            Err(error) => {
                tracing::error!("failed to {error}: the previous certificate stays in force")
            }
        }
    }

    /// Whether the files have changed since the last check.
    fn have_changed(&self) -> bool {
        let mut seen = self.seen.lock();
        if seen.at.elapsed() < LOOK_AGAIN {
            return false;
        }
        let stamps = stamps(&self.certfile, &self.keyfile);
        seen.at = Instant::now();
        std::mem::replace(&mut seen.stamps, stamps) != stamps
    }
}

impl ResolvesServerCert for Keys {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now.load_full())
    }
}

fn stamps(certfile: &Path, keyfile: &Path) -> Stamps {
    [certfile, keyfile].map(|path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

fn read(certfile: &Path, keyfile: &Path) -> Result<CertifiedKey, KeyError> {
    let pem = |what, path: &Path, why: &dyn std::fmt::Display| KeyError::Pem {
        what,
        path: path.to_path_buf(),
        why: why.to_string(),
    };
    let certificates: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(&bytes(certfile)?).collect();
    let certificates = certificates.map_err(|error| pem("a certificate", certfile, &error))?;
    if certificates.is_empty() {
        return Err(pem("a certificate", certfile, &"there is none"));
    }
    let key = PrivateKeyDer::from_pem_slice(&bytes(keyfile)?)
        .map_err(|error| pem("a private key", keyfile, &error))?;
    CertifiedKey::from_der(certificates, key, &provider()).map_err(|source| KeyError::Pair {
        certfile: certfile.to_path_buf(),
        keyfile: keyfile.to_path_buf(),
        source,
    })
}

/// The maximum size of a certificate with its chain, or of a key: 100 times the usual size.
const PEM_BYTES_MAX: u64 = 1 << 20;

fn bytes(path: &Path) -> Result<Vec<u8>, KeyError> {
    pq_files::read(path, PEM_BYTES_MAX).map_err(|source| KeyError::Read {
        path: path.to_path_buf(),
        source,
    })
}

/// The system's clock. Before 1970 it gives no time, so a handshake fails, where the clock of rustls panics.
#[derive(Debug)]
struct Clock;

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.ok().map(UnixTime::since_unix_epoch)
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(default_provider())
}

/// The state that all clients of this entrance share.
pub(crate) struct TlsEntrance {
    acceptor: TlsAcceptor,
    keys: Arc<Keys>,
    turned_away: Semaphore,
}

impl TlsEntrance {
    /// An entrance with these keys.
    pub(crate) fn new(keys: Keys) -> TlsEntrance {
        let keys = Arc::new(keys);
        let config = ServerConfig::builder_with_details(provider(), Arc::new(Clock))
            .with_safe_default_protocol_versions()
            .expect("ring has what TLS 1.2 and 1.3 need")
            .with_no_client_auth()
            .with_cert_resolver(keys.clone());
        TlsEntrance {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            keys,
            turned_away: Semaphore::new(TURNED_AWAY_MAX),
        }
    }

    /// Performs the handshake with one client, and passes the client on to the reception.
    pub(crate) async fn admit(
        &self,
        mut stream: TcpStream,
        peer: SocketAddr,
        reception: &Reception,
    ) {
        let Some(address) = reception.origin(&mut stream, peer, Transport::Tls).await else {
            return;
        };
        let entered = reception.enter(address);
        let turned_away = entered.is_err().then(|| self.turned_away.try_acquire());
        if matches!(turned_away, Some(Err(_))) {
            return;
        }
        if prepare(&stream).is_err() {
            return;
        }
        let arrival = reception.arrival(address, Transport::Tls);
        if let Some(foreign) = foreign(&stream).await {
            reception.gate.refused.count(&foreign);
            return reception.turn_away(stream, &arrival, &foreign).await;
        }
        self.keys.refresh();
        let shaken = self.acceptor.accept(arrival.meter(stream));
        match timeout(HANDSHAKE_TIMEOUT, shaken).await {
            Ok(Ok(stream)) => reception.receive(stream, arrival, entered).await,
            Ok(Err(error)) => tracing::debug!(%address, %error, "the TLS handshake failed"),
            Err(_) => tracing::debug!(%address, "the TLS handshake took too long"),
        }
    }
}

/// The refusal for a client that does not begin a handshake, or that waits for the game to speak first.
async fn foreign(stream: &TcpStream) -> Option<Refusal> {
    let mut first = [0; 16];
    let peeked = timeout(HANDSHAKE_TIMEOUT, stream.peek(&mut first)).await;
    let first = match peeked {
        Ok(Ok(len)) => &first[..len],
        _ => &[],
    };
    match first {
        [TLS_HANDSHAKE, ..] => None,
        _ if is_text(first) || Binary::default().is_header(first) => Some(Refusal::NoProxy),
        _ => Some(Refusal::NotTls),
    }
}

#[cfg(test)]
mod tests;
