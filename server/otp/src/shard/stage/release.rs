//! The end of a transaction: processes swap their states after a commit, and keep them after an abort.
//!
//! The gate makes the decision effective at once: a process takes its new state when it next runs, and all other processes
//! are swapped in slices. The delay cannot be observed: requests go through the mailbox, so the process is swapped before
//! it answers, and listings show the new version from the decision on.

use pq_abi::{Entry, Reason};
use pq_term::Pid;

use super::copies::Fate;
use super::kept::Swept;
use super::{Decision, Left, Staging, Step};
use crate::crowd::CrowdChange;
use crate::process::{Body, Flag, Process};
use crate::shard::Shard;
use crate::upgrade::convert::NewPart;

/// Places that a sweep checks for one with a process: most places have one.
const LOOKS: usize = 64;

impl Staging {
    /// Carries out the decision: from now on processes run again, after a commit with their new states.
    pub(super) fn decide(&mut self, shard: &mut Shard, decision: Decision) {
        self.step = Step::Releasing(decision, 0);
        self.board.note_held(-std::mem::take(&mut self.held));
        match decision {
            Decision::Commit => {
                shard.gate.decide(self.copies.coming());
                for pid in self.copies.doomed() {
                    self.take_over(shard, pid);
                }
            }
            Decision::Abort => drop(shard.gate.open()),
        }
    }

    /// A slice of the release: held births first, then processes.
    pub(super) fn release_some(
        &mut self,
        shard: &mut Shard,
        decision: Decision,
        at: usize,
    ) -> Left {
        shard.changed.clear();
        if self.copies.has_results() {
            self.copies.drop_results(self.slice_size() * 2);
            return Left::More;
        }
        // A birth costs a few times as much as a swap, and other processes wait for it.
        for _ in 0..self.slice_size() {
            let Some(birth) = self.births.pop_front() else {
                // Births that arrive before this point wait too, which keeps them in order.
                self.is_gated = false;
                return self.sweep(shard, decision, at);
            };
            shard.give_birth(birth);
        }
        Left::More
    }

    fn sweep(&mut self, shard: &mut Shard, decision: Decision, mut at: usize) -> Left {
        for _ in 0..self.slice_size() * 2 {
            match self.copies.sweep(&mut at, LOOKS) {
                Swept::Some => (),
                Swept::Place(place, generation) => {
                    let pid = Pid::new(shard.core.id, place, generation);
                    self.leave(shard, pid, decision);
                    self.copies.clear(place);
                }
                Swept::All => return Left::Nothing,
            }
        }
        self.step = Step::Releasing(decision, at);
        Left::More
    }

    /// Releases a process from the transaction.
    fn leave(&mut self, shard: &mut Shard, pid: Pid, decision: Decision) {
        let process = shard.slab.get_mut(pid);
        match (process.filter(|it| it.has(Flag::Concerned)), decision) {
            (Some(_), Decision::Commit) => self.take_over(shard, pid),
            (Some(process), Decision::Abort) => {
                process.forget_transaction();
                shard.tell_crowd(pid, CrowdChange::Dropped);
            }
            // The process has ended, or has its new state.
            (None, _) => (),
        }
    }

    /// Gives the process its new version and state, or ends it if its module is removed.
    pub(super) fn take_over(&mut self, shard: &mut Shard, pid: Pid) {
        let kept = self.copies.take_kept(pid).into_parts();
        let Some(process) = shard.slab.get_mut(pid) else {
            return;
        };
        process.forget_transaction();
        if self.goes(shard, pid) || self.copies.is_doomed(pid) {
            self.tally.killed += 1;
            return shard.end(pid, Reason::Killed);
        }
        if let Some(parts) = kept {
            self.swap(shard, pid, parts);
        }
        self.drop_handlers_that_go(shard, pid);
    }

    /// Drops an event manager's handlers whose modules are removed, without a callback, as their next event would.
    fn drop_handlers_that_go(&mut self, shard: &mut Shard, pid: Pid) {
        if let Some(mut handlers) = shard.take_handlers(pid) {
            handlers.retain(|handler| self.copies.fate(handler.state.module()) != Fate::Goes);
            shard.put_handlers(pid, handlers);
        }
    }

    fn goes(&mut self, shard: &Shard, pid: Pid) -> bool {
        let module = shard.slab.get(pid).and_then(|process| process.module);
        module.is_some_and(|module| self.copies.fate(module) == Fate::Goes)
    }

    fn swap(&mut self, shard: &mut Shard, pid: Pid, parts: impl IntoIterator<Item = NewPart>) {
        let Some(process) = shard.slab.get_mut(pid) else {
            return;
        };
        let Some(module) = process.module else {
            return;
        };
        if let Fate::Changes(to) = self.copies.fate(module) {
            shard.tallies.change(&shard.core.node, Some(module), to);
            process.module = Some(to);
        }
        // A swap drops the old state, which runs code of a library.
        shard.core.post.begin(pid);
        shard.core.post.enter(module, Entry::Drop);
        for part in parts {
            swap_part(process, part);
        }
        shard.core.post.end();
        shard.tell_crowd(pid, CrowdChange::Runs);
        *self.tally.processes.entry(module.name()).or_default() += 1;
        self.board.note_swapped();
    }

    /// Ends the transaction on this shard.
    pub(super) fn end(mut self, shard: &mut Shard) {
        let pauses = shard.gate.open();
        (self.tally.pauses_us, self.tally.shut_us) = (pauses.each_us, pauses.shut_us);
        while let Some(parked) = shard.gate.let_go() {
            shard.run_queue.push_back(parked.place());
        }
        self.board.count(self.tally);
        self.board.done();
    }
}

impl Process {
    fn forget_transaction(&mut self) {
        self.flags.lower(Flag::Concerned);
        self.exported.clear();
    }
}

fn swap_part(process: &mut Process, part: NewPart) {
    match (part, &mut process.body) {
        (NewPart::State(state, residues), body) => {
            *body = Body::Callback(state);
            process.set_residues(residues);
        }
        (NewPart::Handler(at, new), Body::Manager(handlers)) => {
            if let Some(handler) = handlers.get_mut(at) {
                *handler = new;
            }
        }
        (NewPart::Supervisor(Some(spec)), Body::Supervisor(body)) => {
            if let Err(reason) = body.machine.replace_spec(&spec) {
                // `check_spec` accepted the specification, and the supervisor has not run since.
                tracing::error!(pid = %process.pid, %reason, "a supervisor keeps its specification");
            }
        }
        (NewPart::Handler(..) | NewPart::Supervisor(_), _) => (),
    }
}
