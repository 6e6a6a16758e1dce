//! Terminating adjacent children one after the other, the last first. A child is told to end only
//! when the one before is gone (`supervisor(3)`, `shutdown()`).

use std::mem;
use std::ops::Range;

use pq_abi::Reason;
use pq_abi::spec::{ChildSpec, SupReply};
use pq_term::Pid;

use super::machine::{Awaited, HaltFor, Halting, Ordered, OrderedPhase, StartFor};
use super::{Action, Ctx, Report, is_wanted_end};

impl Ordered {
    /// Terminates these children. They may include children that do not run, and children whose end is not known yet.
    pub(super) fn halt(&mut self, ctx: &mut Ctx<'_>, children: Range<usize>, why: HaltFor) {
        self.halt_next(
            ctx,
            Box::new(Halting {
                left: children,
                awaited: None,
                why,
            }),
        );
    }

    fn halt_next(&mut self, ctx: &mut Ctx<'_>, mut halting: Box<Halting>) {
        while let Some(index) = halting.left.next_back() {
            let spec = self.children.spec(index);
            let Some(pid) = self.children.pid(index) else {
                self.lay_down(index, spec.restart);
                continue;
            };
            match self.take_exit(pid) {
                Some(reason) => {
                    self.lay_down(index, spec.restart);
                    report_halted(ctx, spec, pid, reason);
                }
                None => {
                    let timer = self.tell_to_end(ctx, pid, &spec);
                    halting.awaited = Some(Awaited { pid, spec, timer });
                    self.phase = OrderedPhase::Halting(halting);
                    return;
                }
            }
        }
        self.all_halted(ctx, *halting);
    }

    fn tell_to_end(&mut self, ctx: &mut Ctx<'_>, pid: Pid, spec: &ChildSpec) -> Option<u32> {
        let ms = ctx.exit(pid, spec.shutdown)?;
        let id = self.serial.next();
        ctx.act(Action::SetTimer { id, ms });
        Some(id)
    }

    /// Handles the end of the awaited child.
    pub(super) fn halted(&mut self, ctx: &mut Ctx<'_>, reason: Reason) {
        match mem::replace(&mut self.phase, OrderedPhase::Idle) {
            OrderedPhase::Halting(mut halting) => {
                if let Some(Awaited { pid, spec, timer }) = halting.awaited.take() {
                    timer
                        .into_iter()
                        .for_each(|id| ctx.act(Action::CancelTimer { id }));
                    // The child was the last of the range.
                    self.lay_down(halting.left.end, spec.restart);
                    report_halted(ctx, spec, pid, reason);
                }
                self.halt_next(ctx, halting);
            }
            other => self.phase = other,
        }
    }

    fn all_halted(&mut self, ctx: &mut Ctx<'_>, halting: Halting) {
        self.phase = OrderedPhase::Idle;
        match halting.why {
            HaltFor::Restart(cause) => {
                // Only the beginning of the range is left.
                let children = halting.left.start..self.children.len();
                self.start(ctx, children, StartFor::Restart(Some(cause)));
            }
            HaltFor::Answer(caller) => ctx.reply(caller, SupReply::Ok),
            HaltFor::End(reason) => {
                self.finish();
                ctx.act(Action::End(reason));
            }
        }
    }

    /// Handles the end of the awaited child's time.
    pub(super) fn timer_fired(&mut self, ctx: &mut Ctx<'_>, id: u32) {
        let OrderedPhase::Halting(halting) = &mut self.phase else {
            return;
        };
        match &mut halting.awaited {
            Some(awaited) if awaited.timer == Some(id) => {
                awaited.timer = None;
                ctx.kill(awaited.pid);
            }
            _ => {}
        }
    }
}

impl Halting {
    /// `true` when this process has been told to end.
    pub(super) fn awaits(&self, pid: Pid) -> bool {
        self.awaited
            .as_ref()
            .is_some_and(|awaited| awaited.pid == pid)
    }

    /// `true` when the halt is for the end of the supervisor.
    pub(super) fn ends(&self) -> bool {
        matches!(self.why, HaltFor::End(_))
    }
}

/// A child that was told to end has ended: reports the end, if the reason is not the expected one.
fn report_halted(ctx: &mut Ctx<'_>, spec: ChildSpec, pid: Pid, reason: Reason) {
    if !is_wanted_end(spec.shutdown, spec.restart, &reason) {
        ctx.report(Report::ShutdownError {
            id: spec.id,
            pid,
            reason,
        });
    }
}
