//! The character set of a client (RFC 2066): UTF-8, or ASCII for a client that agrees to ASCII only.
//!
//! Both ends may send a request. When both do so at the same time, the server's request is valid (RFC 2066, "REJECTED").

use crate::wire::option::CHARSET;
use crate::wire::telnet::subnegotiation;

/// The subcommands of RFC 2066.
const REQUEST: u8 = 1;
const ACCEPTED: u8 = 2;
const REJECTED: u8 = 3;

/// The character sets that the server offers. The first byte is the separator between the names.
const OFFER: &[u8] = b";UTF-8;US-ASCII";

/// The character set that the server accepts when a client sends a request.
const UTF_8: &str = "UTF-8";

/// The characters that a client can show.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Charset {
    /// All of Unicode. Also the value for clients that say nothing, because no other set has the names of all players.
    #[default]
    Utf8,
    /// The 128 characters of ASCII.
    Ascii,
}

/// The state of the negotiation of the character set with one client.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Question {
    has_asked: bool,
    is_open: bool,
    agreed: Charset,
}

impl Question {
    /// Returns the request of the server, or no bytes when it was sent before.
    pub fn begin(&mut self) -> Vec<u8> {
        if self.has_asked {
            return Vec::new();
        }
        (self.has_asked, self.is_open) = (true, true);
        subnegotiation(CHARSET, &[&[REQUEST], OFFER].concat())
    }

    /// Takes a subnegotiation of the client, and returns the answer.
    pub fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        match bytes.split_first() {
            Some((&REQUEST, request)) => self.request(request),
            Some((&ACCEPTED, name)) if self.is_open => {
                self.is_open = false;
                self.agreed = match name.eq_ignore_ascii_case(b"US-ASCII") {
                    true => Charset::Ascii,
                    false => Charset::Utf8,
                };
                Vec::new()
            }
            Some((&REJECTED, _)) => {
                self.is_open = false;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// The character set that both ends have agreed to.
    pub fn agreed(&self) -> Charset {
        self.agreed
    }

    fn request(&mut self, request: &[u8]) -> Vec<u8> {
        if self.is_open || !names(request).any(|name| name.eq_ignore_ascii_case(UTF_8.as_bytes())) {
            return subnegotiation(CHARSET, &[REJECTED]);
        }
        self.agreed = Charset::Utf8;
        subnegotiation(CHARSET, &[&[ACCEPTED], UTF_8.as_bytes()].concat())
    }
}

/// The names in a request. A translation table's version may stand before them.
fn names(request: &[u8]) -> impl Iterator<Item = &[u8]> {
    let list = match request.strip_prefix(b"[TTABLE]") {
        Some(rest) => rest.get(1..).unwrap_or_default(),
        None => request,
    };
    let separator = list.first().copied().unwrap_or_default();
    list.split(move |byte| *byte == separator).skip(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REJECTS: &[u8] = b"\xff\xfa\x2a\x03\xff\xf0";
    const ACCEPTS: &[u8] = b"\xff\xfa\x2a\x02UTF-8\xff\xf0";

    fn asked() -> Question {
        let mut question = Question::default();
        assert_eq!(question.begin(), b"\xff\xfa\x2a\x01;UTF-8;US-ASCII\xff\xf0");
        question
    }

    #[test]
    fn the_question_is_asked_once() {
        assert_eq!(asked().begin(), b"");
    }

    #[test]
    fn the_client_chooses_among_what_was_offered() {
        for (answer, agreed) in [
            (&b"\x02UTF-8"[..], Charset::Utf8),
            (b"\x02utf-8", Charset::Utf8),
            (b"\x02US-ASCII", Charset::Ascii),
            (b"\x02KOI8-R", Charset::Utf8),
            (b"\x03", Charset::Utf8),
            (b"", Charset::Utf8),
        ] {
            let mut question = asked();
            assert_eq!(question.hear(answer), b"");
            assert_eq!(question.agreed(), agreed, "{answer:?}");
        }
    }

    #[test]
    fn an_answer_without_a_question_changes_nothing() {
        let mut question = Question::default();
        question.hear(b"\x02US-ASCII");
        assert_eq!(question.agreed(), Charset::Utf8);
    }

    #[test]
    fn a_client_that_asks_gets_utf_8_or_nothing() {
        for (request, answer) in [
            (&b"\x01;UTF-8"[..], ACCEPTS),
            (b"\x01 ISO-8859-1 utf-8", ACCEPTS),
            (b"\x01[TTABLE]\x01;UTF-8;KOI8-R", ACCEPTS),
            (b"\x01;ISO-8859-1", REJECTS),
            (b"\x01[TTABLE]", REJECTS),
            (b"\x01UTF-8", REJECTS),
            (b"\x01", REJECTS),
        ] {
            let reply = Question::default().hear(request);
            assert_eq!(reply, answer, "{request:?}");
            assert!(reply.len() <= request.len() + 5, "{request:?}");
        }
    }

    #[test]
    fn where_both_ask_at_once_ours_stands() {
        let mut question = asked();
        assert_eq!(question.hear(b"\x01;UTF-8"), REJECTS);
        question.hear(b"\x02US-ASCII");
        assert_eq!(question.agreed(), Charset::Ascii);
        assert_eq!(question.hear(b"\x01;UTF-8"), ACCEPTS);
        assert_eq!(question.agreed(), Charset::Utf8);
    }
}
