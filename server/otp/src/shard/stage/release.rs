//! The way out of a transaction: held processes swap their states, or do not, and everybody plays on.

use pq_abi::{Entry, Reason};
use pq_term::Pid;

use super::copies::Fate;
use super::{Decision, Left, Staging, micros};
use crate::process::{Body, Flag, Process};
use crate::shard::Shard;
use crate::upgrade::convert::{NewPart, Staged};

impl Staging {
    /// A slice of the way out: held processes swap their states, or do not, and go on.
    pub(super) fn release_some(&mut self, shard: &mut Shard, decision: Decision) -> Left {
        // A swap costs less than an export, and everybody waits for it.
        let slice = self.board.plan.slice.max(1) as usize * 2;
        for _ in 0..slice {
            let Some((pid, since)) = self.held.pop_front() else {
                // States that nobody takes are dropped in slices of their own.
                return match self.copies.drop_staged(slice) {
                    true => Left::More,
                    false => Left::Nothing,
                };
            };
            self.tally.pauses_us.push(micros(self.now - since));
            self.release(shard, pid, decision);
        }
        Left::More
    }

    fn release(&mut self, shard: &mut Shard, pid: Pid, decision: Decision) {
        let staged = self.copies.take_staged(pid);
        if decision == Decision::Commit {
            if let Some(staged) = staged {
                self.swap(shard, pid, staged);
            }
            if self.goes(shard, pid) || self.copies.is_doomed(pid) {
                self.tally.killed += 1;
                return shard.end(pid, Reason::Killed);
            }
            self.drop_handlers_that_go(shard, pid);
        }
        if let Some(process) = shard.slab.get_mut(pid) {
            process.flags.lower(Flag::Held);
        }
        shard.wake(pid);
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

    /// The process gets its new version and state.
    fn swap(&mut self, shard: &mut Shard, pid: Pid, staged: Staged) {
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
        for part in staged.parts {
            swap_part(process, part);
        }
        shard.core.post.end();
        *self.tally.processes.entry(module.name()).or_default() += 1;
        self.board.note_swapped();
    }

    /// Everybody plays on: births that waited happen now.
    pub(super) fn end(self, shard: &mut Shard) {
        for birth in self.births {
            shard.spawn(birth);
        }
        self.board.count(self.tally);
        self.board.done();
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
