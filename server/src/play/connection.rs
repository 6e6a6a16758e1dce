//! The connection to a node: a name may have several addresses, and some of them may not answer.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

use super::PlayError;
use super::address::Address;

/// The limit for the lookup and all addresses together: people do not wait longer. Debian's resolver waits for 5 s
/// for a name server before it asks the next one.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connects to the first address that answers.
pub(super) async fn connect(address: &Address) -> Result<TcpStream, PlayError> {
    let until = Instant::now() + PATIENCE;
    let found = timeout_at(until, lookup_host((address.host.as_str(), address.port))).await;
    let found = found
        .unwrap_or_else(|_| Err(late()))
        .map_err(|error| PlayError::Find(address.clone(), error))?;
    let stream = first(&found.collect::<Vec<_>>(), until).await;
    stream.map_err(|error| PlayError::Connect(address.clone(), error))
}

/// Each address gets its share of the remaining time. The error is that of the last address.
async fn first(addresses: &[SocketAddr], until: Instant) -> io::Result<TcpStream> {
    let mut refusal = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for (tried, address) in addresses.iter().enumerate() {
        let left = until.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        match timeout_at(Instant::now() + share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Nagle's algorithm would delay lines. If the option cannot be set, lines are only slightly later.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => refusal = error,
            Err(_) => refusal = late(),
        }
    }
    Err(refusal)
}

fn late() -> io::Error {
    let seconds = PATIENCE.as_secs();
    io::Error::new(ErrorKind::TimedOut, format!("no answer in {seconds} s"))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn every_address_is_tried_until_one_answers() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap();
        let closed = {
            let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
            taken.local_addr().unwrap()
        };
        let until = Instant::now() + PATIENCE;
        let stream = first(&[closed, open], until).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open);
        let refused = first(&[closed], until).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        let nowhere = first(&[], until).await.unwrap_err();
        assert_eq!(nowhere.kind(), ErrorKind::NotFound);
    }
}
