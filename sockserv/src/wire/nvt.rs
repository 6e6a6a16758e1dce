//! The Network Virtual Terminal of a client (RFC 854): all that was agreed with it, and what follows from that for
//! what it is sent.
//!
//! ```text
//!   open ─► IAC DO TTYPE ─► … any command of telnet ─► our other offers ─► … what is agreed
//!                           nothing: it reads text, and gets nothing else
//! ```
//! Three bytes are all that a client sees which does not speak telnet. Where they are answered, the rest
//! is offered: the end of a prompt, the size of the window, the character set, the status of the server, and
//! messages for programs. Whether a client speaks telnet, and what it can do, delays no text and no line.
//!
//! A prompt is a text that does not end its line when nothing follows, and in the dialogue before the game whatever
//! is said last: the book asks in whole lines. It is marked with `EOR` (RFC 885) where that was
//! agreed and with `GA` (RFC 854) where it was refused: a client that has seen one mark may hold back
//! the unfinished line until the next.
//!
//! A line of the node's own that comes behind a prompt is followed by the prompt again.
//!
//! Neither input nor output: `port` holds one for each client and sends what it returns.

use crate::wire::client::{Client, Look};
use crate::wire::echo::Echo;
use crate::wire::endpoint::Event;
use crate::wire::gmcp::{Gmcp, Message};
use crate::wire::markup::{Edge, Part, Tag, parts};
use crate::wire::mccp::Turn;
use crate::wire::mssp::{Listing, Mssp};
use crate::wire::naws::Size;
use crate::wire::negotiation::{Change, Negotiation, Side};
use crate::wire::option::{CHARSET, COMPRESS2, ECHO, EOR, GMCP, MSSP, NAWS, SGA, TTYPE};
use crate::wire::render::{LineEnd, Pen, render};
use crate::wire::telnet::{self, AYT, GA, IAC, NOP, Verb};

/// The reply to "Are You There" (RFC 854 leaves the words to us; these are the customary ones).
const YES: &[u8] = b"[yes]\r\n";

/// How many bytes of replies to `AYT` come before they have to be earned: ten in a row.
/// A person who presses the key is answered; a flood is not.
pub const CREDIT_MAX: usize = 10 * YES.len();

/// How many bytes must be received for each further byte of them. A flood that nobody reads the answers to must not
/// fill the outbox: 64 KiB are enough for half a megabyte of it.
const CREDIT_PRICE: usize = 8;

/// How long a prompt may be that is shown again, in bytes: two lines of the usual width and some colour. What is longer
/// is no prompt.
const PROMPT_MAX: usize = 256;

/// What is offered to a client that speaks telnet. The first of them is the probe.
const OFFERS: [(Side, u8); 7] = [
    (Side::Him, TTYPE),
    (Side::Us, EOR),
    (Side::Him, NAWS),
    (Side::Us, CHARSET),
    (Side::Us, MSSP),
    (Side::Us, GMCP),
    (Side::Us, COMPRESS2),
];

/// What was agreed with a client, and what it is about to see.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Nvt {
    negotiation: Negotiation,
    client: Client,
    gmcp: Gmcp,
    /// How text looks there: [`Client::look`], which changes seldom.
    look: Look,
    has_probed: bool,
    speaks_telnet: bool,
    has_told_mssp: bool,
    may_compress: bool,
    /// Compression begins or ends behind what was answered last.
    turn: Option<Turn>,
    /// The client has been told something, and may be asked to answer it.
    has_spoken: bool,
    is_secret: bool,
    /// What the client is shown of its own typing; nothing unless it has asked for it.
    echo: Option<Echo>,
    /// The client is being asked, line by line, who plays.
    in_dialogue: bool,
    line: Line,
    /// The line that was begun, as it is shown: up to [`PROMPT_MAX`] bytes, and one more when it is longer.
    begun: Vec<u8>,
    /// Received, and not yet spent on replies to `AYT`.
    credit: usize,
}

/// Where the client's screen is in a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Line {
    /// At its front.
    Front,
    /// The same, behind a question that is not marked yet.
    Asked,
    /// Behind a text that may be a prompt.
    Unmarked,
    /// Behind a prompt that was marked as one.
    Marked,
}

impl Line {
    /// Where the screen is when the mark that is due has been sent, if one is.
    fn marked(self) -> Option<Line> {
        match self {
            Line::Asked => Some(Line::Front),
            Line::Unmarked => Some(Line::Marked),
            Line::Front | Line::Marked => None,
        }
    }
}

impl Default for Nvt {
    fn default() -> Nvt {
        Nvt {
            negotiation: Negotiation::default(),
            client: Client::default(),
            gmcp: Gmcp::default(),
            look: Look::default(),
            has_probed: false,
            speaks_telnet: false,
            has_told_mssp: false,
            may_compress: false,
            turn: None,
            has_spoken: false,
            is_secret: false,
            echo: None,
            in_dialogue: false,
            line: Line::Front,
            begun: Vec::new(),
            credit: CREDIT_MAX * CREDIT_PRICE,
        }
    }
}

impl Nvt {
    /// The first bytes for a client: does it speak telnet?
    pub fn open(&mut self) -> Vec<u8> {
        self.has_probed = true;
        let [(side, option), ..] = OFFERS;
        self.negotiation.wish(side, option, true)
    }

    /// Offers to compress what is sent (`mccp`), and does when the client wants it. Where this is not said the option is
    /// refused, as one that nobody knows.
    pub fn set_may_compress(&mut self) {
        self.may_compress = true;
    }

    /// Whether compression begins or ends behind the last answer; said once. What announces its beginning is sent by the
    /// caller.
    pub fn take_turn(&mut self) -> Option<Turn> {
        self.turn.take()
    }

    /// What the client sent, taken from so many bytes; returns what is answered. `listing` is asked for MSSP.
    ///
    /// INVARIANT: however the input was cut, the answers are the same; and all together they are longer
    /// than what was received by no more than [`CREDIT_MAX`], our own offers and questions, and one table of MSSP; and by
    /// the echo of lines, where the client has asked for it
    /// (`any_segmentation_gives_the_same_answers`, `answers_never_outgrow_what_was_received`).
    pub fn hear(&mut self, event: &Event, len: usize, listing: &dyn Listing) -> Vec<u8> {
        self.credit = (CREDIT_MAX * CREDIT_PRICE).min(self.credit.saturating_add(len));
        let answer = match event {
            Event::Line(line) => {
                self.begun.clear();
                return self.end_line(Some(line));
            }
            // A line that is not taken has answered nothing.
            Event::LineTooLong => return self.end_line(None),
            Event::Command(AYT) => self.yes(),
            // `AO`, `IP`, `BRK` and `DM` ask for nothing that there is: no output is worth stopping, and no work.
            Event::Command(_) => Vec::new(),
            Event::Negotiation { verb, option } => self.negotiate(*verb, *option, listing),
            Event::Subnegotiation { option, bytes } => self.subnegotiate(*option, bytes),
        };
        [answer, self.offer()].concat()
    }

    /// Whether the client has asked for an echo.
    pub fn has_echo(&self) -> bool {
        self.echo.is_some()
    }

    /// The line that the client is typing is this by now: its echo. The caller says it behind each piece of input, so that
    /// the answers to the input stand before it.
    pub fn typed(&mut self, line: &[u8]) -> Vec<u8> {
        self.shown_echo()
            .map_or_else(Vec::new, |echo| echo.show(line))
    }

    /// The echo, where the client is to see one now.
    fn shown_echo(&mut self) -> Option<&mut Echo> {
        self.echo.as_mut().filter(|_| !self.is_secret)
    }

    fn end_line(&mut self, line: Option<&[u8]>) -> Vec<u8> {
        self.line = Line::Front;
        self.negotiation.line();
        self.shown_echo()
            .map_or_else(Vec::new, |echo| echo.end_line(line))
    }

    /// These bytes for the client's screen, on which the line that is being typed stands last.
    fn around_echo(&mut self, wire: Vec<u8>) -> Vec<u8> {
        match self.shown_echo() {
            Some(echo) => echo.around(wire),
            None => wire,
        }
    }

    /// A text for the client, in markup; the bytes of the wire.
    pub fn tell(&mut self, text: &[u8]) -> Vec<u8> {
        let wire = self.write(text);
        self.around_echo(wire)
    }

    fn write(&mut self, text: &[u8]) -> Vec<u8> {
        let mut pen = Pen::new(self.look, text.len());
        for part in parts(text) {
            match part {
                Part::Text(text) => pen.text(text),
                Part::Tag(Tag::Secret(Edge::Begin)) => pen.raw(&self.hide()),
                Part::Tag(Tag::Secret(Edge::End)) => pen.raw(&self.reveal()),
                Part::Tag(Tag::Gmcp(message)) => pen.raw(&self.pass_on(message)),
                Part::Tag(style) => pen.tag(style),
            }
        }
        let (wire, end) = pen.finish();
        self.has_spoken |= end.is_some();
        self.line = match end {
            Some(LineEnd::Whole) if self.in_dialogue => Line::Asked,
            Some(LineEnd::Whole) => Line::Front,
            Some(LineEnd::Open) => Line::Unmarked,
            None => self.line,
        };
        self.note_begun(text);
        wire
    }

    /// Keeps what stands in the last line, if it is no whole one. Styles that began in a line before are not kept.
    fn note_begun(&mut self, text: &[u8]) {
        let end = text.iter().rposition(|byte| *byte == b'\n');
        if end.is_some() {
            self.begun.clear();
        }
        let begun = &text[end.map_or(0, |end| end + 1)..];
        if !begun.is_empty() {
            self.begun.extend(render(begun, self.look));
            self.begun.truncate(PROMPT_MAX + 1);
        }
    }

    /// A line that nobody at the client waits for: it begins at the front of a line, behind a prompt on the next
    /// one, and then the prompt stands there again. Control characters are left out, and so are tags.
    pub fn announce(&mut self, text: &str) -> Vec<u8> {
        let begun = std::mem::take(&mut self.begun);
        let mut wire = self.write_plain(text);
        if (1..=PROMPT_MAX).contains(&begun.len()) {
            wire.extend_from_slice(&begun);
            self.begun = begun;
            self.line = Line::Unmarked;
        }
        self.around_echo(wire)
    }

    /// The same, when nothing is expected of the client any more.
    pub fn say_last(&mut self, text: &str) -> Vec<u8> {
        let wire = self.write_plain(text);
        self.around_echo(wire)
    }

    fn write_plain(&mut self, text: &str) -> Vec<u8> {
        let front = match self.line {
            Line::Front | Line::Asked => "",
            Line::Unmarked | Line::Marked => "\n",
        };
        let plain: String = text.chars().filter(|c| !c.is_control()).collect();
        self.write(format!("{front}{plain}\n").as_bytes())
    }

    /// A message for the client's program; nothing when it has not asked for it.
    pub fn message(&self, message: &Message) -> Vec<u8> {
        match self.negotiation.is_on(Side::Us, GMCP) && self.gmcp.wants(message) {
            true => message.wire(),
            false => Vec::new(),
        }
    }

    /// The connection is about to be closed: tells the client's program why (`Core.Goodbye`), if it takes messages.
    pub fn goodbye(&self, why: &str) -> Vec<u8> {
        match self.negotiation.is_on(Side::Us, GMCP) {
            true => Message::goodbye(why).wire(),
            false => Vec::new(),
        }
    }

    /// [`Gmcp::wants_avatar`], of a program that takes messages.
    pub fn wants_avatar(&self) -> Option<u32> {
        let takes = self.negotiation.is_on(Side::Us, GMCP);
        self.gmcp.wants_avatar().filter(|_| takes)
    }

    /// [`Gmcp::take_awake`].
    pub fn take_awake(&mut self) -> bool {
        self.gmcp.take_awake()
    }

    /// Nothing more is to be said for now: the mark of a prompt, if one is due.
    pub fn mark(&mut self) -> Vec<u8> {
        let (Some(mark), Some(marked)) = (self.prompt_mark(), self.line.marked()) else {
            return Vec::new();
        };
        self.line = marked;
        vec![IAC, mark]
    }

    /// From now on whatever is said last is a question, also where it ends its line; or only what does not, as the story
    /// of an avatar asks nothing.
    pub fn set_dialogue(&mut self, on: bool) {
        let was = std::mem::replace(&mut self.in_dialogue, on);
        if on && !was && self.has_spoken && self.line == Line::Front {
            self.line = Line::Asked;
        }
    }

    /// Bytes that show nothing, for a client that has been sent none for a while: a connection that nobody uses is
    /// forgotten by the routers on its way. Only telnet has such bytes.
    pub fn keepalive(&self) -> Vec<u8> {
        match self.speaks_telnet {
            true => vec![IAC, NOP],
            false => Vec::new(),
        }
    }

    /// What is known of the client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What the client's program calls itself: by GMCP with its version, or by its type.
    pub fn program(&self) -> Option<&str> {
        self.gmcp.client().or_else(|| self.client.ttype.name())
    }

    /// Whether the client has shown that it speaks telnet.
    pub fn speaks_telnet(&self) -> bool {
        self.speaks_telnet
    }

    fn yes(&mut self) -> Vec<u8> {
        match self.credit.checked_sub(YES.len() * CREDIT_PRICE) {
            Some(left) => {
                self.credit = left;
                YES.to_vec()
            }
            None => Vec::new(),
        }
    }

    /// Offers everything, once the client has shown that it understands.
    fn offer(&mut self) -> Vec<u8> {
        if std::mem::replace(&mut self.speaks_telnet, true) {
            return Vec::new();
        }
        // The probe may have been refused already.
        let offers = &OFFERS[usize::from(self.has_probed)..];
        let mut wire = Vec::new();
        let may_compress = self.may_compress;
        let is_offered = |(_, option): &&(Side, u8)| *option != COMPRESS2 || may_compress;
        for (side, option) in offers.iter().filter(is_offered) {
            wire.extend(self.negotiation.wish(*side, *option, true));
        }
        wire.extend(self.negotiate_echo());
        wire
    }

    fn negotiate(&mut self, verb: Verb, option: u8, listing: &dyn Listing) -> Vec<u8> {
        if option == COMPRESS2 && !self.may_compress {
            return self.negotiation.decline(verb, option);
        }
        let (answer, change) = self.negotiation.hear(verb, option);
        self.turn = match (verb, option, change) {
            (Verb::Do, COMPRESS2, Some(Change::On)) => Some(Turn::Begin),
            (Verb::Dont, COMPRESS2, Some(Change::Off)) => Some(Turn::End),
            _ => None,
        };
        if let (ECHO, Some(change)) = (option, change) {
            self.hear_echo(change);
        }
        let question = match (verb, option, change) {
            (Verb::Will, TTYPE, Some(Change::On)) => self.client.ttype.begin(),
            (Verb::Do, CHARSET, Some(Change::On)) => self.client.charset.begin(),
            (Verb::Do, MSSP, Some(Change::On)) => self.tell_mssp(listing),
            _ => Vec::new(),
        };
        [answer, question].concat()
    }

    /// A table is long: a client gets one.
    fn tell_mssp(&mut self, listing: &dyn Listing) -> Vec<u8> {
        if std::mem::replace(&mut self.has_told_mssp, true) {
            return Vec::new();
        }
        let mut mssp = Mssp::default();
        listing.list(&mut mssp);
        mssp.wire()
    }

    /// What an option has to say, if it was agreed to.
    fn subnegotiate(&mut self, option: u8, bytes: &[u8]) -> Vec<u8> {
        let is_ours = self.negotiation.is_wished(Side::Us, option);
        let is_his = self.negotiation.is_wished(Side::Him, option);
        let answer = match option {
            TTYPE if is_his => self.client.ttype.hear(bytes),
            CHARSET if is_ours || is_his => self.client.charset.hear(bytes),
            GMCP if is_ours => self.gmcp.hear(bytes),
            NAWS if is_his => {
                self.client.size = Size::read(bytes).unwrap_or_default();
                Vec::new()
            }
            _ => Vec::new(),
        };
        self.look = self.client.look();
        answer
    }

    /// The client wants an echo, or none any more; or it agrees that nobody is to see what it types.
    fn hear_echo(&mut self, change: Change) {
        match change {
            Change::On if self.is_secret => {}
            Change::On => {
                self.echo.get_or_insert_default();
            }
            Change::Off => self.echo = None,
        }
    }

    /// The node performs the echo where it was asked to, and where nobody is to see what is typed.
    fn negotiate_echo(&mut self) -> Vec<u8> {
        let is_ours = self.is_secret || self.echo.is_some();
        self.negotiation.wish(Side::Us, ECHO, is_ours)
    }

    /// What the client types is not to be seen: the node says that it performs the echo, and does not.
    fn hide(&mut self) -> Vec<u8> {
        self.is_secret = true;
        match self.speaks_telnet {
            true => self.negotiate_echo(),
            false => Vec::new(),
        }
    }

    /// What the client types may be seen again, and it gets the line end that it has typed and not seen.
    fn reveal(&mut self) -> Vec<u8> {
        self.is_secret = false;
        if let Some(echo) = &mut self.echo {
            echo.forget();
        }
        let was_hidden = self.negotiation.is_wished(Side::Us, ECHO);
        let mut wire = self.negotiate_echo();
        if was_hidden {
            wire.extend_from_slice(b"\r\n");
        }
        wire
    }

    fn pass_on(&self, message: &str) -> Vec<u8> {
        match Message::read(message) {
            Some(message) => self.message(&message),
            None => {
                tracing::debug!(message, "a message that is none is left out");
                Vec::new()
            }
        }
    }

    /// What marks a prompt here. Before the client has answered the offer of `EOR` it may be either, and never both.
    fn prompt_mark(&self) -> Option<u8> {
        let on = |option| self.negotiation.is_on(Side::Us, option);
        let waits = self.negotiation.is_wished(Side::Us, EOR);
        match self.speaks_telnet {
            true if on(EOR) => Some(telnet::EOR),
            true if !waits && !on(SGA) => Some(GA),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
