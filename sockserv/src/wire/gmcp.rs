//! GMCP, the Generic MUD Communication Protocol: messages for a player's client program, beside the text.
//!
//! ```text
//!   Package.Name SP JSON        in a subnegotiation of option 201; the JSON may be missing
//! ```
//! A client names the packages that it wants (`Core.Supports`), and gets no others; `Core` is sent without a request.
//! The sender of a message defines its meaning: a session, by a tag in its text (`markup`), the node (`Door::message`),
//! or the game (`sheet`).

use std::collections::BTreeSet;
use std::ops::Bound;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::wire::line::LINE_MAX;
use crate::wire::option::GMCP;
use crate::wire::telnet::subnegotiation;

/// The maximum number of packages that a client may subscribe to. Mudlet asks for about ten.
pub const SUPPORTS_MAX: usize = 64;

/// The tokens that a client may end; each costs a read of the store. A browser keeps one.
const FORGOTTEN_MAX: u8 = 4;

/// The maximum length of a package's name, in bytes; the longest names in use have about 25.
const NAME_MAX: usize = 64;

/// A message. Its body is valid JSON and has no control characters, which a terminal would execute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    name: String,
    data: String,
}

/// The progress of an upgrade, for [`Message::upgrade`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The upgrade has begun: states are converted while the game runs.
    Begin,
    /// The new release is in force.
    Commit,
    /// The old release stays in force.
    Rollback,
}

/// The data of `PQ.Upgrade`.
#[derive(Serialize)]
struct Upgrade<'a> {
    phase: Phase,
    from: &'a str,
    to: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl Message {
    /// Parses a message: a name, and optionally a space and JSON. `None` when the text has another form.
    pub fn read(text: &str) -> Option<Message> {
        let (name, data) = text.split_once(' ').unwrap_or((text, ""));
        let data = data.trim();
        if !is_name(name) || !(data.is_empty() || is_json(data)) {
            return None;
        }
        let data = data.chars().filter(|c| !c.is_control()).collect();
        Some(Message {
            name: name.to_string(),
            data,
        })
    }

    /// A message with this name and body; `None` when the name is invalid. Control characters are left out.
    pub fn new(name: &str, body: &Value) -> Option<Message> {
        let data = body.to_string();
        is_name(name).then(|| Message {
            name: name.to_string(),
            data: data.chars().filter(|c| !c.is_control()).collect(),
        })
    }

    /// `Core.Goodbye`: says that the connection is about to be closed, and the reason.
    pub fn goodbye(why: &str) -> Message {
        let name = "Core.Goodbye";
        Message::new(name, &Value::from(why)).expect("it is a name")
    }

    /// `PQ.Upgrade`: reports an upgrade of the node from one release to another; for a rollback also the reason.
    pub fn upgrade(phase: Phase, from: &str, to: &str, reason: Option<&str>) -> Message {
        let upgrade = Upgrade {
            phase,
            from,
            to,
            reason,
        };
        Message {
            name: "PQ.Upgrade".to_string(),
            data: serde_json::to_string(&upgrade).expect("strings are JSON"),
        }
    }

    /// `Char.Login.Default`: says that the client's program may send a name and a word.
    pub fn login() -> Message {
        let body = serde_json::json!({"type": ["password-credentials"]});
        Message::new("Char.Login.Default", &body).expect("it is a name")
    }

    /// Whether this is the answer to a login.
    pub fn is_login_result(&self) -> bool {
        self.name == "Char.Login.Result"
    }

    /// The encoded message, as a subnegotiation of option 201.
    pub fn wire(&self) -> Vec<u8> {
        let space = if self.data.is_empty() { "" } else { " " };
        let text = [&self.name, space, &self.data].concat();
        subnegotiation(GMCP, text.as_bytes())
    }
}

/// The body of `Core.Hello`. Clients may write the keys with capitals.
#[derive(Deserialize)]
struct Hello {
    #[serde(alias = "Client")]
    client: String,
    #[serde(alias = "Version", default)]
    version: String,
}

/// The body of `Char.Login.Credentials`.
#[derive(Deserialize)]
struct Credentials {
    account: String,
    password: String,
}

/// The body of `PQ.Forget`.
#[derive(Deserialize)]
struct Forget {
    name: String,
    token: String,
}

/// A login that the client's program has sent by itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The name of the avatar.
    pub name: String,
    /// The word of its player, or a token that stands for it.
    pub word: Zeroizing<Vec<u8>>,
}

/// A wish of the client's program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wish {
    /// `Char.Login.Credentials`: the client's program gives the name and the word.
    LogIn(Login),
    /// `PQ.Forget`: to end the token, which leads to this avatar.
    Forget(Login),
}

impl Login {
    fn of(name: String, word: String) -> Option<Login> {
        let word = Zeroizing::new(word.into_bytes());
        let is_line = |bytes: &[u8]| {
            !bytes.is_empty() && bytes.len() <= LINE_MAX && !bytes.iter().any(u8::is_ascii_control)
        };
        (is_line(name.as_bytes()) && is_line(&word)).then_some(Login { name, word })
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Login of {:?}", self.name)
    }
}

/// The state of GMCP with one client: its subscriptions and its name.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Gmcp {
    /// The subscribed packages, in lower case.
    supports: BTreeSet<String>,
    /// The number of changes of the subscriptions, and of requests to send everything again.
    wishes: u32,
    client: Option<String>,
    /// The client has sent `Core.KeepAlive` since the last call of [`Gmcp::take_awake`].
    is_awake: bool,
    /// The last wish since the last call of [`Gmcp::take_wish`].
    wish: Option<Wish>,
    /// The client wants a token when its next word is right.
    remembers: bool,
    /// The number of tokens that the client has ended.
    forgotten: u8,
}

impl Gmcp {
    /// Takes a message of the client, and returns the answer. Unknown messages are ignored.
    pub fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        let end = bytes.iter().position(|byte| *byte == b' ');
        let (name, data) = bytes.split_at(end.unwrap_or(bytes.len()));
        match name.to_ascii_lowercase().as_slice() {
            b"core.hello" => self.hello(data),
            b"core.supports.set" => self.supports(data, Supports::Set),
            b"core.supports.add" => self.supports(data, Supports::Add),
            b"core.supports.remove" => self.supports(data, Supports::Remove),
            b"core.ping" => return subnegotiation(GMCP, b"Core.Ping"),
            b"core.keepalive" => self.is_awake = true,
            b"char.items.inv" => self.wish(),
            b"char.login.credentials" => self.credentials(data),
            b"pq.remember" => self.remembers = true,
            b"pq.forget" => self.forget(data),
            // `Core.Goodbye` is followed by the end of the connection. The server receives no other package.
            _ => {}
        }
        Vec::new()
    }

    /// Whether the client wants this message: it has subscribed to the message's package, or to a package that contains it.
    pub fn wants(&self, message: &Message) -> bool {
        let name = message.name.to_ascii_lowercase();
        let mut packages = name.match_indices('.').map(|(dot, _)| &name[..dot]);
        self.supports.contains(&name) || packages.any(|package| self.supports.contains(package))
    }

    /// The number of changes of the subscriptions, if one of them is of the package `Char`. When the number changes, the
    /// client wants all messages again.
    pub fn wants_avatar(&self) -> Option<u32> {
        let from = (Bound::Included("char"), Bound::Unbounded);
        let first = self.supports.range::<str, _>(from).next()?;
        let is_wanted = first == "char" || first.starts_with("char.");
        is_wanted.then_some(self.wishes)
    }

    /// Whether the client has sent `Core.KeepAlive` (its player is active) since the last call.
    pub fn take_awake(&mut self) -> bool {
        std::mem::take(&mut self.is_awake)
    }

    /// The wish that the client's program has sent since the last call.
    pub fn take_wish(&mut self) -> Option<Wish> {
        self.wish.take()
    }

    /// Whether the client has asked for a token (`PQ.Remember`) since the last call.
    pub fn take_remember(&mut self) -> bool {
        std::mem::take(&mut self.remembers)
    }

    /// A name and a word are lines, so neither has a control character, and no word is empty.
    fn credentials(&mut self, data: &[u8]) {
        let Ok(Credentials { account, password }) = serde_json::from_slice(data) else {
            return;
        };
        self.wish = Login::of(account, password).map(Wish::LogIn);
    }

    fn forget(&mut self, data: &[u8]) {
        let Ok(Forget { name, token }) = serde_json::from_slice(data) else {
            return;
        };
        if self.forgotten < FORGOTTEN_MAX {
            self.forgotten += 1;
            self.wish = Login::of(name, token).map(Wish::Forget);
        }
    }

    fn wish(&mut self) {
        self.wishes = self.wishes.wrapping_add(1);
    }

    /// The client's name and version, as in its `Core.Hello`.
    pub fn client(&self) -> Option<&str> {
        self.client.as_deref()
    }

    fn hello(&mut self, data: &[u8]) {
        if let Ok(Hello { client, version }) = serde_json::from_slice(data) {
            let visible = format!("{client} {version}");
            let visible = visible.chars().filter(|c| matches!(c, ' '..='~'));
            self.client = Some(visible.take(NAME_MAX).collect());
        }
    }

    fn supports(&mut self, data: &[u8], change: Supports) {
        let Ok(packages) = serde_json::from_slice::<Vec<String>>(data) else {
            return;
        };
        self.wish();
        if change == Supports::Set {
            self.supports.clear();
        }
        for package in packages {
            // "Char 1": the version has no effect here, and may be missing.
            let name = package.split(' ').next().unwrap_or_default();
            let name = name.to_ascii_lowercase();
            match change {
                Supports::Remove => drop(self.supports.remove(&name)),
                _ if self.supports.len() < SUPPORTS_MAX && is_name(&name) => {
                    self.supports.insert(name);
                }
                _ => {}
            }
        }
    }
}

/// The operations of `Core.Supports` on the list of subscriptions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Supports {
    Set,
    Add,
    Remove,
}

fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        let mut chars = part.chars();
        !part.is_empty() && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    };
    name.len() <= NAME_MAX && name.split('.').all(is_part)
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::telnet::SUBNEGOTIATION_MAX;

    fn subscribed(messages: &[&str]) -> Gmcp {
        let mut gmcp = Gmcp::default();
        for message in messages {
            assert_eq!(gmcp.hear(message.as_bytes()), b"", "{message}");
        }
        gmcp
    }

    fn message(text: &str) -> Message {
        Message::read(text).unwrap_or_else(|| panic!("{text} is a message"))
    }

    fn check(messages: &[&str], wanted: &[&str]) {
        let gmcp = subscribed(messages);
        for name in [
            "Char",
            "Char.Name",
            "Char.Vitals",
            "Charm",
            "PQ.Upgrade",
            "Room.Info",
        ] {
            let expected = wanted.contains(&name);
            assert_eq!(gmcp.wants(&message(name)), expected, "{name} {messages:?}");
        }
    }

    #[test]
    fn a_client_gets_the_packages_it_asked_for_and_what_is_in_them() {
        check(&[], &[]);
        check(
            &[r#"Core.Supports.Set ["Char 1"]"#],
            &["Char", "Char.Name", "Char.Vitals"],
        );
        check(
            &[r#"core.supports.set ["char.vitals","PQ 1"]"#],
            &["Char.Vitals", "PQ.Upgrade"],
        );
    }

    #[test]
    fn packages_are_added_removed_and_set_anew() {
        let set = r#"Core.Supports.Set ["Char.Vitals 1","Room 1"]"#;
        let add = r#"Core.Supports.Add ["PQ 1","Room 2"]"#;
        let remove = r#"Core.Supports.Remove ["room","Never 1"]"#;
        check(&[set, add], &["Char.Vitals", "PQ.Upgrade", "Room.Info"]);
        check(&[set, add, remove], &["Char.Vitals", "PQ.Upgrade"]);
        check(&[set, add, "Core.Supports.Set []"], &[]);
        check(&[set, add, set], &["Char.Vitals", "Room.Info"]);
    }

    #[test]
    fn a_client_gives_its_name_in_either_spelling() {
        for hello in [
            r#"Core.Hello {"client":"Mudlet","version":"4.19"}"#,
            r#"core.hello { "Client": "Mudlet", "Version": "4.19", "more": [1] }"#,
        ] {
            assert_eq!(subscribed(&[hello]).client(), Some("Mudlet 4.19"));
        }
        let odd = "Core.Hello {\"client\":\"\\u001b[31mX\\u202e\"}";
        assert_eq!(subscribed(&[odd]).client(), Some("[31mX "));
    }

    #[test]
    fn a_ping_is_answered_with_no_more_than_it_was() {
        let mut gmcp = Gmcp::default();
        for ping in ["Core.Ping", "core.ping 120"] {
            assert_eq!(gmcp.hear(ping.as_bytes()), b"\xff\xfa\xc9Core.Ping\xff\xf0");
        }
    }

    #[test]
    fn what_is_not_understood_is_left_out() {
        let set = r#"Core.Supports.Set ["Char 1"]"#;
        let deep = format!("Core.Supports.Set {}", "[".repeat(4_000));
        for odd in [
            "",
            " ",
            "Core.Supports.Set",
            "Core.Supports.Set {",
            "Core.Supports.Set [1]",
            r#"Core.Supports.Set "Char 1""#,
            "Core.Hello",
            "Core.Hello []",
            "Core.Goodbye",
            r#"Char.Login.Credentials {"account":"a"}"#,
            r#"Char.Login.Credentials {"account":"a\nquit","password":"b"}"#,
            r#"Char.Login.Credentials {"account":"a","password":""}"#,
            &deep,
        ] {
            assert_eq!(subscribed(&[set, odd]), subscribed(&[set]), "{odd}");
        }
    }

    #[test]
    fn whoever_wants_a_part_of_the_avatar_is_known_and_so_is_that_it_asks_again() {
        let mut gmcp = Gmcp::default();
        let mut hear = |message: &str| {
            gmcp.hear(message.as_bytes());
            gmcp.wants_avatar()
        };
        for none in [r#"["Charm 1","Room 1"]"#, "[]", r#"["Cha 1"]"#] {
            assert_eq!(hear(&format!("Core.Supports.Set {none}")), None, "{none}");
        }
        let vitals = hear(r#"Core.Supports.Set ["PQ 1","Char.Vitals 1"]"#);
        assert!(vitals.is_some());
        assert_eq!(hear("Core.Ping"), vitals);
        let again = hear(r#"Core.Supports.Add ["Char 1"]"#);
        assert_ne!(again, vitals);
        assert_ne!(hear("Char.Items.Inv"), again);
        assert_eq!(hear(r#"Core.Supports.Remove ["Char.Vitals","Char"]"#), None);
    }

    #[test]
    fn a_login_is_taken_once_and_its_word_is_not_shown() {
        let mut gmcp = Gmcp::default();
        gmcp.hear(br#"Char.Login.Credentials {"account":"Ann","password":"open sesame"}"#);
        assert!(!format!("{gmcp:?}").contains("sesame"), "{gmcp:?}");
        let Some(Wish::LogIn(login)) = gmcp.take_wish() else {
            panic!("no login");
        };
        assert_eq!(
            (&*login.name, &login.word[..]),
            ("Ann", &b"open sesame"[..])
        );
        assert_eq!(gmcp.take_wish(), None);
    }

    #[test]
    fn a_token_is_wanted_for_one_word_and_ended_a_few_times() {
        let mut gmcp = Gmcp::default();
        assert!(!gmcp.take_remember());
        gmcp.hear(b"PQ.Remember");
        assert!(gmcp.take_remember() && !gmcp.take_remember());
        let forget = br#"PQ.Forget {"name":"Ann","token":"pqt_17"}"#;
        for _ in 0..FORGOTTEN_MAX {
            gmcp.hear(forget);
            assert!(matches!(gmcp.take_wish(), Some(Wish::Forget(_))));
        }
        gmcp.hear(forget);
        assert_eq!(gmcp.take_wish(), None);
    }

    #[test]
    fn a_player_who_is_there_is_noted_once() {
        let mut gmcp = Gmcp::default();
        assert!(!gmcp.take_awake());
        gmcp.hear(b"Core.KeepAlive");
        assert!(gmcp.take_awake());
        assert!(!gmcp.take_awake());
    }

    #[test]
    fn a_goodbye_says_why_in_one_text() {
        let wire = Message::goodbye("A \"kick\"\u{9b}.").wire();
        assert_eq!(wire, subnegotiation(GMCP, br#"Core.Goodbye "A \"kick\".""#));
    }

    #[test]
    fn a_client_subscribes_to_so_much_and_no_more() {
        let many: Vec<String> = (0..1000).map(|number| format!("P{number}")).collect();
        let many = format!(
            "Core.Supports.Set {}",
            serde_json::to_string(&many).unwrap()
        );
        assert!(many.len() < SUBNEGOTIATION_MAX);
        assert_eq!(subscribed(&[&many]).supports.len(), SUPPORTS_MAX);
        let long = format!(r#"Core.Supports.Set ["{}"]"#, "x".repeat(NAME_MAX + 1));
        assert_eq!(subscribed(&[&long]).supports.len(), 0);
    }

    #[test]
    fn a_message_is_a_name_and_json() {
        let vitals = message(r#"Char.Vitals {"hp": 10, "note":"勇"}"#);
        let expected = "\u{c9}Char.Vitals {\"hp\": 10, \"note\":\"勇\"}";
        let wire = vitals.wire();
        assert_eq!(&wire[3..wire.len() - 2], &expected.as_bytes()[2..]);
        assert_eq!(wire[..3], [255, 250, GMCP]);
        for odd in [
            "",
            " {}",
            ".Char {}",
            "Char. {}",
            "Char.Vitals {",
            "Char.Vitals hp",
            "Chär {}",
            "Char.Vitals {} {}",
            "Char.Vitals \"a\u{1}\"",
        ] {
            assert_eq!(Message::read(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn an_upgrade_is_told_with_its_phase_and_both_releases() {
        let text = |message: Message| format!("{} {}", message.name, message.data);
        assert_eq!(
            text(Message::upgrade(Phase::Begin, "1.0.0", "1.1.0", None)),
            r#"PQ.Upgrade {"phase":"begin","from":"1.0.0","to":"1.1.0"}"#
        );
        let back = Message::upgrade(Phase::Rollback, "1.0.0", "1.1.0", Some("a \"reason\"\n"));
        assert_eq!(
            text(back),
            r#"PQ.Upgrade {"phase":"rollback","from":"1.0.0","to":"1.1.0","reason":"a \"reason\"\n"}"#
        );
    }

    proptest! {
        #[test]
        fn no_bytes_are_answered_by_more_or_kept_without_end(messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..10)) {
            let mut gmcp = Gmcp::default();
            for bytes in &messages {
                prop_assert!(gmcp.hear(bytes).len() <= bytes.len() + 5);
            }
            prop_assert!(gmcp.supports.len() <= SUPPORTS_MAX);
        }

        #[test]
        fn a_message_that_was_read_is_written_the_same(name in "[A-Z][a-z]{1,8}(\\.[A-Z][a-z]{1,8}){0,2}", key in "[^\\p{Cc}\"\\\\]{0,20}", number in any::<i32>()) {
            let text = format!("{name} {{\"{key}\":{number}}}");
            let wire = message(&text).wire();
            prop_assert_eq!(wire, subnegotiation(GMCP, text.as_bytes()));
        }
    }
}
