//! The way out of a transaction: processes swap their states, or do not.
//!
//! The decision itself is the gate's: behind it a process takes its new state when it runs next, and the rest is brought
//! over in slices. Until it has, nobody sees the difference: whatever asks it comes through its mailbox, and listings name
//! the version that it has taken or will take.

use pq_abi::{Entry, Reason};
use pq_term::Pid;

use super::copies::Fate;
use super::kept::Swept;
use super::{Decision, Left, Staging, Step};
use crate::process::{Body, Flag, Process};
use crate::shard::Shard;
use crate::upgrade::convert::NewPart;

/// Places that are looked at for one that is swept: most have a process.
const LOOKS: usize = 64;

impl Staging {
    /// From now on processes run again, as they were or with what waits for them.
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

    /// A slice of the way out.
    pub(super) fn release_some(
        &mut self,
        shard: &mut Shard,
        decision: Decision,
        at: usize,
    ) -> Left {
        shard.changed.clear();
        // A birth costs some times as much as a swap, and everybody waits for it.
        for _ in 0..self.slice_size() {
            let Some(birth) = self.births.pop_front() else {
                // Until then those that come behind these wait, too.
                self.is_gated = false;
                return self.sweep(shard, decision, at);
            };
            shard.spawn(birth);
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

    /// The transaction is done with a process that it has concerned.
    fn leave(&mut self, shard: &mut Shard, pid: Pid, decision: Decision) {
        let process = shard.slab.get_mut(pid);
        match (process.filter(|it| it.has(Flag::Concerned)), decision) {
            (Some(_), Decision::Commit) => self.take_over(shard, pid),
            (Some(process), Decision::Abort) => process.forget_transaction(),
            // It is gone, or has its new state.
            (None, _) => (),
        }
    }

    /// The process gets its new version and state, or ends with its module.
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

    /// A manager outlives the module of a handler: the handler goes without a word, as it would at its next event.
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
            process.module = Some(to);
        }
        // To swap a state drops the one before: code of a library.
        shard.core.post.begin(pid);
        shard.core.post.enter(module, Entry::Drop);
        for part in parts {
            swap_part(process, part);
        }
        shard.core.post.end();
        *self.tally.processes.entry(module.name()).or_default() += 1;
        self.board.note_swapped();
    }

    /// Everything is over here.
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
                // It was checked while the supervisor was held, and nothing has happened to it since.
                tracing::error!(pid = %process.pid, %reason, "a supervisor keeps its specification");
            }
        }
        (NewPart::Handler(..) | NewPart::Supervisor(_), _) => (),
    }
}
