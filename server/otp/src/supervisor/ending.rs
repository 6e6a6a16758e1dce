//! Ending children of one kind: a single child by `terminate_child/2`, or all when the supervisor stops. Several ends
//! are under way at a time.

use pq_abi::Reason;
use pq_abi::spec::{Shutdown, SupReply};
use pq_term::{Pid, Term};

use super::simple::{Ending, Flight, Simple, SimplePhase, Stopping, shrink};
use super::{Action, Caller, Ctx, Report, is_wanted_end};

/// How many callers may wait for the end of the same child; one is usual. Further callers are refused with
/// `overloaded`.
const CALLERS_MAX: usize = 64;

/// How many different unexpected reasons the log distinguishes when the supervisor stops. Children with other reasons
/// are counted together: a million children may have a million reasons.
const REASONS_MAX: usize = 16;

impl Simple {
    pub(super) fn terminate_child(&mut self, ctx: &mut Ctx<'_>, from: Caller, pid: Pid) {
        if let Some(ending) = self.ending.get_mut(&pid) {
            return ending.add(ctx, from);
        }
        if let Some(number) = self.restarts.remove(&pid) {
            self.flights.insert(number, Flight::Unwanted(from));
            return;
        }
        match self.plain.contains_key(&pid) || self.kept.contains_key(&pid) {
            true => self.tell_to_end(ctx, pid, from),
            false => ctx.refuse(from, "not_found"),
        }
    }

    pub(super) fn tell_to_end(&mut self, ctx: &mut Ctx<'_>, pid: Pid, from: Caller) {
        let timer = ctx
            .exit(pid, self.template.shutdown)
            .map(|ms| self.set_timer(ctx, ms));
        if let Some(id) = timer {
            self.timers.insert(id, pid);
        }
        self.ending.insert(
            pid,
            Ending {
                timer,
                callers: vec![from],
            },
        );
    }

    fn set_timer(&mut self, ctx: &mut Ctx<'_>, ms: u32) -> u32 {
        let id = self.serial.next();
        ctx.act(Action::SetTimer { id, ms });
        id
    }

    /// Tells all children to end, except for those that a request has told to already.
    pub(super) fn stop(&mut self, ctx: &mut Ctx<'_>, reason: Reason) {
        if !self.is_running() {
            return;
        }
        for pid in self.untold() {
            ctx.exit(pid, self.template.shutdown);
        }
        let timer = match self.template.shutdown {
            Shutdown::Timeout(ms) if !self.is_empty() => Some(self.set_timer(ctx, ms)),
            _ => None,
        };
        let surprises = Vec::new();
        self.phase = SimplePhase::Stopping(Box::new(Stopping {
            reason,
            timer,
            is_killing: false,
            surprises,
        }));
    }

    pub(super) fn timer_fired(&mut self, ctx: &mut Ctx<'_>, id: u32) {
        if let Some(pid) = self.timers.remove(&id) {
            self.ending
                .get_mut(&pid)
                .into_iter()
                .for_each(|ending| ending.timer = None);
            return ctx.kill(pid);
        }
        match &mut self.phase {
            SimplePhase::Stopping(stopping) if stopping.timer == Some(id) => {
                stopping.timer = None;
                stopping.is_killing = true;
                self.untold().for_each(|pid| ctx.kill(pid));
            }
            _ => {}
        }
    }

    pub(super) fn end_if_empty(&mut self, ctx: &mut Ctx<'_>) {
        let is_empty = self.is_empty();
        let SimplePhase::Stopping(stopping) = &mut self.phase else {
            return;
        };
        if is_empty {
            stopping.finish(ctx, &self.template.id);
            self.phase = SimplePhase::Ended;
        }
    }

    pub(super) fn child_terminated(
        &mut self,
        ctx: &mut Ctx<'_>,
        pid: Pid,
        ending: Ending,
        reason: Reason,
    ) {
        if let Some(id) = ending.timer {
            self.timers.remove(&id);
            ctx.act(Action::CancelTimer { id });
        }
        shrink(&mut self.ending);
        shrink(&mut self.timers);
        if !is_wanted_end(self.template.shutdown, self.template.restart, &reason) {
            ctx.report(Report::ShutdownError {
                id: self.template.id.clone(),
                pid,
                reason,
            });
        }
        ending
            .callers
            .into_iter()
            .for_each(|caller| ctx.reply(caller, SupReply::Ok));
    }
}

impl Stopping {
    pub(super) fn count_surprise(&mut self, reason: Reason) {
        match self
            .surprises
            .iter()
            .position(|(known, _)| *known == reason)
        {
            Some(at) => self.surprises[at].1 += 1,
            None if self.surprises.len() < REASONS_MAX => self.surprises.push((reason, 1)),
            None => self.count_others(),
        }
    }

    /// The last entry of the table stands for all reasons beyond the limit.
    fn count_others(&mut self) {
        if let Some((reason, count)) = self.surprises.last_mut() {
            *reason = Reason::Other(Term::atom("several_reasons"));
            *count += 1;
        }
    }

    fn finish(&mut self, ctx: &mut Ctx<'_>, id: &Term) {
        if let Some(id) = self.timer {
            ctx.act(Action::CancelTimer { id });
        }
        for (reason, children) in self.surprises.drain(..) {
            ctx.report(Report::ShutdownErrors {
                id: id.clone(),
                children,
                reason,
            });
        }
        ctx.act(Action::End(self.reason.clone()));
    }
}

impl Ending {
    fn add(&mut self, ctx: &mut Ctx<'_>, caller: Caller) {
        match self.callers.len() < CALLERS_MAX {
            true => self.callers.push(caller),
            false => ctx.refuse(caller, "overloaded"),
        }
    }
}
