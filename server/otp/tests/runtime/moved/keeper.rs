//! A listener that keeps copies of subtrees, and gives them back for restarts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use pq_otp::moved::{Kept, Moving as _, Opens, SameVersions, Subtree};
use pq_otp::{Children, Comeback, EndOf, Node, Pid, Restart};

use super::stage::PATIENCE_MS;
use crate::rig::Rig;

/// The answer to a restart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answers {
    /// With the kept state, at once.
    Saved,
    /// Not at all.
    Never,
    /// The restart waits in the list.
    Later,
}

/// See the top of the file.
pub(crate) struct Keeper {
    /// The bytes of each root, and whether they were kept in this run.
    kept: Mutex<HashMap<Pid, (Vec<u8>, bool)>>,
    pub(crate) answers: Mutex<Answers>,
    pub(crate) waiting: Mutex<Vec<Restart>>,
    pub(crate) log: Mutex<Vec<String>>,
    opens: Arc<dyn Opens>,
}

impl Keeper {
    pub(crate) fn install(rig: &Rig) -> Arc<Keeper> {
        Keeper::with(rig, Arc::new(SameVersions))
    }

    pub(crate) fn with(rig: &Rig, opens: Arc<dyn Opens>) -> Arc<Keeper> {
        let keeper = Arc::new(Keeper {
            kept: Mutex::default(),
            answers: Mutex::new(Answers::Saved),
            waiting: Mutex::default(),
            log: Mutex::default(),
            opens,
        });
        assert!(rig.sim.node().tell_children(keeper.clone()));
        keeper
    }

    /// Keeps the subtree as it is now.
    pub(crate) fn keep(&self, rig: &mut Rig, root: Pid) {
        let copy = rig.sim.copy_out(root, PATIENCE_MS).unwrap();
        self.kept
            .lock()
            .unwrap()
            .insert(root, (copy.to_bytes(), true));
    }

    /// The run of the node in which all was kept is over.
    pub(crate) fn grow_old(&self) {
        let mut kept = self.kept.lock().unwrap();
        kept.values_mut().for_each(|(_, is_here)| *is_here = false);
    }

    pub(crate) fn answer(&self, node: &Node, restart: &Restart) {
        let kept = self.kept.lock().unwrap();
        let (bytes, is_here) = &kept[&restart.root];
        let subtree = Subtree::from_bytes(bytes).unwrap();
        let kept = match is_here {
            true => Kept::Here(node),
            false => Kept::Earlier,
        };
        let comeback = match subtree.part(&restart.path, kept) {
            Some(part) => Comeback::Saved(part, self.opens.clone()),
            None => Comeback::Anew,
        };
        node.go_on(restart, comeback);
    }

    pub(crate) fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    fn note(&self, line: String) {
        self.log.lock().unwrap().push(line);
    }
}

impl Children for Keeper {
    fn started(&self, _supervisor: Pid, _child: Pid) {}

    fn ended(&self, _node: &Node, _child: Pid, end: EndOf<'_>) {
        self.note(format!("{end:?}"));
    }

    fn replaced(&self, _supervisor: Pid, old: Pid, new: Pid) {
        let mut kept = self.kept.lock().unwrap();
        let moved = kept.remove(&old);
        kept.extend(moved.map(|moved| (new, moved)));
        self.note("replaced".to_string());
    }

    fn keeps(&self, child: Pid) -> bool {
        self.kept.lock().unwrap().contains_key(&child)
    }

    fn restart(&self, node: &Node, restart: Restart) {
        let path: Vec<String> = restart.path.iter().map(ToString::to_string).collect();
        let why = restart.why.as_ref().map(|why| why.reason.to_string());
        self.note(format!("restart {} {why:?}", path.join("/")));
        match *self.answers.lock().unwrap() {
            Answers::Saved => self.answer(node, &restart),
            Answers::Never => node.go_on(&restart, Comeback::Never),
            Answers::Later => self.waiting.lock().unwrap().push(restart),
        }
    }

    fn is_late(&self, _node: &Node, _child: Pid) {
        self.note("late".to_string());
    }
}
