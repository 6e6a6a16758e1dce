//! A library for tests. Its server does what it is told, word by word, so that a test reads as a play.

use pq_sdk::gen_fsm::Begun;
use pq_sdk::supervisor::{Refine, supervise, worker};
use pq_sdk::{
    Application, Ctx, EventManager, Export, From, Function, Functions, GenEvent, GenFsm, GenServer,
    Handled, Info, InitError, Message, Module, Next, Pid, Reason, Remote, Restart, RngExt,
    Shutdown, Step, Strategy, SupSpec, Supervisor, Term, TimerId,
};
use serde::{Deserialize, Serialize};

pq_sdk::library! {
    application: "fixture", vsn: "1.0.0",
    functions Well,
    gen_server Actor,
    gen_server Clerk,
    gen_server Counter,
    gen_fsm Light,
    event_manager Bell,
    gen_event Ear,
    gen_event Eye,
    supervisor Tree,
    supervisor Crowd,
    application House,
}

static NOTE: Remote<(String,), ()> = Remote::new("journal", "note");

static HOLD: Remote<(), ()> = Remote::new("names", "hold");

/// Functions that are called across modules.
struct Well;

static DEEP: Function<(u32,), u32> = Function::new("well", "deep", |ctx, (depth,)| {
    // Always through the node, as between libraries.
    Remote::<(u32,), u32>::new("well", "deep")
        .try_call(ctx, &(depth + 1,))
        .unwrap_or(depth)
});
static DRY: Function<(u32,), u32> = Function::new("well", "dry", |_, _| panic!("no water"));
static SETTING: Function<(u32,), Option<Term>> =
    Function::new("well", "setting", |ctx, _| ctx.env("fixture", "depth"));

impl Module for Well {
    const NAME: &'static str = "well";
    const VSN: &'static str = "1.0.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&DEEP, &DRY, &SETTING];
}

impl Functions for Well {}

/// The function of the well that is meant.
fn name_of(function: &str) -> &'static str {
    ["deep", "dry", "setting"]
        .into_iter()
        .find(|name| *name == function)
        .unwrap_or("nothing")
}

/// Writes into the journal at once, whatever becomes of the callback.
pub(crate) fn note(ctx: &mut Ctx<'_>, line: impl Into<String>) {
    NOTE.call(ctx, (line.into(),));
}

/// One thing that an [`Actor`] does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Do {
    Note(String),
    NoteTime,
    Send(Pid, String),
    Cast(Pid, Vec<Do>),
    Event(Pid, String),
    Ask(Pid, Vec<Do>, u64),
    /// Answers the call that this is part of.
    Reply(String),
    /// Keeps the caller for later.
    Keep,
    ReplyKept(String),
    Timer(u64, String),
    /// Does all this when the timer fires.
    Later(u64, Vec<Do>),
    /// Takes the last timer back.
    Cancel,
    Monitor(Pid),
    /// Ends the last monitor.
    Demonitor,
    Link(Pid),
    Unlink(Pid),
    Exit(Pid, Term),
    ExitSelf(Term),
    ExitParent(Term),
    Trap(bool),
    Start(Vec<Do>),
    /// Tells the last process that it started.
    TellChild(Vec<Do>),
    UnlinkChild,
    Continue(String),
    IsAlive(Pid),
    /// Says a name to the registry of the test.
    HoldName,
    /// Calls this function of the well.
    Well(String),
    /// Says this to itself for ever.
    Mumble,
    /// Sends so many casts.
    Flood(Pid, u32),
    /// Keeps its shard busy for so many milliseconds of real time.
    Work(u64),
    Panic(String),
    Stop(Term),
    Ignore,
    /// Sends one of these processes on, so many times, now or after a pause, as the dice say.
    Wander(Vec<Pid>, u32),
}

/// Does what it is told.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Actor {
    kept: Option<From>,
    timer: Option<TimerId>,
    monitor: Option<u64>,
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
                act => match actor.act(act, None, ctx) {
                    Next::Wait => (),
                    Next::Stop(reason) => return Err(InitError::Stop(reason)),
                },
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

    fn terminate(&mut self, reason: Reason, ctx: &mut Ctx<'_>) {
        note(ctx, format!("terminate {reason}"));
    }
}

impl Actor {
    fn perform(&mut self, script: Vec<Do>, from: Option<From>, ctx: &mut Ctx<'_>) -> Next {
        for act in script {
            if let Next::Stop(reason) = self.act(act, from, ctx) {
                return Next::Stop(reason);
            }
        }
        Next::Wait
    }

    fn act(&mut self, act: Do, from: Option<From>, ctx: &mut Ctx<'_>) -> Next {
        match act {
            Do::Note(line) => note(ctx, line),
            Do::NoteTime => {
                let line = format!("at {}", ctx.now_ms());
                note(ctx, line);
            }
            Do::Send(to, text) => ctx.send(to, &text),
            Do::Cast(to, script) => ctx.cast(to, &script),
            Do::Event(to, text) => ctx.notify(to, &text),
            Do::Ask(to, script, ms) => drop(ctx.request(to, &script, ms)),
            Do::Reply(text) => from.into_iter().for_each(|from| ctx.reply(from, &text)),
            Do::Keep => self.kept = from,
            Do::ReplyKept(text) => self
                .kept
                .take()
                .into_iter()
                .for_each(|from| ctx.reply(from, &text)),
            Do::Timer(ms, text) => self.timer = Some(ctx.start_timer(ms, &text)),
            Do::Later(ms, script) => self.timer = Some(ctx.start_timer(ms, &script)),
            Do::Cancel => {
                if let Some(timer) = self.timer.take() {
                    let line = format!("cancelled: {}", ctx.cancel_timer(timer));
                    note(ctx, line);
                }
            }
            Do::Monitor(pid) => self.monitor = Some(ctx.monitor(pid)),
            Do::Demonitor => self
                .monitor
                .take()
                .into_iter()
                .for_each(|monitor| ctx.demonitor(monitor)),
            Do::Link(pid) => ctx.link(pid),
            Do::Unlink(pid) => ctx.unlink(pid),
            Do::Exit(pid, reason) => ctx.exit(pid, &Reason::from_term(reason)),
            Do::ExitSelf(reason) => {
                let own = ctx.self_pid();
                ctx.exit(own, &Reason::from_term(reason));
            }
            Do::ExitParent(reason) => {
                let parent = ctx.parent();
                parent
                    .into_iter()
                    .for_each(|parent| ctx.exit(parent, &Reason::from_term(reason.clone())));
            }
            Do::HoldName => HOLD.call(ctx, ()),
            Do::Well(function) => {
                let line =
                    Remote::<(u32,), Term>::new("well", name_of(&function)).try_call(ctx, &(1,));
                note(
                    ctx,
                    line.map_or_else(
                        |reason| format!("failed: {reason}"),
                        |term| term.to_string(),
                    ),
                );
            }
            Do::Mumble => {
                let own = ctx.self_pid();
                ctx.cast(own, &[Do::Mumble]);
            }
            Do::Flood(to, times) => (0..times).for_each(|_| ctx.cast(to, &Vec::<Do>::new())),
            Do::Trap(on) => ctx.trap_exit(on),
            Do::Start(script) => drop(ctx.start_link("actor", &(script,))),
            Do::TellChild(script) => self
                .child
                .into_iter()
                .for_each(|child| ctx.cast(child, &script)),
            Do::UnlinkChild => self.child.into_iter().for_each(|child| ctx.unlink(child)),
            Do::Continue(text) => ctx.continue_with(&text),
            Do::IsAlive(pid) => {
                let line = format!("alive: {}", ctx.is_alive(pid));
                note(ctx, line);
            }
            Do::Work(ms) => {
                let begun = std::time::Instant::now();
                while begun.elapsed().as_millis() < u128::from(ms) {
                    std::hint::spin_loop();
                }
            }
            Do::Panic(text) => panic!("{text}"),
            Do::Stop(reason) => return Next::Stop(Reason::from_term(reason)),
            Do::Ignore => (),
            Do::Wander(peers, left) => wander(peers, left, ctx),
        }
        Next::Wait
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

fn text(message: Message<'_>) -> String {
    message
        .decode::<Term>()
        .map_or_else(|reason| reason.to_string(), |term| term.to_string())
}

/// A server with a name.
#[derive(Serialize, Deserialize)]
struct Clerk {}

impl Module for Clerk {
    const NAME: &'static str = "clerk";
    const VSN: &'static str = "1.0.0";
    const REGISTERED: &'static str = "clerk";
}

impl GenServer for Clerk {
    type Args = (Vec<Do>,);
    type Call = ();
    type Cast = ();

    fn init((script,): Self::Args, ctx: &mut Ctx<'_>) -> Result<Clerk, InitError> {
        Actor::init((script,), ctx).map(|_| Clerk {})
    }
}

/// A server that counts; its next version counts in steps.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Counter {
    pub(crate) count: i64,
}

/// What a counter is told and asked, in all versions.
#[derive(Serialize, Deserialize)]
pub(crate) enum Count {
    /// One step.
    Step,
    /// How far it is, and which version says so.
    Tell,
}

impl Module for Counter {
    const NAME: &'static str = "counter";
    const VSN: &'static str = "1.0.0";
}

impl GenServer for Counter {
    type Args = (i64,);
    type Call = Count;
    type Cast = Count;

    fn init((count,): (i64,), _ctx: &mut Ctx<'_>) -> Result<Counter, InitError> {
        Ok(Counter { count })
    }

    fn handle_call(&mut self, _request: Count, from: From, ctx: &mut Ctx<'_>) -> Next {
        ctx.reply(from, &format!("{} by {}", self.count, Self::VSN));
        Next::Wait
    }

    fn handle_cast(&mut self, _message: Count, ctx: &mut Ctx<'_>) -> Next {
        self.count += 1;
        note(ctx, format!("{} by {}", self.count, Self::VSN));
        Next::Wait
    }
}

/// A traffic light.
#[derive(Serialize, Deserialize)]
struct Light {
    changes: u32,
}

/// Its states.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Colour {
    Red,
    Green,
}

/// What happens to it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Signal {
    /// The other colour.
    Change,
    /// The other colour, and at once back.
    Flash,
    /// The other colour, and back after so many milliseconds.
    FlashFor(u64),
    /// Out of order.
    Break,
}

impl Module for Light {
    const NAME: &'static str = "light";
    const VSN: &'static str = "1.0.0";
}

impl GenFsm for Light {
    type State = Colour;
    type Event = Signal;
    type Args = (u64,);
    type Call = String;

    fn init((pause_ms,): (u64,), _ctx: &mut Ctx<'_>) -> Result<Begun<Light>, InitError> {
        let step = Step::to(Colour::Red);
        let step = if pause_ms > 0 {
            step.and_send_after(pause_ms, Signal::Change)
        } else {
            step
        };
        Ok((Light { changes: 0 }, step))
    }

    fn handle_event(
        &mut self,
        state: Colour,
        event: Signal,
        ctx: &mut Ctx<'_>,
    ) -> Step<Colour, Signal> {
        self.changes += 1;
        let line = format!("{} ms: {event:?} in {state:?}", ctx.now_ms());
        note(ctx, line);
        let other = if state == Colour::Red {
            Colour::Green
        } else {
            Colour::Red
        };
        match event {
            Signal::Change => Step::to(other),
            Signal::Flash => Step::to(other).and_send(Signal::Change),
            Signal::FlashFor(ms) => Step::to(other).and_send_after(ms, Signal::Change),
            Signal::Break => Step::stop(Reason::tagged("broken", "bulb")),
        }
    }

    fn handle_call(
        &mut self,
        state: Colour,
        request: String,
        from: From,
        ctx: &mut Ctx<'_>,
    ) -> Step<Colour, Signal> {
        ctx.reply(
            from,
            &format!("{request}: {state:?} after {}", self.changes),
        );
        Step::to(state)
    }

    fn terminate(&mut self, state: Colour, reason: Reason, ctx: &mut Ctx<'_>) {
        note(ctx, format!("terminate {state:?} {reason}"));
    }
}

/// An event manager.
struct Bell;

impl Module for Bell {
    const NAME: &'static str = "bell";
    const VSN: &'static str = "1.0.0";
}

impl EventManager for Bell {
    type Args = ();

    fn init(_args: (), _ctx: &mut Ctx<'_>) -> Result<(), InitError> {
        Ok(())
    }
}

/// Two handlers that note everything under their name.
macro_rules! handler {
    ($type:ident, $name:literal, $vsn:literal) => {
        /// A handler.
        #[derive(Serialize, Deserialize)]
        pub(crate) struct $type {
            heard: u32,
        }

        impl Module for $type {
            const NAME: &'static str = $name;
            const VSN: &'static str = $vsn;
        }

        impl GenEvent for $type {
            type Args = (String,);
            type Event = String;
            type Call = String;

            fn init((word,): (String,), ctx: &mut Ctx<'_>) -> Result<$type, InitError> {
                match word.as_str() {
                    "refuse" => Err(InitError::Stop(Reason::tagged("refused", $name))),
                    "ignore" => Err(InitError::Ignore),
                    word => {
                        if word == "rings" {
                            let own = ctx.self_pid();
                            ctx.notify(own, "from init");
                        }
                        note(ctx, format!("{}: init {word}", $name));
                        Ok($type { heard: 0 })
                    }
                }
            }

            fn handle_event(&mut self, event: String, ctx: &mut Ctx<'_>) -> Handled {
                self.heard += 1;
                note(ctx, format!("{}: {event}", $name));
                match event.strip_prefix(concat!($name, " ")) {
                    Some("panics") => panic!("too loud"),
                    Some("rings") => {
                        let own = ctx.self_pid();
                        ctx.notify(own, "echo");
                        Handled::Ok
                    }
                    Some("leaves") => Handled::Remove,
                    _ => Handled::Ok,
                }
            }

            fn handle_call(&mut self, request: String, from: From, ctx: &mut Ctx<'_>) -> Handled {
                if request == "panic" {
                    panic!("asked to");
                }
                ctx.reply(from, &format!("{}: {request}, heard {}", $name, self.heard));
                if request == "leave" {
                    Handled::Remove
                } else {
                    Handled::Ok
                }
            }

            fn handle_info(&mut self, info: Info<'_>, ctx: &mut Ctx<'_>) -> Handled {
                match info {
                    Info::Message(message) => {
                        note(ctx, format!("{}: info {}", $name, text(message)))
                    }
                    Info::Exit { reason, .. } => note(ctx, format!("{}: exit {reason}", $name)),
                    _ => (),
                }
                Handled::Ok
            }

            fn terminate(&mut self, reason: Reason, ctx: &mut Ctx<'_>) {
                note(ctx, format!("{}: terminate {reason}", $name));
            }
        }
    };
}
handler!(Ear, "ear", "1.0.0");
handler!(Eye, "eye", "1.0.0");

/// A supervisor of whatever a test asks for.
struct Tree;

impl Module for Tree {
    const NAME: &'static str = "tree";
    const VSN: &'static str = "1.0.0";
}

impl Supervisor for Tree {
    type Args = (SupSpec,);

    fn init((spec,): (SupSpec,)) -> Result<SupSpec, InitError> {
        Ok(spec)
    }
}

/// A supervisor with a name, whose children are actors that come and go.
struct Crowd;

impl Module for Crowd {
    const NAME: &'static str = "crowd";
    const VSN: &'static str = "1.0.0";
    const REGISTERED: &'static str = "crowd";
}

impl Supervisor for Crowd {
    type Args = ();

    fn init(_args: ()) -> Result<SupSpec, InitError> {
        let mut actor = worker::<Actor>("actor", &())
            .restart(Restart::Temporary)
            .shutdown(Shutdown::Timeout(100));
        // The arguments of `start_child` are all there are.
        actor.start.args = vec![0x90];
        Ok(supervise(Strategy::SimpleOneForOne, 0, 1, [actor]))
    }
}

/// An application whose top is what its arguments say: the encoded start, as a binary.
struct House;

impl Module for House {
    const NAME: &'static str = "house";
    const VSN: &'static str = "1.0.0";
}

impl Application for House {
    fn start(args: Term, ctx: &mut Ctx<'_>) -> Result<pq_sdk::supervisor::TopSupervisor, Reason> {
        note(ctx, "house starts");
        let bytes = args
            .as_binary()
            .ok_or_else(|| Reason::tagged("refused", "no top"))?;
        pq_abi::spec::decode(bytes).map_err(|error| Reason::tagged("badarg", &error))
    }

    fn stop(ctx: &mut Ctx<'_>) {
        note(ctx, "house stopped");
    }
}
