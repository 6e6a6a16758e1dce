//! Comparison with OTP's systools on random releases.
//!
//! | module | content |
//! |---|---|
//! | `releases`, `scripts` | valid releases and appups |
//! | `faults` | faults that make them invalid, one at a time |
//! | `otp` | OTP's systools, one program for all questions |
//!
//! Answers have to be equal except for the differences that `pq_tests::systools` allows. The seed is printed; `PQ_SEED`
//! starts another run with the same set, `PQ_SETS` sets the number of sets. Cases that our systools refuses on purpose
//! are left out: see `pq_release::systools`.

mod dice;
mod faults;
mod otp;
mod releases;
mod scripts;

use std::hash::{BuildHasher, RandomState};

use dice::Dice;
use otp::Otp;
use pq_term::Term;
use pq_tests::systools::case::OTP;
use pq_tests::systools::{Case, comparison, order};
use releases::Set;

/// The default number of sets; OTP takes about 15 ms for one.
const VALID: u64 = 500;
const BROKEN: u64 = 200;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is a number, not {text:?}")),
    )
}

#[derive(Debug, Default)]
struct Tally {
    relups: u64,
    errors: u64,
    /// The number of answers that are equal except for orders that the dependencies leave open.
    reordered: u64,
    faults: Vec<String>,
}

/// Compares this number of sets, each from a seed of its own.
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

/// All files of the question, except those of OTP's own applications.
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

    /// Fails when answers differ, or when most sets were not of the intended kind.
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
