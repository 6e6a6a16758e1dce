//! The settings of an application that say what is saved, and how often.
//!
//! ```erlang
//! {durable, [{ships_sup, 1}]},                      % a simple_one_for_one supervisor, and the number of the start
//!                                                   % argument of its children that is their name
//! {save, [{sweep_ms, 300000}, {told, durable}]}     % the defaults
//! {save, [{told, lazy}, {watched_ms, 1000}]}        % clients do not wait for the disk
//! ```
//! Without `durable`, nothing is saved.

use std::time::Duration;

use pq_term::Term;

/// The shortest and the longest round of the sweep, in milliseconds: from a second to a day.
const SWEEP_MS: std::ops::RangeInclusive<i64> = 1_000..=86_400_000;

/// The limits of `watched_ms`. Below 100 ms, nearly all work would be questions for changes.
const WATCHED_MS: std::ops::RangeInclusive<i64> = 100..=3_600_000;

/// The supervisors at most; the keeper has a byte for the number of each.
const SUPERVISORS_MAX: usize = 16;

/// The separator of supervisor and name in the key of a row.
pub(crate) const SEPARATOR: char = '/';

/// A supervisor whose children are saved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Durable {
    /// The local name of the supervisor, which is `simple_one_for_one`.
    pub supervisor: String,
    /// The start argument of a child that is its name; the first is 1.
    pub key: usize,
}

/// How often children are saved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// The duration of a round over all children.
    pub sweep: Duration,
    /// Whether clients wait for the disk.
    pub told: Telling,
    /// The time after which a change of a watched child is on its way to the disk, with [`Telling::Lazy`].
    pub watched: Duration,
}

/// When a client is told of the state of its child.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Telling {
    /// When the state is on the disk.
    #[default]
    Durable,
    /// At once. The state is on the disk [`Pace::watched`] later.
    Lazy,
}

impl Default for Pace {
    /// A round of 5 minutes writes 0.3 TB a day for a million children of 400 bytes. A second is short enough that
    /// somebody who saw a change remembers the repetition at most as a hiccup.
    fn default() -> Pace {
        Pace {
            sweep: Duration::from_secs(300),
            told: Telling::Durable,
            watched: Duration::from_secs(1),
        }
    }
}

/// A setting that cannot be used; the text has what would be right.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadSetting(String);

impl Durable {
    /// Reads the setting `durable` of this application.
    ///
    /// # Errors
    /// The invalid part, with a valid example.
    pub fn read(application: &str, setting: Option<&Term>) -> Result<Vec<Durable>, BadSetting> {
        let Some(setting) = setting else {
            return Ok(Vec::new());
        };
        let bad = |what: &Term| {
            BadSetting(format!(
                "durable of {application} has {what}, where a list of {{Supervisor, Key}} is needed: the name of a \
                 supervisor, each once, and the number of the start argument that is a child's name, such as \
                 [{{ships_sup, 1}}]"
            ))
        };
        let items = setting.as_list().ok_or_else(|| bad(setting))?;
        let mut all: Vec<Durable> = Vec::new();
        for item in items {
            let durable = durable(item).ok_or_else(|| bad(item))?;
            let twice = all.iter().any(|it| it.supervisor == durable.supervisor);
            if twice || all.len() >= SUPERVISORS_MAX {
                return Err(bad(item));
            }
            all.push(durable);
        }
        Ok(all)
    }
}

fn durable(item: &Term) -> Option<Durable> {
    let [supervisor, key] = item.as_tuple()? else {
        return None;
    };
    let supervisor = supervisor.as_atom()?.as_str().to_string();
    let key = usize::try_from(key.as_i64()?).ok()?;
    let is_usable = key >= 1 && !supervisor.contains(SEPARATOR);
    is_usable.then_some(Durable { supervisor, key })
}

impl Pace {
    /// Reads the setting `save` of this application.
    ///
    /// # Errors
    /// The invalid part, with a valid example.
    pub fn read(application: &str, setting: Option<&Term>) -> Result<Pace, BadSetting> {
        let mut pace = Pace::default();
        let Some(setting) = setting else {
            return Ok(pace);
        };
        let bad = |what: &Term| {
            BadSetting(format!(
                "save of {application} has {what}, where a list of {{sweep_ms, {} to {}}}, {{told, durable or lazy}} and \
                 {{watched_ms, {} to {}}} is needed",
                SWEEP_MS.start(),
                SWEEP_MS.end(),
                WATCHED_MS.start(),
                WATCHED_MS.end()
            ))
        };
        for part in setting.as_list().ok_or_else(|| bad(setting))? {
            pace.set(part).ok_or_else(|| bad(part))?;
        }
        Ok(pace)
    }

    fn set(&mut self, part: &Term) -> Option<()> {
        let [name, value] = part.as_tuple()? else {
            return None;
        };
        let name = name.as_atom()?;
        if name.as_str() == "told" {
            self.told = match value.as_atom()?.as_str() {
                "durable" => Telling::Durable,
                "lazy" => Telling::Lazy,
                _ => return None,
            };
            return Some(());
        }
        let ms = value.as_i64()?;
        let (place, limits) = match name.as_str() {
            "sweep_ms" => (&mut self.sweep, SWEEP_MS),
            "watched_ms" => (&mut self.watched, WATCHED_MS),
            _ => return None,
        };
        *place = Duration::from_millis(limits.contains(&ms).then_some(ms)?.cast_unsigned());
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(text: &str) -> Term {
        pq_term::read_term(text).unwrap()
    }

    #[test]
    fn settings_are_read_and_have_defaults() {
        assert_eq!(Durable::read("talk", None), Ok(vec![]));
        assert_eq!(Pace::read("talk", None), Ok(Pace::default()));
        let read = Durable::read("talk", Some(&term("[{ships, 1}, {docks, 2}]"))).unwrap();
        assert_eq!((&*read[0].supervisor, read[1].key), ("ships", 2));
        let pace = Pace::read("talk", Some(&term("[{watched_ms, 200}, {told, lazy}]"))).unwrap();
        assert_eq!(
            (pace.watched, pace.told),
            (Duration::from_millis(200), Telling::Lazy)
        );
        assert_eq!(pace.sweep, Pace::default().sweep);
    }

    #[test]
    fn an_odd_setting_is_refused_with_what_would_be_right() {
        for odd in [
            "ships",
            "[ships]",
            "[{ships, 0}]",
            "[{\"ships\", 1}]",
            "[{ships, 1}, {ships, 2}]",
            "[{'a/b', 1}]",
        ] {
            let error = Durable::read("talk", Some(&term(odd)))
                .unwrap_err()
                .to_string();
            assert!(
                error.starts_with("durable of talk has ") && error.contains(" is needed"),
                "{error}"
            );
        }
        for odd in [
            "1",
            "[{sweep_ms, 1}]",
            "[{watched_ms, soon}]",
            "[{told, soon}]",
            "[{told, 1}]",
            "[{often, 1000}]",
        ] {
            let error = Pace::read("talk", Some(&term(odd)))
                .unwrap_err()
                .to_string();
            assert!(
                error.starts_with("save of talk has ") && error.contains(" is needed"),
                "{error}"
            );
        }
    }
}
