//! Players who want the heroes of others.

use pq_tests::running::{Player, RawClient, Tree};

use crate::comeback::player::{asks, chooses, counted, is_in_state, with_word};

#[test]
fn three_wrong_words_end_the_connection_and_ten_close_the_name_for_a_while() {
    let tree = Tree::with_third();
    let node = tree.starts_third(&[]);
    let ann = with_word(&node, "Ann", "open sesame");
    let mut wrong = 0;
    while wrong < 9 {
        let mut thief = asks(&node, "Ann");
        for _ in 0..2 {
            thief.types("let me in\n");
            thief.sees("That is not its word.");
        }
        thief.types("let me in\n");
        thief.sees("That is not its word either. Goodbye.");
        thief.ends();
        wrong += 3;
    }
    let mut thief = asks(&node, "Ann");
    thief.types("let me in\n");
    thief.sees("That is not its word.");
    // Now not even the right one is compared.
    thief.types("open sesame\n");
    thief.sees("Too many words were wrong.");
    thief.ends();
    assert_eq!(
        (counted(&tree, "wrong"), counted(&tree, "limited")),
        (10, 1)
    );
    assert!(!ann.is_gone());
    assert!(tree.does(&["status"]).contains("10 wrong"));
    assert_eq!(node.complaints(), [""; 0]);
}

#[test]
fn a_name_without_a_word_is_asked_for_one_and_has_none() {
    let tree = Tree::with_third();
    let node = tree.starts_third(&[]);
    let mut bob = chooses(&node, "Bob");
    bob.types("\n");
    bob.sees("Executing a ");
    let mut thief = asks(&node, "Bob");
    thief.types("anything at all\n");
    thief.sees("That is not its word.");
    bob.plays_on();
}

#[test]
fn words_that_are_too_short_or_too_long_are_refused() {
    let tree = Tree::with_third();
    let node = tree.starts_third(&[]);
    let mut ann = chooses(&node, "Ann");
    ann.types("short\n");
    ann.sees("A word has at least 6 characters.");
    ann.types(format!("{}\n", "x".repeat(129)));
    ann.sees("A word has at most 128 bytes.");
    let mut bob = RawClient::connect(&node);
    bob.send(b"Bob\ny\n");
    bob.until(b"none.)\r\n");
    // A longer one takes longer than a client has to begin: 1 KiB counts as a line.
    bob.send("x".repeat(16 << 10));
    bob.send(b"\na good word\n");
    bob.until(b"Your word is kept.");
    ann.types("quit\n");
    ann.ends();
}

#[test]
fn two_who_claim_a_hero_at_the_same_moment_share_one_hero() {
    let tree = Tree::with_third();
    let node = tree.starts_third(&[]);
    with_word(&node, "Ann", "open sesame").quits();
    is_in_state(&tree, "Ann", "resting");
    let mut both = [asks(&node, "Ann"), asks(&node, "Ann")];
    both.iter_mut().for_each(|one| one.types("open sesame\n"));
    both.iter_mut()
        .for_each(|one| one.sees("Welcome back, Ann."));
    let last = pq_tests::running::poll(pq_tests::running::PATIENCE, || {
        both.iter().position(Player::is_gone)
    });
    let gone = last.unwrap();
    let [one, other] = both;
    let (mut stays, gone) = if gone == 0 {
        (other, one)
    } else {
        (one, other)
    };
    assert!(gone.transcript().contains("You play from elsewhere now."));
    stays.plays_on();
    let names = tree.answer(&["names"]);
    let heroes = names["rows"].as_array().unwrap().iter();
    assert_eq!(
        heroes.filter(|row| row["name"] == "\"Ann\"").count(),
        1,
        "{names}"
    );
    assert_eq!(node.complaints(), [""; 0]);
}
