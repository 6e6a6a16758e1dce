//! Both sides beside each other.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::order::Wanted;
use crate::report::{Measured, SideReport};

const MS_PER_HOUR: f64 = 3_600_000.0;

/// The standard errors on either side of a mean within which the true one lies in 95 of 100 rehearsals.
const ERRORS: f64 = 1.96;

/// The figures of a measure on one side.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    /// The mean of all avatars.
    pub mean: f64,
    /// Half of the avatars have at most this.
    pub median: f64,
    /// 1 % of the avatars have at most this.
    pub p1: f64,
    /// 99 % of the avatars have at most this.
    pub p99: f64,
}

/// A measure on both sides. Only avatars that have it on both count.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    /// Its name; with `/h` for the change in an hour of play.
    pub name: String,
    /// The number of avatars.
    pub avatars: u64,
    /// The release that the node runs.
    pub old: Spread,
    /// The release that was rehearsed.
    pub new: Spread,
    /// The mean on the new side in proportion to that on the old side; `None` where that is 0.
    pub ratio: Option<f64>,
    /// The mean difference of an avatar, the new side less the old one.
    pub difference: f64,
    /// The interval in which that mean lies with 95 % confidence.
    pub interval: (f64, f64),
}

/// The report of a rehearsal.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The release that the node runs.
    pub from: String,
    /// The release that was rehearsed.
    pub to: String,
    /// The seed of all random numbers.
    pub seed: u64,
    /// The virtual time of play, in milliseconds.
    pub for_ms: u64,
    /// The number of copies; `avatars` of a side of them have played.
    pub copies: u64,
    /// The release that was rehearsed.
    pub new: SideReport,
    /// The release that the node runs, with the same copies and the same random numbers.
    pub old: SideReport,
    /// The measures of the game, and the encoded bytes of an avatar.
    pub compared: Vec<Compared>,
    /// The reasons against the release; empty for one that may be installed.
    pub against: Vec<String>,
}

impl Report {
    /// The report of both sides. The measures of single avatars are not kept.
    pub(crate) fn of(wanted: &Wanted, copies: u64, new: SideReport, old: SideReport) -> Report {
        let compared = compared(&old, &new);
        let mut report = Report {
            from: wanted.from.clone(),
            to: wanted.to.clone(),
            seed: wanted.seed,
            for_ms: wanted.for_ms,
            copies,
            new,
            old,
            compared,
            against: Vec::new(),
        };
        report.new.measured = BTreeMap::new();
        report.old.measured = BTreeMap::new();
        report.against = report.faults();
        report
    }

    /// The reasons against the release that need no condition.
    fn faults(&self) -> Vec<String> {
        let new = &self.new;
        let mut faults = Vec::new();
        if let Some(why) = &new.ended {
            faults.push(format!(
                "the rehearsal of {} has ended early: {why}",
                self.to
            ));
        }
        // Beside a side that has not played to its end, the other one was ended.
        let has_played = new.ended.is_none() && new.played_ms > 0;
        if let Some(why) = self.old.ended.as_ref().filter(|_| has_played) {
            faults.push(format!(
                "the play on {} beside it has ended early: {why}",
                self.from
            ));
        }
        for install in new.installs.iter().chain(&self.old.installs) {
            if let Some(why) = &install.failed {
                faults.push(format!("failed to install {}: {why}", install.to));
            }
        }
        for state in new.unconverted.iter().chain(&self.old.unconverted).take(2) {
            let (to, why) = (&state.to, &state.why);
            let at = state.at_ms / 1_000;
            faults.push(format!(
                "after {at} s of play, states do not convert to {to}: {why}"
            ));
        }
        if new.crashes > 0 {
            faults.push(format!(
                "{} of {} avatars have crashed with {}, {} times",
                new.crashed, new.avatars, self.to, new.crashes
            ));
        }
        if new.not_put_in.0 > 0 {
            let (count, reasons) = &new.not_put_in;
            let first = reasons.first().map_or("", String::as_str);
            faults.push(format!("{count} copies could not be put in: {first}"));
        }
        faults
    }
}

/// All measures of both sides.
fn compared(old: &SideReport, new: &SideReport) -> Vec<Compared> {
    let hours = |side: &SideReport| side.played_ms as f64 / MS_PER_HOUR;
    let names: BTreeSet<&String> = new
        .measured
        .values()
        .flat_map(|measured| measured.values.keys())
        .collect();
    let mut all = Vec::new();
    for name in names {
        let mut pairs = Vec::new();
        for (avatar, on_new) in &new.measured {
            let Some(on_old) = old.measured.get(avatar) else {
                continue;
            };
            let begin = value(on_new, name).0;
            let of_new = change(begin, value(on_new, name).1, hours(new));
            // Where the older side cannot be measured before its last install, it began as the newer side did.
            let begin = value(on_old, name).0.or(begin);
            let of_old = change(begin, value(on_old, name).1, hours(old));
            pairs.extend(of_old.zip(of_new));
        }
        all.extend(Compared::of(format!("{name}/h"), &pairs));
    }
    let bytes = new.measured.iter().filter_map(|(avatar, on_new)| {
        let on_old = old.measured.get(avatar)?.bytes.1;
        Some((on_old as f64, on_new.bytes.1 as f64))
    });
    let bytes: Vec<(f64, f64)> = bytes
        .filter(|(old, new)| *old > 0.0 && *new > 0.0)
        .collect();
    all.extend(Compared::of("bytes".to_string(), &bytes));
    all
}

fn value(measured: &Measured, name: &str) -> (Option<f64>, Option<f64>) {
    measured.values.get(name).copied().unwrap_or_default()
}

fn change(begin: Option<f64>, end: Option<f64>, hours: f64) -> Option<f64> {
    (hours > 0.0).then_some((end? - begin?) / hours)
}

impl Compared {
    /// The figures of pairs: an avatar on the old side, and on the new one. `None` without any.
    fn of(name: String, pairs: &[(f64, f64)]) -> Option<Compared> {
        let count = pairs.len() as f64;
        let old = Spread::of(pairs.iter().map(|(old, _)| *old))?;
        let new = Spread::of(pairs.iter().map(|(_, new)| *new))?;
        let difference = new.mean - old.mean;
        let squares = pairs
            .iter()
            .map(|(old, new)| (new - old - difference).powi(2));
        let variance = squares.sum::<f64>() / (count - 1.0).max(1.0);
        let half = ERRORS * (variance / count).sqrt();
        Some(Compared {
            name,
            avatars: pairs.len() as u64,
            ratio: (old.mean != 0.0).then_some(new.mean / old.mean),
            old,
            new,
            difference,
            interval: (difference - half, difference + half),
        })
    }

    /// Whether the interval of the difference does not contain 0.
    pub fn differs(&self) -> bool {
        self.interval.0 > 0.0 || self.interval.1 < 0.0
    }
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Option<Spread> {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let place = (values.len() as f64 * part).ceil() as usize;
            values.get(place.saturating_sub(1)).copied()
        };
        Some(Spread {
            mean: values.iter().sum::<f64>() / values.len() as f64,
            median: at(0.5)?,
            p1: at(0.01)?,
            p99: at(0.99)?,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A side with these values at the beginning and at the end of an hour, one avatar each.
    fn side(values: &[(f64, f64)]) -> SideReport {
        let measured = |(number, (begin, end)): (usize, &(f64, f64))| {
            let measured = Measured {
                values: [("gold".to_string(), (Some(*begin), Some(*end)))].into(),
                bytes: (100, 100 + number as u64),
            };
            (format!("a{number}"), measured)
        };
        SideReport {
            avatars: values.len() as u64,
            played_ms: 3_600_000,
            measured: values.iter().enumerate().map(measured).collect(),
            ..SideReport::default()
        }
    }

    /// A report in which gold has doubled.
    pub(crate) fn report() -> Report {
        let wanted = Wanted {
            root: "rel".into(),
            from: "1.0.0".to_string(),
            to: "1.1.0".to_string(),
            supervisor: "ships".to_string(),
            judge: None,
            seed: 7,
            for_ms: 3_600_000,
            sample: crate::order::Sample::All,
            partial: false,
            lossy: false,
            limits: crate::limits::Limits {
                memory_bytes: 1,
                cpu_s: 1,
            },
        };
        let old = side(&[(5.0, 15.0), (0.0, 20.0), (1.0, 31.0)]);
        let new = side(&[(5.0, 25.0), (0.0, 40.0), (1.0, 61.0)]);
        Report::of(&wanted, 3, new, old)
    }

    #[test]
    fn a_measure_is_compared_avatar_by_avatar() {
        let report = report();
        let gold = &report.compared[0];
        assert_eq!((&*gold.name, gold.avatars), ("gold/h", 3));
        assert_eq!((gold.old.median, gold.new.median), (20.0, 40.0));
        assert_eq!((gold.old.p1, gold.new.p99), (10.0, 60.0));
        assert_eq!((gold.ratio, gold.difference), (Some(2.0), 20.0));
        assert!(gold.differs() && gold.interval.0 > 8.0 && gold.interval.1 < 32.0);
        let bytes = &report.compared[1];
        assert_eq!(
            (&*bytes.name, bytes.ratio, bytes.differs()),
            ("bytes", Some(1.0), false)
        );
        assert!(report.against.is_empty() && report.new.measured.is_empty());
    }

    #[test]
    fn an_older_side_without_a_beginning_began_as_the_newer_one() {
        let new = side(&[(5.0, 25.0)]);
        let mut old = side(&[(5.0, 15.0)]);
        for measured in old.measured.values_mut() {
            measured
                .values
                .insert("gold".to_string(), (None, Some(15.0)));
        }
        assert_eq!(compared(&old, &new)[0].ratio, Some(2.0));
    }

    #[test]
    fn what_speaks_against_a_release_is_said() {
        let mut report = report();
        report.new.ended = Some("it looped".to_string());
        (report.new.crashes, report.new.crashed) = (3, 2);
        report.new.not_put_in = (1, vec!["Ann: no".to_string()]);
        let faults = report.faults();
        assert_eq!(
            faults,
            [
                "the rehearsal of 1.1.0 has ended early: it looped",
                "2 of 3 avatars have crashed with 1.1.0, 3 times",
                "1 copies could not be put in: Ann: no",
            ]
        );
    }
}
