//! Installs between 1.2.0 and the releases before it, with players at each prompt.

use pq_tests::running::{AGREE, PROMPT, Player, Running, THIRD, Tree};

use crate::comeback::player::{CHOOSE, WHOSE, asks, chooses, comes_back, is_in_state, with_word};

/// Players of 1.1.0 or 1.0.0 at each of their prompts.
struct Before {
    unnamed: Player,
    named: Player,
    plays: Player,
}

impl Before {
    fn enter(node: &Running, number: u32) -> Before {
        let mut unnamed = Player::connect(node);
        unnamed.sees(PROMPT);
        unnamed.types("Ne");
        let mut named = Player::connect(node);
        named.gives(&format!("Named{number}"));
        let plays = Player::enter(node, &format!("Plays{number}"));
        Before {
            unnamed,
            named,
            plays,
        }
    }

    /// Under 1.2.0 each goes on where it was.
    fn go_on(mut self, number: u32) {
        self.unnamed.types(format!("w{number}\n"));
        self.unnamed.sees(AGREE);
        self.unnamed.types("y\n");
        self.unnamed.sees(&format!("{CHOOSE} New{number}"));
        self.named.types("y\n");
        self.named.sees("Executing a ");
        self.plays.plays_on();
    }
}

#[test]
fn players_of_both_releases_before_go_on_under_the_third() {
    for (number, before) in [(0, "1.0.0"), (1, "1.1.0")] {
        let tree = Tree::with_third();
        let node = Running::node_with(&tree, &[]);
        if before != "1.0.0" {
            tree.does(&["install", before]);
        }
        let players = Before::enter(&node, number);
        tree.does(&["unpack", "processquest-1.2.0"]);
        tree.does(&["install", THIRD]);
        players.go_on(number);
        assert_eq!(node.complaints(), [""; 0]);
    }
}

#[test]
fn players_at_each_prompt_of_the_third_go_on_under_the_releases_before() {
    for before in ["1.1.0", "1.0.0"] {
        let tree = Tree::with_third();
        let node = tree.starts_third(&[]);
        let mut plays = with_word(&node, "Plays", "open sesame");
        with_word(&node, "Rests", "open sesame").quits();
        is_in_state(&tree, "Rests", "resting");
        let alone = with_word(&node, "Alone", "open sesame");
        alone.drops();
        let mut asked = asks(&node, "Plays");
        asked.types("open ses");
        let mut choosing = chooses(&node, "Choosing");
        choosing.types("half a wo");
        tree.does(&["install", before]);
        plays.plays_on();
        // Half a word that was typed before is no name.
        asked.types("ame\n");
        asked.sees("A name has only characters that can be seen.");
        // The hero that rests, and the one that plays alone, keep their names, and nobody is asked for words.
        for taken in ["Rests", "Alone"] {
            asked.gives(taken);
            asked.types("y\n");
            asked.sees("That name is taken.");
        }
        choosing.types("rd\n");
        choosing.sees("Answer with y (yes) or n (no)");
        choosing.types("y\n");
        choosing.sees("Executing a ");
        // A hero with a word rests when its player goes, also here.
        plays.quits();
        is_in_state(&tree, "Plays", "resting");
        tree.does(&["install", THIRD]);
        for name in ["Plays", "Rests", "Alone"] {
            comes_back(&node, name, "open sesame").plays_on();
        }
        asked.types("Plays\n");
        asked.sees(WHOSE);
        choosing.plays_on();
        assert_eq!(node.complaints(), [""; 0]);
    }
}
