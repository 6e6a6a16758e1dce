//! The Network Virtual Terminal of a client (RFC 854): the state of all negotiations with a client, and their effect on
//! its output.
//!
//! ```text
//!   open ─► IAC DO TTYPE ─► … any command of telnet ─► our other offers ─► … the agreed options
//!                           no command: the client reads text, and gets nothing else
//! ```
//! A client without telnet receives only three bytes of it. When a client answers them, the server offers the other
//! options: the mark of a prompt, the size of the window, the character set, the status of the server, and messages for
//! programs. Texts and lines never wait for the detection of telnet or of the client's abilities.
//!
//! A prompt is a text that does not end its line when no further text follows. In the dialogue before the game, every
//! last text is a prompt, because the book's questions are whole lines. A prompt is marked with `EOR` (RFC 885) where
//! that was agreed, and with `GA` (RFC 854) where `EOR` was refused: a client that has received one mark may hold back
//! unfinished lines until the next mark.
//!
//! When an announcement of the node comes behind a prompt, the prompt is sent again behind the announcement.
//!
//! The module does no input or output: `port` holds one [`Nvt`] for each client and sends the returned bytes.

use crate::wire::client::{Client, Look};
use crate::wire::echo::Echo;
use crate::wire::endpoint::Event;
use crate::wire::gmcp::{Gmcp, Message, Wish};
use crate::wire::markup::{Edge, Part, Tag, parts};
use crate::wire::mccp::Turn;
use crate::wire::mssp::{Listing, Mssp};
use crate::wire::naws::Size;
use crate::wire::negotiation::{Change, Negotiation, Side};
use crate::wire::option::{CHARSET, COMPRESS2, ECHO, EOR, GMCP, MSSP, NAWS, SGA, TTYPE};
use crate::wire::render::{LineEnd, Pen, render};
use crate::wire::telnet::{self, AYT, GA, IAC, NOP, Verb};

/// The reply to "Are You There" (RFC 854 leaves the text to the server; this one is customary).
const YES: &[u8] = b"[yes]\r\n";

/// The bytes of replies to `AYT` that a client gets in a row without sending other input: ten replies.
/// A person who presses the key gets an answer; a flood does not.
pub const CREDIT_MAX: usize = 10 * YES.len();

/// The number of received bytes that pay for one further byte of replies. A flood whose sender does not read the replies
/// must not fill the outbox: with this price 64 KiB are enough for 512 KiB of it.
const CREDIT_PRICE: usize = 8;

/// The longest prompt that is sent again, in bytes: two lines of the usual width and a few colours. A longer text is no
/// prompt.
const PROMPT_MAX: usize = 256;

/// The options that the server offers or requests of a client that speaks telnet. The first one is the probe.
const OFFERS: [(Side, u8); 7] = [
    (Side::Him, TTYPE),
    (Side::Us, EOR),
    (Side::Him, NAWS),
    (Side::Us, CHARSET),
    (Side::Us, MSSP),
    (Side::Us, GMCP),
    (Side::Us, COMPRESS2),
];

/// The state of telnet with one client, and of the client's screen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Nvt {
    negotiation: Negotiation,
    client: Client,
    gmcp: Gmcp,
    /// A copy of [`Client::look`], which changes seldom.
    look: Look,
    has_probed: bool,
    speaks_telnet: bool,
    has_told_mssp: bool,
    may_compress: bool,
    /// A beginning or end of compression behind the last answer.
    turn: Option<Turn>,
    /// The client has been sent text, which may have been a question.
    has_spoken: bool,
    is_secret: bool,
    /// The secret ends with the next line, which the session does not get.
    is_sealed: bool,
    login: LoginState,
    /// The echo of the client's typing; `None` unless the client has requested it.
    echo: Option<Echo>,
    /// The session is still in the dialogue before the game, line by line.
    in_dialogue: bool,
    line: Line,
    /// The unfinished last line in its rendered form: up to [`PROMPT_MAX`] bytes, and one more when it is longer.
    begun: Vec<u8>,
    /// Received bytes that are not yet spent on replies to `AYT`.
    credit: usize,
}

/// The state of logins by the client's program (`Char.Login`).
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct LoginState {
    /// The session takes them.
    is_taken: bool,
    /// The client's program has been told so.
    is_offered: bool,
    /// The client's program waits for the result of one.
    is_open: bool,
}

/// The position of the client's cursor in a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Line {
    /// At the front of a line.
    Front,
    /// At the front of a line, behind a question without a mark.
    Asked,
    /// Behind a text that may be a prompt.
    Unmarked,
    /// Behind a prompt that was marked as one.
    Marked,
}

impl Line {
    /// The position after the mark of a prompt, if a mark is due.
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
            is_sealed: false,
            login: LoginState::default(),
            echo: None,
            in_dialogue: false,
            line: Line::Front,
            begun: Vec::new(),
            credit: CREDIT_MAX * CREDIT_PRICE,
        }
    }
}

impl Nvt {
    /// The first bytes for a client: the probe for telnet.
    pub fn open(&mut self) -> Vec<u8> {
        self.has_probed = true;
        let [(side, option), ..] = OFFERS;
        self.negotiation.wish(side, option, true)
    }

    /// Allows compression of the output (`mccp`): it is offered, and begins when the client agrees. Without this call the
    /// option is refused like an unknown one.
    pub fn set_may_compress(&mut self) {
        self.may_compress = true;
    }

    /// Whether compression begins or ends behind the last answer; returned once. The caller sends the bytes that announce the
    /// beginning.
    pub fn take_turn(&mut self) -> Option<Turn> {
        self.turn.take()
    }

    /// Takes an event that came in `len` bytes, and returns the answer. `listing` provides the variables of MSSP.
    ///
    /// INVARIANT: the answers do not depend on the segmentation of the input. All answers together exceed the received bytes
    /// by at most [`CREDIT_MAX`], our own offers and questions, and one table of MSSP; and by the echo of lines, where the
    /// client has requested it
    /// (`any_segmentation_gives_the_same_answers`, `answers_never_outgrow_what_was_received`).
    pub fn hear(&mut self, event: &Event, len: usize, listing: &dyn Listing) -> Vec<u8> {
        self.credit = (CREDIT_MAX * CREDIT_PRICE).min(self.credit.saturating_add(len));
        let answer = match event {
            Event::Line(line) => {
                self.begun.clear();
                return [self.end_line(Some(line)), self.unseal()].concat();
            }
            // A dropped line has answered no prompt.
            Event::LineTooLong => return self.end_line(None),
            Event::Command(AYT) => self.yes(),
            // `AO`, `IP`, `BRK` and `DM` have no effect: no output is worth stopping, and no work can be interrupted.
            Event::Command(_) => Vec::new(),
            Event::Negotiation { verb, option } => self.negotiate(*verb, *option, listing),
            Event::Subnegotiation { option, bytes } => self.subnegotiate(*option, bytes),
        };
        [answer, self.offer()].concat()
    }

    /// Whether the session does not get the next line, but a number in its place.
    pub fn is_sealed(&self) -> bool {
        self.is_sealed
    }

    /// The line has come: typed text is shown again, also by a session that does not know of seals any more.
    fn unseal(&mut self) -> Vec<u8> {
        match self.is_sealed {
            true => self.reveal(),
            false => Vec::new(),
        }
    }

    /// The wish that the client's program has sent. A login is one if the session takes logins and its avatar does not play yet; its
    /// result follows.
    pub fn take_wish(&mut self) -> Option<Wish> {
        let wish = self.gmcp.take_wish()?;
        if matches!(wish, Wish::LogIn(_)) {
            let is_asked = self.in_dialogue || self.is_sealed;
            self.login.is_open = self.login.is_taken && is_asked;
            return Some(wish).filter(|_| self.login.is_open);
        }
        Some(wish)
    }

    /// [`Gmcp::take_remember`]: whether the client has asked for a token since the last call.
    pub fn take_remember(&mut self) -> bool {
        self.gmcp.take_remember()
    }

    /// Tells the client's program once that it may log in, if it has subscribed to that.
    fn offer_login(&mut self) -> Vec<u8> {
        if !self.login.is_taken || self.login.is_offered {
            return Vec::new();
        }
        let wire = self.message(&Message::login());
        self.login.is_offered = !wire.is_empty();
        wire
    }

    /// Whether the client has requested an echo.
    pub fn has_echo(&self) -> bool {
        self.echo.is_some()
    }

    /// The echo of the unfinished line `line`. The caller calls this after each piece of input, so that the answers to the
    /// input come before the echo.
    pub fn typed(&mut self, line: &[u8]) -> Vec<u8> {
        self.shown_echo()
            .map_or_else(Vec::new, |echo| echo.show(line))
    }

    /// The echo, if the client's screen shows one now.
    fn shown_echo(&mut self) -> Option<&mut Echo> {
        self.echo.as_mut().filter(|_| !self.is_secret)
    }

    fn end_line(&mut self, line: Option<&[u8]>) -> Vec<u8> {
        self.line = Line::Front;
        self.negotiation.line();
        self.shown_echo()
            .map_or_else(Vec::new, |echo| echo.end_line(line))
    }

    /// Adds the changes of the echoed unfinished line around these bytes.
    fn around_echo(&mut self, wire: Vec<u8>) -> Vec<u8> {
        match self.shown_echo() {
            Some(echo) => echo.around(wire),
            None => wire,
        }
    }

    /// The bytes of the wire for a text with markup.
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
                Part::Tag(Tag::Sealed) => {
                    pen.raw(&self.hide());
                    self.is_sealed = true;
                }
                Part::Tag(Tag::Gmcp(message)) => pen.raw(&self.pass_on(message)),
                Part::Tag(Tag::Login) => {
                    self.login.is_taken = true;
                    pen.raw(&self.offer_login());
                }
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

    /// Keeps the last line, if it is unfinished. Styles that began in an earlier line are not kept.
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

    /// The bytes of an announcement. It begins at the front of a line; behind a prompt it begins on the next line, and the
    /// prompt follows it again. Control characters and tags are left out.
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

    /// Whether the output so far ends with a line.
    pub fn is_at_front(&self) -> bool {
        matches!(self.line, Line::Front | Line::Asked)
    }

    /// The bytes of the last announcement before the connection closes; no prompt follows it.
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

    /// The bytes of a message for the client's program; none when the program has not subscribed to it.
    pub fn message(&self, message: &Message) -> Vec<u8> {
        match self.negotiation.is_on(Side::Us, GMCP) && self.gmcp.wants(message) {
            true => message.wire(),
            false => Vec::new(),
        }
    }

    /// The bytes of `Core.Goodbye`, which tells the client's program the reason for a close, if it takes messages.
    pub fn goodbye(&self, why: &str) -> Vec<u8> {
        match self.negotiation.is_on(Side::Us, GMCP) {
            true => Message::goodbye(why).wire(),
            false => Vec::new(),
        }
    }

    /// [`Gmcp::wants_avatar`]; `None` when the client's program takes no messages.
    pub fn wants_avatar(&self) -> Option<u32> {
        let takes = self.negotiation.is_on(Side::Us, GMCP);
        self.gmcp.wants_avatar().filter(|_| takes)
    }

    /// [`Gmcp::take_awake`]: whether the client's program has sent `Core.KeepAlive` since the last call.
    pub fn take_awake(&mut self) -> bool {
        self.gmcp.take_awake()
    }

    /// The mark of a prompt, if one is due. Called when no further text waits to be sent.
    pub fn mark(&mut self) -> Vec<u8> {
        let (Some(mark), Some(marked)) = (self.prompt_mark(), self.line.marked()) else {
            return Vec::new();
        };
        self.line = marked;
        vec![IAC, mark]
    }

    /// Sets whether the session is in the dialogue before the game. In the dialogue every last text is a prompt; after it
    /// only a text that does not end its line, because the story of an avatar contains no questions.
    pub fn set_dialogue(&mut self, on: bool) {
        let was = std::mem::replace(&mut self.in_dialogue, on);
        if on && !was && self.has_spoken && self.line == Line::Front {
            self.line = Line::Asked;
        }
    }

    /// Bytes that show nothing, for a client that has received no bytes for a while: routers forget an idle connection.
    /// Only telnet has such bytes.
    pub fn keepalive(&self) -> Vec<u8> {
        match self.speaks_telnet {
            true => vec![IAC, NOP],
            false => Vec::new(),
        }
    }

    /// The properties that the client has told of itself.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The name of the client's program: from GMCP with its version, or from its terminal type.
    pub fn program(&self) -> Option<&str> {
        self.gmcp.client().or_else(|| self.client.ttype.name())
    }

    /// Whether the client has sent a telnet command.
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

    /// Offers all options, after the client has sent its first telnet command.
    fn offer(&mut self) -> Vec<u8> {
        if std::mem::replace(&mut self.speaks_telnet, true) {
            return Vec::new();
        }
        // The client may have refused the probe already.
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

    /// The table of MSSP, which is long: each client gets it once.
    fn tell_mssp(&mut self, listing: &dyn Listing) -> Vec<u8> {
        if std::mem::replace(&mut self.has_told_mssp, true) {
            return Vec::new();
        }
        let mut mssp = Mssp::default();
        listing.list(&mut mssp);
        mssp.wire()
    }

    /// Handles the data of an option, if the option was agreed to.
    fn subnegotiate(&mut self, option: u8, bytes: &[u8]) -> Vec<u8> {
        let is_ours = self.negotiation.is_wished(Side::Us, option);
        let is_his = self.negotiation.is_wished(Side::Him, option);
        let answer = match option {
            TTYPE if is_his => self.client.ttype.hear(bytes),
            CHARSET if is_ours || is_his => self.client.charset.hear(bytes),
            GMCP if is_ours => [self.gmcp.hear(bytes), self.offer_login()].concat(),
            NAWS if is_his => {
                self.client.size = Size::read(bytes).unwrap_or_default();
                Vec::new()
            }
            _ => Vec::new(),
        };
        self.look = self.client.look();
        answer
    }

    /// Notes that the client requests an echo or refuses one, or agrees that its password is hidden.
    fn hear_echo(&mut self, change: Change) {
        match change {
            Change::On if self.is_secret => {}
            Change::On => {
                self.echo.get_or_insert_default();
            }
            Change::Off => self.echo = None,
        }
    }

    /// Negotiates the echo: the node performs it where it was requested, and claims to perform it for a password.
    fn negotiate_echo(&mut self) -> Vec<u8> {
        let is_ours = self.is_secret || self.echo.is_some();
        self.negotiation.wish(Side::Us, ECHO, is_ours)
    }

    /// Hides typed text: the node claims to perform the echo, and does not.
    fn hide(&mut self) -> Vec<u8> {
        self.is_secret = true;
        match self.speaks_telnet {
            true => self.negotiate_echo(),
            false => Vec::new(),
        }
    }

    /// Shows typed text again, and sends the line end that the client has typed without seeing it.
    fn reveal(&mut self) -> Vec<u8> {
        (self.is_secret, self.is_sealed) = (false, false);
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

    /// A message of the session. Only a program that has sent a login gets the result of one.
    fn pass_on(&mut self, message: &str) -> Vec<u8> {
        let Some(read) = Message::read(message) else {
            tracing::debug!(message, "an invalid GMCP message was left out");
            return Vec::new();
        };
        let is_result = read.is_login_result();
        match is_result && !std::mem::take(&mut self.login.is_open) {
            true => Vec::new(),
            false => self.message(&read),
        }
    }

    /// The mark of a prompt. Before the client has answered the offer of `EOR`, neither mark is sent.
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
