//! The way out of a transaction: held processes swap their states, or do not, and everybody plays on.

use pq_abi::{Entry, Reason};
use pq_term::Pid;

use super::{BIRTHS_MAX, Fate, Shard, micros};
use crate::message::Spawn;
use crate::process::{Body, HELD, Process};
use crate::upgrade::convert::{NewPart, Staged};

impl Shard {
    /// A slice of the way out: held processes swap their states, or do not, and go on.
    pub(super) fn release_some(&mut self, commit: bool) {
        for _ in 0..self.release_slice() {
            let Some(staging) = &mut self.staging else {
                return;
            };
            let Some((pid, since)) = staging.held.pop_front() else {
                return self.finish_release();
            };
            staging.pauses_us.push(micros(staging.now - since));
            self.release(pid, commit);
        }
    }

    /// Twice a slice: a swap costs less than an export, and everybody waits for it.
    fn release_slice(&self) -> u32 {
        self.staging
            .as_ref()
            .map_or(1, |staging| staging.board.plan.slice.max(1) * 2)
    }

    fn release(&mut self, pid: Pid, commit: bool) {
        let staged = self
            .staging
            .as_mut()
            .and_then(|staging| staging.staged.remove(&pid));
        if let (true, Some(staged)) = (commit, staged) {
            self.swap(pid, staged);
        }
        if commit && (self.goes(pid) || self.is_doomed(pid)) {
            if let Some(staging) = &mut self.staging {
                staging.killed += 1;
            }
            return self.end(pid, Reason::Killed);
        }
        if commit {
            self.drop_handlers_that_go(pid);
        }
        if let Some(process) = self.slab.get_mut(pid) {
            process.set(HELD, false);
            if !process.mailbox.is_empty() {
                Shard::enqueue(&mut self.run_queue, process);
            }
        }
    }

    /// A manager outlives the module of a handler: the handler goes without a word, as it would at its next event.
    fn drop_handlers_that_go(&mut self, pid: Pid) {
        if let Some(mut handlers) = self.take_handlers(pid) {
            if let Some(staging) = &mut self.staging {
                handlers.retain(|handler| staging.fate(handler.state.module()) != Fate::Goes);
            }
            self.put_handlers(pid, handlers);
        }
    }

    fn is_doomed(&self, pid: Pid) -> bool {
        let staging = self.staging.as_ref();
        staging.is_some_and(|staging| staging.doomed.contains(&pid))
    }

    fn goes(&mut self, pid: Pid) -> bool {
        let module = self.slab.get(pid).and_then(|process| process.module);
        match (module, &mut self.staging) {
            (Some(module), Some(staging)) => staging.fate(module) == Fate::Goes,
            _ => false,
        }
    }

    /// The process gets its new version and state.
    fn swap(&mut self, pid: Pid, staged: Staged) {
        let Some(module) = self.slab.get(pid).and_then(|process| process.module) else {
            return;
        };
        let changes = self.changes(module);
        let (Some(process), Some(staging)) = (self.slab.get_mut(pid), &mut self.staging) else {
            return;
        };
        if let Some(at) = changes {
            process.module = Some(staging.board.plan.targets[at].module);
        }
        // To swap a state drops the one before: code of a library.
        self.core.post.begin(pid);
        self.core.post.enter(module, Entry::Drop);
        for part in staged.parts {
            swap_part(process, part);
        }
        self.core.post.end();
        staging.count_swapped(module.name());
        staging.board.note_swapped();
    }

    /// Births that waited happen now; what nobody takes is dropped in slices of its own.
    fn finish_release(&mut self) {
        let slice = self.release_slice() as usize;
        let Some(staging) = &mut self.staging else {
            return;
        };
        let unwanted: Vec<Pid> = staging.staged.keys().take(slice).copied().collect();
        for pid in &unwanted {
            staging.staged.remove(pid);
        }
        if !unwanted.is_empty() {
            return;
        }
        let Some(staging) = self.staging.take().map(|staging| *staging) else {
            return;
        };
        for birth in staging.births {
            self.spawn(birth);
        }
        staging.board.count(|tally| {
            for (module, count) in staging.swapped {
                *tally.processes.entry(module.to_string()).or_default() += count;
            }
            tally.killed += staging.killed;
            tally.pauses_us.extend(staging.pauses_us);
            tally.stalls_us.extend(staging.stalls_us);
        });
        staging.board.done();
    }

    /// Holds a birth back while its module is being changed; gives it back when it may happen.
    pub(in crate::shard) fn hold_back(&mut self, spawn: Spawn) -> Option<Spawn> {
        let staging = self.staging.as_mut();
        let Some(staging) =
            staging.filter(|staging| staging.holds_births_of(spawn.start.module.as_str()))
        else {
            return Some(spawn);
        };
        match staging.births.len() < BIRTHS_MAX {
            true => staging.births.push(spawn),
            false => {
                let reason = Reason::tagged("overloaded", "too many starts wait for an upgrade");
                self.acknowledge(spawn.ack, Err(reason));
            }
        }
        None
    }

    /// Holds an event manager that is to get a handler of a module that is being changed. `true` when it is held.
    pub(in crate::shard) fn hold_manager_for(&mut self, pid: Pid, module: &str) -> bool {
        let gated = self
            .staging
            .as_ref()
            .is_some_and(|staging| staging.holds_births_of(module));
        if gated {
            self.hold(pid);
            self.copy_at(pid.index());
        }
        gated
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
