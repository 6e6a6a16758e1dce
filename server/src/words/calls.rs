//! The calls of the service, in MessagePack, and its answers.

use std::sync::Arc;

use pq_login::Unfit;
use pq_otp::{Pid, Reason, Service, ServiceCall};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Asked, Desk, Said, Words};

/// The answer to `words:look`.
#[derive(Serialize)]
struct Look {
    /// Whether the name is taken.
    taken: bool,
    /// Whether the node keeps words.
    kept: bool,
}

/// The answer to `words:judge`.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Judged {
    Fit,
    Short,
    Long,
    /// The client has typed another line since, or has gone.
    Gone,
}

/// A message to a session.
#[derive(Serialize)]
struct Message {
    words: Answer,
}

#[derive(Serialize)]
struct Answer {
    r#ref: u64,
    said: Said,
}

/// A sealed line: its port, and its number.
#[derive(Deserialize, Clone, Copy)]
struct Line(u64, u64);

impl Service for Words {
    fn call(&self, call: ServiceCall<'_>) -> Result<(), Reason> {
        let ServiceCall {
            caller,
            function,
            args,
            ..
        } = call;
        let answer = match function {
            b"look" => {
                let (name,): (String,) = read(args)?;
                write(&Look {
                    taken: self.is_taken(&name),
                    kept: self.desk.get().is_some(),
                })
            }
            b"has" => {
                let (avatar,) = read(args)?;
                write(&self.has(avatar))
            }
            b"judge" => {
                let (port, number) = read(args)?;
                write(&self.judge(Line(port, number)))
            }
            b"check" => {
                let (port, number, name, reference): (u64, u64, String, u64) = read(args)?;
                let asked = Asked {
                    session: caller,
                    reference,
                };
                write(&self.check(Line(port, number), name, asked))
            }
            b"keep" => {
                let (port, number, avatar, reference): (u64, u64, Pid, u64) = read(args)?;
                let asked = Asked {
                    session: caller,
                    reference,
                };
                write(&self.keep(Line(port, number), avatar, asked))
            }
            _ => return Err(undef(function)),
        };
        *call.answer = answer;
        Ok(())
    }
}

impl Words {
    fn has(&self, avatar: Pid) -> bool {
        let saves = self.desk.get().and_then(|desk| desk.parts.saves.upgrade());
        saves.is_some_and(|saves| saves.has_word(avatar))
    }

    fn judge(&self, Line(port, number): Line) -> Judged {
        let sealed = self.desk.get().and_then(|desk| desk.sealed(port, number));
        match sealed.map(|(word, _)| word.judge()) {
            None => Judged::Gone,
            Some(Ok(())) => Judged::Fit,
            Some(Err(Unfit::Short)) => Judged::Short,
            Some(Err(Unfit::Long)) => Judged::Long,
        }
    }

    fn check(&self, line: Line, name: String, asked: Asked) -> bool {
        let Some((desk, taken)) = self.taken(line) else {
            return false;
        };
        let session = asked.session;
        desk.queue(asked, move |desk| desk.check(session, &name, taken))
    }

    fn keep(&self, line: Line, avatar: Pid, asked: Asked) -> bool {
        let Some((desk, (word, _))) = self.taken(line) else {
            return false;
        };
        desk.queue(asked, move |desk| desk.keep(avatar, &word))
    }

    fn taken(&self, Line(port, number): Line) -> Option<(&Arc<Desk>, super::Taken)> {
        let desk = self.desk.get()?;
        Some((desk, desk.take(port, number)?))
    }
}

/// The message to a session about its question.
pub(super) fn message(reference: u64, said: Said) -> Vec<u8> {
    write(&Message {
        words: Answer {
            r#ref: reference,
            said,
        },
    })
}

fn read<T: DeserializeOwned>(args: &[u8]) -> Result<T, Reason> {
    rmp_serde::from_slice(args).map_err(|error| Reason::tagged("badarg", &error.to_string()))
}

fn write<T: Serialize>(value: &T) -> Vec<u8> {
    rmp_serde::to_vec_named(value).expect("these types have a MessagePack form")
}

fn undef(function: &[u8]) -> Reason {
    let function = String::from_utf8_lossy(function);
    Reason::tagged("undef", &format!("words:{function}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_its_question() {
        let sent: serde_json::Value = rmp_serde::from_slice(&message(7, Said::NotKept)).unwrap();
        assert_eq!(
            sent,
            serde_json::json!({"words": {"ref": 7, "said": "not_kept"}})
        );
        // A text that some test has made an atom is shown as one.
        let plays = message(7, Said::Plays(Pid::new(0, 4, 1)));
        let plays = pq_term::msgpack::from_msgpack(&plays).unwrap().to_string();
        assert!(plays.contains("<0.4.1>"), "{plays}");
    }

    #[test]
    fn a_node_without_saves_keeps_no_words_and_takes_no_questions() {
        let words = Words::default();
        let asked = Asked {
            session: Pid::new(0, 1, 1),
            reference: 1,
        };
        assert!(!words.check(Line(1, 1), "Ann".to_string(), asked));
        assert!(matches!(words.judge(Line(1, 1)), Judged::Gone));
    }
}
