//! All or nothing: a subtree that cannot be moved stays as it is, and the error names the process and the reason.

use pq_otp::moved::{Moving, NotMoved, PutIn, Subtree, Under};
use pq_otp::{Pid, Term, Threads};
use pq_sdk::Strategy;

use super::stage::{Ids, PATIENCE_MS, below, grow, node, put, with_desk};
use crate::actor::Do;
use crate::fixture_next;
use crate::rig::{Rig, child, config, start, tree, worker};

fn refusal<T: std::fmt::Debug>(result: Result<T, NotMoved>) -> String {
    match result.unwrap_err() {
        NotMoved::Refused(sentence) => sentence,
        other => panic!("{other}"),
    }
}

/// A tree with two actors and a counter, and its copy.
fn copied() -> (Rig, Subtree) {
    let mut rig = Rig::new();
    let children = vec![
        child("a", vec![]),
        child("b", vec![Do::Later(500, vec![])]),
        worker("counter", start("counter", &(7_i64,))),
    ];
    let root = rig.sim.start(tree(Strategy::OneForOne, children)).unwrap();
    let subtree = rig.sim.copy_out(root, PATIENCE_MS).unwrap();
    (rig, subtree)
}

#[test]
fn processes_that_do_not_live_or_belong_to_the_node_are_refused() {
    let mut rig = Rig::new();
    let dead = rig.actor("dead", vec![]);
    rig.exit(dead, "kill");
    let sentence = refusal(rig.sim.copy_out(dead, PATIENCE_MS));
    assert_eq!(sentence, format!("there is no process {dead}"));
    let nowhere = Pid::new(9, 1, 1);
    let sentence = refusal(rig.sim.take_out(nowhere, PATIENCE_MS));
    assert_eq!(sentence, "there is no process <9.1.1>");
}

#[test]
fn a_subtree_on_several_shards_is_refused() {
    let ids = Ids::default();
    let (mut config, _, modules) = config();
    ids.install(&mut config);
    modules.load(&super::company::LIBRARY);
    config.shards = 2;
    let threads = Threads::start(config).unwrap();
    let node = threads.node().clone();
    let (mut sim, _) = super::stage::node();
    let grove = sim.sim.start(start("grove", &(false,))).unwrap();
    let empty = sim.sim.copy_out(grove, PATIENCE_MS).unwrap();
    let grove = node.asking().put_in(put(empty, None), 60_000).unwrap();
    for id in 0..2 {
        grow(&mut node.asking(), grove, &with_desk(id));
    }
    let sentence = refusal(node.asking().copy_out(grove, 60_000));
    assert!(
        sentence.contains("other processes of the subtree on shard"),
        "{sentence}"
    );
    threads.stop();
}

#[test]
fn a_child_that_has_just_ended_is_a_reason_to_ask_again() {
    let (mut rig, ids) = node();
    let grove = rig.sim.start(start("grove", &(false,))).unwrap();
    let root = grow(&mut rig.sim, grove, &with_desk(0));
    for takes in [true, false] {
        rig.sim.node().kill(ids.find(0).unwrap());
        let moved = match takes {
            true => rig.sim.take_out(root, PATIENCE_MS),
            false => rig.sim.copy_out(root, PATIENCE_MS),
        };
        assert!(matches!(moved, Err(NotMoved::NotYet(_))), "{moved:?}");
        assert!(rig.is_alive(root));
        assert!(rig.sim.copy_out(root, PATIENCE_MS).is_ok());
    }
}

#[test]
fn a_version_that_is_not_here_is_named_and_nothing_is_left() {
    let (_, subtree) = copied();
    let mut rig = Rig::new();
    rig.modules.load(&fixture_next::LIBRARY);
    let sentence = refusal(rig.sim.put_in(put(subtree, None), PATIENCE_MS));
    assert!(
        sentence.contains("tree-1.0.0 (<0.0.1>) cannot be put in"),
        "{sentence}"
    );
    assert!(
        sentence.ends_with("tree is in version 2.0.0 here, and not in 1.0.0"),
        "{sentence}"
    );
    assert_eq!(rig.sim.processes(), []);
}

#[test]
fn a_module_that_is_not_loaded_is_named_with_its_process() {
    let (mut rig, _) = node();
    let grove = rig.sim.start(start("grove", &(false,))).unwrap();
    let root = grow(&mut rig.sim, grove, &with_desk(0));
    let subtree = rig.sim.copy_out(root, PATIENCE_MS).unwrap();
    let mut other = Rig::new();
    let sentence = refusal(other.sim.put_in(put(subtree, None), PATIENCE_MS));
    assert!(
        sentence.starts_with("stem-1.0.0 (<0.1.1>) cannot be put in"),
        "{sentence}"
    );
    assert!(
        sentence.ends_with("the module stem is not loaded"),
        "{sentence}"
    );
    assert_eq!(other.sim.processes(), []);
}

#[test]
fn a_name_that_is_taken_refuses_the_whole_subtree() {
    let (mut rig, ids) = node();
    let grove = rig.sim.start(start("grove", &(false,))).unwrap();
    let root = grow(&mut rig.sim, grove, &with_desk(3));
    let subtree = rig.sim.copy_out(root, PATIENCE_MS).unwrap();
    let before = (rig.sim.processes(), ids.all());
    let sentence = refusal(
        rig.sim
            .put_in(put(subtree.clone(), below(grove)), PATIENCE_MS),
    );
    assert!(
        sentence.starts_with("desk-1.0.0 (<0.2.1>) cannot be put in: the id 3 is"),
        "{sentence}"
    );
    assert_eq!((rig.sim.processes(), ids.all()), before);
    // A local name.
    let clerk = rig.begin("clerk", "clerk", &(Vec::<Do>::new(),)).unwrap();
    let clerk = rig.sim.copy_out(clerk, PATIENCE_MS).unwrap();
    let sentence = refusal(rig.sim.put_in(put(clerk, None), PATIENCE_MS));
    assert!(sentence.contains("the name clerk is that of"), "{sentence}");
    // Without a registry.
    let mut other = Rig::new();
    other.modules.load(&super::company::LIBRARY);
    let sentence = refusal(other.sim.put_in(put(subtree, None), PATIENCE_MS));
    assert!(
        sentence.ends_with("it has names, and this node has no registry"),
        "{sentence}"
    );
    assert_eq!(other.sim.processes(), []);
    other.sim.run_ms(1_000);
}

#[test]
fn only_a_supervisor_with_room_for_the_root_takes_a_subtree() {
    let (mut rig, subtree) = copied();
    let actor = rig.actor("actor", vec![]);
    let ordered = rig
        .sim
        .start(tree(Strategy::OneForOne, vec![child("a", vec![])]))
        .unwrap();
    let crowd = rig.sim.start(start("crowd", &())).unwrap();
    let before = rig.sim.processes();
    let id = |text| Some(Term::atom(text));
    for (supervisor, id, reason) in [
        (actor, None, "is no supervisor"),
        (ordered, None, "not_simple_one_for_one"),
        (ordered, id("a"), "running"),
        (ordered, id("z"), "not_found"),
        (crowd, id("a"), "simple_one_for_one"),
        (Pid::new(0, 99, 1), None, "noproc"),
    ] {
        let under = Some(Under { supervisor, id });
        let sentence = refusal(rig.sim.put_in(put(subtree.clone(), under), PATIENCE_MS));
        assert!(sentence.contains(reason), "{sentence}");
    }
    assert_eq!(rig.sim.processes(), before);
}

/// Opens nothing.
struct Closes;

impl pq_otp::moved::Opens for Closes {
    fn open(
        &self,
        _: &pq_otp::Node,
        part: pq_otp::moved::Closed<'_>,
    ) -> Result<pq_otp::moved::Opened, String> {
        Err(format!("{} stays closed", part.module))
    }
}

#[test]
fn the_hook_for_versions_refuses_in_its_own_words() {
    let (mut rig, subtree) = copied();
    let opens = std::sync::Arc::new(Closes);
    let under = None;
    let put = PutIn {
        subtree,
        under,
        opens,
    };
    let sentence = refusal(rig.sim.put_in(put, PATIENCE_MS));
    assert!(sentence.ends_with("tree stays closed"), "{sentence}");
}

#[test]
fn a_process_with_a_port_does_not_leave() {
    let mut rig = Rig::new();
    let owner = rig.actor("owner", vec![]);
    let port = rig
        .sim
        .node()
        .open_port(std::sync::Arc::new(crate::ports::Sink::default()));
    rig.sim.node().own_port(port, owner);
    rig.sim.settle();
    let sentence = refusal(rig.sim.take_out(owner, PATIENCE_MS));
    assert_eq!(
        sentence,
        format!("{owner} has a port, and ports do not move")
    );
    assert!(rig.sim.copy_out(owner, PATIENCE_MS).is_ok());
    assert!(rig.is_alive(owner));
}
