//! Crawlers of game lists that do not know telnet: they send a line of text, read a table, and do not count as players.

use pq_tests::running::{Running, Tree};

use crate::telnet::client::Client;
use crate::telnet::script::PROMPT;

#[test]
fn a_crawler_that_asks_in_text_reads_a_table_and_is_let_go() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let _ann = Client::playing(&node, "Ann");
    for request in ["MSSP-REQUEST\r\n", "MSSP-REQUEST\n", "\r\nMSSP-REQUEST\r\n"] {
        let mut crawler = Client::connect(&node);
        crawler.until(PROMPT);
        // The request may arrive byte by byte.
        request.bytes().for_each(|byte| crawler.send([byte]));
        let told = crawler.rest();
        let table = told.split_once("\r\nMSSP-REPLY-START\r\n").unwrap().1;
        let lines: Vec<&str> = table.split("\r\n").collect();
        assert_eq!(lines[lines.len() - 2..], ["MSSP-REPLY-END", ""], "{told:?}");
        let port = format!("PORT\t{}", node.address().port());
        // A client that has sent only an empty line is not a player.
        for line in ["PLAYERS\t1", "MCCP\t1", &port] {
            assert!(lines.contains(&line), "no {line:?} in {told:?}");
        }
        assert!(lines[0].starts_with("NAME\t"), "{told:?}");
    }
    assert_eq!(tree.answer(&["who"])["rows"].as_array().unwrap().len(), 1);
}

#[test]
fn the_same_line_in_a_game_is_said_to_the_game() {
    let node = Running::node();
    let mut ann = Client::playing(&node, "Ann");
    ann.send("MSSP-REQUEST\r\n");
    ann.line_with("Unexpected input: MSSP-REQUEST");
    ann.quit();
}
