//! Compares the parsing of files with OTP: random terms, patterns of versions and `sys.config` files.
//!
//! | module | contents |
//! |---|---|
//! | `terms` | texts that are terms, and texts that are not |
//! | `patterns` | regular expressions and versions |
//! | `configs` | a `sys.config` and the files that it names |
//! | `otp` | one run of OTP for all questions, and the form of the answers |
//!
//! Texts that OTP accepts have to give the same value here, and texts that OTP refuses have to be refused. Texts that our
//! parser refuses on purpose are left out (`pq_term`, "Differences from Erlang"; `pq_release::appup::pattern`). The seed is
//! printed; `PQ_SEED` repeats a run, and `PQ_SETS` multiplies the number of questions.
#![allow(clippy::unwrap_used)]

#[path = "formats/configs.rs"]
mod configs;
#[path = "../../../tests/tests/systools_oracle/dice.rs"]
#[allow(dead_code)]
mod dice;
#[path = "formats/otp.rs"]
mod otp;
#[path = "formats/patterns.rs"]
mod patterns;
#[path = "formats/terms.rs"]
mod terms;

use std::hash::{BuildHasher, RandomState};

use dice::Dice;
use otp::Questions;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is a number, not {text:?}")),
    )
}

#[test]
fn files_are_read_as_otp_reads_them() {
    let seed = number("PQ_SEED").unwrap_or_else(|| RandomState::new().hash_one("formats"));
    println!("PQ_SEED={seed}");
    let times = number("PQ_SETS").unwrap_or(1) as usize;
    let mut dice = Dice::new(seed);
    let questions = Questions {
        texts: terms::texts(&mut dice, 3_000 * times),
        patterns: patterns::questions(&mut dice, 3_000 * times),
        configs: configs::configs(&mut dice, 300 * times),
    };
    let Some(answers) = questions.ask() else {
        return;
    };
    let differences = [
        terms::differences(&questions.texts, &answers.texts),
        patterns::differences(&questions.patterns, &answers.patterns),
        configs::differences(&questions.configs, &answers.configs),
    ]
    .concat();
    let shown = differences.iter().take(20).cloned().collect::<String>();
    let count = differences.len();
    assert!(
        count == 0,
        "PQ_SEED={seed}: {count} differ; the first:\n{shown}"
    );
}
