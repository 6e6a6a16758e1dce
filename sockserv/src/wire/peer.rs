//! The other end of a connection: the events, answers and requests of a telnet client (RFC 854).
//!
//! ```text
//!   bytes of the server ─► Telnet ─► Heard: text, the ends of prompts, messages for programs,
//!                             │             visibility of typed text, and replies to be sent
//!                             └────► Negotiation
//!   lines, messages, sizes ─► bytes for the server
//! ```
//! The peer agrees to options that improve a terminal (`TTYPE` with MTTS, `NAWS`, `CHARSET`, `EOR`, `SGA`, the server's
//! `ECHO`, `GMCP`), refuses every other option once, and requests none: a server without telnet receives no commands.
//!
//! The module does no input or output: `pq play` has one peer behind a terminal, a gateway one for each browser. Its
//! counterpart is [`crate::wire::nvt`].

use serde::Serialize;

use crate::wire::charset;
use crate::wire::gmcp::Message;
use crate::wire::naws::Size;
use crate::wire::negotiation::{ANSWERS_MAX, Change, Negotiation, Role, Side};
use crate::wire::option::{CHARSET, ECHO, GMCP, NAWS, TTYPE};
use crate::wire::telnet::{self, GA, Piece, Telnet, Verb, push_data, subnegotiation};
use crate::wire::ttype;

/// The properties that a client tells the server.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Profile {
    /// The name of the client program, such as `PQ-WEB`; MTTS requires capitals.
    pub name: String,
    /// The version of the client program, for `Core.Hello`.
    pub version: String,
    /// The name of the terminal in terminfo, in capitals (RFC 1091), such as `XTERM-TRUECOLOR`.
    pub terminal: String,
    /// The abilities of the client: the bits of [`crate::wire::ttype::Mtts`].
    pub mtts: u32,
    /// The size of the window; `None` where there is no window, or its size is unknown.
    pub size: Option<Size>,
    /// The packages of GMCP that the client wants, such as `Char 1`. Without any, the client refuses GMCP.
    pub packages: Vec<String>,
}

/// An event in the bytes of the server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Heard {
    /// Text to show, in arbitrary pieces: never empty, and without telnet commands. Line ends are CR LF; CR and LF may lie in
    /// different pieces.
    Text(Vec<u8>),
    /// The text so far ends with a prompt (`EOR`, or `GA`).
    Prompt,
    /// The visibility of typed text changes.
    Typing(Typing),
    /// A message for programs: the name of a package, and optionally a space and valid JSON.
    Gmcp(String),
    /// Bytes that must be sent to the server.
    Reply(Vec<u8>),
}

/// Whether a terminal shows the typed text. It does until the server says otherwise.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Typing {
    /// The terminal shows the typed text.
    #[default]
    Shown,
    /// The server performs the echo (RFC 857), or shows nothing because the player types a password.
    Hidden,
}

/// A client's end of a connection. It holds at most one subnegotiation of [`telnet::SUBNEGOTIATION_MAX`] bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    profile: Profile,
    telnet: Telnet,
    negotiation: Negotiation,
    charset: charset::Question,
    /// The number of the server's requests for a terminal type.
    types_told: u8,
    /// The number of such requests that are still answered before the next line: a request is shorter than its answer.
    types_left: u8,
}

/// The body of `Core.Hello`.
#[derive(Serialize)]
struct Hello<'a> {
    client: &'a str,
    version: &'a str,
}

impl Peer {
    /// A client that has received no bytes yet.
    pub fn new(profile: Profile) -> Peer {
        Peer {
            profile,
            telnet: Telnet::default(),
            negotiation: Negotiation::new(Role::User),
            charset: charset::Question::default(),
            types_told: 0,
            types_left: ANSWERS_MAX,
        }
    }

    /// Takes bytes of the server, and returns the events in them.
    ///
    /// INVARIANT: the events do not depend on the segmentation of the bytes, except for the pieces of text
    /// (`any_segmentation_is_heard_the_same`).
    pub fn hear(&mut self, mut input: &[u8]) -> Vec<Heard> {
        let mut heard = Vec::new();
        while let Some(first) = input.first() {
            let len = self.telnet.plain_len(input);
            let (plain, rest) = input.split_at(len.max(1));
            match len {
                0 => {
                    let piece = self.telnet.step(*first);
                    piece
                        .into_iter()
                        .for_each(|piece| self.piece(piece, &mut heard));
                }
                _ => text(plain, &mut heard),
            }
            input = rest;
        }
        heard
    }

    /// The bytes for the server of a typed line without its end. Characters that would end the line earlier are left out.
    pub fn line(&mut self, line: &[u8]) -> Vec<u8> {
        self.negotiation.line();
        self.types_left = ANSWERS_MAX;
        let mut wire = Vec::with_capacity(line.len() + 2);
        for byte in line {
            match *byte {
                b'\r' | b'\n' | 0 => {}
                byte => push_data(&mut wire, byte),
            }
        }
        wire.extend_from_slice(b"\r\n");
        wire
    }

    /// The bytes for the server of a message for its program. No bytes when GMCP is not agreed to, or when the message is not
    /// a name with or without JSON.
    pub fn gmcp(&self, message: &str) -> Vec<u8> {
        match Message::read(message) {
            Some(message) if self.negotiation.is_on(Side::Him, GMCP) => message.wire(),
            _ => Vec::new(),
        }
    }

    /// Notes a new size of the window. Returns the bytes for the server: none when the server has not requested sizes.
    pub fn resize(&mut self, size: Size) -> Vec<u8> {
        let before = self.profile.size.replace(size);
        match before != Some(size) && self.negotiation.is_on(Side::Us, NAWS) {
            true => self.tell_size(),
            false => Vec::new(),
        }
    }

    fn piece(&mut self, piece: Piece, heard: &mut Vec<Heard>) {
        match piece {
            Piece::Data(byte) => text(&[byte], heard),
            Piece::Command(telnet::EOR | GA) => heard.push(Heard::Prompt),
            // The other commands keep a connection alive, or are meant for a server.
            Piece::Command(_) => {}
            Piece::Negotiation(verb, option) => self.negotiate(verb, option, heard),
            Piece::Subnegotiation(option, bytes) => self.subnegotiate(option, &bytes, heard),
        }
    }

    fn negotiate(&mut self, verb: Verb, option: u8, heard: &mut Vec<Heard>) {
        let (answer, change) = match option {
            GMCP if self.profile.packages.is_empty() => {
                (self.negotiation.decline(verb, option), None)
            }
            _ => self.negotiation.hear(verb, option),
        };
        let more = match (verb, option, change) {
            (Verb::Do, NAWS, Some(Change::On)) => self.tell_size(),
            (Verb::Will, GMCP, Some(Change::On)) => self.subscribe(),
            _ => Vec::new(),
        };
        reply([answer, more].concat(), heard);
        match (verb, option, change) {
            (Verb::Will, ECHO, Some(Change::On)) => heard.push(Heard::Typing(Typing::Hidden)),
            (Verb::Wont, ECHO, Some(Change::Off)) => heard.push(Heard::Typing(Typing::Shown)),
            _ => {}
        }
    }

    /// Handles the data of an option, if the option was agreed to.
    fn subnegotiate(&mut self, option: u8, bytes: &[u8], heard: &mut Vec<Heard>) {
        let is_ours = self.negotiation.is_wished(Side::Us, option);
        let is_his = self.negotiation.is_wished(Side::Him, option);
        match option {
            TTYPE if is_ours && bytes == [ttype::SEND] => reply(self.tell_type(), heard),
            CHARSET if is_ours || is_his => reply(self.charset.hear(bytes), heard),
            GMCP if is_his => heard.extend(message(bytes)),
            _ => {}
        }
    }

    /// Sends name, terminal and abilities, and then the abilities again and again: the end of the list (RFC 1091; MTTS).
    fn tell_type(&mut self) -> Vec<u8> {
        let Some(left) = self.types_left.checked_sub(1) else {
            return Vec::new();
        };
        self.types_left = left;
        let answer = match self.types_told {
            0 => self.profile.name.clone(),
            1 => self.profile.terminal.clone(),
            _ => format!("MTTS {}", self.profile.mtts),
        };
        self.types_told = self.types_told.saturating_add(1);
        subnegotiation(TTYPE, &[&[ttype::IS], answer.as_bytes()].concat())
    }

    fn tell_size(&self) -> Vec<u8> {
        subnegotiation(NAWS, &Size::write(self.profile.size))
    }

    fn subscribe(&self) -> Vec<u8> {
        let hello = Hello {
            client: &self.profile.name,
            version: &self.profile.version,
        };
        let data = "strings are JSON";
        let hello = serde_json::to_string(&hello).expect(data);
        let packages = serde_json::to_string(&self.profile.packages).expect(data);
        let messages = [
            format!("Core.Hello {hello}"),
            format!("Core.Supports.Set {packages}"),
        ];
        messages
            .map(|message| subnegotiation(GMCP, message.as_bytes()))
            .concat()
    }
}

/// Appends text to the text before it. `NUL` has no effect anywhere (RFC 854), so CR NUL is a CR.
fn text(bytes: &[u8], heard: &mut Vec<Heard>) {
    let shown = bytes.iter().copied().filter(|byte| *byte != 0);
    match heard.last_mut() {
        Some(Heard::Text(before)) => before.extend(shown),
        _ => {
            let text: Vec<u8> = shown.collect();
            if !text.is_empty() {
                heard.push(Heard::Text(text));
            }
        }
    }
}

fn reply(bytes: Vec<u8>, heard: &mut Vec<Heard>) {
    if !bytes.is_empty() {
        heard.push(Heard::Reply(bytes));
    }
}

/// Parses a message of the server; `None` when it is invalid.
fn message(bytes: &[u8]) -> Option<Heard> {
    let text = std::str::from_utf8(bytes).ok()?;
    Message::read(text)?;
    Some(Heard::Gmcp(text.to_string()))
}

#[cfg(test)]
mod tests;
