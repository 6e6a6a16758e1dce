//! `pq shutdown`: plans the end of the node and the announcements to players. `running::shutdown` carries the plan
//! out.

use std::time::Duration;

use clap::Args;
use pq_protocol::answer::{Planned, Stopped};
use pq_protocol::request::Shutdown;
use pq_protocol::{Exit, Failure, Request};

use super::command::{Typed, message};
use crate::client::{At, Show, aside, printable};

/// The longest delay of a planned shutdown: one week.
const AFTER_MAX: Duration = Duration::from_secs(7 * 86_400);

#[derive(Args, Debug)]
pub(crate) struct ShutdownArgs {
    /// The delay (`+5m`, `+90s`, `+5` for 5 minutes, or `now`) [default: now], and a line of text for players
    #[arg(value_names = ["+TIME", "TEXT"], num_args = 0..=2)]
    words: Vec<String>,
    /// Cancel the planned shutdown
    #[arg(long, conflicts_with = "words")]
    cancel: bool,
    #[command(flatten)]
    at: At,
}

impl Typed for ShutdownArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        let shutdown = match self.cancel {
            true => Shutdown::Cancel,
            false => request(&self.words).map_err(|why| {
                Failure::new(Exit::Usage, format!("failed to plan the shutdown: {why}"))
            })?,
        };
        let request = Request::Shutdown(shutdown);
        match request {
            Request::Shutdown(Shutdown::Now { .. }) => {
                self.at.show::<Stopped>("shutdown", &request)
            }
            _ => self.at.show::<Planned>("shutdown", &request),
        }?;
        if self.cancel {
            aside("the planned shutdown is cancelled");
        }
        Ok(())
    }
}

/// Parses the optional delay and the optional text, in this order.
fn request(words: &[String]) -> Result<Shutdown, String> {
    let (time, text) = match words {
        [] => (None, None),
        // `5m` alone is a mistyped delay: as a text it would stop the node at once.
        [word] if is_time(word) || is_span(word) => (Some(word), None),
        [word] => (None, Some(word)),
        [time, text, ..] => (Some(time), Some(text)),
    };
    let text = text.map(|text| message(text)).transpose()?;
    match time.map_or(Ok(Duration::ZERO), |time| after(time))? {
        Duration::ZERO => Ok(Shutdown::Now { text }),
        after => {
            let after_ms = after.as_millis() as u64;
            Ok(Shutdown::Plan { after_ms, text })
        }
    }
}

fn is_time(word: &str) -> bool {
    word == "now" || word.starts_with('+')
}

fn is_span(word: &str) -> bool {
    word.parse::<u64>().is_ok() || humantime::parse_duration(word).is_ok()
}

fn after(word: &str) -> Result<Duration, String> {
    if word == "now" {
        return Ok(Duration::ZERO);
    }
    let wrong = |why: String| format!("`{word}` is not a time: {why}; `+5m` and `now` are times");
    let span = word
        .strip_prefix('+')
        .ok_or_else(|| wrong("the + is missing".into()))?;
    let minutes = span
        .parse::<u64>()
        .map(|minutes| Duration::from_secs(60 * minutes.min(100_000)));
    let after = minutes.or_else(|_| humantime::parse_duration(span));
    match after.map_err(|error| wrong(error.to_string()))? {
        after if after <= AFTER_MAX => Ok(after),
        _ => Err(wrong("the delay is longer than a week".into())),
    }
}

impl Show for Planned {
    fn show(&self) -> String {
        let Planned { at, who, text } = self;
        let text = text.as_ref().map_or(String::new(), |text| {
            format!("; players are told: {}", printable(text))
        });
        let who = who.to_string();
        format!(
            "the node stops at {at} by a command of {}{text}",
            printable(&who)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<(u64, Option<String>), String> {
        let words: Vec<String> = words.iter().map(|word| word.to_string()).collect();
        Ok(match request(&words)? {
            Shutdown::Now { text } => (0, text),
            Shutdown::Plan { after_ms, text } => (after_ms, text),
            Shutdown::Cancel => panic!("nobody cancelled"),
        })
    }

    #[test]
    fn the_time_is_a_span_or_minutes_and_may_be_left_out() {
        let text = |text: &str| Some(text.to_string());
        assert_eq!(read(&[]), Ok((0, None)));
        assert_eq!(read(&["now"]), Ok((0, None)));
        assert_eq!(read(&["New disks"]), Ok((0, text("New disks"))));
        assert_eq!(
            read(&["+5m", "New disks"]),
            Ok((300_000, text("New disks")))
        );
        assert_eq!(read(&["+5"]), Ok((300_000, None)));
        assert_eq!(read(&["+1h 30m"]), Ok((5_400_000, None)));
    }

    #[test]
    fn what_is_no_time_is_told_what_would_be_one() {
        for words in [
            &["+"][..],
            &["+soon"],
            &["5m", "New disks"],
            &["5m"],
            &["5"],
            &["+8d"],
        ] {
            let why = read(words).unwrap_err();
            assert!(
                why.contains("`+5m` and `now` are times"),
                "{words:?}: {why}"
            );
        }
    }
}
