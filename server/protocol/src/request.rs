//! A request, by its kind. What its words mean is known to the file of its command.
//!
//! ```text
//!   {"question": "status"}      {"question": {"tree": {"all": true}}}      {"door": {"kick": {"whom": "Ann", …}}}
//!   {"release": {"request": {"unpack": {"package": …}}, "message": null}}
//!   {"stop": {"message": null, "now": false}}      {"shutdown": {"plan": {"after_ms": 300000, "text": null}}}
//! ```

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::exit::{Exit, Failure};

/// A request.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Something that is answered at any time.
    Question(Named),
    /// Something about releases, one at a time.
    Release {
        /// What.
        request: Named,
        /// Why, for the history.
        message: Option<String>,
    },
    /// Something that is done to players, at any time.
    Door(Named),
    /// The end of the node.
    Stop {
        /// Why, for the history.
        message: Option<String>,
        /// As it is, whatever it is at.
        #[serde(default)]
        now: bool,
    },
    /// The same, with a word to the players.
    Shutdown(Shutdown),
}

/// The end of the node, as players hear of it.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Shutdown {
    /// It comes at once.
    Now {
        /// What players are told besides.
        text: Option<String>,
    },
    /// It comes later, unless it is cancelled.
    Plan {
        /// After how long.
        after_ms: u64,
        /// What players are told besides.
        text: Option<String>,
    },
    /// It does not come.
    Cancel,
}

/// The name of a command and its words: `{"tree": {"all": true}}`. One without words is its name alone: `"status"`.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(try_from = "Written", into = "Written")]
pub struct Named {
    name: String,
    words: Map<String, Value>,
}

/// The two ways in which it is written.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "a request is one name with its words")]
enum Written {
    Alone(String),
    WithWords(Map<String, Value>),
}

impl Named {
    /// The words of a command under its name.
    ///
    /// # Errors
    /// [`Exit::Usage`] when a path among them is not UTF-8.
    pub fn of(name: &str, words: &impl Serialize) -> Result<Named, Failure> {
        let failed = |why: &str| {
            let sentence = format!("failed to send the words of {name}: {why}");
            Failure::new(Exit::Usage, sentence)
        };
        match serde_json::to_value(words) {
            Ok(Value::Object(words)) => Ok(Named {
                name: name.to_string(),
                words,
            }),
            Ok(_) => Err(failed("they have no names")),
            Err(error) => Err(failed(&error.to_string())),
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The words, as its command knows them.
    ///
    /// # Errors
    /// [`Exit::Usage`] when they are others.
    pub fn read<W: DeserializeOwned>(self) -> Result<W, Failure> {
        serde_json::from_value(Value::Object(self.words)).map_err(|error| {
            let sentence = format!("failed to read the request: {}: {error}", self.name);
            Failure::new(Exit::Usage, sentence)
        })
    }
}

impl TryFrom<Written> for Named {
    type Error = String;

    fn try_from(written: Written) -> Result<Named, String> {
        let map = match written {
            Written::Alone(name) => {
                let words = Map::new();
                return Ok(Named { name, words });
            }
            Written::WithWords(map) => map,
        };
        let mut entries = map.into_iter();
        match (entries.next(), entries.next()) {
            (Some((name, Value::Object(words))), None) => Ok(Named { name, words }),
            (Some((name, Value::Null)), None) => Ok(Named {
                name,
                words: Map::new(),
            }),
            _ => Err("a request is one name with its words".to_string()),
        }
    }
}

impl From<Named> for Written {
    fn from(named: Named) -> Written {
        match named.words.is_empty() {
            true => Written::Alone(named.name),
            false => {
                let words = Value::Object(named.words);
                Written::WithWords(Map::from_iter([(named.name, words)]))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Tree {
        all: bool,
    }

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Status {}

    #[test]
    fn a_request_is_its_kind_its_name_and_its_words() {
        let tree = Request::Question(Named::of("tree", &Tree { all: true }).unwrap());
        let text = serde_json::to_string(&tree).unwrap();
        assert_eq!(text, r#"{"question":{"tree":{"all":true}}}"#);
        assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), tree);
        let status = Request::Question(Named::of("status", &Status {}).unwrap());
        let text = serde_json::to_string(&status).unwrap();
        assert_eq!(text, r#"{"question":"status"}"#);
        assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), status);
    }

    #[test]
    fn words_are_read_by_the_command_and_others_are_refused() {
        let named = |text: &str| serde_json::from_str::<Named>(text).unwrap();
        assert_eq!(
            named(r#"{"tree":{"all":true}}"#).read(),
            Ok(Tree { all: true })
        );
        assert_eq!(named(r#""status""#).read(), Ok(Status {}));
        assert_eq!(named(r#"{"status":null}"#).read(), Ok(Status {}));
        let refused = named(r#"{"tree":{"all":7}}"#).read::<Tree>().unwrap_err();
        assert_eq!(refused.exit, Exit::Usage);
        assert!(
            refused
                .sentence
                .starts_with("failed to read the request: tree: ")
        );
        for odd in ["{}", "[]", "7", r#"{"a":{},"b":{}}"#, r#"{"a":7}"#] {
            assert!(serde_json::from_str::<Named>(odd).is_err(), "{odd}");
        }
    }
}
