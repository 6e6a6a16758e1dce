//! The work of a comparison, counted in hashes, so that a busy machine changes nothing: the same for each name. A test alone in its
//! program, because the count is that of the process.
#![allow(clippy::unwrap_used)]

use pq_login::{Record, Secret, hash, hashes, verify};

const NOW: u64 = 1_800_000_000;

#[test]
fn a_wrong_word_costs_the_same_work_whether_anybody_has_the_name() {
    let text = hash(&Secret::from("open sesame")).unwrap();
    let known = Record::read(&text);
    let mut remembered = Record::read(&text);
    remembered.issue(NOW).unwrap();
    let token = Record::read(&text).issue(NOW).unwrap().token;
    let damaged = Record::read("not a hash");
    for word in ["let me in", "", &token] {
        for record in [None, Some(&known), Some(&remembered), Some(&damaged)] {
            let before = hashes();
            assert_eq!(verify(&Secret::from(word), record, NOW), None);
            assert_eq!(hashes() - before, 1, "{word:?} {record:?}");
        }
    }
}
