//! Copying: what of a process goes to the converters, and what comes back from them.

use pq_abi::{Module, Reason};
use pq_term::Pid;
use smallvec::SmallVec;

use super::{Fate, Shard};
use crate::process::{Body, HELD, Handler, TOUCHED};
use crate::upgrade::convert::{Converted, Job, NewPart, Outcome, Part, Staged, What};
use crate::upgrade::{Conversion, Failed};

impl Shard {
    /// Copies the process at this place, if it is concerned and has changed. `true` when that was work.
    pub(super) fn copy_at(&mut self, place: u32) -> bool {
        let (Some(process), Some(staging)) = (self.slab.at(place), &mut self.staging) else {
            return false;
        };
        if staging.doomed.contains(&process.pid) {
            return false;
        }
        let is_copied = !process.has(TOUCHED) && staging.staged.contains_key(&process.pid);
        if is_copied || !staging.is_concerned(process) {
            return false;
        }
        let pid = process.pid;
        self.copy(pid);
        true
    }

    /// Exports what of a process is to be converted. What needs no conversion is staged at once.
    fn copy(&mut self, pid: Pid) {
        match self.job(pid) {
            Err(failed) => {
                if let Some(staging) = &self.staging {
                    staging.board.fail(failed);
                }
            }
            Ok(job) => {
                let Some(staging) = &mut self.staging else {
                    return;
                };
                match job.parts.is_empty() {
                    true => drop(staging.staged.insert(pid, Staged::default())),
                    false => staging.chunk.push(job),
                }
            }
        }
        if let Some(process) = self.slab.get_mut(pid) {
            process.set(TOUCHED, false);
        }
    }

    fn job(&mut self, pid: Pid) -> Result<Job, Box<Failed>> {
        let parts = self.parts(pid)?;
        let process = self.slab.get(pid);
        let parent = process.map_or(Pid::from_raw(0), |process| process.parent);
        Ok(Job {
            pid,
            parent,
            now_ms: self.core.now_ms,
            parts,
        })
    }

    fn parts(&mut self, pid: Pid) -> Result<SmallVec<[Part; 1]>, Box<Failed>> {
        if let Some(handlers) = self.take_handlers(pid) {
            let parts = self.parts_of_handlers(pid, &handlers);
            self.put_handlers(pid, handlers);
            return parts;
        }
        let body = self
            .slab
            .get(pid)
            .map(|process| (process.module, &process.body));
        match body {
            Some((Some(module), Body::Supervisor(body))) => {
                let args = body.args.clone();
                Ok(self.part_of_supervisor(module, args))
            }
            Some((Some(module), Body::Callback(_))) => self.part_of_state(pid, module),
            _ => Ok(SmallVec::new()),
        }
    }

    fn parts_of_handlers(
        &mut self,
        pid: Pid,
        handlers: &[Handler],
    ) -> Result<SmallVec<[Part; 1]>, Box<Failed>> {
        let mut parts = SmallVec::new();
        for (at, handler) in handlers.iter().enumerate() {
            let from = handler.state.module();
            let Some(target) = self.changes(from) else {
                continue;
            };
            let bytes = self.in_callback(pid, |host| handler.state.export(host));
            let bytes = bytes.map_err(|failure| self.failed(pid, from, failure.into_reason()))?;
            parts.push(Part {
                from,
                target,
                what: What::Handler(at, bytes),
                residues: handler.residues.clone(),
            });
        }
        Ok(parts)
    }

    /// A supervisor's module is asked for its children again by `code_change`, and by nothing else.
    fn part_of_supervisor(&mut self, from: Module, args: Box<[u8]>) -> SmallVec<[Part; 1]> {
        let target = self.changes(from);
        let asked_again = |target: &usize| {
            let staging = self.staging.as_ref();
            staging.is_some_and(|staging| {
                staging.board.plan.targets[*target].conversion != Conversion::Carry
            })
        };
        let target = target.filter(asked_again);
        let what = What::Supervisor(args);
        let part = |target| Part {
            from,
            target,
            what,
            residues: None,
        };
        target.map(part).into_iter().collect()
    }

    fn part_of_state(
        &mut self,
        pid: Pid,
        from: Module,
    ) -> Result<SmallVec<[Part; 1]>, Box<Failed>> {
        let Some(target) = self.changes(from) else {
            return Ok(SmallVec::new());
        };
        let bytes = self
            .exported(pid)
            .map_err(|reason| self.failed(pid, from, reason))?;
        let process = self.slab.get(pid);
        let residues = process.and_then(|process| process.residues().cloned());
        Ok(SmallVec::from_iter([Part {
            from,
            target,
            what: What::State(bytes),
            residues: residues.map(Box::new),
        }]))
    }

    /// The place of a module's target in the plan.
    pub(super) fn changes(&mut self, module: Module) -> Option<usize> {
        match self.staging.as_mut()?.fate(module) {
            Fate::Changes(at) => Some(at),
            Fate::Stays | Fate::Goes => None,
        }
    }

    /// What is known of a failure here, before anything was converted.
    fn failed(&mut self, pid: Pid, from: Module, reason: Reason) -> Box<Failed> {
        let to = self.changes(from).and_then(|at| {
            let plan = &self.staging.as_ref()?.board.plan;
            Some(plan.targets[at].module)
        });
        Box::new(Failed {
            pid,
            from,
            to: to.unwrap_or(from),
            reason,
            state: String::new(),
        })
    }

    /// Conversions have come out.
    pub(super) fn converted(&mut self, id: u64, converted: Vec<Converted>) {
        for (pid, outcome) in converted {
            let Some(staging) = self
                .staging
                .as_mut()
                .filter(|staging| staging.board.id == id)
            else {
                return;
            };
            staging.outstanding = staging.outstanding.saturating_sub(1);
            match outcome {
                Outcome::Staged(staged) => self.keep_staged(pid, staged),
                Outcome::Failed(failed) => staging.board.fail(failed),
                Outcome::Tried { .. } => (),
                Outcome::Kill => {
                    staging.staged.remove(&pid);
                    staging.doomed.push(pid);
                    staging.board.note_doomed();
                }
            }
        }
    }

    /// Keeps a converted state beside the process, unless a supervisor cannot do what its new specification says.
    fn keep_staged(&mut self, pid: Pid, staged: Staged) {
        let checked = staged.parts.iter().try_for_each(|part| match part {
            NewPart::Supervisor(Some(spec)) => self.check_spec(pid, spec),
            _ => Ok(()),
        });
        let Some(staging) = &mut self.staging else {
            return;
        };
        match checked {
            Ok(()) => drop(staging.staged.insert(pid, staged)),
            Err(failed) => staging.board.fail(failed),
        }
    }

    /// One that is not held may be busy; then it is looked at again when it is held.
    fn check_spec(&mut self, pid: Pid, spec: &[u8]) -> Result<(), Box<Failed>> {
        let Some(process) = self.slab.get(pid) else {
            return Ok(());
        };
        let (Some(from), Body::Supervisor(body)) = (process.module, &process.body) else {
            return Ok(());
        };
        if !process.has(HELD) && !body.machine.is_settled() {
            return Ok(());
        }
        let checked = body.machine.check_spec(spec);
        checked.map_err(|reason| self.failed(pid, from, reason))
    }
}
