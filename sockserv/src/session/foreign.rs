//! Clients of another protocol at a port for telnet: a browser, a program that begins TLS, an unknown proxy. Also crawlers,
//! which ask for the status of the server and do not play.

use crate::admission::proxied::{self, Binary};
use crate::admission::refused::Refusal;
use crate::wire::endpoint::Event;
use crate::wire::mssp;

/// The first byte of a TLS connection: a record with a handshake (RFC 8446, 5.1). Neither a telnet client nor a keyboard
/// sends it first.
pub(crate) const TLS_HANDSHAKE: u8 = 0x16;

/// A client that does not play.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Foreign {
    /// The client speaks another protocol, and gets this refusal.
    Wrong(Refusal),
    /// The client is a crawler that asks for the status ([`mssp::REQUEST`]).
    Crawler,
}

/// The pending checks of one client: its first bytes tell whether it is a player's client.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Stranger {
    /// The first byte has been checked.
    is_heard: bool,
    /// The first line that is not empty has been checked.
    is_known: bool,
    proxy: Binary,
}

impl Stranger {
    /// Checks raw bytes, before they are parsed.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Option<Foreign> {
        let is_first = !std::mem::replace(&mut self.is_heard, true);
        if is_first && bytes.first() == Some(&TLS_HANDSHAKE) {
            return Some(Foreign::Wrong(Refusal::Tls));
        }
        let is_proxy = self.proxy.is_header(bytes);
        is_proxy.then_some(Foreign::Wrong(Refusal::NoProxy))
    }

    /// Checks a parsed event.
    pub(crate) fn event(&mut self, event: &Event) -> Option<Foreign> {
        let Event::Line(line) = event else {
            return None;
        };
        let line = line.trim_ascii();
        if self.is_known || line.is_empty() {
            return None;
        }
        self.is_known = true;
        match () {
            () if is_http(line) => Some(Foreign::Wrong(Refusal::Http)),
            () if proxied::is_text(line) => Some(Foreign::Wrong(Refusal::NoProxy)),
            () if line == mssp::REQUEST.as_bytes() => Some(Foreign::Crawler),
            _ => None,
        }
    }
}

/// Whether a line is a request of HTTP: a method, a target, a version (RFC 9112, 3).
fn is_http(line: &[u8]) -> bool {
    let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let [method, _target, version] = words[..] else {
        return false;
    };
    let is_method = !method.is_empty() && method.iter().all(u8::is_ascii_uppercase);
    is_method && version.starts_with(b"HTTP/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_of_http_is_known_by_its_line() {
        for line in ["GET / HTTP/1.1", "OPTIONS * HTTP/1.0", "PRI * HTTP/2.0"] {
            assert!(is_http(line.as_bytes()), "{line}");
        }
        for line in ["Ann", "", "GET", "GET /", "Get to HTTP/1.1", "GET HTTP/1.1"] {
            assert!(!is_http(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn only_the_beginning_of_a_client_says_that_it_is_foreign() {
        let request = Event::Line(b"GET / HTTP/1.1".to_vec());
        let mut browser = Stranger::default();
        assert_eq!(browser.bytes(b"GE"), None);
        let http = Some(Foreign::Wrong(Refusal::Http));
        assert_eq!(browser.event(&request), http);
        let mut player = Stranger::default();
        assert_eq!(player.bytes(b"Ann\r\n"), None);
        assert_eq!(player.event(&Event::Line(b"Ann".to_vec())), None);
        assert_eq!(player.bytes(&[TLS_HANDSHAKE]), None);
        assert_eq!(player.event(&request), None);
        assert_eq!(
            Stranger::default().bytes(&[TLS_HANDSHAKE, 3, 1]),
            Some(Foreign::Wrong(Refusal::Tls))
        );
        let header = Event::Line(b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 8082".to_vec());
        let wrong = Some(Foreign::Wrong(Refusal::NoProxy));
        assert_eq!(Stranger::default().event(&header), wrong);
        assert_eq!(player.event(&header), None);
    }

    #[test]
    fn a_crawler_asks_first_of_all() {
        let says = |lines: &[&str]| {
            let mut stranger = Stranger::default();
            let mut lines = lines
                .iter()
                .map(|line| Event::Line(line.as_bytes().to_vec()));
            lines.find_map(|line| stranger.event(&line))
        };
        for lines in [&["MSSP-REQUEST"][..], &["", "  ", "MSSP-REQUEST "]] {
            assert_eq!(says(lines), Some(Foreign::Crawler), "{lines:?}");
        }
        for lines in [
            &["Ann", "MSSP-REQUEST"][..],
            &["mssp-request"],
            &["MSSP-REQUESTS"],
        ] {
            assert_eq!(says(lines), None, "{lines:?}");
        }
    }
}
