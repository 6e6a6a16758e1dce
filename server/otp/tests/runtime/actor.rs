//! A server that carries out scripts, so that a test can state each step of each process.

use pq_sdk::{
    Ctx, From, GenServer, Info, InitError, Message, Module, MonitorId, Next, Pid, Reason, Remote,
    RngExt, Term, TimerId,
};
use serde::{Deserialize, Serialize};

use crate::fixture::note;

static HOLD: Remote<(), ()> = Remote::new("names", "hold");

/// One step of an [`Actor`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Do {
    Note(String),
    NoteTime,
    Send(Pid, String),
    Cast(Pid, Vec<Do>),
    Ask(Pid, Vec<Do>, u64),
    /// Answers the call that this step is part of.
    Reply(String),
    /// Keeps the caller for a later answer.
    Keep,
    ReplyKept(String),
    Timer(u64, String),
    /// Takes these steps after this many milliseconds.
    Later(u64, Vec<Do>),
    /// Cancels the last timer.
    Cancel,
    Monitor(Pid),
    /// Ends the last monitor of the actor.
    Demonitor,
    Link(Pid),
    Unlink(Pid),
    Exit(Pid, Term),
    ExitSelf(Term),
    ExitParent(Term),
    Trap(bool),
    Start(Vec<Do>),
    /// Sends these steps to the last process that the actor started.
    TellChild(Vec<Do>),
    UnlinkChild,
    Continue(String),
    IsAlive(Pid),
    /// Registers a name with the test's registry.
    HoldName,
    /// Calls this function of the module `well`.
    Well(String),
    /// Sends this to itself for ever.
    Mumble,
    /// Sends this many casts.
    Flood(Pid, u32),
    /// Keeps its shard busy for this many milliseconds of real time.
    Work(u64),
    Panic(String),
    Stop(Term),
    Ignore,
    /// Notes a line when no message comes for this many milliseconds.
    WaitAtMost(u64),
    /// Sends a random one of these processes on, this many times, at once or after a random pause.
    Wander(Vec<Pid>, u32),
}

/// A server that carries out scripts.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Actor {
    kept: Option<From>,
    timer: Option<TimerId>,
    monitor: Option<MonitorId>,
    child: Option<Pid>,
}

impl Module for Actor {
    const NAME: &'static str = "actor";
    const VSN: &'static str = "1.0.0";
}

impl GenServer for Actor {
    type Args = (Vec<Do>,);
    type Call = Vec<Do>;
    type Cast = Vec<Do>;

    fn init((script,): Self::Args, ctx: &mut Ctx<'_>) -> Result<Actor, InitError> {
        let mut actor = Actor::default();
        for act in script {
            match act {
                Do::Ignore => return Err(InitError::Ignore),
                act => {
                    if let Next::Stop(reason) = actor.act(act, None, ctx) {
                        return Err(InitError::Stop(reason));
                    }
                }
            }
        }
        Ok(actor)
    }

    fn handle_call(&mut self, script: Vec<Do>, from: From, ctx: &mut Ctx<'_>) -> Next {
        self.perform(script, Some(from), ctx)
    }

    fn handle_cast(&mut self, script: Vec<Do>, ctx: &mut Ctx<'_>) -> Next {
        self.perform(script, None, ctx)
    }

    fn handle_info(&mut self, info: Info<'_>, ctx: &mut Ctx<'_>) -> Next {
        match info {
            Info::Message(message) => match message.is::<Vec<Do>>() {
                Some(script) => return self.perform(script, None, ctx),
                None => note(ctx, format!("info {}", text(message))),
            },
            Info::Response {
                result: Ok(message),
                ..
            } => {
                self.child = message
                    .is::<Term>()
                    .and_then(|term| term.as_pid())
                    .or(self.child);
                note(ctx, format!("answer {}", text(message)));
            }
            Info::Response {
                result: Err(reason),
                ..
            } => note(ctx, format!("no answer: {reason}")),
            Info::Exit { from, reason } => note(ctx, format!("exit of {from}: {reason}")),
            Info::Down { pid, reason, .. } => note(ctx, format!("down {pid}: {reason}")),
            Info::PortData { port, data } => {
                note(ctx, format!("port says {}", String::from_utf8_lossy(data)));
                ctx.port_command(port, data);
                if data == b"close" {
                    ctx.port_close(port);
                }
            }
            Info::PortClosed { reason, .. } => note(ctx, format!("port closed: {reason}")),
        }
        Next::Wait
    }

    fn handle_continue(&mut self, term: Message<'_>, ctx: &mut Ctx<'_>) -> Next {
        note(ctx, format!("continue {}", text(term)));
        Next::Wait
    }

    fn handle_timeout(&mut self, ctx: &mut Ctx<'_>) -> Next {
        let line = format!("silence at {}", ctx.now_ms());
        note(ctx, line);
        Next::Wait
    }

    fn terminate(&mut self, reason: Reason, ctx: &mut Ctx<'_>) {
        note(ctx, format!("terminate {reason}"));
    }
}

impl Actor {
    fn perform(&mut self, script: Vec<Do>, from: Option<From>, ctx: &mut Ctx<'_>) -> Next {
        let mut next = Next::Wait;
        for act in script {
            match self.act(act, from, ctx) {
                Next::Stop(reason) => return Next::Stop(reason),
                Next::WaitAtMost(ms) => next = Next::WaitAtMost(ms),
                Next::Wait => (),
            }
        }
        next
    }

    fn act(&mut self, act: Do, from: Option<From>, ctx: &mut Ctx<'_>) -> Next {
        let reply = |from: Option<From>, text: String, ctx: &mut Ctx<'_>| {
            from.into_iter().for_each(|from| ctx.reply(from, &text));
        };
        match act {
            Do::Stop(reason) => return Next::Stop(Reason::from_term(reason)),
            Do::WaitAtMost(ms) => return Next::WaitAtMost(ms),
            Do::Reply(text) => reply(from, text, ctx),
            Do::Keep => self.kept = from,
            Do::ReplyKept(text) => reply(self.kept.take(), text, ctx),
            Do::Timer(ms, text) => self.timer = Some(ctx.start_timer(ms, &text)),
            Do::Later(ms, script) => self.timer = Some(ctx.start_timer(ms, &script)),
            Do::Cancel => {
                if let Some(timer) = self.timer.take() {
                    let line = format!("cancelled: {}", ctx.cancel_timer(timer));
                    note(ctx, line);
                }
            }
            Do::Monitor(pid) => self.monitor = Some(ctx.monitor(pid)),
            Do::Demonitor => {
                let monitor = self.monitor.take().into_iter();
                monitor.for_each(|monitor| ctx.demonitor(monitor));
            }
            Do::TellChild(script) => {
                let child = self.child.into_iter();
                child.for_each(|child| ctx.cast(child, &script));
            }
            Do::UnlinkChild => self.child.into_iter().for_each(|child| ctx.unlink(child)),
            other => act_on_others(other, ctx),
        }
        Next::Wait
    }
}

/// Takes a step that needs no state.
fn act_on_others(act: Do, ctx: &mut Ctx<'_>) {
    let own = ctx.self_pid();
    match act {
        Do::Send(to, text) => ctx.send(to, &text),
        Do::Cast(to, script) => ctx.cast(to, &script),
        Do::Flood(to, times) => (0..times).for_each(|_| ctx.cast(to, &Vec::<Do>::new())),
        Do::Ask(to, script, ms) => drop(ctx.request(to, &script, ms)),
        Do::Link(pid) => ctx.link(pid),
        Do::Unlink(pid) => ctx.unlink(pid),
        Do::Exit(pid, reason) => ctx.exit(pid, &Reason::from_term(reason)),
        Do::ExitSelf(reason) => ctx.exit(own, &Reason::from_term(reason)),
        Do::ExitParent(reason) => {
            let parent = ctx.parent().into_iter();
            parent.for_each(|parent| ctx.exit(parent, &Reason::from_term(reason.clone())));
        }
        Do::Trap(on) => ctx.trap_exit(on),
        Do::Start(script) => drop(ctx.start_link("actor", &(script,))),
        Do::Continue(text) => ctx.continue_with(&text),
        Do::Mumble => ctx.cast(own, &[Do::Mumble]),
        Do::Wander(peers, left) => wander(peers, left, ctx),
        other => act_alone(other, ctx),
    }
}

/// Takes a step that concerns no other process.
fn act_alone(act: Do, ctx: &mut Ctx<'_>) {
    let line = match act {
        Do::Note(line) => line,
        Do::NoteTime => format!("at {}", ctx.now_ms()),
        Do::IsAlive(pid) => format!("alive: {}", ctx.is_alive(pid)),
        Do::Well(function) => {
            let well = Remote::<(u32,), Term>::new("well", name_of(&function));
            let answer = well.try_call(ctx, &(1,));
            answer.map_or_else(
                |reason| format!("failed: {reason}"),
                |term| term.to_string(),
            )
        }
        Do::HoldName => return HOLD.call(ctx, ()),
        Do::Work(ms) => return work(ms),
        Do::Panic(text) => panic!("{text}"),
        _ => return,
    };
    note(ctx, line);
}

pub(crate) fn work(ms: u64) {
    let begun = std::time::Instant::now();
    while begun.elapsed().as_millis() < u128::from(ms) {
        std::hint::spin_loop();
    }
}

fn wander(peers: Vec<Pid>, left: u32, ctx: &mut Ctx<'_>) {
    let line = format!("at {} with {left}", ctx.now_ms());
    note(ctx, line);
    if left > 0 {
        let next = peers[ctx.random_range(0..peers.len())];
        let pause = ctx.random_range(0..50_u64);
        let on = vec![Do::Wander(peers, left - 1)];
        match ctx.random_bool(0.5) {
            true => ctx.cast(next, &on),
            false => drop(ctx.start_timer(pause, &[Do::Cast(next, on)])),
        }
    }
}

pub(crate) fn text(message: Message<'_>) -> String {
    message
        .decode::<Term>()
        .map_or_else(|reason| reason.to_string(), |term| term.to_string())
}

/// The function of the module `well` with this name.
fn name_of(function: &str) -> &'static str {
    ["deep", "bottom", "dry", "setting"]
        .into_iter()
        .find(|name| *name == function)
        .unwrap_or("nothing")
}
