//! The library of the benches: servers that each do one thing, as often as they are told to.

use pq_sdk::gen_fsm::Begun;
use pq_sdk::supervisor::{Refine, event_manager, supervise, supervisor, worker};
use pq_sdk::{
    Ctx, EventManager, From, GenEvent, GenFsm, GenServer, Handled, Info, InitError, Module, Next,
    Pid, Reason, Restart, Shutdown, Step, Strategy, SupSpec, Supervisor,
};
use serde::{Deserialize, Serialize};

pq_sdk::library! {
    application: "bench", vsn: "1.0.0",
    gen_server Player,
    gen_server Clerk,
    gen_server Asker,
    gen_server Mortal,
    gen_server Clock,
    event_manager Bell,
    gen_event Ear,
    gen_fsm Hero,
    supervisor Grower,
    supervisor Forest,
}

/// How long an answer may take on the virtual clock; answers take no virtual time.
const TIMEOUT_MS: u64 = 5_000;

macro_rules! module {
    ($type:ident, $name:literal) => {
        impl Module for $type {
            const NAME: &'static str = $name;
            const VSN: &'static str = "1.0.0";
        }
    };
}
module!(Player, "player");
module!(Clerk, "clerk");
module!(Asker, "asker");
module!(Mortal, "mortal");
module!(Clock, "clock");
module!(Bell, "bell");
module!(Ear, "ear");
module!(Hero, "hero");
module!(Grower, "grower");

impl Module for Forest {
    const NAME: &'static str = "forest";
    const VSN: &'static str = "1.0.0";
    const REGISTERED: &'static str = "forest";
}

/// Sends a number back, decremented.
#[derive(Serialize, Deserialize)]
struct Player {
    other: Option<Pid>,
}

impl GenServer for Player {
    type Args = ();
    type Call = ();
    type Cast = u64;

    fn init((): (), _ctx: &mut Ctx<'_>) -> Result<Player, InitError> {
        Ok(Player { other: None })
    }

    fn handle_cast(&mut self, left: u64, ctx: &mut Ctx<'_>) -> Next {
        if let (Some(other), 1..) = (self.other, left) {
            ctx.cast(other, &(left - 1));
        }
        Next::Wait
    }

    /// Receives the pid of the other player.
    fn handle_info(&mut self, info: Info<'_>, _ctx: &mut Ctx<'_>) -> Next {
        if let Info::Message(message) = info {
            self.other = message.is();
        }
        Next::Wait
    }
}

/// Answers a number with itself.
#[derive(Serialize, Deserialize)]
struct Clerk {}

impl GenServer for Clerk {
    type Args = ();
    type Call = u64;
    type Cast = ();

    fn init((): (), _ctx: &mut Ctx<'_>) -> Result<Clerk, InitError> {
        Ok(Clerk {})
    }

    fn handle_call(&mut self, number: u64, from: From, ctx: &mut Ctx<'_>) -> Next {
        ctx.reply(from, &number);
        Next::Wait
    }
}

/// Asks a clerk, and asks again after the answer.
#[derive(Serialize, Deserialize)]
struct Asker {
    clerk: Pid,
}

impl Asker {
    fn ask(&self, left: u64, ctx: &mut Ctx<'_>) -> Next {
        if left > 0 {
            ctx.request(self.clerk, &(left - 1), TIMEOUT_MS);
        }
        Next::Wait
    }
}

impl GenServer for Asker {
    type Args = (Pid,);
    type Call = ();
    type Cast = u64;

    fn init((clerk,): (Pid,), _ctx: &mut Ctx<'_>) -> Result<Asker, InitError> {
        Ok(Asker { clerk })
    }

    fn handle_cast(&mut self, left: u64, ctx: &mut Ctx<'_>) -> Next {
        self.ask(left, ctx)
    }

    fn handle_info(&mut self, info: Info<'_>, ctx: &mut Ctx<'_>) -> Next {
        match info {
            Info::Response {
                result: Ok(answer), ..
            } => match answer.decode() {
                Ok(left) => self.ask(left, ctx),
                Err(reason) => Next::Stop(reason),
            },
            _ => Next::Wait,
        }
    }
}

/// Starts a child, tells it how many are to follow, and ends.
#[derive(Serialize, Deserialize)]
struct Mortal {
    left: u64,
}

impl GenServer for Mortal {
    type Args = ();
    type Call = ();
    type Cast = u64;

    fn init((): (), _ctx: &mut Ctx<'_>) -> Result<Mortal, InitError> {
        Ok(Mortal { left: 0 })
    }

    fn handle_cast(&mut self, left: u64, ctx: &mut Ctx<'_>) -> Next {
        self.left = left;
        if left == 0 {
            return Next::Stop(Reason::Normal);
        }
        ctx.start_link(Mortal::NAME, &());
        Next::Wait
    }

    fn handle_info(&mut self, info: Info<'_>, ctx: &mut Ctx<'_>) -> Next {
        if let Info::Response {
            result: Ok(child), ..
        } = info
            && let Some(child) = child.is()
        {
            ctx.cast(child, &(self.left - 1));
        }
        Next::Stop(Reason::Normal)
    }
}

/// Starts a timer of 1 ms, and another one when it has fired.
#[derive(Serialize, Deserialize)]
struct Clock {}

impl Clock {
    fn tick(left: u64, ctx: &mut Ctx<'_>) -> Next {
        if left > 0 {
            ctx.start_timer(1, &(left - 1));
        }
        Next::Wait
    }
}

impl GenServer for Clock {
    type Args = ();
    type Call = ();
    type Cast = u64;

    fn init((): (), _ctx: &mut Ctx<'_>) -> Result<Clock, InitError> {
        Ok(Clock {})
    }

    fn handle_cast(&mut self, left: u64, ctx: &mut Ctx<'_>) -> Next {
        Clock::tick(left, ctx)
    }

    fn handle_info(&mut self, info: Info<'_>, ctx: &mut Ctx<'_>) -> Next {
        match info {
            Info::Message(message) => Clock::tick(message.is().unwrap_or(0), ctx),
            _ => Next::Wait,
        }
    }
}

/// An event manager, whose handler drives the bench.
struct Bell;

impl EventManager for Bell {
    type Args = ();

    fn init((): (), _ctx: &mut Ctx<'_>) -> Result<(), InitError> {
        Ok(())
    }
}

/// Sends the next event to its manager.
#[derive(Serialize, Deserialize)]
struct Ear {}

impl GenEvent for Ear {
    type Args = ();
    type Event = u64;
    type Call = ();

    fn init((): (), _ctx: &mut Ctx<'_>) -> Result<Ear, InitError> {
        Ok(Ear {})
    }

    fn handle_event(&mut self, left: u64, ctx: &mut Ctx<'_>) -> Handled {
        if left > 0 {
            let manager = ctx.self_pid();
            ctx.notify(manager, &(left - 1));
        }
        Handled::Ok
    }
}

/// A state machine with as much state as a hero of the game, and an event that moves it on.
#[derive(Serialize, Deserialize)]
struct Hero {
    name: String,
    stats: Vec<u32>,
    items: Vec<(String, u32)>,
    events: Option<Pid>,
}

impl GenFsm for Hero {
    type State = bool;
    type Event = u64;
    type Args = (u32,);
    type Call = ();

    fn init((number,): (u32,), ctx: &mut Ctx<'_>) -> Result<Begun<Hero>, InitError> {
        let item = |at| (format!("a thing of some length {at}"), number + at);
        let hero = Hero {
            name: format!("hero-{number}"),
            stats: (number..number + 6).collect(),
            items: (0..9).map(item).collect(),
            events: ctx.parent(),
        };
        let step = Step::to(true).and_send_after(1_000 + u64::from(number), 1);
        Ok((hero, step))
    }

    fn handle_event(&mut self, state: bool, _event: u64, _ctx: &mut Ctx<'_>) -> Step<bool, u64> {
        Step::to(!state)
    }
}

/// The supervisor of a hero and its event manager.
struct Grower;

impl Supervisor for Grower {
    type Args = (u32,);

    fn init((number,): (u32,)) -> Result<SupSpec, InitError> {
        let events = event_manager::<Bell>("events", &());
        let hero = worker::<Hero>("hero", &(number,)).shutdown(Shutdown::Timeout(2_000));
        Ok(supervise(Strategy::OneForAll, 2, 10, [events, hero]))
    }
}

/// The supervisor of all heroes.
struct Forest;

impl Supervisor for Forest {
    type Args = ();

    fn init((): ()) -> Result<SupSpec, InitError> {
        let mut grower = supervisor::<Grower>("grower", &((),)).restart(Restart::Temporary);
        grower.start.args = vec![0x90];
        Ok(supervise(Strategy::SimpleOneForOne, 0, 1, [grower]))
    }
}
