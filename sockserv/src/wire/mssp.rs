//! MSSP, the MUD Server Status Protocol: the facts about a server that lists of games show.
//!
//! ```text
//!   ( VAR name ( VAL value )+ )*       in a subnegotiation of option 70
//! ```
//! Crawlers that speak no telnet send a line of text before the login, and get lines as the answer:
//! ```text
//!   MSSP-REQUEST  ─►  MSSP-REPLY-START CR LF ( name ( TAB value )+ CR LF )* MSSP-REPLY-END CR LF
//! ```
//! The node provides the facts as a [`Listing`].

use crate::wire::option::MSSP;
use crate::wire::telnet::{SUBNEGOTIATION_MAX, subnegotiation};

/// The byte before a name, and the byte before a value.
const VAR: u8 = 1;
const VAL: u8 = 2;

/// The line that a crawler without telnet sends as its request.
pub const REQUEST: &str = "MSSP-REQUEST";

/// A source of variables. The server asks it again for each client, because an upgrade changes the answer.
pub trait Listing: Send + Sync {
    /// Adds its variables. Called while a client's port is locked: the function must not wait, nor write to a port.
    fn list(&self, mssp: &mut Mssp);
}

/// Variables with their values, in the order in which they were set first.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Mssp(Vec<(String, Vec<String>)>);

impl Mssp {
    /// Sets a variable of the protocol: `NAME`, `PLAYERS`, `UPTIME` (the start, in seconds since 1970) and others. Replaces
    /// the previous value.
    pub fn set(&mut self, name: &str, value: impl ToString) {
        self.set_all(name, [value]);
    }

    /// Sets a variable with several values, the most important one last.
    pub fn set_all(&mut self, name: &str, values: impl IntoIterator<Item = impl ToString>) {
        let values = values.into_iter().map(|value| clean(&value.to_string()));
        let values = values.collect();
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, before)) => *before = values,
            None => self.0.push((clean(name), values)),
        }
    }

    /// The encoded variables. Variables that would exceed [`SUBNEGOTIATION_MAX`] bytes are left out.
    pub fn wire(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, values) in &self.0 {
            let values = values.iter().map(|value| (VAL, value));
            let pairs = std::iter::once((VAR, name)).chain(values);
            let variable: Vec<u8> = pairs.flat_map(|(mark, text)| marked(mark, text)).collect();
            if bytes.len() + variable.len() <= SUBNEGOTIATION_MAX {
                bytes.extend(variable);
            }
        }
        subnegotiation(MSSP, &bytes)
    }

    /// The answer to [`REQUEST`], to be sent at the beginning of a line; slightly longer than [`Mssp::wire`].
    pub fn text(&self) -> Vec<u8> {
        let mut lines = String::new();
        for (name, values) in &self.0 {
            let line = format!("{name}\t{}\r\n", values.join("\t"));
            if lines.len() + line.len() <= SUBNEGOTIATION_MAX {
                lines += &line;
            }
        }
        format!("\r\nMSSP-REPLY-START\r\n{lines}MSSP-REPLY-END\r\n").into_bytes()
    }
}

fn marked(mark: u8, text: &str) -> impl Iterator<Item = u8> {
    std::iter::once(mark).chain(text.bytes())
}

/// The text without control characters. The protocol forbids the bytes 0, 1, 2 and 255, and a list shows no others.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Mssp {
        let mut mssp = Mssp::default();
        mssp.set("NAME", "Process Quest");
        mssp.set("PLAYERS", 3);
        mssp.set_all("PORT", [23, 8082]);
        mssp
    }

    #[test]
    fn variables_are_told_in_order_with_all_their_values() {
        let expected =
            b"\xff\xfa\x46\x01NAME\x02Process Quest\x01PLAYERS\x023\x01PORT\x0223\x028082\xff\xf0";
        assert_eq!(sample().wire(), expected);
    }

    #[test]
    fn a_crawler_without_telnet_reads_a_table() {
        let expected = "\r\nMSSP-REPLY-START\r\nNAME\tProcess Quest\r\nPLAYERS\t3\r\nPORT\t23\t8082\r\nMSSP-REPLY-END\r\n";
        assert_eq!(sample().text(), expected.as_bytes());
        let mut long = sample();
        long.set("CONTACT", "x".repeat(SUBNEGOTIATION_MAX));
        assert_eq!(long.text(), expected.as_bytes());
        let mut odd = Mssp::default();
        odd.set("A\t", "a\tb\r\nMSSP-REPLY-END");
        let text = "\r\nMSSP-REPLY-START\r\nA\tabMSSP-REPLY-END\r\nMSSP-REPLY-END\r\n";
        assert_eq!(odd.text(), text.as_bytes());
    }

    #[test]
    fn a_variable_that_is_set_again_keeps_its_place() {
        let mut mssp = sample();
        mssp.set("NAME", "Other");
        let expected =
            b"\xff\xfa\x46\x01NAME\x02Other\x01PLAYERS\x023\x01PORT\x0223\x028082\xff\xf0";
        assert_eq!(mssp.wire(), expected);
    }

    #[test]
    fn values_have_no_byte_that_the_protocol_forbids() {
        let mut mssp = Mssp::default();
        mssp.set("A\u{1}", "\0\u{1}\u{2}\u{ff}\u{1b}[31m");
        let expected = subnegotiation(MSSP, "\u{1}A\u{2}\u{ff}[31m".as_bytes());
        assert_eq!(mssp.wire(), expected);
    }

    #[test]
    fn a_table_that_is_too_long_is_told_without_what_does_not_fit() {
        let mut mssp = sample();
        mssp.set("CONTACT", "x".repeat(SUBNEGOTIATION_MAX));
        assert_eq!(mssp.wire(), sample().wire());
    }
}
