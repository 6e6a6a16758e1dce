//! Conditions against a release: `crashes > 0`, `gold/h > 1.5x`.
//!
//! | figure | meaning |
//! |---|---|
//! | `crashes`, `crashed` | crashes on the new side; avatars that have crashed |
//! | `suspects` | avatars that the game's own check finds wrong |
//! | `unconverted` | moments at which states did not convert, on both sides |
//! | `p99`, `callback` | durations of callbacks in microseconds: of 99 of 100, and the mean |
//! | `memory` | the growth of the resident memory in play, in MiB |
//! | `bytes`, a measure, a measure with `/h` | the mean of all avatars; of the change in an hour |
//!
//! `x` behind the number compares with the old side: `bytes > 1.5x`.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::compared::Report;
use crate::report::SideReport;

/// The figures that every game has.
const FIGURES: [&str; 7] = [
    "crashes",
    "crashed",
    "suspects",
    "unconverted",
    "p99",
    "callback",
    "memory",
];

/// A condition against a release.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Condition {
    figure: String,
    is_above: bool,
    limit: f64,
    /// Whether the limit is a proportion to the old side.
    is_ratio: bool,
}

/// A text that is no condition.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "{0:?} is no condition: it has a figure, `>` or `<`, and a number, with `x` behind it for a comparison with the running \
     release: 'crashes > 0', 'gold/h > 1.5x'"
)]
pub struct BadCondition(String);

impl FromStr for Condition {
    type Err = BadCondition;

    fn from_str(text: &str) -> Result<Condition, BadCondition> {
        let bad = || BadCondition(text.to_string());
        let at = text.find(['<', '>']).ok_or_else(bad)?;
        let (figure, rest) = (text[..at].trim(), &text[at..]);
        let number = rest[1..].trim();
        let (number, is_ratio) = match number.strip_suffix('x') {
            Some(number) => (number, true),
            None => (number, false),
        };
        let limit: f64 = number.parse().map_err(|_| bad())?;
        let is_word = |c: char| c.is_ascii_alphanumeric() || "_-/".contains(c);
        match !figure.is_empty() && figure.chars().all(is_word) && limit.is_finite() {
            true => Ok(Condition {
                figure: figure.to_string(),
                is_above: rest.starts_with('>'),
                limit,
                is_ratio,
            }),
            false => Err(bad()),
        }
    }
}

impl Condition {
    /// The sentence when the condition holds; `None` when it does not.
    ///
    /// # Errors
    /// A sentence, when the report has no such figure.
    pub fn judge(&self, report: &Report) -> Result<Option<String>, String> {
        let (old, new) = self.values(report)?;
        let value = match self.is_ratio {
            true if old == 0.0 => return Ok(None),
            true => new / old,
            false => new,
        };
        let holds = match self.is_above {
            true => value > self.limit,
            false => value < self.limit,
        };
        let than = if self.is_above { "above" } else { "below" };
        let unit = if self.is_ratio { "x" } else { "" };
        let (figure, limit) = (&self.figure, self.limit);
        Ok(holds.then(|| format!("{figure} is {value:.2}{unit}, {than} {limit}{unit}")))
    }

    /// The figure on both sides.
    fn values(&self, report: &Report) -> Result<(f64, f64), String> {
        let figure = |side: &SideReport| -> Option<f64> {
            Some(match &*self.figure {
                "crashes" => side.crashes as f64,
                "crashed" => side.crashed as f64,
                "suspects" => side.suspects as f64,
                "unconverted" => side.unconverted.len() as f64,
                "p99" => side.callbacks.p99_us,
                "callback" => side.callbacks.mean_us,
                "memory" => {
                    let (begin, end) = side.resident_bytes;
                    (end as f64 - begin as f64) / f64::from(1 << 20)
                }
                _ => return None,
            })
        };
        if let Some(both) = figure(&report.old).zip(figure(&report.new)) {
            return Ok(both);
        }
        let found = report.compared.iter().find(|it| it.name == self.figure);
        found.map(|it| (it.old.mean, it.new.mean)).ok_or_else(|| {
            let measures = report.compared.iter().map(|it| it.name.as_str());
            let known: Vec<&str> = FIGURES.into_iter().chain(measures).collect();
            format!(
                "the rehearsal has no figure {}: it has {}",
                self.figure,
                known.join(", ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compared::tests::report;

    fn judge(text: &str) -> Result<Option<String>, String> {
        text.parse::<Condition>().unwrap().judge(&report())
    }

    #[test]
    fn a_condition_compares_a_figure_with_a_number_or_with_the_other_side() {
        assert_eq!(judge("crashes > 0"), Ok(None));
        assert_eq!(
            judge("crashes<1"),
            Ok(Some("crashes is 0.00, below 1".to_string()))
        );
        let doubled = "gold/h is 2.00x, above 1.5x".to_string();
        assert_eq!(judge("gold/h > 1.5x"), Ok(Some(doubled)));
        assert_eq!(judge("gold/h > 2.5x"), Ok(None));
        assert_eq!(
            judge("gold/h > 39"),
            Ok(Some("gold/h is 40.00, above 39".to_string()))
        );
        assert_eq!(
            judge("p99 > 2x"),
            Ok(None),
            "a figure that is 0 has no proportion"
        );
    }

    #[test]
    fn an_unknown_figure_is_refused_with_the_known_ones() {
        let why = judge("silver/h > 1").unwrap_err();
        assert!(
            why.contains("no figure silver/h") && why.ends_with("memory, gold/h, bytes"),
            "{why}"
        );
    }

    #[test]
    fn an_odd_text_is_refused_with_what_would_be_right() {
        for odd in [
            "",
            "crashes",
            "crashes > ",
            "> 1",
            "crashes > many",
            "a b > 1",
            "crashes > inf",
        ] {
            let why = odd.parse::<Condition>().unwrap_err().to_string();
            assert!(
                why.contains("is no condition") && why.contains("'crashes > 0'"),
                "{why}"
            );
        }
    }
}
