//! The arguments of an avatar without a session, as a template: `{name, "bot-"}` becomes `"bot-0"`, `"bot-1"` …, and
//! `pace` the pace in milliseconds.
//!
//! A node may start a million avatars: the constant part is encoded once, and only the name is inserted for each
//! avatar.

use anyhow::{bail, ensure};
use pq_term::Term;
use pq_term::msgpack::to_plain_msgpack;

/// A placeholder for the name during encoding; no release has a string like it.
const MARK: &str = "\u{1}name\u{1}";

/// Arguments with a place for the pace and a place for the name.
#[derive(Clone, Debug)]
pub(crate) struct Fill {
    args: Term,
    prefix: String,
}

/// Arguments with a place for the name, encoded as MessagePack.
#[derive(Debug)]
pub(crate) struct Args {
    before: Vec<u8>,
    prefix: String,
    behind: Vec<u8>,
}

impl Fill {
    pub(super) fn read(term: &Term) -> anyhow::Result<Fill> {
        let Some(items) = term.as_list() else {
            bail!("{term} is not a list of arguments");
        };
        let mut prefix = None;
        let mut args = Vec::with_capacity(items.len());
        for item in items {
            match item.as_tuple() {
                Some([key, text]) if key.is_atom("name") && text.as_str().is_some() => {
                    ensure!(prefix.is_none(), "{term} has two names");
                    prefix = text.as_str().map(str::to_string);
                    args.push(Term::string(MARK));
                }
                _ => args.push(item.clone()),
            }
        }
        match prefix {
            Some(prefix) => Ok(Fill {
                args: Term::list(args),
                prefix,
            }),
            None => bail!("{term} has no {{name, \"prefix\"}}"),
        }
    }

    /// Inserts the pace, in milliseconds.
    pub(crate) fn at_pace(&self, pace_ms: u32) -> Args {
        let wire = to_plain_msgpack(&with_pace(&self.args, pace_ms));
        let mark = to_plain_msgpack(&Term::string(MARK));
        let mut windows = wire.windows(mark.len());
        let at = windows.position(|window| window == mark);
        let at = at.expect("the mark is an item of the list");
        Args {
            before: wire[..at].to_vec(),
            prefix: self.prefix.clone(),
            behind: wire[at + mark.len()..].to_vec(),
        }
    }
}

/// Replaces the atom `pace` by the pace, at any depth of the values.
fn with_pace(term: &Term, pace_ms: u32) -> Term {
    let inside = |items: &[Term]| -> Vec<Term> {
        let items = items.iter();
        items.map(|item| with_pace(item, pace_ms)).collect()
    };
    match (term.as_list(), term.as_tuple(), term.as_map()) {
        _ if term.is_atom("pace") => Term::from(i64::from(pace_ms)),
        (Some(items), ..) => Term::list(inside(items)),
        (_, Some(items), _) => Term::tuple(inside(items)),
        (.., Some(map)) => {
            let pairs = map.pairs().iter();
            Term::map(pairs.map(|(key, value)| (key.clone(), with_pace(value, pace_ms))))
        }
        _ => term.clone(),
    }
}

impl Args {
    /// The name of the avatar with this number.
    pub(crate) fn name(&self, number: u64) -> String {
        format!("{}{number}", self.prefix)
    }

    /// The arguments of the avatar with this number.
    pub(crate) fn of(&self, number: u64) -> Vec<u8> {
        let name = Term::string(self.name(number));
        [&self.before[..], &to_plain_msgpack(&name), &self.behind].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_have_a_name_and_the_pace() {
        let term = |text: &str| pq_term::read_term(text).unwrap();
        let fill = Fill::read(&term(r#"[{name,"bot-"},#{time => pace, lvlexp => 50}]"#)).unwrap();
        let args = fill.at_pace(800).of(17);
        let expected = to_plain_msgpack(&term(r#"["bot-17",#{time => 800, lvlexp => 50}]"#));
        assert_eq!(args, expected);
        for odd in ["bot", "[]", r#"["bot-"]"#, r#"[{name,"a"},{name,"b"}]"#] {
            assert!(Fill::read(&term(odd)).is_err(), "{odd}");
        }
    }
}
