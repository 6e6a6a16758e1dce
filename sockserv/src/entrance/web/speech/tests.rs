//! Tests of frames against telnet: the far end is the door's own [`Nvt`].

use proptest::prelude::*;

use super::*;
use crate::wire::endpoint::{Endpoint, Event};
use crate::wire::mssp::{Listing, Mssp};
use crate::wire::nvt::Nvt;

struct Unlisted;

impl Listing for Unlisted {
    fn list(&self, _mssp: &mut Mssp) {}
}

/// A gateway's translation connected to a door's terminal, without a wire between them.
struct Rig {
    speech: Speech,
    nvt: Nvt,
    endpoint: Endpoint,
    lines: Vec<String>,
    frames: Vec<Frame>,
}

impl Rig {
    /// A rig in which all options are negotiated.
    fn new(dialect: Dialect, query: &str) -> Rig {
        let mut rig = Rig {
            speech: Speech::new(dialect, query),
            nvt: Nvt::default(),
            endpoint: Endpoint::default(),
            lines: Vec::new(),
            frames: Vec::new(),
        };
        let probe = rig.nvt.open();
        rig.hear_door(&probe);
        rig
    }

    fn hear_door(&mut self, bytes: &[u8]) {
        let told = self.speech.hear(bytes);
        self.frames.extend(told.frames);
        self.tell_door(&told.reply);
    }

    fn tell_door(&mut self, mut bytes: &[u8]) {
        while let Some(event) = self.endpoint.next(&mut bytes) {
            let answer = self.nvt.hear(&event, self.endpoint.taken(), &Unlisted);
            if let Event::Line(line) = event {
                self.lines.push(String::from_utf8(line).unwrap());
            }
            if !answer.is_empty() {
                self.hear_door(&answer);
            }
        }
    }

    fn says(&mut self, frame: Frame) {
        let wire = self.speech.say(frame);
        self.tell_door(&wire);
    }

    fn types(&mut self, text: &[u8]) {
        self.says(Frame::Binary(Bytes::copy_from_slice(text)));
    }

    fn tells(&mut self, message: &str) {
        self.says(Frame::Text(message.into()));
    }

    fn writes(&mut self, markup: &str) {
        let wire = self.nvt.tell(markup.as_bytes());
        self.hear_door(&wire);
    }

    fn sends(&mut self, message: &str) {
        let wire = self.nvt.message(&Message::read(message).unwrap());
        self.hear_door(&wire);
    }

    /// The frames since the last call.
    fn frames(&mut self) -> Vec<Frame> {
        std::mem::take(&mut self.frames)
    }
}

fn text(text: &str) -> Frame {
    Frame::Text(text.into())
}

fn binary(text: &str) -> Frame {
    Frame::Binary(text.as_bytes().to_vec().into())
}

#[test]
fn a_terminal_gets_text_and_nothing_of_telnet() {
    let mut rig = Rig::new(Dialect::Terminal, "");
    assert_eq!(rig.frames(), []);
    rig.writes("Executing a Pig...\n");
    rig.sends(r#"Char.Vitals {"xp":1}"#);
    assert_eq!(rig.frames(), [binary("Executing a Pig...\r\n")]);
    assert!(rig.nvt.client().look().charset == crate::wire::charset::Charset::Utf8);
    assert_eq!(rig.nvt.program(), Some("PQ-WEB"));
}

#[test]
fn a_client_of_gmcp_gets_the_packages_that_it_has_asked_for() {
    let mut rig = Rig::new(Dialect::Gmcp, "");
    rig.sends(r#"Char.Vitals {"xp":1}"#);
    assert_eq!(rig.frames(), []);
    rig.tells(r#"Core.Hello {"client":"Probe","version":"7"}"#);
    rig.tells(r#"Core.Supports.Set ["Char 1"]"#);
    assert_eq!(rig.nvt.program(), Some("Probe 7"));
    rig.writes("one");
    rig.sends(r#"Char.Vitals {"xp":2}"#);
    rig.sends(r#"PQ.Upgrade {"phase":"begin"}"#);
    rig.writes(" two\n");
    let expected = [
        binary("one"),
        text(r#"Char.Vitals {"xp":2}"#),
        binary(" two\r\n"),
    ];
    assert_eq!(rig.frames(), expected);
}

#[test]
fn messages_before_the_door_has_agreed_wait_for_that_and_no_more_than_some() {
    let mut speech = Speech::new(Dialect::Gmcp, "");
    for number in 0..WAITING_MAX + 1 {
        let message = text(&format!("Core.Ping {number}"));
        assert_eq!(speech.say(message), b"");
    }
    let wire = speech.hear(b"\xff\xfb\xc9").reply;
    let pings = wire.windows(9).filter(|bytes| bytes == b"Core.Ping");
    assert_eq!(pings.count(), WAITING_MAX);
    let subscribes = wire.windows(13).position(|bytes| bytes == b"Core.Supports");
    let first = wire.windows(11).position(|bytes| bytes == b"Core.Ping 0");
    assert!(subscribes.unwrap() < first.unwrap());
}

#[test]
fn a_character_is_never_cut_in_two_frames() {
    let mut speech = Speech::new(Dialect::Terminal, "");
    let mut frames = Vec::new();
    for byte in "Zoë 勇🐖".bytes() {
        frames.extend(speech.hear(&[byte]).frames);
    }
    assert_eq!(frames, ["Z", "o", "ë", " ", "勇", "🐖"].map(binary));
    assert_eq!(speech.finish(), None);
    assert_eq!(speech.hear("勇".as_bytes().split_at(2).0).frames, []);
    assert_eq!(
        speech.finish(),
        Some(Frame::Binary("勇".as_bytes()[..2].to_vec().into()))
    );
}

#[test]
fn lines_end_with_lf_cr_or_both_and_may_come_in_any_pieces() {
    let mut rig = Rig::new(Dialect::Terminal, "");
    for piece in ["A", "nn\r", "\nBob\n", "\r\nC", "ar", "l\r", "Dora\r\n"] {
        rig.types(piece.as_bytes());
    }
    assert_eq!(rig.lines, ["Ann", "Bob", "", "Carl", "Dora"]);
    let [one, two] = [
        "勇\n".as_bytes()[..2].to_vec(),
        "勇\n".as_bytes()[2..].to_vec(),
    ];
    rig.types(&one);
    rig.types(&two);
    assert_eq!(rig.lines.last().unwrap(), "勇");
}

#[test]
fn a_terminals_text_frame_is_a_line() {
    let mut rig = Rig::new(Dialect::Terminal, "");
    for line in ["Ann", "Bob\n", "Carl\r\n", ""] {
        rig.tells(line);
    }
    assert_eq!(rig.lines, ["Ann", "Bob", "Carl", ""]);
}

#[test]
fn what_is_typed_begins_no_command() {
    let mut rig = Rig::new(Dialect::Gmcp, "");
    rig.frames();
    // WILL NAWS, a NUL and a subnegotiation, cut inside of commands.
    for piece in [
        &b"\xff"[..],
        b"\xfb\x1f\x00",
        b"\xff\xfa\x1f\x00\x01\x00\x01\xff\xf0",
    ] {
        assert!(
            !rig.speech
                .say(Frame::Binary(Bytes::copy_from_slice(piece)))
                .starts_with(b"\xff\xfb")
        );
    }
    assert_eq!(rig.nvt.client().size, Size::default());
}

#[test]
fn the_size_of_a_window_reaches_the_door_whenever_it_is_told() {
    for is_early in [true, false] {
        let mut speech = Speech::new(Dialect::Gmcp, "");
        let window = text(r#"PQ.Window {"columns":120,"lines":40}"#);
        let naws = b"\xff\xfa\x1f\x00\x78\x00\x28\xff\xf0";
        let wire = match is_early {
            true => {
                assert_eq!(speech.say(window), b"");
                speech.hear(b"\xff\xfd\x1f").reply
            }
            false => {
                speech.hear(b"\xff\xfd\x1f");
                speech.say(window)
            }
        };
        assert!(wire.ends_with(naws), "{wire:?}");
    }
}

#[test]
fn a_window_that_is_none_changes_nothing() {
    let mut rig = Rig::new(Dialect::Gmcp, "");
    rig.tells(r#"PQ.Window {"columns":100,"lines":30}"#);
    let before = rig.nvt.client().size;
    assert_eq!((before.width, before.height), (100, 30));
    for odd in [
        "PQ.Window",
        "PQ.Window {",
        r#"PQ.Window {"columns":0,"lines":0}"#,
        r#"PQ.Window {"columns":70000,"lines":1}"#,
        r#"PQ.Window {"columns":-1,"lines":1}"#,
        "no message at all",
        "",
    ] {
        rig.tells(odd);
        assert_eq!(rig.nvt.client().size, before, "{odd}");
    }
    assert!(rig.lines.is_empty());
}

#[test]
fn what_is_not_to_be_seen_is_told_as_often_as_it_changes() {
    let mut rig = Rig::new(Dialect::Gmcp, "");
    // More often than a server may change an option within one line.
    for _ in 0..50 {
        rig.writes("Password: \x0esecret\x0f");
        assert_eq!(
            rig.frames(),
            [binary("Password: "), text(r#"PQ.Typing {"shown":false}"#)]
        );
        rig.types(b"xyzzy\r\n");
        rig.writes("\x0e/secret\x0f");
        assert!(rig.frames().contains(&text(r#"PQ.Typing {"shown":true}"#)));
    }
}

#[test]
fn who_has_the_text_read_aloud_gets_it_plain() {
    for (query, is_plain) in [
        ("", false),
        ("reader=screen", true),
        ("a=b&reader=screen", true),
    ] {
        let mut rig = Rig::new(Dialect::Gmcp, query);
        rig.writes("\x0ered\x0fOuch\x0e/\x0f\n");
        let is_text = rig.frames() == [binary("Ouch\r\n")];
        assert_eq!(is_text, is_plain, "{query}");
    }
}

proptest! {
    #[test]
    fn what_is_typed_is_the_same_however_it_was_cut(typed in "[ -~ë勇🐖\r\n]{0,60}", cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let mut whole = Rig::new(Dialect::Terminal, "");
        whole.types(typed.as_bytes());
        let mut cut: Vec<usize> = cuts.iter().map(|cut| cut.index(typed.len() + 1)).collect();
        cut.extend([0, typed.len()]);
        cut.sort_unstable();
        let mut pieces = Rig::new(Dialect::Terminal, "");
        for ends in cut.windows(2) {
            pieces.types(&typed.as_bytes()[ends[0]..ends[1]]);
        }
        prop_assert_eq!(whole.lines, pieces.lines);
    }

    #[test]
    fn any_bytes_of_either_side_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,80}") {
        for dialect in Dialect::ALL {
            let mut speech = Speech::new(dialect, "");
            speech.hear(&bytes);
            prop_assert!(speech.begun.len() < 4);
            speech.say(Frame::Binary(bytes.clone().into()));
            speech.say(Frame::Text(text.clone().into()));
            speech.finish();
        }
    }
}
