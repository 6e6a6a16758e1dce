//! Restarts from kept states at all moments of a transaction.

use pq_otp::moved::{Closed, Opened, Opens, Part};

use super::*;
use crate::moved::keeper::{Answers, Keeper};
use crate::rig::worker;

/// Opens counters of the first version with the current one.
struct Current;

impl Opens for Current {
    fn open(&self, node: &Node, part: Closed<'_>) -> Result<Opened, String> {
        let module = node.module(part.module).ok_or("no such module")?;
        let is_old = part.part == Part::State && part.module == "counter" && part.vsn == "1.0.0";
        let bytes = match is_old && module.vsn() == "2.0.0" {
            true => {
                let fixture::Counter { count } = rmp_serde::from_slice(&part.bytes).unwrap();
                encode(&fixture_next::Counter { count, step: 1 })
            }
            false => part.bytes,
        };
        Ok(Opened {
            module,
            bytes,
            residues: Vec::new(),
        })
    }
}

fn counters(sim: &Sim) -> Vec<Pid> {
    let all = sim.processes().into_iter();
    let counters = all.filter(|info| info.module == "counter");
    counters.map(|info| info.pid).collect()
}

/// A counter falls at a step of the transaction, and its kept state is read some steps later.
fn falls_at(step: u32, reading: u32) -> Vec<String> {
    let mut rig = Rig::new();
    let keeper = Keeper::with(&rig, Arc::new(Current));
    *keeper.answers.lock().unwrap() = Answers::Later;
    let children = ["a", "b", "c"].map(|id| worker(id, start("counter", &(7_i64,))));
    let root = tree(Strategy::OneForOne, children.to_vec());
    let root = rig.sim.start(root).unwrap();
    let all = counters(&rig.sim);
    let count = |rig: &mut Rig| {
        for counter in &all {
            rig.deliver(*counter, Envelope::Cast(payload(&Count::Step)));
        }
        rig.sim.settle();
    };
    count(&mut rig);
    keeper.keep(&mut rig, root);
    count(&mut rig);
    let mut plan = plan(&rig.modules, UP, &["counter", "tree"]);
    plan.slice = 1;
    let (mut at, mut felled) = (0, false);
    let outcome = rig.change(plan, UP.0, |sim, _| {
        at += 1;
        if at == step {
            sim.node().kill(all[1]);
            felled = true;
        }
        if at >= step + reading {
            for restart in std::mem::take(&mut *keeper.waiting.lock().unwrap()) {
                keeper.answer(sim.node(), &restart);
            }
        }
    });
    outcome.unwrap();
    for _ in 0..3 {
        rig.sim.settle();
        for restart in std::mem::take(&mut *keeper.waiting.lock().unwrap()) {
            keeper.answer(rig.sim.node(), &restart);
        }
    }
    rig.sim.settle();
    let now = counters(&rig.sim);
    assert!(!felled || now != all, "step {step}");
    let answers = now.into_iter().map(|it| rig.ask(it, &Count::Tell));
    let mut answers: Vec<String> = answers.collect();
    answers.sort();
    assert!(felled || answers[0] == answers[2], "step {step}");
    answers
}

/// The counter that fell has its kept number, the others have theirs, and all run the new version.
#[test]
fn a_process_that_falls_during_a_transaction_comes_back_in_its_version() {
    let (mut fell, mut stood) = (0, 0);
    for step in 1..40 {
        for reading in [0, 1, 3] {
            match &falls_at(step, reading)[..] {
                [a, b, c] if a == "\"8 by 2.0.0\"" => {
                    assert_eq!([b, c], ["\"9 by 2.0.0\""; 2], "step {step}, {reading}");
                    fell += 1;
                }
                all => {
                    assert_eq!(all, ["\"9 by 2.0.0\""; 3], "step {step}, {reading}");
                    stood += 1;
                }
            }
        }
    }
    assert!(fell > 20 && stood > 0, "{fell} fell, {stood} did not");
}
