//! Concurrent callers: *some* order of their calls in the sequential model must explain all answers.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use regis::Regis;

use crate::model::{self, Answer, Call, Model};
use crate::{Dice, Slow, seed};

const ROUNDS: u64 = 4_000;
const CALLERS: usize = 3;
const CALLS_EACH: usize = 3;
const NAMES: u8 = 2;
const OWNERS: u8 = 3;

type Program = Vec<Call>;
type History = Vec<(Call, Answer)>;

/// Deaths are always the pair `Die`, `Exited`, and only `register_alive` registers a dead owner: the contract of the
/// registry.
fn program(dice: &mut Dice, me: u8) -> Program {
    let mut calls = Program::new();
    while calls.len() < CALLS_EACH {
        let name = dice.below(NAMES.into()) as u8;
        let owner = dice.below(OWNERS.into()) as u8;
        match dice.below(8) {
            0..=2 => calls.push(Call::RegisterAlive(name, owner)),
            3 => calls.push(Call::Unregister(name)),
            4 => calls.push(Call::UnregisterIf(name, owner)),
            5 => calls.push(Call::Whereis(name)),
            6 => calls.push(Call::NameOf(owner)),
            _ => calls.extend([Call::Die(me), Call::Exited(me)]),
        }
    }
    calls
}

fn run(regis: &Regis<Slow<u8>, u8>, programs: &[Program]) -> Vec<History> {
    let dead: [AtomicBool; OWNERS as usize] = Default::default();
    let start = Barrier::new(programs.len());
    let play = |calls: &Program| -> History {
        start.wait();
        let alive = |owner: u8| !dead[usize::from(owner)].load(Ordering::Relaxed);
        let die = |owner: u8| dead[usize::from(owner)].store(true, Ordering::Relaxed);
        let answer = |call| model::call(regis, call, alive, die);
        calls.iter().map(|made| (*made, answer(*made))).collect()
    };
    thread::scope(|scope| {
        let play = &play;
        let players: Vec<_> = programs
            .iter()
            .map(|calls| scope.spawn(move || play(calls)))
            .collect();
        players
            .into_iter()
            .map(|player| player.join().expect("a caller does not panic"))
            .collect()
    })
}

/// Whether some order of the remaining calls explains the answers and the final state of the registry.
fn is_explained(rest: &[&[(Call, Answer)]], model: &Model, end: &Regis<Slow<u8>, u8>) -> bool {
    if rest.iter().all(|calls| calls.is_empty()) {
        return model::agrees(end, model, NAMES, OWNERS);
    }
    (0..rest.len()).any(|caller| {
        let Some(((made, answered), after)) = rest[caller].split_first() else {
            return false;
        };
        let mut next = model.clone();
        let mut left = rest.to_vec();
        left[caller] = after;
        let whole = next.call(*made) == *answered && is_explained(&left, &next, end);
        whole || first_half(*made, model).is_some_and(|next| is_explained(rest, &next, end))
    })
}

/// The first half of a takeover: the dead holder has lost the name, and the caller does not have it yet.
fn first_half(made: Call, model: &Model) -> Option<Model> {
    let Call::RegisterAlive(name, _) = made else {
        return None;
    };
    let mut next = model.clone();
    let holder = next.holders.remove(&name)?;
    model.dead.contains(&holder).then_some(next)
}

#[test]
fn every_history_of_three_callers_has_an_order() {
    let seed = seed(2_026);
    for round in 0..ROUNDS {
        let mut dice = Dice(seed.wrapping_add(round));
        let programs: Vec<Program> = (0..CALLERS)
            .map(|me| program(&mut dice, me as u8))
            .collect();
        let regis = Regis::with_shards(2);
        let histories = run(&regis, &programs);
        let rest: Vec<&[_]> = histories.iter().map(Vec::as_slice).collect();
        assert!(
            is_explained(&rest, &Model::default(), &regis),
            "REGIS_SEED={seed}, round {round}: no order explains {histories:?}"
        );
    }
}
