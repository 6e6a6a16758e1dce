//! The library of the tests, with one or two modules of each kind.

use pq_sdk::gen_fsm::Begun;
use pq_sdk::supervisor::{Refine, supervise, worker};
use pq_sdk::{
    Application, Ctx, EventManager, Export, From, Function, Functions, GenEvent, GenFsm, GenServer,
    Handled, Info, InitError, Module, Next, Reason, Remote, Restart, Shutdown, Step, Strategy,
    SupSpec, Supervisor, Term,
};
use serde::{Deserialize, Serialize};

use crate::actor::{Actor, Do, text};
use crate::snare::{Pit, Snare};

pq_sdk::library! {
    application: "fixture", vsn: "1.0.0",
    functions Well,
    gen_server Actor,
    gen_server Clerk,
    gen_server Counter,
    gen_server Snare,
    functions Pit,
    gen_fsm Light,
    event_manager Bell,
    gen_event Ear,
    gen_event Eye,
    supervisor Tree,
    supervisor Crowd,
    supervisor Row,
    supervisor Traps,
    application House,
}

static NOTE: Remote<(String,), ()> = Remote::new("journal", "note");

/// Functions for calls between modules.
struct Well;

static DEEP: Function<(u32,), u32> = Function::new("well", "deep", |ctx, (depth,)| {
    // The call always goes through the node, as between libraries.
    Remote::<(u32,), u32>::new("well", "deep")
        .try_call(ctx, &(depth + 1,))
        .unwrap_or(depth)
});
/// The reason that stops the nesting.
pub(crate) static BOTTOM: Function<(u32,), String> = Function::new("well", "bottom", |ctx, _| {
    Remote::<(u32,), String>::new("well", "bottom")
        .try_call(ctx, &(0,))
        .unwrap_or_else(|reason| reason.to_string())
});
static DRY: Function<(u32,), u32> = Function::new("well", "dry", |_, _| panic!("no water"));
static SETTING: Function<(u32,), Option<Term>> =
    Function::new("well", "setting", |ctx, _| ctx.env("fixture", "depth"));

impl Module for Well {
    const NAME: &'static str = "well";
    const VSN: &'static str = "1.0.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&DEEP, &BOTTOM, &DRY, &SETTING];
}

impl Functions for Well {}

/// Writes a line into the journal at once, even if the callback fails.
pub(crate) fn note(ctx: &mut Ctx<'_>, line: impl Into<String>) {
    NOTE.call(ctx, (line.into(),));
}

/// A server with a registered name.
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

/// A server that counts; the next version has a step size.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Counter {
    pub(crate) count: i64,
}

/// The messages and requests of a counter, in all versions.
#[derive(Serialize, Deserialize)]
pub(crate) enum Count {
    /// Counts one step further.
    Step,
    /// Answers the count, and the version that answers.
    Tell,
    /// Keeps the shard busy for this many milliseconds of real time.
    Work(u64),
    /// Notes a line when no message comes for this many milliseconds.
    WaitAtMost(u64),
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

    fn handle_cast(&mut self, message: Count, ctx: &mut Ctx<'_>) -> Next {
        if let Count::Work(ms) = message {
            crate::actor::work(ms);
            return Next::Wait;
        }
        if let Count::WaitAtMost(ms) = message {
            return Next::WaitAtMost(ms);
        }
        self.count += 1;
        note(ctx, format!("{} by {}", self.count, Self::VSN));
        Next::Wait
    }

    fn handle_timeout(&mut self, ctx: &mut Ctx<'_>) -> Next {
        note(ctx, format!("{} alone by {}", self.count, Self::VSN));
        Next::Wait
    }
}

/// A traffic light, as a state machine.
#[derive(Serialize, Deserialize)]
struct Light {
    changes: u32,
}

/// The states of the traffic light.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Colour {
    Red,
    Green,
}

/// The events of the traffic light.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Signal {
    /// Change to the other colour.
    Change,
    /// Change to the other colour and back at once.
    Flash,
    /// Change to the other colour, and back after this many milliseconds.
    FlashFor(u64),
    /// Change to the other colour, and to red when no event comes for this many milliseconds.
    Doze(u64),
    /// Like `Doze`, but with an event to itself that changes the colour at once.
    Startle(u64),
    /// Stop because of a failure.
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
            Signal::Doze(ms) => Step::to(other).and_time_out_after(ms),
            Signal::Startle(ms) => Step::to(other)
                .and_time_out_after(ms)
                .and_send(Signal::Change),
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

    fn handle_timeout(&mut self, state: Colour, ctx: &mut Ctx<'_>) -> Step<Colour, Signal> {
        let line = format!("{} ms: silence in {state:?}", ctx.now_ms());
        note(ctx, line);
        Step::to(Colour::Red)
    }

    fn terminate(&mut self, state: Colour, reason: Reason, ctx: &mut Ctx<'_>) {
        note(ctx, format!("terminate {state:?} {reason}"));
    }
}

/// An event manager for two kinds of handlers.
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

/// Two handlers that note each event under their name.
macro_rules! handler {
    ($type:ident, $name:literal, $vsn:literal) => {
        /// A handler that notes each event.
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

/// A supervisor with the spec of its arguments.
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

/// A supervisor with a name, whose children are temporary actors.
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
        // All arguments come with `start_child`.
        actor.start.args = vec![0x90];
        Ok(supervise(Strategy::SimpleOneForOne, 0, 1, [actor]))
    }
}

/// A supervisor with a name, whose children are counters.
struct Row;

impl Module for Row {
    const NAME: &'static str = "row";
    const VSN: &'static str = "1.0.0";
    const REGISTERED: &'static str = "row";
}

impl Supervisor for Row {
    type Args = ();

    fn init(_args: ()) -> Result<SupSpec, InitError> {
        let mut counter = worker::<Counter>("counter", &(0_i64,)).restart(Restart::Permanent);
        counter.start.args = vec![0x90];
        Ok(supervise(Strategy::SimpleOneForOne, 10_000, 1, [counter]))
    }
}

/// A supervisor with a name, whose children are snares.
struct Traps;

impl Module for Traps {
    const NAME: &'static str = "traps";
    const VSN: &'static str = "1.0.0";
    const REGISTERED: &'static str = "traps";
}

impl Supervisor for Traps {
    type Args = ();

    fn init(_args: ()) -> Result<SupSpec, InitError> {
        let caught = (String::new(), String::new());
        let mut snare = worker::<Snare>("snare", &caught)
            .restart(Restart::Temporary)
            .shutdown(Shutdown::Timeout(60_000));
        snare.start.args = vec![0x90];
        Ok(supervise(Strategy::SimpleOneForOne, 0, 1, [snare]))
    }
}

/// An application whose arguments are the encoded start of its top, as a binary.
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
