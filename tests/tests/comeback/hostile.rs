//! Players who want the heroes of others.

use std::net::IpAddr;
use std::thread;

use pq_tests::running::{Disk, PATIENCE, PROMPT, Player, RawClient, Running, Signal, Tree, poll};

use crate::comeback::player::{
    asks, chooses, comes_back, counted, is_in_state, types_twice, with_word,
};

/// The end of the question for a word.
const ASKED: &[u8] = b"another name.)\r\n";

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
    bob.until(b"another word.)\r\n");
    bob.send(b"a good word\n");
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

/// Asks for a hero from this address of the machine, says a word, and returns the answer.
fn guess(node: &Running, from: IpAddr, name: &str, word: &str) -> String {
    let mut thief = RawClient::from(from, node);
    thief.until(PROMPT.as_bytes());
    thief.send(format!("{name}\n"));
    thief.until(ASKED);
    thief.send(format!("{word}\n"));
    let answer = thief.until(b"\r\n");
    String::from_utf8_lossy(&answer).trim_end().to_string()
}

#[test]
fn a_name_is_guessed_ten_times_from_however_many_addresses() {
    let tree = Tree::with_third();
    let node = tree.starts_third(&[]);
    let (ann, bob) = (
        with_word(&node, "Ann", "open sesame"),
        with_word(&node, "Bob", "a bee or not"),
    );
    let from = |number: u8| IpAddr::from([127, 0, 1, number]);
    for number in 1..=10 {
        let answer = guess(&node, from(number), "Ann", "let me in");
        assert_eq!(answer, "That is not its word.");
    }
    let answer = guess(&node, from(11), "Ann", "open sesame");
    assert!(answer.starts_with("Too many words were wrong."), "{answer}");
    // Each address has guessed once, and may try another name.
    let answer = guess(&node, from(1), "Bob", "a bee or not");
    assert_eq!(answer, "Welcome back, Bob.");
    assert_eq!(
        (counted(&tree, "wrong"), counted(&tree, "limited")),
        (10, 1)
    );
    bob.ends();
    assert!(!ann.is_gone());
    assert_eq!(node.complaints(), [""; 0]);
}

#[test]
fn a_wrong_word_costs_one_hash_whether_the_hero_has_a_word_or_not() {
    let tree = Tree::with_third();
    let node = tree.starts_third(&[]);
    let _ann = with_word(&node, "Ann", "open sesame");
    let mut bob = chooses(&node, "Bob");
    bob.types("\n");
    bob.sees("Executing a ");
    for (number, name) in ["Ann", "Bob", "Ann", "Bob"].into_iter().enumerate() {
        let before = counted(&tree, "hashed");
        let from = IpAddr::from([127, 0, 1, number as u8 + 1]);
        let answer = guess(&node, from, name, "let me in");
        assert_eq!(answer, "That is not its word.");
        assert_eq!(counted(&tree, "hashed") - before, 1, "{name}");
    }
}

#[test]
fn a_word_of_a_megabyte_is_no_word_and_the_next_one_counts() {
    let tree = Tree::with_third();
    let node = tree.starts_third(&[]);
    // At the usual pace of a client it would take longer than a client has to begin.
    let file = tree.root().join("releases/1.2.0/sys.config");
    let text = std::fs::read_to_string(&file).unwrap();
    let fast = "{port, 8082}, {limits, [{lines, {4000, 4000}}]},";
    std::fs::write(&file, text.replace("{port, 8082},", fast)).unwrap();
    node.signal(Signal::HUP);
    node.logged("limits of sockserv is");
    let ann = with_word(&node, "Ann", "open sesame");
    let mut client = RawClient::connect(&node);
    client.until(PROMPT.as_bytes());
    client.send(b"Ann\n");
    client.until(ASKED);
    client.send("x".repeat(1 << 20));
    client.send(b"\n");
    client.until(b"That line is too long: at most 1024 bytes.");
    client.send(b"open sesame\n");
    client.until(b"Welcome back, Ann.");
    ann.ends();
    assert_eq!(counted(&tree, "wrong"), 0);
    let mut bob = chooses(&node, "Bob");
    bob.types(format!("{}\n", "x".repeat(1 << 20)));
    bob.sees("That line is too long: at most 1024 bytes.");
    types_twice(&mut bob, "a bee or not");
    bob.sees("Your word is kept.");
    // The node complains of the file that this test has edited.
    assert_eq!(node.errors(), [""; 0]);
}

#[test]
fn two_who_claim_a_new_name_at_the_same_moment_get_one_hero_and_one_word() {
    let tree = Tree::with_third();
    let node = tree.starts_third(&[]);
    let mut both = [chooses(&node, "Zed"), chooses(&node, "Zed")];
    let words = ["the word of one", "the word of two"];
    for (one, word) in both.iter_mut().zip(words) {
        one.types(format!("{word}\n"));
        one.sees("another word.)");
    }
    for (one, word) in both.iter_mut().zip(words) {
        one.types(format!("{word}\n"));
    }
    let kept = poll(PATIENCE, || {
        both.iter()
            .position(|one| one.transcript().contains("Your word is kept."))
    });
    let first = kept.unwrap();
    let [one, other] = both;
    let (mut plays, mut loses) = if first == 0 {
        (one, other)
    } else {
        (other, one)
    };
    loses.sees("That name is taken.");
    loses.sees(PROMPT);
    plays.plays_on();
    loses.types("Zed\n");
    loses.sees("another name.)");
    loses.types(format!("{}\n", words[1 - first]));
    loses.sees("That is not its word.");
    loses.types(format!("{}\n", words[first]));
    loses.sees("Welcome back, Zed.");
    plays.ends();
    let names = tree.answer(&["names"]);
    let heroes = names["rows"].as_array().unwrap().iter();
    assert_eq!(
        heroes.filter(|row| row["name"] == "\"Zed\"").count(),
        1,
        "{names}"
    );
    assert_eq!(node.complaints(), [""; 0]);
}

/// Takes a hero over, or reads that it cannot be continued.
fn takes_over(node: &Running) -> Player {
    let mut player = asks(node, "Ann");
    player.types("open sesame\n");
    let answered = poll(PATIENCE, || {
        let told = player.transcript();
        let is_told = told.contains("Welcome back") || told.contains("cannot be continued now");
        is_told.then_some(())
    });
    assert!(answered.is_some(), "{}", player.transcript());
    player
}

#[test]
fn a_hero_that_is_taken_over_while_it_is_set_aside_is_there_once_and_comes_back() {
    let tree = Tree::with_third();
    let node = tree.starts_third(&[]);
    let mut ann = with_word(&node, "Ann", "open sesame");
    ann.sees("Obtained ");
    thread::scope(|scope| {
        let takers = scope.spawn(|| [(); 6].map(|()| takes_over(&node)));
        // The second failure within a minute sets the hero aside; until then it is restarted as it was saved.
        let is_aside = || {
            let _ = tree.operate(&["kill", "Ann"]);
            (crate::comeback::player::state(&tree, "Ann") == "set aside").then_some(())
        };
        assert!(poll(PATIENCE, is_aside).is_some());
        takers.join().unwrap();
    });
    let mut last = takes_over(&node);
    last.sees("Ann cannot be continued now; it is kept for the operators.");
    last.sees(PROMPT);
    let rows = tree.answer(&["heroes"]);
    let rows = rows["rows"].as_array().unwrap().iter();
    assert_eq!(rows.filter(|row| row["name"] == "Ann").count(), 1);
    tree.does(&["heroes", "retry", "Ann"]);
    comes_back(&node, "Ann", "open sesame").plays_on();
}

#[test]
fn words_that_nobody_could_compare_do_not_count_as_wrong() {
    let Some(disk) = Disk::small() else { return };
    let tree = Tree::with_third();
    std::os::unix::fs::symlink(disk.folder(), tree.root().join("data")).unwrap();
    let node = tree.starts_third(&[]);
    let ann = with_word(&node, "Ann", "open sesame");
    disk.leave(0);
    // From now on the store answers nothing: it has a state that it cannot write.
    node.logged("it is tried again");
    let ask = |_| {
        let mut client = asks(&node, "Ann");
        client.types("let me in\n");
        client.sees("Words cannot be compared at the moment. Try again.");
        client
    };
    let asked: Vec<Player> = thread::scope(|scope| {
        let asking: Vec<_> = (0..4).map(|it| scope.spawn(move || ask(it))).collect();
        asking.into_iter().map(|it| it.join().unwrap()).collect()
    });
    disk.clear();
    // With those four, these would be more than ten.
    for number in 1..=8 {
        let from = IpAddr::from([127, 0, 1, number]);
        let answered = poll(PATIENCE, || {
            let answer = guess(&node, from, "Ann", "let me in");
            (answer == "That is not its word.").then_some(())
        });
        assert!(answered.is_some());
    }
    drop((asked, ann));
    comes_back(&node, "Ann", "open sesame").plays_on();
}
