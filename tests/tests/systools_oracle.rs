//! OTP's own systools judges ours on releases that dice have made up.
//!
//! | room | what lives there |
//! |---|---|
//! | `releases`, `scripts` | releases and appups that are valid |
//! | `faults` | what makes them invalid, one thing at a time |
//! | `otp` | OTP's systools, one program for all questions |
//!
//! Answers are to be equal to the letter, but for what `pq_tests::systools` forgives. The seed is printed;
//! `PQ_SEED` makes another run begin with the same set, `PQ_SETS` says how many there are. Left out is what ours
//! refuses on purpose: see `pq_release::systools`.
#![allow(clippy::unwrap_used)]

#[path = "systools_oracle/dice.rs"]
mod dice;
#[path = "systools_oracle/faults.rs"]
mod faults;
#[path = "systools_oracle/otp.rs"]
mod otp;
#[path = "systools_oracle/releases.rs"]
mod releases;
#[path = "systools_oracle/scripts.rs"]
mod scripts;

use std::hash::{BuildHasher, RandomState};

use dice::Dice;
use otp::Otp;
use pq_term::Term;
use pq_tests::systools::case::OTP;
use pq_tests::systools::{Case, comparison, order};
use releases::Set;

/// How many sets are compared unless told otherwise; OTP takes some 15 ms for one.
const VALID: u64 = 500;
const BROKEN: u64 = 200;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is a number, not {text:?}")),
    )
}

/// What came out of a run.
#[derive(Debug, Default)]
struct Tally {
    relups: u64,
    errors: u64,
    /// Equal only after what the dependencies leave open.
    reordered: u64,
    faults: Vec<String>,
}

/// Compares so many sets, each from a seed of its own.
fn compare(otp: &mut Otp, sets: u64, make: impl Fn(&mut Dice) -> Set) -> Tally {
    let seed = number("PQ_SEED").unwrap_or_else(|| RandomState::new().hash_one("systools"));
    println!("PQ_SEED={seed}");
    let mut tally = Tally::default();
    for seed in (0..number("PQ_SETS").unwrap_or(sets)).map(|at| seed.wrapping_add(at)) {
        let set = make(&mut Dice::new(seed));
        let case = set.case();
        let folder = tempfile::tempdir().unwrap();
        case.files.lay_out(folder.path());
        let ours = case.ours();
        let otps = otp.ask(folder.path(), &case);
        let otps = otps.unwrap_or_else(|error| panic!("PQ_SEED={seed}: {error}\n{}", shown(&case)));
        tally.count(&ours, &otps);
        let difference = order::difference(&ours, &otps, &|side, vsn, script| {
            set.dependencies(side, vsn, script)
        });
        tally.faults.extend(difference.map(|difference| {
            format!(
                "PQ_SEED={seed}: {difference}\n ours: {ours}\nOTP's: {otps}\n{}",
                shown(&case)
            )
        }));
    }
    tally
}

/// All that both were given, but for what OTP has itself.
fn shown(case: &Case) -> String {
    let own = case
        .files
        .0
        .iter()
        .filter(|(path, _)| !path.starts_with(OTP));
    own.map(|(path, text)| format!("--- {}\n{text}", path.display()))
        .collect()
}

impl Tally {
    fn count(&mut self, ours: &Term, otps: &Term) {
        match comparison::is_tagged(otps, "ok") {
            true => self.relups += 1,
            false => self.errors += 1,
        }
        self.reordered += u64::from(comparison::difference(ours, otps).is_some());
    }

    /// Fails when answers differ, or when most sets were not of the kind that was to be made.
    fn judge(&self, most: impl Fn(&Tally) -> u64) {
        let Tally {
            relups,
            errors,
            reordered,
            faults,
        } = self;
        println!("{relups} relups, {errors} errors, {reordered} in another order");
        assert!(
            faults.is_empty(),
            "{} differ; the first:\n{}",
            faults.len(),
            faults[0]
        );
        assert!(
            most(self) * 3 >= (relups + errors) * 2,
            "too few of the kind: {self:?}"
        );
    }
}

#[test]
fn a_relup_is_that_of_otp() {
    let Some(mut otp) = Otp::start() else { return };
    let tally = compare(&mut otp, VALID, Set::new);
    tally.judge(|tally| tally.relups);
}

#[test]
fn an_error_is_that_of_otp() {
    let Some(mut otp) = Otp::start() else { return };
    let tally = compare(&mut otp, BROKEN, |dice| {
        let mut set = Set::new(dice);
        faults::break_something(&mut set, dice);
        set
    });
    tally.judge(|tally| tally.errors);
}
