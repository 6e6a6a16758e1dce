//! Tests of a client's answers: byte by byte, against arbitrary input, and against our own server's end.

use proptest::prelude::*;

use super::*;
use crate::wire::endpoint::{Endpoint, Event};
use crate::wire::mssp::{Listing, Mssp};
use crate::wire::nvt::Nvt;
use crate::wire::option::{EOR, MSSP, SGA};
use crate::wire::telnet::IAC;
use crate::wire::telnet::{SB, SE, SUBNEGOTIATION_MAX, negotiation};

const SIZE: Size = Size {
    width: 120,
    height: 40,
};

fn peer() -> Peer {
    Peer::new(Profile {
        name: "PQ-WEB".to_string(),
        version: "1".to_string(),
        terminal: "XTERM-TRUECOLOR".to_string(),
        mtts: 269,
        size: Some(SIZE),
        packages: vec!["Char 1".to_string(), "PQ 1".to_string()],
    })
}

/// All bytes that are sent as answers to this input.
fn replies(peer: &mut Peer, input: &[u8]) -> Vec<u8> {
    let heard = peer.hear(input).into_iter();
    let replies = heard.filter_map(|heard| match heard {
        Heard::Reply(bytes) => Some(bytes),
        _ => None,
    });
    replies.collect::<Vec<_>>().concat()
}

fn heard_text(text: &str) -> Heard {
    Heard::Text(text.as_bytes().to_vec())
}

const ASKS_TTYPE: &[u8] = b"\xff\xfa\x18\x01\xff\xf0";

#[test]
fn a_client_gives_its_name_its_terminal_and_its_abilities_in_turn() {
    let mut peer = peer();
    assert_eq!(replies(&mut peer, ASKS_TTYPE), b"", "before it was agreed");
    assert_eq!(replies(&mut peer, b"\xff\xfd\x18"), b"\xff\xfb\x18");
    for answer in ["PQ-WEB", "XTERM-TRUECOLOR", "MTTS 269", "MTTS 269"] {
        let expected = subnegotiation(TTYPE, &[b"\0", answer.as_bytes()].concat());
        assert_eq!(replies(&mut peer, ASKS_TTYPE), expected);
    }
}

#[test]
fn a_server_that_never_stops_asking_is_answered_until_the_next_line() {
    let mut peer = peer();
    let flood = [b"\xff\xfd\x18", &ASKS_TTYPE.repeat(1000)[..]].concat();
    let answers = replies(&mut peer, &flood).len();
    assert!(answers < 40 * usize::from(ANSWERS_MAX), "{answers}");
    assert_eq!(replies(&mut peer, ASKS_TTYPE), b"");
    peer.line(b"Ann");
    assert_ne!(replies(&mut peer, ASKS_TTYPE), b"");
}

#[test]
fn what_makes_a_terminal_better_is_agreed_to() {
    let requests = [
        (Verb::Do, TTYPE),
        (Verb::Do, SGA),
        (Verb::Do, CHARSET),
        (Verb::Will, EOR),
        (Verb::Will, SGA),
        (Verb::Will, CHARSET),
        (Verb::Will, ECHO),
    ];
    for (verb, option) in requests {
        let agrees = match verb {
            Verb::Do => Verb::Will,
            _ => Verb::Do,
        };
        let answer = replies(&mut peer(), &negotiation(verb, option));
        assert_eq!(answer, negotiation(agrees, option), "{verb:?} {option}");
    }
}

#[test]
fn everything_else_is_refused_once() {
    let known = [
        &[TTYPE, SGA, CHARSET, NAWS][..],
        &[ECHO, EOR, SGA, CHARSET, GMCP],
    ];
    for ((verb, refuses), known) in [(Verb::Do, Verb::Wont), (Verb::Will, Verb::Dont)]
        .into_iter()
        .zip(known)
    {
        for option in (0..=255).filter(|option| !known.contains(option)) {
            let mut peer = peer();
            let request = negotiation(verb, option);
            assert_eq!(replies(&mut peer, &request), negotiation(refuses, option));
            let is_mark = (verb, option) == (Verb::Do, 6);
            assert_eq!(
                replies(&mut peer, &request).is_empty(),
                !is_mark,
                "{option}"
            );
        }
    }
}

#[test]
fn the_window_is_told_when_it_is_agreed_and_whenever_it_changes() {
    let mut peer = peer();
    let other = Size {
        width: 255,
        height: 24,
    };
    assert_eq!(peer.resize(other), b"", "nobody has asked");
    let told = b"\xff\xfb\x1f\xff\xfa\x1f\x00\xff\xff\x00\x18\xff\xf0";
    assert_eq!(replies(&mut peer, &negotiation(Verb::Do, NAWS)), told);
    assert_eq!(peer.resize(other), b"", "it is the same");
    assert_eq!(peer.resize(SIZE), b"\xff\xfa\x1f\x00\x78\x00\x28\xff\xf0");
    replies(&mut peer, &negotiation(Verb::Dont, NAWS));
    assert_eq!(peer.resize(other), b"");
}

#[test]
fn a_client_without_a_window_says_so() {
    let mut peer = Peer::new(Profile::default());
    let told = b"\xff\xfb\x1f\xff\xfa\x1f\x00\x00\x00\x00\xff\xf0";
    assert_eq!(replies(&mut peer, &negotiation(Verb::Do, NAWS)), told);
    assert_eq!(peer.resize(SIZE), b"\xff\xfa\x1f\x00\x78\x00\x28\xff\xf0");
}

#[test]
fn messages_are_subscribed_to_when_the_server_has_them() {
    let expected = [
        &negotiation(Verb::Do, GMCP)[..],
        &subnegotiation(GMCP, br#"Core.Hello {"client":"PQ-WEB","version":"1"}"#),
        &subnegotiation(GMCP, br#"Core.Supports.Set ["Char 1","PQ 1"]"#),
    ];
    let (mut peer, will) = (peer(), negotiation(Verb::Will, GMCP));
    assert_eq!(replies(&mut peer, &will), expected.concat());
    assert_eq!(replies(&mut peer, &will), b"");
}

#[test]
fn a_client_that_wants_no_packages_refuses_all_messages() {
    let mut peer = Peer::new(Profile::default());
    let will = negotiation(Verb::Will, GMCP);
    assert_eq!(replies(&mut peer, &will), negotiation(Verb::Dont, GMCP));
    assert_eq!(replies(&mut peer, &will), b"");
    assert_eq!(peer.hear(&subnegotiation(GMCP, b"Char.Vitals {}")), []);
    assert_eq!(peer.gmcp("Core.Ping"), b"");
}

#[test]
fn messages_go_both_ways_once_they_are_agreed_to() {
    let mut peer = peer();
    let vitals = r#"Char.Vitals {"hp":3,"note":"勇"}"#;
    let wire = subnegotiation(GMCP, vitals.as_bytes());
    assert_eq!((peer.hear(&wire), peer.gmcp(vitals)), (vec![], vec![]));
    peer.hear(&negotiation(Verb::Will, GMCP));
    assert_eq!(peer.hear(&wire), [Heard::Gmcp(vitals.to_string())]);
    assert_eq!(peer.gmcp(vitals), wire);
    for odd in ["", "Char.Vitals {", "a\nb", "Char.Vitals {} {}"] {
        assert_eq!(peer.gmcp(odd), b"", "{odd:?}");
        assert_eq!(peer.hear(&subnegotiation(GMCP, odd.as_bytes())), []);
    }
}

#[test]
fn the_character_set_is_utf_8_or_the_servers_own() {
    let mut peer = peer();
    replies(&mut peer, &negotiation(Verb::Will, CHARSET));
    let asks = |names: &[u8]| subnegotiation(CHARSET, &[b"\x01", names].concat());
    let accepted = subnegotiation(CHARSET, b"\x02UTF-8");
    assert_eq!(replies(&mut peer, &asks(b";UTF-8;US-ASCII")), accepted);
    let rejected = subnegotiation(CHARSET, b"\x03");
    assert_eq!(replies(&mut peer, &asks(b";KOI8-R")), rejected);
}

#[test]
fn prompts_are_heard_behind_their_text() {
    let expected = [
        heard_text("Name: "),
        Heard::Prompt,
        heard_text("Agree? "),
        Heard::Prompt,
    ];
    let wire = b"Name: \xff\xefAgree? \xff\xf9";
    assert_eq!(peer().hear(wire), expected);
}

#[test]
fn every_password_is_hidden() {
    let mut peer = peer();
    for turn in 0..1000 {
        let hidden = [
            Heard::Reply(negotiation(Verb::Do, ECHO).to_vec()),
            Heard::Typing(Typing::Hidden),
        ];
        assert_eq!(peer.hear(b"\xff\xfb\x01"), hidden, "{turn}");
        peer.line(b"xyzzy");
        let shown = [
            Heard::Reply(negotiation(Verb::Dont, ECHO).to_vec()),
            Heard::Typing(Typing::Shown),
        ];
        assert_eq!(peer.hear(b"\xff\xfc\x01"), shown, "{turn}");
    }
}

#[test]
fn text_comes_without_telnet_and_with_its_own_line_ends() {
    let wire = b"a\xff\xf1b\xff\xffc\r\0d\r\n\0\xff\xfa\x46\x01NAME\xff\xf0e";
    let expected = b"ab\xffc\rd\r\ne".to_vec();
    assert_eq!(peer().hear(wire), [Heard::Text(expected)]);
    assert_eq!(peer().hear(b"\0"), []);
}

#[test]
fn a_line_has_one_end_and_no_command() {
    let mut peer = peer();
    assert_eq!(peer.line("Ann 勇".as_bytes()), "Ann 勇\r\n".as_bytes());
    assert_eq!(peer.line(b"a\xffb\r\nc\0"), b"a\xff\xffbc\r\n");
    assert_eq!(peer.line(b""), b"\r\n");
}

#[test]
fn a_bomb_is_forgotten_and_the_server_is_heard_again() {
    let mut peer = peer();
    peer.hear(&negotiation(Verb::Will, GMCP));
    let bomb = [&[IAC, SB, GMCP][..], &[b'j'; 4 * SUBNEGOTIATION_MAX]].concat();
    assert_eq!(peer.hear(&bomb), []);
    assert_eq!(peer.hear(&[IAC, SE, b'x']), [heard_text("x")]);
}

/// All parts of telnet, in pieces, and text.
fn wire() -> impl Strategy<Value = Vec<u8>> {
    let options = vec![ECHO, SGA, 6, TTYPE, EOR, NAWS, CHARSET, MSSP, GMCP];
    let option = || prop_oneof![4 => proptest::sample::select(options.clone()), 1 => any::<u8>()];
    let verb = (251u8..=254, option()).prop_map(|(verb, option)| vec![IAC, verb, option]);
    let command = (239u8..=250).prop_map(|command| vec![IAC, command]);
    let words = proptest::sample::select(vec![
        &b"\x01"[..],
        b"\x01;UTF-8",
        b"\x01;KOI8-R",
        b"Char.Vitals {\"hp\":3}",
        b"Char.Vitals {",
        b"\xff",
    ]);
    let sub = (option(), words).prop_map(|(option, bytes)| subnegotiation(option, bytes));
    let text = proptest::sample::select(vec![&b"Name: "[..], b"\r\n", b"\r\0", b"\0", b"\xe5\x8b"]);
    let text = text.prop_map(<[u8]>::to_vec);
    let noise = proptest::collection::vec(any::<u8>(), 0..8);
    let piece = prop_oneof![4 => verb, 1 => command, 3 => sub, 3 => text, 1 => noise];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// The events with adjacent pieces of text joined.
fn joined(heard: impl IntoIterator<Item = Heard>) -> Vec<Heard> {
    let mut joined: Vec<Heard> = Vec::new();
    for next in heard {
        match (joined.last_mut(), next) {
            (Some(Heard::Text(before)), Heard::Text(text)) => before.extend(text),
            (_, next) => joined.push(next),
        }
    }
    joined
}

proptest! {
    #[test]
    fn any_segmentation_is_heard_the_same(input in wire(), cuts in proptest::collection::vec(1usize..40, 1..20)) {
        let (mut whole, mut cut) = (peer(), peer());
        let (mut rest, mut sizes, mut found) = (&input[..], cuts.iter().cycle(), Vec::new());
        while !rest.is_empty() {
            let (chunk, later) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
            found.extend(cut.hear(chunk));
            rest = later;
        }
        prop_assert_eq!(joined(found), joined(whole.hear(&input)));
        prop_assert_eq!(cut, whole);
    }

    #[test]
    fn answers_never_outgrow_what_was_received(input in proptest::collection::vec(wire(), 0..20)) {
        let (mut peer, input) = (peer(), input.concat());
        // Until a line is typed: types, sizes and subscriptions, each at most so often.
        let of_its_own = usize::from(ANSWERS_MAX) * (30 + 10 + 120);
        let answered = replies(&mut peer, &input).len();
        prop_assert!(answered <= input.len() + of_its_own, "{answered} bytes to {}", input.len());
    }

    #[test]
    fn the_server_reads_the_lines_as_they_were_typed(lines in proptest::collection::vec("[^\\p{Cc}]{0,100}", 0..10)) {
        let mut peer = peer();
        let wire: Vec<u8> = lines.iter().flat_map(|line| peer.line(line.as_bytes())).collect();
        let (mut endpoint, mut rest) = (Endpoint::default(), &wire[..]);
        let events: Vec<Event> = std::iter::from_fn(|| endpoint.next(&mut rest)).collect();
        let expected: Vec<Event> = lines.into_iter().map(|line| Event::Line(line.into_bytes())).collect();
        prop_assert_eq!(events, expected);
    }
}

/// A listing with the minimum of variables.
struct Sample;

impl Listing for Sample {
    fn list(&self, mssp: &mut Mssp) {
        mssp.set("NAME", "Sample");
    }
}

/// Both ends, and the bytes in transit between them.
struct Pair {
    endpoint: Endpoint,
    nvt: Nvt,
    peer: Peer,
    to_server: Vec<u8>,
    to_peer: Vec<u8>,
    /// The sent and the arrived lines, texts and messages.
    sent: Said,
    arrived: Said,
    is_secret: bool,
    typing: Typing,
    prompts: usize,
}

#[derive(Clone, Default, PartialEq, Eq, Debug)]
struct Said {
    lines: Vec<Vec<u8>>,
    text: Vec<u8>,
    messages: Vec<String>,
}

/// An event at one end, or the arrival of bytes.
#[derive(Clone, Copy, Debug)]
enum Step {
    Open,
    Tell(&'static str),
    Secret(bool),
    Message,
    Mark,
    Line(&'static str),
    Resize(u16),
    /// A wish of the client. `Peer` has none of its own: for each option the ends must agree.
    Ask(Side, u8, bool),
    ToServer(usize),
    ToPeer(usize),
}

const VITALS: &str = r#"Char.Vitals {"hp":3}"#;

impl Pair {
    fn new() -> Pair {
        Pair {
            endpoint: Endpoint::default(),
            nvt: Nvt::default(),
            peer: peer(),
            to_server: Vec::new(),
            to_peer: Vec::new(),
            sent: Said::default(),
            arrived: Said::default(),
            is_secret: false,
            typing: Typing::Shown,
            prompts: 0,
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Open => self.to_peer.extend(self.nvt.open()),
            Step::Tell(text) => self.tell(text),
            Step::Secret(true) => self.secret(true, "\x0esecret\x0f"),
            Step::Secret(false) => self.secret(false, "\x0e/secret\x0f"),
            Step::Message => self.message(),
            Step::Mark => self.to_peer.extend(self.nvt.mark()),
            Step::Line(line) => {
                self.sent.lines.push(line.into());
                self.to_server.extend(self.peer.line(line.as_bytes()));
            }
            Step::Resize(width) => {
                let size = Size { width, height: 24 };
                self.to_server.extend(self.peer.resize(size));
            }
            Step::Ask(side, option, on) => {
                let wish = self.peer.negotiation.wish(side, option, on);
                self.to_server.extend(wish);
            }
            Step::ToServer(len) => self.server_hears(len),
            Step::ToPeer(len) => self.peer_hears(len),
        }
    }

    fn secret(&mut self, is_secret: bool, tag: &str) {
        self.is_secret = is_secret;
        self.tell(tag);
    }

    fn tell(&mut self, text: &str) {
        let wire = self.nvt.tell(text.as_bytes());
        self.shows(wire);
    }

    /// Delivers bytes to the client's screen, which shows those that are no commands.
    fn shows(&mut self, wire: Vec<u8>) {
        let mut telnet = Telnet::default();
        let data = wire.iter().filter_map(|byte| match telnet.step(*byte) {
            Some(Piece::Data(byte)) => Some(byte),
            _ => None,
        });
        self.sent.text.extend(data);
        self.to_peer.extend(wire);
    }

    fn message(&mut self) {
        let message = Message::read(VITALS).unwrap();
        let wire = self.nvt.message(&message);
        if !wire.is_empty() {
            self.sent.messages.push(VITALS.to_string());
        }
        self.to_peer.extend(wire);
    }

    fn server_hears(&mut self, len: usize) {
        let len = len.min(self.to_server.len());
        let bytes: Vec<u8> = self.to_server.drain(..len).collect();
        let mut input = &bytes[..];
        while let Some(event) = self.endpoint.next(&mut input) {
            let answer = self.nvt.hear(&event, self.endpoint.taken(), &Sample);
            if let Event::Line(line) = event {
                // A client that has requested an echo is shown its own lines.
                self.shows(answer);
                self.arrived.lines.push(line);
            } else {
                self.to_peer.extend(answer);
            }
        }
    }

    fn peer_hears(&mut self, len: usize) {
        let len = len.min(self.to_peer.len());
        let bytes: Vec<u8> = self.to_peer.drain(..len).collect();
        for heard in self.peer.hear(&bytes) {
            match heard {
                Heard::Text(text) => self.arrived.text.extend(text),
                Heard::Prompt => self.prompts += 1,
                Heard::Typing(typing) => self.typing = typing,
                Heard::Gmcp(message) => self.arrived.messages.push(message),
                Heard::Reply(bytes) => self.to_server.extend(bytes),
            }
        }
    }

    /// Delivers all bytes and their answers; returns the number of rounds.
    fn settle(&mut self) -> usize {
        let mut rounds = 0;
        while !(self.to_server.is_empty() && self.to_peer.is_empty()) && rounds < 100 {
            self.server_hears(usize::MAX);
            self.peer_hears(usize::MAX);
            rounds += 1;
        }
        rounds
    }

    fn is_on(&self, side: Side, option: u8) -> bool {
        self.peer.negotiation.is_on(side, option)
    }
}

fn step() -> impl Strategy<Value = Step> {
    let text = proptest::sample::select(vec!["Name: ", "Executing 勇...\n", "a\r\nb\n"]);
    let line = proptest::sample::select(vec!["Ann", "y", "quit 勇", ""]);
    prop_oneof![
        2 => text.prop_map(Step::Tell),
        2 => any::<bool>().prop_map(Step::Secret),
        2 => Just(Step::Message),
        1 => Just(Step::Mark),
        2 => line.prop_map(Step::Line),
        1 => (40u16..240).prop_map(Step::Resize),
        6 => (1usize..60).prop_map(Step::ToServer),
        6 => (1usize..60).prop_map(Step::ToPeer),
    ]
}

fn ask() -> impl Strategy<Value = Step> {
    let sides = proptest::sample::select(vec![Side::Us, Side::Him]);
    let options = proptest::sample::select(vec![ECHO, SGA, TTYPE, EOR, NAWS, CHARSET, GMCP]);
    (sides, options, any::<bool>()).prop_map(|(side, option, on)| Step::Ask(side, option, on))
}

/// Checks the final state, after any requests on the way.
fn agree(pair: &mut Pair) -> Result<(), TestCaseError> {
    prop_assert!(pair.settle() < 20, "they go on");
    prop_assert_eq!(&pair.arrived.lines, &pair.sent.lines);
    prop_assert_eq!(&pair.arrived.text, &pair.sent.text);
    let hidden = pair.is_on(Side::Him, ECHO);
    prop_assert_eq!(pair.typing == Typing::Hidden, hidden);
    if pair.is_on(Side::Us, NAWS) {
        prop_assert_eq!(Some(pair.nvt.client().size), pair.peer.profile.size);
    }
    // A message and a prompt are now sent exactly if the client has agreed to them, and then they arrive.
    let (messages, prompts) = (pair.arrived.messages.len(), pair.prompts);
    let now = [Step::Message, Step::Tell("Agree? "), Step::Mark];
    now.into_iter().for_each(|step| pair.step(step));
    prop_assert!(pair.settle() < 3, "they begin again");
    let is_subscribed = pair.is_on(Side::Him, GMCP);
    prop_assert_eq!(pair.arrived.messages.len() > messages, is_subscribed);
    let is_marked =
        pair.nvt.speaks_telnet() && (pair.is_on(Side::Him, EOR) || !pair.is_on(Side::Him, SGA));
    prop_assert_eq!(pair.prompts > prompts, is_marked);
    Ok(())
}

proptest! {
    #[test]
    fn a_server_and_a_client_agree_on_everything(steps in proptest::collection::vec(step(), 0..60), open in 0usize..60) {
        let mut pair = Pair::new();
        for (number, step) in steps.into_iter().chain([Step::Mark]).enumerate() {
            if number == open {
                pair.step(Step::Open);
            }
            pair.step(step);
        }
        agree(&mut pair)?;
        prop_assert_eq!(&pair.arrived, &pair.sent);
        prop_assert_eq!(pair.typing == Typing::Hidden, pair.is_secret && pair.nvt.speaks_telnet());
        if pair.nvt.speaks_telnet() {
            let answers: Vec<&str> = pair.nvt.client().ttype.answers().collect();
            prop_assert_eq!(answers, ["PQ-WEB", "XTERM-TRUECOLOR", "MTTS 269"]);
            prop_assert_eq!(pair.nvt.program(), Some("PQ-WEB 1"));
            prop_assert!(pair.is_on(Side::Him, GMCP) && pair.is_on(Side::Him, EOR) && pair.is_on(Side::Us, NAWS));
        }
    }

    #[test]
    fn they_agree_whatever_the_client_asks_for(steps in proptest::collection::vec(prop_oneof![3 => step(), 1 => ask()], 0..60)) {
        let mut pair = Pair::new();
        pair.step(Step::Open);
        steps.into_iter().for_each(|step| pair.step(step));
        agree(&mut pair)?;
    }
}
