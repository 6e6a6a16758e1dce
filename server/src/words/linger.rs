//! Avatars with a word whose client has gone: they play on for a while, and then rest until their player comes.
//!
//! ```erlang
//! {linger_ms, 86400000}       % of the door's application: a day, which is the default; or infinity
//! ```
//! An avatar that rests is a row of the store and no process, so it does not count for the limit `abandoned`.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use std::{io, thread};

use anyhow::bail;
use pq_term::Term;

use super::Connected;

/// The name of the setting.
pub(crate) const SETTING: &str = "linger_ms";

/// The default: the avatar of a player who comes each day plays all the time.
const DEFAULT: Duration = Duration::from_secs(24 * 3600);

/// The limits of the setting: a second, and a year.
const LIMITS: std::ops::RangeInclusive<i64> = 1_000..=365 * 86_400_000;

/// The longest and the shortest pause between two looks; an eighth of the setting is between them.
const LOOK_EVERY: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(60)];

/// The pause between two looks at the setting, which an operator may change (`SIGHUP`, an install).
const SETTING_EVERY: Duration = Duration::from_secs(1);

/// Reads the setting of this application; `None` for `infinity`.
///
/// # Errors
/// The invalid value, with what would be right.
pub(crate) fn read(application: &str, setting: Option<&Term>) -> anyhow::Result<Option<Duration>> {
    let Some(setting) = setting else {
        return Ok(Some(DEFAULT));
    };
    match setting.as_i64() {
        _ if setting.is_atom("infinity") => Ok(None),
        Some(ms) if LIMITS.contains(&ms) => Ok(Some(Duration::from_millis(ms.unsigned_abs()))),
        _ => bail!(
            "{SETTING} of {application} is {setting}, where a number of milliseconds from {} to {} or infinity is needed",
            LIMITS.start(),
            LIMITS.end()
        ),
    }
}

/// Starts the thread that looks for such avatars. It ends with the service.
pub(super) fn start(connected: &Arc<Connected>, application: String) -> io::Result<()> {
    let looking = Looking {
        connected: Arc::downgrade(connected),
        application,
        setting: None,
        alone: HashMap::new(),
    };
    let thread = thread::Builder::new().name("words-linger".to_string());
    thread.spawn(move || looking.run()).map(drop)
}

/// See the top of the file.
struct Looking {
    connected: Weak<Connected>,
    application: String,
    /// The setting at the last look.
    setting: Option<Term>,
    /// The rows whose avatars play without a client, and since when.
    alone: HashMap<u64, Instant>,
}

impl Looking {
    fn run(mut self) {
        let mut due = Instant::now();
        while let Some(connected) = self.connected.upgrade() {
            let setting = connected.parts.node.env(&self.application, SETTING);
            if setting != self.setting || Instant::now() >= due {
                self.setting = setting;
                due = Instant::now() + self.look(&connected);
            }
            drop(connected);
            let pause = due.saturating_duration_since(Instant::now());
            thread::park_timeout(pause.min(SETTING_EVERY));
        }
    }

    /// Lets the avatars rest whose time is over. Returns the pause until the next look.
    fn look(&mut self, connected: &Connected) -> Duration {
        let [shortest, longest] = LOOK_EVERY;
        // An invalid setting was refused before; without a judge it is the default.
        let linger = read(&self.application, self.setting.as_ref()).unwrap_or(Some(DEFAULT));
        let (Some(linger), Some(saves), Some(door)) = (
            linger,
            connected.parts.saves.upgrade(),
            connected.parts.door.upgrade(),
        ) else {
            return longest;
        };
        let now = Instant::now();
        let playing = saves.with_words().into_iter();
        let alone = playing.filter(|(_, avatar)| !door.is_played(*avatar));
        let alone = alone.map(|(row, _)| (row, self.alone.get(&row).copied().unwrap_or(now)));
        self.alone = alone.collect();
        let is_over = |since: &Instant| now.duration_since(*since) >= linger;
        for (row, _) in self.alone.iter().filter(|(_, since)| is_over(since)) {
            match saves.rest(*row, |avatar| !door.is_played(avatar)) {
                Ok(Some(avatar)) => {
                    tracing::debug!(row, "an avatar rests until its player comes");
                    door.has_left(avatar);
                }
                Ok(None) => (),
                Err(why) => tracing::warn!(row, "failed to let an avatar rest: {why}"),
            }
        }
        (linger / 8).clamp(shortest, longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_is_a_time_or_infinity() {
        let read = |text: &str| read("talk", Some(&pq_term::read_term(text).unwrap()));
        assert_eq!(read("2000").unwrap(), Some(Duration::from_secs(2)));
        assert_eq!(read("infinity").unwrap(), None);
        assert_eq!(super::read("talk", None).unwrap(), Some(DEFAULT));
        for odd in ["0", "-1", "999", "soon", "\"2000\""] {
            let error = read(odd).unwrap_err().to_string();
            assert!(error.starts_with("linger_ms of talk is "), "{error}");
            assert!(error.ends_with("is needed"), "{error}");
        }
    }
}
