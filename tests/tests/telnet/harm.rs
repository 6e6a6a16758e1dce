//! Hostile and faulty clients, which must not affect other clients.

use pq_tests::running::{Running, Signal, Tree};

use crate::telnet::client::Client;
use crate::telnet::script::{PROMPT, unexpected};

/// The largest number of bytes that the node and both kernels accept from a client that reads nothing: four times the
/// largest buffers of a socket in Linux (`tcp_rmem`, `tcp_wmem`: 6 MB and 4 MB).
const FLOOD_MAX: usize = 64 << 20;

/// Checks that other clients can connect and play, and that the log has no complaint.
fn all_is_well(node: &Running) {
    Client::playing(node, "Bystander").quit();
    assert_eq!(node.complaints(), [""; 0]);
}

#[test]
fn a_subnegotiation_without_an_end_is_forgotten_as_it_grows() {
    let node = Running::node();
    let mut client = Client::greeted(&node);
    client.send(b"\xff\xfa\x18");
    // More than the limit of a line, but so little that the rate of `lines` delays it only for a short time.
    client.send(vec![b'x'; 64 << 10]);
    client.send(b"\xff\xf0Ann\n");
    client.stats();
    let mut other = Client::greeted(&node);
    other.send(b"\xff\xfa\x18");
    other.send(vec![b'\n'; 64 << 10]);
    other.half_close();
    assert_eq!(other.rest(), "");
    all_is_well(&node);
}

#[test]
fn other_protocols_at_the_door_do_no_harm() {
    let node = Running::node();
    let http = b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: x\r\n\r\n";
    let tls = b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03\xff\xfa\x00\x0d\x0a\x00\xff";
    let ssh = b"SSH-2.0-OpenSSH_9.2\r\n\x00\x00\x05\x1c\x0a\x14";
    for hello in [&http[..], tls, ssh] {
        let mut client = Client::greeted(&node);
        client.send(hello);
        client.half_close();
        client.everything();
    }
    all_is_well(&node);
}

#[test]
fn questions_without_end_are_not_answered_without_end() {
    // The rate of `lines` would take ten minutes for all lines, so the client has no hero in time.
    let tree = Tree::with_limits("{login_ms, 5000}");
    let node = Running::node_with(&tree, &[]);
    let mut client = Client::greeted(&node);
    client.send(b"\xff\xf6".repeat(100_000));
    client.send("quit\n");
    let told = client.everything();
    assert!(
        told.ends_with(b"You took longer than 5s to begin. Come again!\r\n"),
        "{}",
        told.escape_ascii()
    );
    assert!(told.len() < 300_000, "{} bytes for 200 000", told.len());
    Client::playing(&node, "Bystander").quit();
    let mut complaints = node.complaints();
    complaints.retain(|line| !line.contains("sys.config was edited"));
    assert_eq!(complaints, [""; 0]);
}

#[test]
fn connections_that_break_are_forgotten() {
    let node = Running::node();
    for _ in 0..50 {
        Client::connect(&node).reset();
        drop(Client::connect(&node));
    }
    all_is_well(&node);
}

#[test]
fn two_hundred_clients_at_once_are_all_greeted() {
    let node = Running::node();
    let mut clients: Vec<Client> = (0..200).map(|_| Client::connect(&node)).collect();
    for client in &mut clients {
        assert_eq!(client.until(PROMPT), PROMPT);
    }
    for (number, client) in clients.iter_mut().enumerate() {
        client.send(format!("hero{number}\ny\n"));
    }
    for client in &mut clients {
        client.stats();
        client.until("Executing a ");
    }
    for client in &mut clients {
        client.send("quit\n");
    }
    for client in &mut clients {
        client.rest();
    }
    all_is_well(&node);
}

#[test]
fn a_client_that_never_reads_is_dropped_and_the_others_play_on() {
    // The rate is unlimited: at the usual rate, a flood stays in the buffers of the client.
    let tree = Tree::with_limits("{lines, {1000000, 1000000}}");
    let node = Running::node_with(&tree, &[]);
    let mut player = Client::playing(&node, "Ann");
    let mut silent = Client::playing(&node, "Silent");
    let line = [&[b'x'; 1023][..], b"\n"].concat();
    let taken = silent.flood(&line, FLOOD_MAX);
    assert!(
        taken < FLOOD_MAX,
        "{taken} bytes were taken from a client that reads nothing"
    );
    node.logged("client dropped: the client reads too slowly");
    player.send("hello\n");
    assert_eq!(player.line_with("Unexpected input:"), unexpected("hello"));
    player.until("Executing a ");
}

#[test]
fn a_client_that_reads_nothing_does_not_hold_up_the_end() {
    let mut node = Running::node();
    let mut silent = Client::playing(&node, "Silent");
    // Far more than the client's window, and far less than the limit at which it is disconnected.
    silent.send([&[b'x'; 1000][..], b"\n"].concat().repeat(200));
    node.signal(Signal::TERM);
    assert!(node.end().success());
}
