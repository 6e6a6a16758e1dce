//! The game's own figures of an avatar: at places of its state, or from a function of its module.
//!
//! The newer release says where they are (the setting `game`). Places can be written for any version. A function is that of the
//! newer library, so states of the older side are judged after their conversion.

use pq_otp::{Ask, RequestError, Sim, Term};
use pq_term::msgpack::{from_msgpack, to_plain_msgpack};
use serde::{Deserialize, Serialize};

/// The limit for a function, in virtual milliseconds. One that does not end is named by the watching thread.
const CALL_MS: u64 = 1_000;

/// The longest sentence of a check, in characters.
const WHY_CHARS_MAX: usize = 300;

/// A function of the game.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Function {
    /// The module that exports it.
    pub module: String,
    /// Its name; it has one argument, the state of an avatar.
    pub function: String,
}

/// Where the measures of an avatar are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measures {
    /// Names, each with the keys that lead through the maps of a state to a number.
    Places(Vec<(String, Vec<String>)>),
    /// A function, which returns a map from names to numbers.
    Function(Function),
}

/// The judge of avatars.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Judge {
    /// The module whose state is that of an avatar.
    pub module: String,
    /// The figures; a game may have only a check.
    pub measures: Option<Measures>,
    /// A function that says `ok`, or what is wrong with a state.
    pub check: Option<Function>,
}

impl Judge {
    /// Whether states of an older version can be measured as they are.
    pub(crate) fn reads_any_version(&self) -> bool {
        matches!(self.measures, Some(Measures::Places(_)))
    }

    /// The measures in an exported state, by their names; `None` when it has none.
    pub(crate) fn measure(&self, sim: &mut Sim, state: &[u8]) -> Option<Vec<(String, f64)>> {
        let state = from_msgpack(state).ok()?;
        match self.measures.as_ref()? {
            Measures::Places(places) => Some(at_places(places, &state)),
            Measures::Function(function) => {
                let answer = function.call(sim, &state).ok()??;
                let pairs = answer.as_map()?.pairs().iter();
                let pairs = pairs.filter_map(|(name, value)| Some((text(name)?, number(value)?)));
                Some(pairs.collect())
            }
        }
    }

    /// The fault of an exported state; `None` when there is none, or nobody judges.
    pub(crate) fn suspect(&self, sim: &mut Sim, state: &[u8]) -> Option<String> {
        let state = from_msgpack(state).ok()?;
        let why = match self.check.as_ref()?.call(sim, &state) {
            Ok(None) => return None,
            Ok(Some(answer)) if is_ok(&answer) => return None,
            Ok(Some(answer)) => text(&answer).unwrap_or_else(|| answer.to_string()),
            Err(why) => why,
        };
        Some(pq_term::shorten(&why, WHY_CHARS_MAX).into_owned())
    }
}

impl Function {
    /// The answer of the function; `None` where the running version of the module does not have it.
    fn call(&self, sim: &mut Sim, state: &Term) -> Result<Option<Term>, String> {
        let args = to_plain_msgpack(&Term::list([state.clone()]));
        match sim.call_function(&self.module, &self.function, &args, CALL_MS) {
            Ok(answer) => from_msgpack(&answer)
                .map(Some)
                .map_err(|why| why.to_string()),
            Err(RequestError::Exit(reason)) if is_undef(&reason.to_term()) => Ok(None),
            Err(why) => Err(format!("{}:{}: {why}", self.module, self.function)),
        }
    }
}

fn is_undef(reason: &Term) -> bool {
    let tag = reason.as_tuple().and_then(<[_]>::first);
    tag.is_some_and(|tag| tag.is_atom("undef"))
}

/// `ok`, also as a text, or nothing.
fn is_ok(answer: &Term) -> bool {
    answer.is_atom("ok")
        || answer.is_atom("nil")
        || answer.is_atom("undefined")
        || answer.as_str() == Some("ok")
}

fn at_places(places: &[(String, Vec<String>)], state: &Term) -> Vec<(String, f64)> {
    let found = places.iter().filter_map(|(name, keys)| {
        let value = keys.iter().try_fold(state, inward)?;
        Some((name.clone(), number(value)?))
    });
    found.collect()
}

/// The value of a key of a map. Keys are compared as texts: no atom is made of a setting.
fn inward<'a>(term: &'a Term, key: &String) -> Option<&'a Term> {
    let mut pairs = term.as_map()?.pairs().iter();
    let (_, value) = pairs.find(|(name, _)| text(name).as_ref() == Some(key))?;
    Some(value)
}

fn number(term: &Term) -> Option<f64> {
    let integer = term.as_i64().map(|number| number as f64);
    integer.or_else(|| term.as_f64())
}

fn text(term: &Term) -> Option<String> {
    let atom = || Some(term.as_atom()?.as_str().to_string());
    term.as_str().map(str::to_string).or_else(atom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(text: &str) -> Term {
        pq_term::read_term(text).unwrap()
    }

    #[test]
    fn places_lead_through_maps_to_numbers_and_others_are_left_out() {
        let places = [
            ("gold", &["data", "money"][..]),
            ("level", &["data", "lvl"]),
            ("name", &["data", "name"]),
            ("none", &["data", "money", "more"]),
            ("rate", &["rate"]),
        ];
        let places: Vec<(String, Vec<String>)> = places
            .map(|(name, keys)| {
                (
                    name.to_string(),
                    keys.iter().map(ToString::to_string).collect(),
                )
            })
            .to_vec();
        let state = term(r#"#{data => #{money => 12, lvl => 3, name => "Ann"}, rate => 1.5}"#);
        let expected = [("gold", 12.0), ("level", 3.0), ("rate", 1.5)];
        let expected = expected.map(|(name, value)| (name.to_string(), value));
        assert_eq!(at_places(&places, &state), expected);
        assert!(at_places(&places, &term("market")).is_empty());
    }

    #[test]
    fn a_check_says_ok_or_why_not() {
        assert!(is_ok(&term("ok")) && is_ok(&term(r#""ok""#)));
        assert!(!is_ok(&term("{suspect, \"no gold\"}")));
    }
}
