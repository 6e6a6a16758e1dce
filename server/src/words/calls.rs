//! The calls of the service, in MessagePack, and its answers.

use std::sync::Arc;

use pq_login::{Secret, Unfit};
use pq_otp::{Pid, Reason, Service, ServiceCall};
use pq_sdk::words::{Answer, Answered, Judged, Look, Said};

use super::{Asked, Connected, Words};
use crate::service::{read, undef, write};

/// A sealed line: its port, and its number.
#[derive(Clone, Copy)]
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
                    kept: self.connected.get().is_some(),
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
            b"same" => {
                let (port, number, other) = read(args)?;
                write(&self.are_same(Line(port, number), Line(port, other)))
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
            _ => return Err(undef("words", function)),
        };
        *call.answer = answer;
        Ok(())
    }
}

impl Words {
    fn has(&self, avatar: Pid) -> bool {
        let saves = self
            .connected
            .get()
            .and_then(|connected| connected.parts.saves.upgrade());
        saves.is_some_and(|saves| saves.has_word(avatar))
    }

    fn judge(&self, line: Line) -> Judged {
        match self.word(line).map(|word| word.judge()) {
            None => Judged::Gone,
            Some(Ok(())) => Judged::Fit,
            Some(Err(Unfit::Short)) => Judged::Short,
            Some(Err(Unfit::Long)) => Judged::Long,
        }
    }

    fn are_same(&self, one: Line, other: Line) -> bool {
        let words = self.word(one).zip(self.word(other));
        words.is_some_and(|(one, other)| one == other)
    }

    fn word(&self, Line(port, number): Line) -> Option<Secret> {
        let connected = self.connected.get()?;
        connected.sealed(port, number).map(|taken| taken.word)
    }

    fn check(&self, line: Line, name: String, asked: Asked) -> bool {
        let Some((connected, taken)) = self.taken(line) else {
            return false;
        };
        let session = asked.session;
        connected.queue(asked, move |connected| {
            connected.check(session, &name, taken)
        })
    }

    fn keep(&self, line: Line, avatar: Pid, asked: Asked) -> bool {
        let Some((connected, taken)) = self.taken(line) else {
            return false;
        };
        connected.queue(asked, move |connected| connected.keep(avatar, &taken))
    }

    fn taken(&self, Line(port, number): Line) -> Option<(&Arc<Connected>, super::Taken)> {
        let connected = self.connected.get()?;
        Some((connected, connected.take(port, number)?))
    }
}

/// The message to a session about its question.
pub(super) fn message(reference: u64, said: Said) -> Vec<u8> {
    write(&Answered {
        words: Answer {
            r#ref: reference,
            said,
        },
    })
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
