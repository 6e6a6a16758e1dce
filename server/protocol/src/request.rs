//! A request, by its kind. The file of each command defines the command's own words.
//!
//! ```text
//!   {"question": "status"}      {"question": {"tree": {"all": true}}}      {"door": {"kick": {"whom": "Ann", …}}}
//!   {"release": {"request": {"unpack": {"package": …}}, "message": null}}
//!   {"stop": {"message": null, "now": false}}      {"shutdown": {"plan": {"after_ms": 300000, "text": null}}}
//!   {"events": {}}     {"trace": {"process": "Ann", "lines_per_second": 1000}}     {"watch": {"name": "Ann", "form": "text"}}
//! ```

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::exit::{Exit, Failure};

/// A request to a node.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// A question, which the node answers at any time.
    Question(Named),
    /// An operation on releases; the node carries out one at a time.
    Release {
        /// The command with its words.
        request: Named,
        /// The reason for the operation, for the history.
        message: Option<String>,
    },
    /// An action on players, which the node carries out at any time.
    Door(Named),
    /// A stop of the node.
    Stop {
        /// The reason for the stop, for the history.
        message: Option<String>,
        /// Whether the node ends at once, without an orderly stop.
        #[serde(default)]
        now: bool,
    },
    /// A stop of the node with announcements to the players.
    Shutdown(Shutdown),
    /// The feed of the node, line by line, until the operator leaves or the node stops.
    Events {},
    /// The steps of one process, line by line, until the process ends or the operator leaves.
    Trace {
        /// The pid or a registered name of the process.
        process: String,
        /// The limit of lines in one second; further steps are counted.
        lines_per_second: u32,
    },
    /// The story of an avatar, line by line, until the avatar ends or the operator leaves.
    Watch {
        /// The name of the avatar.
        name: String,
        /// The form of the story.
        form: StoryForm,
    },
}

/// The form of an avatar's story.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub enum StoryForm {
    /// Texts at the pace at which its player reads them.
    Text,
    /// The events themselves.
    Events,
}

/// A shutdown of the node, as the players are told about it.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Shutdown {
    /// The node stops at once.
    Now {
        /// A further sentence for the players.
        text: Option<String>,
    },
    /// The node stops later, unless the shutdown is cancelled.
    Plan {
        /// The delay in milliseconds.
        after_ms: u64,
        /// A further sentence for the players.
        text: Option<String>,
    },
    /// Cancels the planned shutdown.
    Cancel,
}

/// The name of a command and its words: `{"tree": {"all": true}}`. A command without words is only a name:
/// `"status"`.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(try_from = "Written", into = "Written")]
pub struct Named {
    name: String,
    words: Map<String, Value>,
}

/// The two JSON forms of a command.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "a request is one name with its words")]
enum Written {
    Alone(String),
    WithWords(Map<String, Value>),
}

impl Named {
    /// Encodes the words of a command under its name.
    ///
    /// # Errors
    /// [`Exit::Usage`] if a path in the words is not UTF-8.
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
            Ok(_) => Err(failed("the words have no names")),
            Err(error) => Err(failed(&error.to_string())),
        }
    }

    /// The name of the command.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Decodes the words as the type of their command.
    ///
    /// # Errors
    /// [`Exit::Usage`] if the words do not match the type.
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
