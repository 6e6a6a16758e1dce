//! Invalid command lines, and the help.

use pq_tests::running::pq;
use serde_json::Value;

use crate::operator::typed::run;

#[test]
fn a_program_reads_what_is_wrong_with_its_words_as_it_reads_every_failure() {
    for (words, part) in [
        (&["install", "--json"][..], "<VSN>"),
        (&["status", "--json", "--loud"], "'--loud'"),
        (&["dance", "--json"], "'dance'"),
        (&["history", "--json", "first"], "'first'"),
    ] {
        let said = run(&mut pq(words));
        let failure: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!((said.code, &failure["exit"]), (2, &2.into()), "{words:?}");
        let sentence = failure["error"].as_str().unwrap();
        assert!(
            sentence.starts_with("failed to read the command: ") && sentence.contains(part),
            "{sentence}"
        );
        assert!(said.err.starts_with("error: "), "{}", said.err);
    }
}

#[test]
fn a_person_reads_it_on_stderr_only() {
    let said = run(&mut pq(["status", "--loud"]));
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
}

#[test]
fn the_help_says_what_exit_codes_mean() {
    let said = run(&mut pq(["--help"]));
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(said.out.contains("\nExit codes"), "{}", said.out);
}
