//! Supervisors and children that move: a machine at rest as data and back, a child that leaves with its state, and a
//! start that takes a state instead of calling `init`.
//!
//! Only a machine at rest is data: nothing starts, ends or waits in it. Called by the processes that move (`moved`).

use pq_abi::Reason;
use pq_abi::spec::{self, ChildView, Restart, Strategy, SupFlags};
use pq_term::{Pid, Term};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::children::{self, Standing};
use super::machine::{Ordered, OrderedPhase, StartFor};
use super::reading::{SPEC_BYTES_MAX, SimpleSpec, check_arguments, check_flags};
use super::simple::{Flight, Simple};
use super::window::Window;
use super::{Action, Caller, Ctx, Kind, Serial, Supervisor};

/// A supervisor in which nothing starts, ends or waits.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct SupervisorAtRest {
    flags: SupFlags,
    pub(crate) children: Children,
    /// How long ago the restarts were that may still count, in milliseconds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    restarts_ms: Vec<u64>,
}

/// The children of a supervisor as they are now.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Children {
    /// Children that start in order.
    Ordered(Vec<OrderedChild>),
    /// Children of one kind: the specification of all, and each child.
    Simple(ByteBuf, Vec<SimpleChild>),
}

/// A child that starts in order: its specification, and its process if it has one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct OrderedChild {
    pub(crate) spec: ByteBuf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pid: Option<Pid>,
}

/// A child of a `simple_one_for_one` supervisor: its process, and the arguments of a child that may be restarted.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct SimpleChild {
    pub(crate) pid: Pid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) args: Option<ByteBuf>,
}

/// The place of a child that comes with its state.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Place {
    /// A further child of a `simple_one_for_one` supervisor, with the arguments for its restarts.
    Dynamic(Option<Vec<u8>>),
    /// The child with this id, which has no process now.
    Id(Term),
}

impl SupervisorAtRest {
    /// The strategy with which it restarts children.
    pub(crate) fn strategy(&self) -> Strategy {
        self.flags.strategy
    }

    /// The processes of the children.
    pub(crate) fn pids(&self) -> Vec<Pid> {
        match &self.children {
            Children::Ordered(children) => children.iter().filter_map(|child| child.pid).collect(),
            Children::Simple(_, children) => children.iter().map(|child| child.pid).collect(),
        }
    }
}

impl Supervisor {
    /// Whether nothing starts, ends or waits in the machine.
    pub(crate) fn is_at_rest(&self) -> bool {
        match &self.0 {
            Kind::Ordered(ordered) => ordered.is_at_rest(),
            Kind::Simple(simple) => simple.is_at_rest(),
        }
    }

    /// The machine as data; `None` while something starts, ends or waits in it.
    pub(crate) fn at_rest(&self, now_ms: u64) -> Option<SupervisorAtRest> {
        match &self.0 {
            Kind::Ordered(ordered) => ordered.at_rest(now_ms),
            Kind::Simple(simple) => simple.at_rest(now_ms),
        }
    }

    /// Makes a machine from data.
    ///
    /// # Errors
    /// A sentence that names the part which no machine at rest has.
    pub(crate) fn resume(rest: SupervisorAtRest, now_ms: u64) -> Result<Supervisor, String> {
        let SupervisorAtRest {
            flags,
            children,
            restarts_ms,
        } = rest;
        check_flags(&flags).map_err(|error| error.at_replacement().to_string())?;
        let window = Window::of_ages(&restarts_ms, now_ms);
        let is_simple = flags.strategy == Strategy::SimpleOneForOne;
        Ok(Supervisor(match (children, is_simple) {
            (Children::Ordered(children), false) => Kind::Ordered(Ordered {
                flags,
                serial: Serial::default(),
                children: list_of(&children)?,
                phase: OrderedPhase::Idle,
                window,
                waiting: None,
            }),
            (Children::Simple(template, children), true) => Kind::Simple(Box::new(Simple::resume(
                flags, &template, children, window,
            )?)),
            _ => return Err("the strategy of a supervisor does not fit its children".to_string()),
        }))
    }

    /// Begins the start of a child that comes with its state: the first action is [`Action::Start`], whose result the
    /// caller receives. A refusal is a reply instead.
    pub(crate) fn put_child(&mut self, from: Caller, place: Place, actions: &mut Vec<Action>) {
        let ctx = &mut Ctx { now_ms: 0, actions };
        match (&mut self.0, place) {
            (Kind::Ordered(ordered), Place::Id(id)) => ordered.put_child(ctx, from, &id),
            (Kind::Simple(simple), Place::Dynamic(args)) => simple.put_child(ctx, from, args),
            (Kind::Ordered(_), Place::Dynamic(_)) => ctx.refuse(from, "not_simple_one_for_one"),
            (Kind::Simple(_), Place::Id(_)) => ctx.refuse(from, "simple_one_for_one"),
        }
    }

    /// Handles that a child has left with its state: it counts as ended in order, and is not restarted.
    pub(crate) fn child_left(&mut self, pid: Pid, now_ms: u64, actions: &mut Vec<Action>) {
        let ctx = &mut Ctx { now_ms, actions };
        match &mut self.0 {
            Kind::Ordered(ordered) => ordered.child_left(ctx, pid),
            Kind::Simple(simple) => simple.child_left(ctx, pid),
        }
    }

    /// The arguments that the supervisor keeps for the restarts of a child that was added while running.
    pub(crate) fn args_of(&self, pid: Pid) -> Option<&[u8]> {
        match &self.0 {
            Kind::Ordered(_) => None,
            Kind::Simple(simple) => simple.kept.get(&pid).map(|args| &**args),
        }
    }
}

impl Ordered {
    fn is_at_rest(&self) -> bool {
        let mut children = 0..self.children.len();
        let is_waiting = |index| self.children.standing(index) == Standing::Restarting;
        self.is_idle() && self.waiting.is_none() && !children.any(is_waiting)
    }

    fn at_rest(&self, now_ms: u64) -> Option<SupervisorAtRest> {
        self.is_at_rest().then_some(())?;
        let child = |index| OrderedChild {
            spec: ByteBuf::from(self.children.spec_bytes(index)),
            pid: self.children.pid(index),
        };
        Some(SupervisorAtRest {
            flags: self.flags,
            children: Children::Ordered((0..self.children.len()).map(child).collect()),
            restarts_ms: self.window.ages_ms(now_ms),
        })
    }

    fn put_child(&mut self, ctx: &mut Ctx<'_>, from: Caller, id: &Term) {
        if !self.is_idle() {
            return ctx.refuse(from, "busy");
        }
        match self.resting(id) {
            Ok(index) => self.start(ctx, index..index + 1, StartFor::Answer(from)),
            Err(why) => ctx.refuse(from, why),
        }
    }

    fn child_left(&mut self, ctx: &mut Ctx<'_>, pid: Pid) {
        match &self.phase {
            OrderedPhase::Halting(halting) if halting.awaits(pid) => {
                self.halted(ctx, Reason::Shutdown);
                self.work_off(ctx);
            }
            _ => {
                let index = self.children.position_of_pid(pid);
                index
                    .into_iter()
                    .for_each(|index| self.children.rest(index));
            }
        }
    }
}

impl Simple {
    fn is_at_rest(&self) -> bool {
        let none_starts = self.flights.is_empty() && self.restarts.is_empty();
        let none_ends = self.ending.is_empty() && self.timers.is_empty();
        self.is_running() && none_starts && none_ends
    }

    fn at_rest(&self, now_ms: u64) -> Option<SupervisorAtRest> {
        self.is_at_rest().then_some(())?;
        let child = |pid| SimpleChild {
            pid,
            args: self.kept.get(&pid).map(|args| ByteBuf::from(&args[..])),
        };
        let template = ByteBuf::from(spec::encode(&self.template));
        let children = self.sorted_pids().into_iter().map(child).collect();
        Some(SupervisorAtRest {
            flags: self.flags,
            children: Children::Simple(template, children),
            restarts_ms: self.window.ages_ms(now_ms),
        })
    }

    fn resume(
        flags: SupFlags,
        template: &[u8],
        children: Vec<SimpleChild>,
        window: Window,
    ) -> Result<Simple, String> {
        let template = view_of(template)?.spec();
        check_arguments(&template).map_err(|error| error.at_replacement().to_string())?;
        let mut simple = Simple::without_children(SimpleSpec { flags, template }, window);
        for SimpleChild { pid, args } in children {
            match args {
                Some(args) => drop(simple.kept.insert(pid, args.into_vec().into())),
                None => drop(simple.plain.insert(pid, ())),
            }
        }
        Ok(simple)
    }

    fn put_child(&mut self, ctx: &mut Ctx<'_>, from: Caller, args: Option<Vec<u8>>) {
        if !self.is_running() {
            return ctx.refuse(from, "shutdown");
        }
        let is_kept = self.template.restart != Restart::Temporary;
        match (args, is_kept) {
            (Some(args), true) => {
                let kept = Some(args.clone().into());
                self.take_off(ctx, args, Flight::New(from, kept), None);
            }
            (_, false) => {
                self.take_off(ctx, Vec::new(), Flight::New(from, None), None);
            }
            (None, true) => ctx.refuse(from, "no_arguments_for_restarts"),
        }
    }

    fn child_left(&mut self, ctx: &mut Ctx<'_>, pid: Pid) {
        self.plain.remove(&pid);
        self.kept.remove(&pid);
        if let Some(ending) = self.ending.remove(&pid) {
            self.child_terminated(ctx, pid, ending, Reason::Shutdown);
        }
        self.end_if_empty(ctx);
    }
}

fn list_of(children: &[OrderedChild]) -> Result<children::Children, String> {
    let bytes = children.iter().map(|child| child.spec.len()).sum();
    if bytes > SPEC_BYTES_MAX {
        return Err(format!(
            "more than {SPEC_BYTES_MAX} bytes of specifications"
        ));
    }
    let mut list = children::Children::with_room(children.len(), bytes);
    for (index, child) in children.iter().enumerate() {
        let id = view_of(&child.spec)?.id;
        if !list.push_encoded(&id, &child.spec) {
            return Err(format!("two children have the id {id}"));
        }
        child.pid.into_iter().for_each(|pid| list.run(index, pid));
    }
    Ok(list)
}

fn view_of(spec: &[u8]) -> Result<ChildView<'_>, String> {
    let view = ChildView::new(spec)?;
    match view.bytes().len() == spec.len() {
        true => Ok(view),
        false => Err("bytes are left behind a child's specification".to_string()),
    }
}
