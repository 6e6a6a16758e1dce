//! Answers to requests while the supervisor of children in order is idle (`supervisor(3)`: `start_child/2` and the
//! functions after it).

use pq_abi::spec::{ChildCount, ChildInfo, ChildSpec, ChildType, SupReply, SupRequest};
use pq_term::Term;

use super::children::Standing;
use super::machine::{HaltFor, Ordered, StartFor};
use super::reading::{SPEC_BYTES_MAX, pair};
use super::{Caller, Ctx};

impl Ordered {
    /// Answers a request, at once or at the end of the start or termination that it causes.
    pub(super) fn answer(&mut self, ctx: &mut Ctx<'_>, from: Caller, request: SupRequest) {
        match request {
            SupRequest::StartChild(args) => ctx.reply(from, no_spec(&args)),
            SupRequest::StartSpec(spec) => self.start_child(ctx, from, &spec),
            SupRequest::TerminateId(id) => self.terminate_child(ctx, from, &id),
            // Here a pid is an id like any other term.
            SupRequest::TerminatePid(pid) => self.terminate_child(ctx, from, &Term::from(pid)),
            SupRequest::RestartChild(id) => self.restart_child(ctx, from, &id),
            SupRequest::DeleteChild(id) => {
                let reply = self.delete_child(&id);
                ctx.reply(from, reply);
            }
            SupRequest::WhichChildren => ctx.reply(from, SupReply::Children(self.which_children())),
            SupRequest::CountChildren => ctx.reply(from, SupReply::Count(self.count_children())),
        }
    }

    fn start_child(&mut self, ctx: &mut Ctx<'_>, from: Caller, spec: &ChildSpec) {
        if let Some(index) = self.children.position(&spec.id) {
            return ctx.reply(from, self.already_there(index));
        }
        self.children.push(spec);
        let last = self.children.len() - 1;
        if self.children.spec_bytes_len() > SPEC_BYTES_MAX {
            self.children.remove(last);
            return ctx.refuse(from, "system_limit");
        }
        self.start(ctx, last..last + 1, StartFor::Add(from));
    }

    /// The error `{already_started, Pid}` or `already_present`.
    fn already_there(&self, index: usize) -> SupReply {
        SupReply::Error(match self.children.pid(index) {
            Some(pid) => pair("already_started", Term::from(pid)),
            None => Term::atom("already_present"),
        })
    }

    fn terminate_child(&mut self, ctx: &mut Ctx<'_>, from: Caller, id: &Term) {
        match self.children.position(id) {
            Some(index) => self.halt(ctx, index..index + 1, HaltFor::Answer(from)),
            None => ctx.refuse(from, "not_found"),
        }
    }

    fn restart_child(&mut self, ctx: &mut Ctx<'_>, from: Caller, id: &Term) {
        match self.resting(id) {
            Ok(index) => self.start(ctx, index..index + 1, StartFor::Answer(from)),
            Err(why) => ctx.refuse(from, why),
        }
    }

    fn delete_child(&mut self, id: &Term) -> SupReply {
        match self.resting(id) {
            Ok(index) => {
                self.children.remove(index);
                SupReply::Ok
            }
            Err(why) => SupReply::Error(Term::atom(why)),
        }
    }

    /// The index of a child without a process that needs none, or the error for the caller.
    pub(super) fn resting(&self, id: &Term) -> Result<usize, &'static str> {
        let index = self.children.position(id).ok_or("not_found")?;
        match self.children.standing(index) {
            Standing::Down => Ok(index),
            Standing::Restarting => Err("restarting"),
            Standing::Running => Err("running"),
        }
    }

    fn which_children(&self) -> Vec<ChildInfo> {
        let info = |index| {
            let ChildSpec {
                id, kind, modules, ..
            } = self.children.spec(index);
            ChildInfo {
                id,
                pid: self.children.pid(index),
                kind,
                modules,
            }
        };
        (0..self.children.len()).rev().map(info).collect()
    }

    fn count_children(&self) -> ChildCount {
        let mut count = ChildCount::default();
        for index in 0..self.children.len() {
            count.specs += 1;
            count.active += u64::from(self.children.pid(index).is_some());
            match self.children.spec(index).kind {
                ChildType::Supervisor => count.supervisors += 1,
                ChildType::Worker => count.workers += 1,
            }
        }
        count
    }
}

/// OTP's error for arguments in place of a child spec.
fn no_spec(args: &[u8]) -> SupReply {
    SupReply::Error(pair("invalid_child_spec", Term::from(args)))
}
