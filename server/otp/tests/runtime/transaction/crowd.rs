//! The events of a crowd: a reader that lists processes first, and takes the events since, has each process as it is.

use std::collections::BTreeMap;

use pq_otp::{CrowdChange, CrowdEvent, CrowdShare};

use super::*;

/// The changes of each process, in their order, with the version after each.
fn changes(rig: &Rig) -> BTreeMap<Pid, Vec<(CrowdChange, &'static str)>> {
    let events = rig.sim.node().crowd_events();
    assert!(events.is_complete());
    let mut by_pid = BTreeMap::<_, Vec<_>>::new();
    let events = events.events.into_iter();
    for CrowdEvent {
        pid,
        module,
        change,
        ..
    } in events.filter(|event| event.change != CrowdChange::Acted)
    {
        by_pid.entry(pid).or_default().push((change, module.vsn()));
    }
    by_pid
}

#[test]
fn a_birth_a_copy_a_swap_and_an_end_are_told_and_a_look_at_the_state_is_not() {
    let mut rig = Rig::new();
    rig.sim.node().want_crowd("counter", CrowdShare::All);
    let (stays, ends) = (rig.counter(20), rig.counter(30));
    rig.actor("a", vec![]);
    rig.up(&["counter"]).unwrap();
    rig.sim
        .node()
        .sys_request(stays, pq_otp::sys::SysMessage::GetState, drop);
    rig.sim.settle();
    rig.exit(ends, "kill");
    let changes = changes(&rig);
    let swapped = [
        (CrowdChange::Born, "1.0.0"),
        (CrowdChange::Copied, "1.0.0"),
        (CrowdChange::Runs, "2.0.0"),
    ];
    assert_eq!(changes[&stays], swapped);
    assert_eq!(
        changes[&ends],
        [&swapped[..], &[(CrowdChange::Failed, "2.0.0")]].concat()
    );
    assert_eq!(changes.len(), 2, "{changes:?}");
}

#[test]
fn an_abort_drops_the_copies_that_were_told() {
    let mut rig = Rig::new();
    let counters: Vec<Pid> = (20..90).map(|count| rig.counter(count)).collect();
    rig.counter(-1);
    rig.sim.node().want_crowd("counter", CrowdShare::All);
    rig.up(&["counter"]).unwrap_err();
    rig.sim.settle();
    let changes = changes(&rig);
    let dropped = counters.iter().filter(|counter| {
        let changes = &changes[*counter];
        changes.last() == Some(&(CrowdChange::Dropped, "1.0.0"))
    });
    assert_eq!(dropped.count(), 70);
    let copied = changes
        .values()
        .filter(|changes| changes[0].0 == CrowdChange::Copied);
    assert!(copied.count() > 0);
}

#[test]
fn a_sample_has_the_changes_of_an_install_only_and_nobody_hears_nothing() {
    let mut rig = Rig::new();
    let before = rig.counter(20);
    rig.up(&["counter"]).unwrap();
    assert!(changes(&rig).is_empty());
    rig.sim.node().want_crowd("counter", CrowdShare::OneIn(1));
    let born = rig.counter(30);
    let down = plan(&rig.modules, DOWN, &["counter"]);
    rig.change(down, DOWN.0, |_, _| ()).unwrap();
    rig.exit(born, "kill");
    let expected = [(CrowdChange::Copied, "2.0.0"), (CrowdChange::Runs, "1.0.0")];
    let changes = changes(&rig);
    assert_eq!(
        (&changes[&before][..], &changes[&born][..]),
        (&expected[..], &expected[..])
    );
}
