//! A random company plays; a copy of it, encoded and decoded, is put into a second node, whose clock and pids are
//! others. Both play on, and tell the same story to the last byte and the last millisecond.

use pq_otp::moved::{Moving, NotMoved, Subtree};
use pq_otp::sys::SysMessage;
use pq_otp::{Ask, Envelope, Pid};

use super::company::{KINDS, Word};
use super::stage::{Dice, Ids, PATIENCE_MS, node, plant, put};
use crate::actor::Do;
use crate::rig::{Rig, payload, say};

/// Companies of a run on every day.
const SEEDS: u64 = 3_000;

/// How long both companies play after the copy: long enough for several restarts.
const PLAY_MS: u64 = 300;

/// Messages from outside that wait when the copy is made, and a process that is suspended. A clock is suspended behind
/// an event that it has sent itself.
fn disturb(rig: &mut Rig, ids: &Ids, dice: &mut Dice) -> Option<u32> {
    let all: Vec<(u32, Pid)> = ids.all().into_iter().collect();
    let pick = |dice: &mut Dice| {
        let at = dice.below(all.len().max(1) as u64) as usize;
        all.get(at).copied()
    };
    let suspended = pick(dice).filter(|_| dice.below(3) == 0);
    if let Some((id, pid)) = suspended {
        if id % KINDS == 1 {
            rig.deliver(pid, Envelope::Event(payload(&Word::Step(1))));
        }
        rig.sim.sys(pid, SysMessage::Suspend, PATIENCE_MS).unwrap();
    }
    for _ in 0..dice.below(6) {
        if let (Some((id, to)), Some((_, about))) = (pick(dice), pick(dice)) {
            let word = payload(&match dice.below(2) {
                0 => Word::Hello(about),
                _ => Word::Step(5),
            });
            let letter = match (id % KINDS, dice.below(2)) {
                (0, 0) => Envelope::Cast(word),
                (_, 0) => Envelope::Event(word),
                _ => Envelope::Info(word),
            };
            rig.deliver(to, letter);
        }
    }
    suspended.map(|(id, _)| id)
}

/// A copy of the company, as soon as its supervisors are at rest; `None` when the company has ended before.
fn copy(rig: &mut Rig, root: Pid) -> Option<Subtree> {
    for _ in 0..200 {
        rig.lines();
        if !rig.is_alive(root) {
            return None;
        }
        match rig.sim.copy_out(root, PATIENCE_MS) {
            Ok(subtree) => return Some(subtree),
            Err(NotMoved::NotYet(_)) => rig.sim.run_ms(1),
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the company is never at rest");
}

/// Processes of the second node, some of which have ended, so that its pids are others.
fn furnish(rig: &mut Rig, dice: &mut Dice) {
    let pids: Vec<Pid> = (0..dice.below(12))
        .map(|_| rig.actor("other", vec![say("I am here")]))
        .collect();
    for pid in pids {
        if dice.below(2) == 0 {
            rig.tell(pid, vec![Do::Stop(pq_otp::Term::atom("normal"))]);
        }
    }
    rig.sim.run_ms(dice.below(9_000));
    rig.lines();
}

/// Plays on, and returns the lines with times from now on, without pids.
fn play(rig: &mut Rig, ids: &Ids, suspended: Option<u32>) -> Vec<String> {
    let from = rig.sim.now_ms();
    rig.sim.run_ms(PLAY_MS / 3);
    if let Some(pid) = suspended.and_then(|id| ids.find(id)) {
        rig.sim.sys(pid, SysMessage::Resume, PATIENCE_MS).unwrap();
    }
    rig.sim.run_ms(PLAY_MS);
    let mut lines: Vec<String> = rig.lines().iter().map(|line| since(line, from)).collect();
    let mut left: Vec<String> = rig
        .sim
        .processes()
        .into_iter()
        .filter(|info| info.module != "actor")
        .map(|info| format!("{} {} {}", info.module, info.messages, info.suspended))
        .collect();
    left.sort();
    lines.extend(left);
    lines
}

/// A line `pid id@ms words` as `id@ms words`, counted from a time.
fn since(line: &str, from: u64) -> String {
    let (_, line) = line.split_once(' ').unwrap();
    let (id, rest) = line.split_once('@').unwrap();
    let (at, words) = rest.split_once(' ').unwrap();
    format!("{id}@{} {words}", at.parse::<u64>().unwrap() - from)
}

/// Plays one company; returns the length of the story, 0 if the company had ended before the copy.
fn story(seed: u64) -> usize {
    let mut dice = Dice(seed);
    let (mut first, ids) = node();
    let root = plant(&mut first, &mut dice);
    first.sim.run_ms(dice.below(250));
    let suspended = disturb(&mut first, &ids, &mut dice);
    let Some(subtree) = copy(&mut first, root) else {
        return 0;
    };
    let bytes = subtree.to_bytes();
    let decoded = Subtree::from_bytes(&bytes).unwrap();
    assert_eq!(decoded, subtree, "seed {seed}");
    let (mut second, other_ids) = node();
    furnish(&mut second, &mut dice);
    let put_in = second.sim.put_in(put(decoded, None), PATIENCE_MS);
    assert!(put_in.is_ok(), "seed {seed}: {put_in:?}");
    let told = play(&mut first, &ids, suspended);
    let retold = play(&mut second, &other_ids, suspended);
    let differs = told
        .iter()
        .zip(&retold)
        .position(|(one, other)| one != other);
    let differs = differs.or((told.len() != retold.len()).then_some(told.len().min(retold.len())));
    if let Some(at) = differs {
        let around = at.saturating_sub(5)..;
        panic!(
            "seed {seed}, line {at}:\n{:#?}\n{:#?}",
            told.get(around.clone())
                .map(|lines| &lines[..lines.len().min(9)]),
            retold.get(around).map(|lines| &lines[..lines.len().min(9)])
        );
    }
    told.len()
}

#[test]
fn a_copy_in_another_node_tells_the_same_story_to_the_last_millisecond() {
    let lengths: Vec<usize> = (0..SEEDS).map(story).collect();
    let told = lengths.iter().filter(|length| **length > 40).count() as u64;
    assert!(
        told > SEEDS / 2,
        "only {told} of {SEEDS} companies had a story"
    );
}
