//! A connection to where somebody wants to play: a name has several addresses, and not all of them answer.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

use super::PlayError;
use super::address::Address;

/// How long all of it may take: as long as people look at a terminal that says nothing. Debian's resolver gives up a
/// server of names after five seconds and asks the next.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connects to the first of the addresses that answers.
pub(super) async fn connect(address: &Address) -> Result<TcpStream, PlayError> {
    let until = Instant::now() + PATIENCE;
    let found = timeout_at(until, lookup_host((address.host.as_str(), address.port))).await;
    let found = found
        .unwrap_or_else(|_| Err(late()))
        .map_err(|error| PlayError::Find(address.clone(), error))?;
    let stream = first(&found.collect::<Vec<_>>(), until).await;
    stream.map_err(|error| PlayError::Connect(address.clone(), error))
}

/// Each address gets its share of the time that is left. What the last of them said is the reason.
async fn first(addresses: &[SocketAddr], until: Instant) -> io::Result<TcpStream> {
    let mut refusal = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for (tried, address) in addresses.iter().enumerate() {
        let left = until.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        match timeout_at(Instant::now() + share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // A line is to leave when it was typed; where that cannot be had, it leaves a little later.
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
