//! Starting adjacent children one after the other, in order.

use std::mem;
use std::ops::Range;

use pq_abi::Reason;
use pq_abi::spec::{Restart, SupReply};
use pq_term::{Pid, Term};

use super::machine::{Ordered, OrderedPhase, StartFor, Starting};
use super::reading::{ChildStarts, pair};
use super::{Action, Again, Ctx, Former, Report, StartOutcome, Ticket};

impl Ordered {
    /// Starts all children for the first time.
    pub(super) fn start_initial(&mut self, ctx: &mut Ctx<'_>, starts: ChildStarts) {
        let starting = Starting::of(0..self.children.len(), StartFor::Init);
        self.start_next(
            ctx,
            Box::new(Starting {
                read: starts.into_iter(),
                ..starting
            }),
        );
    }

    /// Starts these children, none of which runs.
    pub(super) fn start(&mut self, ctx: &mut Ctx<'_>, children: Range<usize>, why: StartFor) {
        self.start_next(ctx, Box::new(Starting::of(children, why)));
    }

    fn start_next(&mut self, ctx: &mut Ctx<'_>, mut starting: Box<Starting>) {
        self.phase = OrderedPhase::Idle;
        if self.stop_is_wanted() {
            return;
        }
        if starting.left.is_empty() {
            return starting.complete(ctx);
        }
        let read = starting.read.next();
        let child = read.unwrap_or_else(|| self.children.child_start(starting.left.start));
        starting.ticket = Ticket(self.serial.next());
        let again = starting.why.again(&child.id);
        starting.id = child.id;
        starting.restart = child.restart;
        ctx.act(Action::Start {
            ticket: starting.ticket,
            start: child.start,
            kind: child.kind,
            dynamic: false,
            again,
        });
        self.phase = OrderedPhase::Starting(starting);
    }

    /// Handles the result of the start under way. Other tickets are ignored.
    pub(super) fn started(&mut self, ctx: &mut Ctx<'_>, ticket: Ticket, outcome: StartOutcome) {
        match mem::replace(&mut self.phase, OrderedPhase::Idle) {
            OrderedPhase::Starting(starting) if starting.ticket == ticket => match outcome {
                StartOutcome::Ok(pid) => self.child_started(ctx, starting, pid),
                StartOutcome::Ignore => self.child_ignored(ctx, starting),
                StartOutcome::Err(reason) => self.child_failed(ctx, *starting, reason),
            },
            other => self.phase = other,
        }
    }

    fn child_started(&mut self, ctx: &mut Ctx<'_>, mut starting: Box<Starting>, pid: Pid) {
        self.children.run(starting.left.start, pid);
        starting.left.start += 1;
        ctx.report(starting.progress(pid));
        starting.answer(ctx, Some(pid));
        self.start_next(ctx, starting);
    }

    /// A child whose `init` returned `ignore` keeps its spec, unless it is temporary.
    fn child_ignored(&mut self, ctx: &mut Ctx<'_>, mut starting: Box<Starting>) {
        self.lay_down(starting.left.start, starting.restart);
        match starting.restart {
            Restart::Temporary => starting.left.end -= 1,
            Restart::Permanent | Restart::Transient => starting.left.start += 1,
        }
        starting.answer(ctx, None);
        self.start_next(ctx, starting);
    }

    fn child_failed(&mut self, ctx: &mut Ctx<'_>, starting: Starting, reason: Reason) {
        let Starting { id, left, why, .. } = starting;
        let index = left.start;
        match why {
            StartFor::Init => {
                ctx.report(Report::StartError {
                    id: id.clone(),
                    reason: reason.clone(),
                });
                self.end(ctx, failed_to_start(id, &reason));
            }
            StartFor::Restart(_) => {
                ctx.report(Report::StartError {
                    id: id.clone(),
                    reason: reason.clone(),
                });
                self.children.await_restart(index);
                self.remember_to_try_again(id, reason);
            }
            StartFor::Answer(caller) => {
                self.children.rest(index);
                ctx.reply(caller, SupReply::Error(reason.to_term()));
            }
            StartFor::Add(caller) => {
                self.children.remove(index);
                ctx.reply(caller, SupReply::Error(not_added(id, &reason)));
            }
        }
    }
}

impl Starting {
    fn of(left: Range<usize>, why: StartFor) -> Starting {
        Starting {
            left,
            ticket: Ticket(0),
            id: Term::undefined(),
            restart: Restart::Permanent,
            why,
            read: ChildStarts::new().into_iter(),
        }
    }

    /// All children of the range have started.
    fn complete(&self, ctx: &mut Ctx<'_>) {
        if matches!(self.why, StartFor::Init) {
            ctx.act(Action::Ready);
        }
    }

    fn progress(&self, pid: Pid) -> Report {
        let id = self.id.clone();
        match self.why {
            StartFor::Restart(_) => {
                let of = Former::Id(id.clone());
                Report::Restarted { id, pid, of }
            }
            StartFor::Init | StartFor::Answer(_) | StartFor::Add(_) => Report::Progress { id, pid },
        }
    }

    fn answer(&self, ctx: &mut Ctx<'_>, pid: Option<Pid>) {
        match self.why {
            StartFor::Answer(caller) | StartFor::Add(caller) => {
                ctx.reply(caller, SupReply::Started(pid))
            }
            StartFor::Init | StartFor::Restart(_) => {}
        }
    }
}

impl StartFor {
    /// For a restart: the child with this id is started again. Only the first start has the reason.
    fn again(&mut self, id: &Term) -> Option<Box<Again>> {
        match self {
            StartFor::Restart(why) => Some(Box::new(Again {
                child: Former::Id(id.clone()),
                why: why.take(),
            })),
            StartFor::Init | StartFor::Answer(_) | StartFor::Add(_) => None,
        }
    }
}

/// The reason `{shutdown, {failed_to_start_child, Id, Reason}}`.
fn failed_to_start(id: Term, reason: &Reason) -> Reason {
    let failure = Term::tuple([Term::atom("failed_to_start_child"), id, reason.to_term()]);
    Reason::Other(pair("shutdown", failure))
}

/// The answer of `start_child/2` to a failed start: `{already_started, Pid}` unchanged, any other reason with
/// the id of the child (OTP: with its whole spec).
fn not_added(id: Term, reason: &Reason) -> Term {
    let reason = reason.to_term();
    match reason.as_tuple() {
        Some([tag, Term::Pid(_)]) if tag.is_atom("already_started") => reason,
        _ => Term::tuple([reason, id]),
    }
}
