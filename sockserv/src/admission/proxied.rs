//! Clients behind a proxy: their true address, from the header of the PROXY protocol (versions 1 and 2,
//! <https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>).
//!
//! ```text
//!   a proxy of ours (`Settings::proxies`) ─► its header, in time ─┬► of a client: the client's address counts everywhere
//!                                                                 ├► LOCAL, UNKNOWN: the proxy itself, a health check
//!                                                                 └► none: a sentence
//!   any other client ─► a header is refused (`foreign`)
//! ```
//! A proxy always sends the header, and other clients never do. Guessing would let everybody in the proxy's network claim
//! any address. A proxy without headers would bring all its clients under one address, which limits and bans then hit.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use proxy_header::{Error, ParseConfig, Protocol, ProxyHeader};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::admission::refused::Refusal;

/// The time limit for the header of a proxy, which sends it before anything else.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest header, in bytes: 232 hold all addresses (version 2); the rest is for further facts from a proxy, at most
/// about a certificate.
const HEADER_MAX: usize = 2 * 1024;

/// The first bytes of a header of version 1, and of version 2.
const TEXT: &[u8] = b"PROXY ";
const BINARY: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// The reason why the client behind a proxy is unknown.
#[derive(Debug)]
pub(crate) enum Unknown {
    /// The proxy has closed the connection; often that is a health check.
    Gone,
    /// The proxy has sent no valid header.
    Refused(Refusal),
}

/// Reads exactly the header of a proxy; `None` when the proxy speaks for itself.
pub(crate) async fn read(stream: &mut TcpStream) -> Result<Option<SocketAddr>, Unknown> {
    let refused = |why| Unknown::Refused(Refusal::Unnamed(why));
    match timeout(HEADER_TIMEOUT, header(stream)).await {
        Ok(Ok(Ok(from))) => Ok(from),
        Ok(Ok(Err(why))) => Err(refused(why)),
        Ok(Err(_)) => Err(Unknown::Gone),
        Err(_) => Err(refused("no header of the PROXY protocol came in time")),
    }
}

/// Reads the header. Takes bytes from the stream only when they certainly belong to the header.
async fn header(stream: &mut TcpStream) -> io::Result<Result<Option<SocketAddr>, &'static str>> {
    let mut known = BytesMut::new();
    loop {
        let mut ahead = [0; HEADER_MAX];
        let len = stream.peek(&mut ahead[known.len()..]).await?;
        if len == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let before = known.len();
        ahead[..before].copy_from_slice(&known);
        let seen = &ahead[..before + len];
        let read = parse(seen);
        let taken = match &read {
            Ok((_, length)) => length - before,
            Err(Some(_)) => 0,
            Err(None) => len,
        };
        known.extend_from_slice(&seen[before..before + taken]);
        stream.read_exact(&mut ahead[..taken]).await?;
        match read {
            Ok((from, _)) => return Ok(Ok(from)),
            Err(Some(why)) => return Ok(Err(why)),
            Err(None) => (),
        }
    }
}

/// The address in a header, and the header's length; an error without a text when the header is not complete yet.
fn parse(bytes: &[u8]) -> Result<(Option<SocketAddr>, usize), Option<&'static str>> {
    let begins = |magic: &[u8]| bytes.iter().zip(magic).all(|(one, other)| one == other);
    if !begins(TEXT) && !begins(BINARY) {
        return Err(Some("it sends no header of the PROXY protocol"));
    }
    let length = length(bytes);
    if length.is_some_and(|length| length > HEADER_MAX) {
        return Err(Some("its header of the PROXY protocol is too long"));
    }
    let is_whole = length.is_some_and(|length| bytes.len() >= length);
    match ProxyHeader::parse(bytes, ParseConfig::default()) {
        Ok((header, length)) => match header.proxied_address() {
            None => Ok((None, length)),
            Some(address) if address.protocol == Protocol::Stream => {
                Ok((Some(address.source), length))
            }
            Some(_) => Err(Some("its header of the PROXY protocol is of no stream")),
        },
        Err(Error::BufferTooShort) if bytes.len() < HEADER_MAX && !is_whole => Err(None),
        Err(_) => Err(Some("its header of the PROXY protocol cannot be read")),
    }
}

/// The length of the header that begins with these bytes, when they contain it already.
fn length(bytes: &[u8]) -> Option<usize> {
    if bytes.starts_with(TEXT) {
        return bytes
            .iter()
            .position(|byte| *byte == b'\n')
            .map(|end| end + 1);
    }
    let length = bytes.get(BINARY.len() + 2..BINARY.len() + 4)?;
    Some(BINARY.len() + 4 + usize::from(u16::from_be_bytes(length.try_into().ok()?)))
}

/// Whether a line is a header of version 1.
pub(crate) fn is_text(line: &[u8]) -> bool {
    [&b"TCP4 "[..], b"TCP6 ", b"UNKNOWN"].iter().any(|kind| {
        line.strip_prefix(TEXT)
            .is_some_and(|rest| rest.starts_with(kind))
    })
}

/// The comparison of a client's first bytes, in any pieces, with the beginning of a header of version 2.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Binary {
    /// The number of equal bytes; larger than the beginning's length after a different byte.
    matched: usize,
}

impl Binary {
    /// Compares more bytes; `true` when they complete the beginning of a header.
    pub(crate) fn is_header(&mut self, bytes: &[u8]) -> bool {
        let rest = BINARY.get(self.matched..).unwrap_or_default();
        let len = rest.len().min(bytes.len());
        self.matched = match rest[..len] == bytes[..len] {
            true if len > 0 => self.matched + len,
            _ => BINARY.len() + 1,
        };
        self.matched == BINARY.len()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let head = [command, family];
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&BINARY[..], &head, &length, rest].concat()
    }

    /// The client in the header, and the bytes behind the header.
    async fn read_of(pieces: &[&[u8]]) -> (Result<Option<SocketAddr>, Unknown>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (client, accepted) = tokio::join!(client, listener.accept());
        let (mut client, mut stream) = (client.unwrap(), accepted.unwrap().0);
        client.set_nodelay(true).unwrap();
        let writes = async {
            for piece in pieces {
                client.write_all(piece).await.unwrap();
                // Pieces mostly arrive one by one; the answer is the same if they do not.
                tokio::task::yield_now().await;
            }
            client.shutdown().await.unwrap();
        };
        let (from, ()) = tokio::join!(read(&mut stream), writes);
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        (from, rest)
    }

    #[tokio::test]
    async fn a_header_is_read_and_nothing_behind_it() {
        let text = b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 8082\r\nAnn\n";
        let v4 = [192, 0, 2, 7, 10, 0, 0, 1, 0x12, 0x67, 0x1f, 0x92];
        // The last three bytes are a TLV: `NOOP`, with a length of 0.
        let with_more = [&v4[..], &[4, 0, 0]].concat();
        let tcp4 = [binary(0x21, 0x11, &with_more), b"Ann\n".to_vec()].concat();
        for whole in [&text[..], &tcp4] {
            let bytes: Vec<&[u8]> = whole.chunks(1).collect();
            for pieces in [vec![whole], bytes] {
                let (from, rest) = read_of(&pieces).await;
                assert_eq!(from.unwrap(), Some("192.0.2.7:4711".parse().unwrap()));
                assert_eq!(rest, b"Ann\n");
            }
        }
        let (from, _) = read_of(&[b"PROXY TCP6 2001:db8::1 ::1 1 2\r\n"]).await;
        assert_eq!(from.unwrap(), Some("[2001:db8::1]:1".parse().unwrap()));
    }

    #[tokio::test]
    async fn a_proxy_that_checks_the_node_speaks_for_itself() {
        for header in [
            &b"PROXY UNKNOWN\r\n"[..],
            b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n",
            &binary(0x20, 0, &[]),
            &binary(0x20, 0x11, &[0; 12]),
            &binary(0x21, 0, &[]),
        ] {
            let (from, rest) = read_of(&[header, b"rest"]).await;
            assert!(matches!(from, Ok(None)), "{header:?}: {from:?}");
            assert_eq!(rest, b"rest");
        }
        let (from, _) = read_of(&[]).await;
        assert!(matches!(from, Err(Unknown::Gone)), "{from:?}");
    }

    #[tokio::test]
    async fn what_is_no_header_is_refused_as_soon_as_that_is_seen() {
        let long = [&b"PROXY TCP4 "[..], &[b'1'; 200]].concat();
        for (odd, why) in [
            (&b"Ann\n"[..], "sends no header"),
            (b"\r\n\r\nAnn", "sends no header"),
            (b"PROXY TCP5 192.0.2.7 10.0.0.1 1 2\r\n", "cannot be read"),
            (b"PROXY TCP4 192.0.2.7 10.0.0.1 1\r\n", "cannot be read"),
            (b"PROXY TCP4 ::1 ::1 1 2\r\n", "cannot be read"),
            (&long, "cannot be read"),
            (&binary(0x31, 0x11, &[0; 12]), "cannot be read"),
            (&binary(0x21, 0x11, &[0; 11]), "cannot be read"),
            (&binary(0x21, 0x12, &[0; 12]), "no stream"),
            (&binary(0x21, 0x11, &[0; 3_000]), "too long"),
        ] {
            let (from, _) = read_of(&[odd]).await;
            let Err(Unknown::Refused(refusal)) = from else {
                panic!("{odd:?}: {from:?}");
            };
            assert!(refusal.to_string().contains(why), "{odd:?}: {refusal}");
        }
    }

    #[test]
    fn a_header_is_known_in_any_pieces_and_a_player_is_not_taken_for_one() {
        let whole = binary(0x21, 0x11, &[0; 12]);
        for cut in 1..BINARY.len() {
            let mut binary = Binary::default();
            assert!(!binary.is_header(&whole[..cut]), "{cut}");
            assert!(binary.is_header(&whole[cut..]), "{cut}");
            assert!(!binary.is_header(&whole), "{cut}");
        }
        let mut player = Binary::default();
        assert!(!player.is_header(b"\r\nAnn\r\n") && !player.is_header(BINARY));
        assert!(is_text(b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2") && is_text(b"PROXY UNKNOWN"));
        assert!(!is_text(b"PROXY") && !is_text(b"PROXY war") && !is_text(b"proxy TCP4 x"));
    }
}
