//! Clients that speak something else: a browser, or a program that wants TLS, at a port of telnet; and crawlers, which come
//! for a table and not to play.

use crate::endpoint::Event;
use crate::mssp;
use crate::refused::Refusal;

/// The first byte of a TLS connection: a record with a handshake (RFC 8446, 5.1). No client of telnet
/// begins with it, and no keyboard.
pub(crate) const TLS_HANDSHAKE: u8 = 0x16;

/// Somebody who does not come to play.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Foreign {
    /// It is wrong here.
    Wrong(Refusal),
    /// It wants to know what there is ([`mssp::REQUEST`]).
    Crawler,
}

/// What is still to be looked at of a client: how it begins says whether it is one of ours.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) enum Stranger {
    /// Its first byte.
    #[default]
    Unheard,
    /// Its first line that says anything.
    Heard,
    /// Nothing more.
    Known,
}

impl Stranger {
    /// Looks at bytes before they are understood.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Option<Foreign> {
        let is_first = *self == Stranger::Unheard;
        if is_first {
            *self = Stranger::Heard;
        }
        (is_first && bytes.first() == Some(&TLS_HANDSHAKE)).then_some(Foreign::Wrong(Refusal::Tls))
    }

    /// Looks at what they came to.
    pub(crate) fn event(&mut self, event: &Event) -> Option<Foreign> {
        match event {
            Event::Line(line) if *self != Stranger::Known => {
                let line = line.trim_ascii();
                if !line.is_empty() {
                    *self = Stranger::Known;
                }
                match () {
                    () if is_http(line) => Some(Foreign::Wrong(Refusal::Http)),
                    () if line == mssp::REQUEST.as_bytes() => Some(Foreign::Crawler),
                    () => None,
                }
            }
            _ => None,
        }
    }
}

/// A request of HTTP: a method, a target, a version (RFC 9112, 3).
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
