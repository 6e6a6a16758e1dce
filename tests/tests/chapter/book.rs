//! The chapter: `hakvroot` plays 1.0.0, then 1.1.0, then 1.0.0 again, in one window.

use std::time::Duration;

use pq_tests::running::{PROMPT, Player, Running, Tree};
use pq_tests::story::Version;

use crate::chapter::midway::settle;

/// Enough heroes that one of them soon completes a quest: the shortest takes 8 kills, and each hero has it with a
/// probability of one in seven.
const COMPANY: usize = 24;

/// Two kills and a trip to the market, in addition to the kills of the quest.
const SLACK: Duration = Duration::from_secs(60);

/// The duration of a fight (`pq_events:killed`).
const KILL: Duration = Duration::from_millis(1_600);

/// The number of kills until the quest of a hero is complete.
fn kills_left(tree: &Tree, name: &str) -> u32 {
    let state = tree.state_of(name);
    let quest = state.split_once("kills => ").map(|(_, rest)| rest);
    let number = quest.and_then(|rest| rest.split([',', '}']).next());
    let number = number.and_then(|number| number.trim().parse().ok());
    number.unwrap_or_else(|| panic!("{name} has no quest: {state}"))
}

/// Waits until the completion of a quest appears in a window that was open all the time.
fn reads_of_a_quest(tree: &Tree, players: &mut [Player]) {
    let left = |player: &Player| kills_left(tree, player.name());
    let soonest = players
        .iter_mut()
        .min_by_key(|player| left(player))
        .unwrap();
    let limit = KILL * left(soonest) + SLACK;
    soonest.sees_within(limit, "Completed quest: ");
    soonest.sees_within(limit, "Obtained new quest: ");
}

/// Reads until one of the players meets this enemy.
fn meets(players: &mut [Player], enemy: &str) {
    let line = format!("Executing a {enemy}...");
    let met = |player: &Player| player.transcript().matches(&line).count();
    let before: usize = players.iter().map(met).sum();
    let meets = pq_tests::running::poll(SLACK, || {
        let now: usize = players.iter().map(met).sum();
        (now > before).then_some(())
    });
    assert!(meets.is_some(), "no hero meets a {enemy}");
}

/// Checks the greeting of a new client, which disconnects again.
fn greets_everybody(node: &Running) {
    let mut players: Vec<Player> = (0..30).map(|_| Player::connect(node)).collect();
    players.iter_mut().for_each(|player| player.sees(PROMPT));
    players.into_iter().for_each(|player| drop(player.quits()));
}

/// Hakvroot and the other players of the chapter: with a socket, and with `nc` and `telnet` if this machine has them.
fn everybody(node: &Running) -> Vec<Player> {
    let mut players = vec![Player::enter(node, "hakvroot")];
    for program in ["nc", "telnet"] {
        if let Some(mut player) = Player::through(program, node) {
            player.join(program);
            players.push(player);
        }
    }
    let names: Vec<String> = (0..COMPANY).map(|number| format!("hero{number}")).collect();
    players.extend(Player::enter_all(node, &names));
    players
}

#[test]
fn hakvroot_plays_the_chapter_in_one_window() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &["--seed", "1"]);
    let mut players = everybody(&node);
    tree.has_releases(&[("1.0.0", "permanent")]);

    tree.does(&["unpack", "processquest-1.1.0"]);
    tree.has_releases(&[("1.1.0", "unpacked"), ("1.0.0", "permanent")]);

    players
        .iter_mut()
        .for_each(|player| player.may_become(Version::New));
    tree.does(&["install", "1.1.0"]);
    tree.has_releases(&[("1.1.0", "current"), ("1.0.0", "permanent")]);
    settle(&mut players);
    reads_of_a_quest(&tree, &mut players);
    greets_everybody(&node);

    tree.does(&["make-permanent", "1.1.0"]);
    tree.has_releases(&[("1.1.0", "permanent"), ("1.0.0", "old")]);
    // In the book no client is greeted after this point, because `make_permanent` kills the acceptors that run old
    // code.
    greets_everybody(&node);

    players
        .iter_mut()
        .for_each(|player| player.may_become(Version::Old));
    tree.does(&["install", "1.0.0"]);
    tree.has_releases(&[("1.1.0", "permanent"), ("1.0.0", "current")]);
    settle(&mut players);
    meets(&mut players, "Ant");
    greets_everybody(&node);

    Player::all_play_on(&mut players);
    for player in &mut players {
        let tale = player.tale();
        assert!(tale.kills > 3, "{tale:?}");
    }
    for player in players {
        player.quits();
    }
    assert_eq!(node.errors(), [""; 0]);
}
