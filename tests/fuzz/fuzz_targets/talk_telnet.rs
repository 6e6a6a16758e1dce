//! Any bytes from a client, split at any place, give the same lines and the same answers as in one piece. The answers
//! are at most a little longer than the input, and the text for other players contains only printable characters. A
//! second reader, written for this test, finds the same events.

#![no_main]

#[path = "../../../sockserv/tests/second_reader/naive.rs"]
mod naive;

use libfuzzer_sys::fuzz_target;
use sockserv::wire::nvt::CREDIT_MAX;
use sockserv::{Endpoint, Event, Listing, Mssp, Nvt};

/// The largest number of bytes that the server sends unasked or once: offers, questions for the terminal and its
/// characters, a table.
const OF_OUR_OWN_MAX: usize = 200;

/// `IAC DO ECHO`: from here on the server echoes the client's lines.
const DO_ECHO: &[u8] = &[255, 253, 1];

struct Sample;

impl Listing for Sample {
    fn list(&self, mssp: &mut Mssp) {
        mssp.set("NAME", "Sample");
        mssp.set("PLAYERS", 3);
    }
}

/// The connection of a client, with the events and answers that result from its input.
#[derive(Default, PartialEq, Debug)]
struct Host {
    endpoint: Endpoint,
    nvt: Nvt,
    events: Vec<Event>,
    answers: Vec<u8>,
}

impl Host {
    fn hear(&mut self, mut input: &[u8]) {
        while let Some(event) = self.endpoint.next(&mut input) {
            let len = self.endpoint.taken();
            self.answers.extend(self.nvt.hear(&event, len, &Sample));
            self.events.push(event);
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((chunk, input)) = bytes.split_first() else {
        return;
    };
    let (mut whole, mut cut) = (Host::default(), Host::default());
    for host in [&mut whole, &mut cut] {
        host.answers = host.nvt.open();
    }
    whole.hear(input);
    input
        .chunks(usize::from(*chunk).max(1))
        .for_each(|chunk| cut.hear(chunk));
    assert_eq!(whole, cut);
    let asks_for_echo = input.windows(3).any(|bytes| bytes == DO_ECHO);
    // Each byte of a line is echoed as at most two bytes, and the end of the line is always echoed.
    let echoed = if asks_for_echo { 2 * input.len() } else { 0 };
    assert!(whole.answers.len() <= input.len() + echoed + CREDIT_MAX + OF_OUR_OWN_MAX);
    assert_eq!(whole.events, naive::read(input));
    let lines = whole.events.iter().filter_map(|event| match event {
        Event::Line(line) => Some(line),
        _ => None,
    });
    for line in lines {
        let shown = String::from_utf8(whole.nvt.tell(line)).expect("text is UTF-8");
        assert!(!shown.contains(|c: char| c.is_control() && !"\r\n\t".contains(c)));
    }
});
