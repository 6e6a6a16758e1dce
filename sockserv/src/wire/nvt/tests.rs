//! Tests with a client's input, byte by byte: friendly, odd and hostile clients.

mod echo;
mod login;

use proptest::prelude::*;

use super::*;
use crate::wire::endpoint::Endpoint;
use crate::wire::telnet::{DM, EC, EL, SB, SE, SUBNEGOTIATION_MAX, negotiation, subnegotiation};

const PROBE: &[u8] = b"\xff\xfd\x18";

/// The offers behind the probe: `WILL EOR`, `DO NAWS`, `WILL CHARSET`, `WILL MSSP`, `WILL GMCP`.
const REST: &[u8] = b"\xff\xfb\x19\xff\xfd\x1f\xff\xfb\x2a\xff\xfb\x46\xff\xfb\xc9";

const ASKS_TTYPE: &[u8] = b"\xff\xfa\x18\x01\xff\xf0";

/// A listing with the minimum of variables.
struct Sample;

impl Listing for Sample {
    fn list(&self, mssp: &mut Mssp) {
        mssp.set("NAME", "Sample");
        mssp.set("PLAYERS", 3);
    }
}

const TABLE: &[u8] = b"\xff\xfa\x46\x01NAME\x02Sample\x01PLAYERS\x023\xff\xf0";

/// The protocol of a connection: the parser, and the state of the terminal.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
struct Host {
    endpoint: Endpoint,
    nvt: Nvt,
    lines: Vec<String>,
}

impl Host {
    fn opened() -> Host {
        let mut host = Host::default();
        assert_eq!(host.nvt.open(), PROBE);
        host
    }

    /// A client that has refused the probe and received the other offers.
    fn met() -> Host {
        let mut host = Host::opened();
        assert_eq!(host.hear(&negotiation(Verb::Wont, TTYPE)), REST);
        host
    }

    /// Takes input and returns the answers; keeps the lines.
    fn hear(&mut self, mut input: &[u8]) -> Vec<u8> {
        let mut answers = Vec::new();
        while let Some(event) = self.endpoint.next(&mut input) {
            let len = self.endpoint.taken();
            answers.extend(self.nvt.hear(&event, len, &Sample));
            if let Event::Line(line) = event {
                self.lines.push(String::from_utf8_lossy(&line).into_owned());
            }
        }
        answers
    }

    fn tell(&mut self, text: &str) -> String {
        String::from_utf8(self.nvt.tell(text.as_bytes())).unwrap()
    }

    /// A text, and the mark that follows it when no further text is sent.
    fn prompt(&mut self, text: &str) -> Vec<u8> {
        [self.nvt.tell(text.as_bytes()), self.nvt.mark()].concat()
    }
}

#[test]
fn a_client_that_speaks_no_telnet_is_sent_three_bytes_and_text() {
    let mut host = Host::opened();
    assert_eq!(host.hear(b"Ann\ny\n\x80\xfe\r\n"), b"");
    assert_eq!(host.prompt("\x0ered\x0fName: "), b"Name: ");
    assert_eq!(
        host.tell("\x0esecret\x0fPassword: \x0e/secret\x0f\n"),
        "Password: \r\n"
    );
    assert_eq!(host.nvt.keepalive(), b"");
}

#[test]
fn the_rest_is_offered_when_the_probe_is_answered_and_only_then() {
    let mut host = Host::opened();
    assert_eq!(host.hear(b"Ann\r\n"), b"");
    let agrees = host.hear(&negotiation(Verb::Will, TTYPE));
    assert_eq!(agrees, [ASKS_TTYPE, REST].concat());
    assert_eq!(host.hear(&negotiation(Verb::Will, TTYPE)), b"");
    assert_eq!(host.nvt.keepalive(), [IAC, NOP]);
}

#[test]
fn any_command_shows_that_a_client_speaks_telnet() {
    for command in [&[IAC, NOP][..], &[IAC, SB, 99, IAC, SE]] {
        assert_eq!(Host::opened().hear(command), REST);
    }
    assert_eq!(Host::opened().hear(&[IAC, AYT]), [YES, REST].concat());
    let refused = negotiation(Verb::Dont, 99);
    let offers = Host::opened().hear(&negotiation(Verb::Will, 99));
    assert_eq!(offers, [&refused[..], REST].concat());
}

#[test]
fn what_a_client_offers_first_is_not_offered_again() {
    let answers = Host::opened().hear(b"\xff\xfb\x1f\xff\xfd\xc9");
    let without_naws = b"\xff\xfb\x19\xff\xfb\x2a\xff\xfb\x46\xff\xfb\xc9";
    assert_eq!(answers, [b"\xff\xfd\x1f", &without_naws[..]].concat());
}

#[test]
fn without_the_probe_a_client_that_speaks_first_is_offered_everything() {
    let mut host = Host::default();
    assert_eq!(host.hear(&[IAC, NOP]), [PROBE, REST].concat());
}

#[test]
fn the_client_tells_its_names_its_window_and_its_characters() {
    let mut host = Host::opened();
    host.hear(&negotiation(Verb::Will, TTYPE));
    for name in ["TINTIN++", "xterm", "MTTS 271"] {
        host.hear(&subnegotiation(TTYPE, format!("\0{name}").as_bytes()));
    }
    host.hear(b"\xff\xfb\x1f\xff\xfa\x1f\x00\x78\x00\x28\xff\xf0");
    let asks = host.hear(&negotiation(Verb::Do, CHARSET));
    assert_eq!(asks, b"\xff\xfa\x2a\x01;UTF-8;US-ASCII\xff\xf0");
    host.hear(b"\xff\xfa\x2a\x02US-ASCII\xff\xf0");
    assert_eq!(host.nvt.client().to_string(), "TINTIN++ 120x40");
    assert_eq!(
        host.tell("\x0e#010203\x0fé\n"),
        "\x1b[38;2;1;2;3m?\r\n\x1b[0m"
    );
}

#[test]
fn what_was_not_agreed_to_is_not_heard() {
    let mut host = Host::met();
    host.hear(&negotiation(Verb::Wont, NAWS));
    host.hear(&negotiation(Verb::Dont, GMCP));
    let before = host.nvt.clone();
    host.hear(b"\xff\xfa\x1f\x00\x78\x00\x28\xff\xf0");
    host.hear(&subnegotiation(GMCP, br#"Core.Supports.Set ["Char 1"]"#));
    host.hear(&subnegotiation(TTYPE, b"\0XTERM"));
    assert_eq!(host.nvt, before);
}

#[test]
fn a_window_of_no_size_is_the_usual_one() {
    let mut host = Host::met();
    host.hear(b"\xff\xfb\x1f\xff\xfa\x1f\xff\xff\xff\xff\x00\xff\xff\xff\xf0");
    assert_eq!(
        host.nvt.client().size,
        Size {
            width: 240,
            height: 100
        }
    );
    host.hear(b"\xff\xfa\x1f\x00\x00\x00\x00\xff\xf0");
    assert_eq!(host.nvt.client().size, Size::default());
}

#[test]
fn prompts_are_marked_with_eor_where_the_client_agrees() {
    let mut host = Host::met();
    // While the client may still agree there is no mark; after its refusal the waiting prompt gets one.
    assert_eq!(host.prompt("Name: "), b"Name: ");
    host.hear(&negotiation(Verb::Do, EOR));
    assert_eq!(host.nvt.mark(), b"\xff\xef");
    assert_eq!(host.nvt.mark(), b"");
    host.hear(b"Ann\r\n");
    assert_eq!(host.nvt.mark(), b"");
    assert_eq!(host.prompt("Agree? "), b"Agree? \xff\xef");
}

#[test]
fn prompts_are_marked_with_ga_where_eor_is_refused() {
    let mut host = Host::met();
    host.hear(&negotiation(Verb::Dont, EOR));
    assert_eq!(host.prompt("Name: "), b"Name: \xff\xf9");
    // When Go Ahead is suppressed, no mark is left.
    assert_eq!(host.hear(&negotiation(Verb::Do, SGA)), b"\xff\xfb\x03");
    assert_eq!(host.prompt("Name: "), b"Name: ");
}

#[test]
fn text_that_ends_its_line_is_no_prompt() {
    let mut host = Host::met();
    host.hear(&negotiation(Verb::Do, EOR));
    for text in [
        "What's your character's name?\n",
        "a\r\n",
        "\x0ebold\x0fa\n\x0e/\x0f",
        "",
    ] {
        assert_eq!(
            host.nvt.tell(text.as_bytes()),
            host.prompt(text),
            "{text:?}"
        );
    }
}

#[test]
fn a_question_of_the_dialogue_is_marked_also_where_it_ends_its_line() {
    let mut host = Host::met();
    host.hear(&negotiation(Verb::Do, EOR));
    host.nvt.set_dialogue(true);
    host.tell("Your name?\n");
    assert_eq!(host.nvt.mark(), b"\xff\xef");
    assert_eq!(host.nvt.mark(), b"");
    // The cursor is at the front of a line all the time.
    assert_eq!(host.nvt.announce("*** Lunch"), b"*** Lunch\r\n");
    host.nvt.set_dialogue(false);
    host.tell("That name is taken. Another?\n");
    assert_eq!(host.nvt.mark(), b"");
    host.nvt.set_dialogue(true);
    assert_eq!(host.nvt.mark(), b"\xff\xef");
}

#[test]
fn a_prompt_that_was_answered_before_the_mark_gets_none() {
    let mut host = Host::met();
    host.nvt.tell(b"Name: ");
    host.hear(b"Ann\r\n");
    host.hear(&negotiation(Verb::Do, EOR));
    assert_eq!(host.nvt.mark(), b"");
}

#[test]
fn a_secret_is_hidden_and_its_line_end_is_written_for_the_client() {
    let mut host = Host::met();
    let hidden = "\x0esecret\x0fPassword: ".as_bytes();
    assert_eq!(host.nvt.tell(hidden), b"\xff\xfb\x01Password: ");
    assert_eq!(host.hear(b"\xff\xfd\x01xyzzy\r\n"), b"");
    let shown = "\x0e/secret\x0fWelcome.\n".as_bytes();
    assert_eq!(host.nvt.tell(shown), b"\xff\xfc\x01\r\nWelcome.\r\n");
    // From here on TinTin++ answers nothing, and the next password must still be hidden.
    assert_eq!(host.nvt.tell(hidden), b"\xff\xfb\x01Password: ");
    assert_eq!(host.nvt.tell(shown), b"\xff\xfc\x01\r\nWelcome.\r\n");
    // A late acknowledgement has no effect.
    assert_eq!(host.hear(b"\xff\xfe\x01\xff\xfd\x01\xff\xfe\x01"), b"");
}

#[test]
fn a_client_that_shows_what_it_types_sees_its_own_line_end() {
    let mut host = Host::met();
    host.nvt.tell(b"\x0esecret\x0f");
    assert_eq!(host.hear(&negotiation(Verb::Dont, ECHO)), b"");
    assert_eq!(host.nvt.tell(b"\x0e/secret\x0fWelcome.\n"), b"Welcome.\r\n");
}

#[test]
fn a_secret_that_was_begun_before_the_probe_was_answered_is_hidden_then() {
    let mut host = Host::opened();
    assert_eq!(host.nvt.tell(b"\x0esecret\x0fPassword: "), b"Password: ");
    let offers = host.hear(&negotiation(Verb::Wont, TTYPE));
    assert_eq!(offers, [REST, b"\xff\xfb\x01"].concat());
}

impl Host {
    fn tell_bytes(&mut self, text: &str) -> Vec<u8> {
        self.nvt.tell(text.as_bytes())
    }
}

#[test]
fn the_status_is_told_once() {
    let mut host = Host::met();
    assert_eq!(host.hear(&negotiation(Verb::Do, MSSP)), TABLE);
    let again = [negotiation(Verb::Dont, MSSP), negotiation(Verb::Do, MSSP)].concat();
    assert_eq!(host.hear(&again), b"\xff\xfc\x46\xff\xfb\x46");
    // A crawler may request MSSP before any offer.
    let asked = Host::opened().hear(&negotiation(Verb::Do, MSSP));
    assert!(asked.starts_with(&[&b"\xff\xfb\x46"[..], TABLE].concat()));
}

#[test]
fn compression_is_offered_where_it_may_be_and_refused_elsewhere() {
    let mut host = Host::opened();
    host.nvt.set_may_compress();
    let offers = host.hear(&negotiation(Verb::Wont, TTYPE));
    assert_eq!(offers, [REST, b"\xff\xfb\x56"].concat());
    assert_eq!(host.hear(&negotiation(Verb::Do, COMPRESS2)), b"");
    assert_eq!(host.nvt.take_turn(), Some(Turn::Begin));
    assert_eq!(host.hear(&negotiation(Verb::Do, COMPRESS2)), b"");
    assert_eq!(host.nvt.take_turn(), None);
    let ends = host.hear(&negotiation(Verb::Dont, COMPRESS2));
    assert_eq!(ends, negotiation(Verb::Wont, COMPRESS2));
    assert_eq!(host.nvt.take_turn(), Some(Turn::End));
    let mut elsewhere = Host::met();
    let asked = elsewhere.hear(&negotiation(Verb::Do, COMPRESS2));
    assert_eq!(asked, negotiation(Verb::Wont, COMPRESS2));
    assert_eq!(elsewhere.hear(&negotiation(Verb::Do, COMPRESS2)), b"");
    assert_eq!(elsewhere.nvt.take_turn(), None);
}

#[test]
fn a_message_comes_to_the_client_that_asked_for_it() {
    let mut host = Host::met();
    let text = "\x0egmcp Char.Vitals {\"hp\":3}\x0fExecuting a Pig...\n";
    let upgrade = Message::upgrade(crate::wire::gmcp::Phase::Commit, "1.0.0", "1.1.0", None);
    let set = subnegotiation(GMCP, br#"Core.Supports.Set ["Char 1","PQ 1"]"#);
    assert_eq!(host.hear(&negotiation(Verb::Do, GMCP)), b"");
    assert_eq!(host.tell_bytes(text), b"Executing a Pig...\r\n");
    assert_eq!(host.nvt.message(&upgrade), b"");
    assert_eq!(host.hear(&set), b"");
    let vitals = subnegotiation(GMCP, b"Char.Vitals {\"hp\":3}");
    assert_eq!(
        host.tell_bytes(text),
        [&vitals[..], b"Executing a Pig...\r\n"].concat()
    );
    assert_eq!(host.nvt.message(&upgrade), upgrade.wire());
    host.hear(&negotiation(Verb::Dont, GMCP));
    assert_eq!(host.nvt.message(&upgrade), b"");
}

#[test]
fn a_message_is_no_prompt_and_does_not_end_one() {
    let mut host = Host::met();
    host.hear(&negotiation(Verb::Do, EOR));
    host.tell("Name: ");
    host.tell("\x0egmcp Char.Vitals {}\x0f\x0egmcp broken {\x0f");
    assert_eq!(host.nvt.mark(), b"\xff\xef");
}

#[test]
fn commands_that_ask_for_nothing_are_harmless_and_the_two_that_erase_do() {
    let mut host = Host::met();
    for command in [NOP, DM, 243, 244, 245, GA, telnet::EOR, SE, 236, 237, 238] {
        assert_eq!(
            host.hear(&[b"A", &[IAC, command][..], b"nn\r\n"].concat()),
            b""
        );
    }
    assert_eq!(host.lines, ["Ann"; 11]);
    host.hear(
        &[
            b"Amn",
            &[IAC, EC, IAC, EC][..],
            b"nn\r\n",
            b"Bob",
            &[IAC, EL],
            b"Ann\r\n",
        ]
        .concat(),
    );
    assert_eq!(host.lines[11..], ["Ann", "Ann"]);
}

#[test]
fn are_you_there_is_answered_until_the_credit_is_spent() {
    let mut host = Host::met();
    assert_eq!(host.hear(&[IAC, AYT]), YES);
    let flood: Vec<u8> = [IAC, AYT].repeat(10_000);
    let answered = host.hear(&flood).len();
    assert!(answered <= flood.len() / 8 + CREDIT_MAX, "{answered}");
    assert!(answered > CREDIT_MAX / 2, "{answered}");
}

#[test]
fn a_bomb_is_forgotten_as_it_grows_and_the_client_is_heard_again() {
    for option in [TTYPE, NAWS, CHARSET, MSSP, GMCP, 99] {
        let mut host = Host::met();
        host.hear(
            &[
                negotiation(Verb::Do, option),
                negotiation(Verb::Will, option),
            ]
            .concat(),
        );
        let before = host.nvt.clone();
        let bomb = [&[IAC, SB, option][..], &vec![b'['; 4 * SUBNEGOTIATION_MAX]].concat();
        assert_eq!(host.hear(&bomb), b"");
        assert_eq!(host.hear(&[IAC, SE, b'y', b'\n']), b"");
        assert_eq!(
            (host.lines.as_slice(), &host.nvt),
            (&["y".to_string()][..], &before)
        );
    }
}

#[test]
fn a_subnegotiation_without_its_end_does_not_swallow_what_follows() {
    let mut host = Host::met();
    let answer = host.hear(b"\xff\xfb\x1f\xff\xfa\x1f\x00\x78\xff\xfd\x03Ann\r\n");
    assert_eq!(answer, b"\xff\xfb\x03");
    assert_eq!(host.lines, ["Ann"]);
}

#[test]
fn other_protocols_get_text_and_harmless_bytes() {
    let http = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let tls =
        b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03\xff\xfa\x00\x0d\x0a\x00\xff\xff\xf4\xfe";
    for hello in [&http[..], tls] {
        let answers = Host::opened().hear(hello);
        assert!(answers.is_empty() || answers == REST, "{answers:?}");
    }
}

#[test]
fn a_player_cannot_send_the_beginning_of_a_tag() {
    let mut host = Host::opened();
    host.hear(b"\x0egmcp Core.Goodbye\x0f\x0ered\x0f\n");
    assert_eq!(host.lines, ["\x1agmcp Core.Goodbye\x0f\x1ared\x0f"]);
}

/// All parts of telnet, in pieces, and lines as players type them.
fn input() -> impl Strategy<Value = Vec<u8>> {
    let option = || {
        prop_oneof![
            Just(ECHO),
            Just(SGA),
            Just(6),
            Just(TTYPE),
            Just(EOR),
            Just(NAWS),
            Just(CHARSET),
            Just(MSSP),
            Just(GMCP),
            any::<u8>()
        ]
    };
    let verb = (251u8..=254, option()).prop_map(|(verb, option)| vec![IAC, verb, option]);
    let command = (239u8..=250).prop_map(|command| vec![IAC, command]);
    let words = proptest::sample::select(vec![
        &b"\0XTERM"[..],
        b"\0MTTS 271",
        b"\x01",
        b"\x01;UTF-8",
        b"\x02US-ASCII",
        b"\x03",
        b"\0\x78\0\x28",
        b"Core.Ping",
        b"Core.Hello {\"client\":\"x\"}",
        b"Core.Supports.Set [\"Char 1\"]",
        b"\xff",
    ]);
    let sub = (option(), words).prop_map(|(option, bytes)| subnegotiation(option, bytes));
    let text = prop_oneof![
        Just(b"Ann".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r\0".to_vec()),
        Just("勇".as_bytes().to_vec())
    ];
    let noise = proptest::collection::vec(any::<u8>(), 0..8);
    let piece = prop_oneof![4 => verb, 1 => command, 4 => sub, 3 => text, 1 => noise];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// The length of the server's bytes that answer no input, or only an agreement: the offers behind the probe,
/// three questions for types and one for the character set, and a table.
fn of_our_own() -> usize {
    PROBE.len() + REST.len() + 3 * ASKS_TTYPE.len() + 22 + TABLE.len()
}

proptest! {
    #[test]
    fn any_segmentation_gives_the_same_answers(input in input(), cuts in proptest::collection::vec(1usize..40, 1..20)) {
        let mut whole = Host::opened();
        let expected = whole.hear(&input);
        let (mut cut, mut rest, mut sizes, mut found) = (Host::opened(), &input[..], cuts.iter().cycle(), Vec::new());
        while !rest.is_empty() {
            let (chunk, later) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
            found.extend(cut.hear(chunk));
            rest = later;
        }
        prop_assert_eq!(found, expected);
        prop_assert_eq!(cut.lines, whole.lines);
        prop_assert_eq!((cut.endpoint, cut.nvt), (whole.endpoint, whole.nvt));
    }

    #[test]
    fn answers_never_outgrow_what_was_received(input in input()) {
        let answered = Host::opened().hear(&input).len();
        let asks_for_echo = input.windows(3).any(|bytes| bytes == negotiation(Verb::Do, ECHO));
        // A byte of a line may be shown as two bytes, and its end always is.
        let echoed = if asks_for_echo { 2 * input.len() } else { 0 };
        prop_assert!(answered <= input.len() + echoed + CREDIT_MAX + of_our_own(), "{answered} bytes to {}", input.len());
    }

    #[test]
    fn two_of_us_fall_silent(input in input()) {
        let (mut here, mut there) = (Host::opened(), Host::opened());
        let mut said = [here.hear(&input), there.hear(PROBE)].concat();
        for round in 0.. {
            prop_assert!(round < 20, "they go on: {said:?}");
            let answer = there.hear(&said);
            said = here.hear(&answer);
            if said.is_empty() {
                break;
            }
        }
    }

    #[test]
    fn what_is_told_is_never_read_as_a_command_but_where_we_mean_one(text in proptest::collection::vec(any::<u8>(), 0..100), input in input()) {
        let mut host = Host::opened();
        host.hear(&input);
        let text: Vec<u8> = text.into_iter().filter(|byte| *byte != crate::wire::markup::BEGIN).collect();
        prop_assert!(!host.nvt.tell(&text).contains(&IAC));
    }
}

#[test]
fn a_line_of_the_node_behind_a_prompt_is_followed_by_the_prompt_and_its_mark() {
    let mut host = Host::met();
    host.hear(&negotiation(Verb::Do, EOR));
    assert_eq!(host.prompt("Hello.\nAgree? "), b"Hello.\r\nAgree? \xff\xef");
    assert_eq!(host.prompt("y/n "), b"y/n \xff\xef");
    for _ in 0..2 {
        let told = [host.nvt.announce("*** Lunch"), host.nvt.mark()].concat();
        assert_eq!(told, b"\r\n*** Lunch\r\nAgree? y/n \xff\xef");
    }
    host.hear(b"y\n");
    assert_eq!(host.nvt.announce("*** Dinner"), b"*** Dinner\r\n");
    assert_eq!(host.nvt.mark(), b"");
}

#[test]
fn a_prompt_that_looks_like_something_is_shown_again_with_its_looks_and_hides_nothing_twice() {
    let mut host = Host::met();
    host.hear(&negotiation(Verb::Will, TTYPE));
    host.hear(b"\xff\xfa\x18\0xterm\xff\xf0");
    let prompt = host
        .nvt
        .tell(b"\x0esecret\x0f\x0ered\x0fPassword:\x0e/\x0f ");
    assert!(prompt.ends_with(b"\x1b[31mPassword:\x1b[0m "), "{prompt:?}");
    let told = host.nvt.announce("*** Lunch");
    assert_eq!(told, b"\r\n*** Lunch\r\n\x1b[31mPassword:\x1b[0m ");
}

#[test]
fn what_is_too_long_for_a_prompt_is_not_shown_again() {
    for (len, is_shown) in [(PROMPT_MAX, true), (PROMPT_MAX + 1, false), (10_000, false)] {
        let mut host = Host::met();
        host.tell(&"x".repeat(len));
        host.tell("");
        let told = String::from_utf8(host.nvt.announce("*** Lunch")).unwrap();
        assert_eq!(told.ends_with('x'), is_shown, "{len}");
        host.tell("\n> ");
        assert!(host.nvt.announce("*** Dinner").ends_with(b"\r\n> "));
    }
}

#[test]
fn a_line_that_is_not_taken_leaves_the_prompt_to_be_answered() {
    let mut host = Host::met();
    host.prompt("Agree? ");
    host.nvt.hear(&Event::LineTooLong, 5_000, &Sample);
    assert_eq!(host.nvt.announce("Too long."), b"Too long.\r\nAgree? ");
}

#[test]
fn the_last_line_before_the_end_is_followed_by_nothing() {
    let mut host = Host::met();
    host.prompt("Agree? ");
    assert_eq!(host.nvt.say_last("Enough."), b"\r\nEnough.\r\n");
    assert_eq!(host.nvt.goodbye("Enough."), b"");
    host.hear(&negotiation(Verb::Do, GMCP));
    assert_eq!(
        host.nvt.goodbye("Enough."),
        b"\xff\xfa\xc9Core.Goodbye \"Enough.\"\xff\xf0"
    );
}
