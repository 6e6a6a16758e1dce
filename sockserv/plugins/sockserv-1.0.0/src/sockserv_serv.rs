//! The session: the process that talks with one client.
//!
//! ```text
//!          name              y                  started           added
//!   Name ───────► Stats ─────────► Starting ───────────► Playing ◄─────── hero fell: look for it again
//!     ▲             │ n: again         │ name taken          │
//!     ├─────────────┴──────────────────┴─────────────────────┤ hero fell for the last time
//!     │                                                      │
//!   quit, anywhere ─────────────────────────────────► Leaving ─► end   (the hero is stopped first)
//! ```
//!
//! What is said and decided is in `session`, without any effect; here it meets the node: each
//! [`Do`] becomes what the context offers, and what comes back is told to the session. The story waits in
//! `teller`, what players type is looked at in `typed`.
//!
//! The port is the node's: lines come as [`Info::PortData`], texts go by [`Ctx::port_command`].

mod session;

mod teller;

mod typed;

pub use session::{Do, Hero, Phase, Session, Watch};
pub use teller::{Full, PIECES_MAX, Teller};
pub use typed::{NAME_MAX, NameError};

use std::collections::VecDeque;

use pq_sdk::{
    Atom, Ctx, GenServer, Info, InitError, Module, Next, Pid, PortId, Reason, Remote, RequestId,
};
use pq_sdk::{SupRequest, Term, regis};
use pq_words::{Event, Name, Opts, Stats};
use serde::{Deserialize, Serialize};

use crate::sockserv_pq_events::SockservPqEvents;
use crate::sockserv_trans::TO_OUTPUT;

/// How long an event manager or a supervisor may take to answer: the default of `gen_server:call/2`.
const REQUEST_TIMEOUT_MS: u64 = 5_000;

/// The pace of a hero over a socket, in milliseconds; the book's.
const HERO_TIME_MS: u32 = 800;

/// The experience for the first level of a hero over a socket; the book's.
const HERO_LVLEXP: u64 = 50;

static INITIAL_ROLL: Remote<(), Stats> = Remote::new("pq_stats", "initial_roll");
static START_PLAYER: Remote<(Name, Opts), RequestId> = Remote::new("processquest", "start_player");
static STOP_PLAYER: Remote<(Pid,), RequestId> = Remote::new("processquest", "stop_player");

/// The message of the timer that ends a pause of the story.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Waited {
    /// Which pause: [`Teller::waited`].
    pub turn: u64,
}

impl Module for Session {
    const NAME: &'static str = "sockserv_serv";
    const VSN: &'static str = "1.0.0";
    const CALLS: &'static [&'static str] = &[
        "pq_stats:initial_roll/0",
        "processquest:start_player/2",
        "processquest:stop_player/1",
        "sockserv_trans:to_output/1",
    ];
}

impl GenServer for Session {
    type Args = (PortId,);
    type Call = ();
    type Cast = Event<'static>;

    fn init((port,): (PortId,), ctx: &mut Ctx<'_>) -> Result<Session, InitError> {
        let (mut session, greeting) = Session::new(port);
        session.perform(greeting, ctx);
        Ok(session)
    }

    fn handle_cast(&mut self, event: Event<'static>, ctx: &mut Ctx<'_>) -> Next {
        self.hear(event, ctx)
    }

    fn handle_info(&mut self, info: Info<'_>, ctx: &mut Ctx<'_>) -> Next {
        match info {
            Info::PortClosed { .. } => self.let_go(),
            info => self.take(info, ctx),
        }
    }
}

impl Session {
    /// The client has gone.
    ///
    /// FIDELITY: the hero lives on without anybody to watch it, and its name stays taken until an operator
    /// stops it. The book's 1.0.0 leaks its heroes like that; 1.0.1 stops them, and is what
    /// shows a leak being cured while the program runs. A session that was told to quit stops its hero first,
    /// whether or not the client waits for it.
    fn let_go(&self) -> Next {
        match self.phase {
            Phase::Leaving => Next::Wait,
            _ => Next::Stop(Reason::Normal),
        }
    }

    /// News of the hero.
    pub fn hear(&mut self, event: Event<'static>, ctx: &mut Ctx<'_>) -> Next {
        if !self.is_playing() {
            return Next::Wait;
        }
        let pieces = TO_OUTPUT.call(ctx, (event,));
        let todo = self.tell(pieces);
        self.perform(todo, ctx)
    }

    /// Anything else that comes, but the end of the port.
    pub fn take(&mut self, info: Info<'_>, ctx: &mut Ctx<'_>) -> Next {
        let todo = match info {
            Info::PortData { data, .. } => self.line(data),
            Info::Message(message) => match message.is::<Waited>() {
                Some(Waited { turn }) => self.waited(turn),
                None => Vec::new(),
            },
            Info::Response { id, result } => {
                self.answered(id, result.as_ref().map(|message| message.bytes()))
            }
            Info::Down { pid, .. } => self.down(pid),
            Info::Exit { .. } | Info::PortClosed { .. } => Vec::new(),
        };
        self.perform(todo, ctx)
    }

    /// Does what was decided, in order, and whatever is decided on the way.
    pub fn perform(&mut self, todo: Vec<Do>, ctx: &mut Ctx<'_>) -> Next {
        let mut todo = VecDeque::from(todo);
        while let Some(next) = todo.pop_front() {
            if next == Do::Close {
                ctx.port_close(self.port);
                return Next::Stop(Reason::Normal);
            }
            todo.extend(self.perform_one(next, ctx));
        }
        Next::Wait
    }

    fn perform_one(&mut self, todo: Do, ctx: &mut Ctx<'_>) -> Vec<Do> {
        match todo {
            Do::Say(text) => ctx.port_command(self.port, text.as_bytes()),
            Do::Log(level, text) => ctx.log(level, format_args!("{text}")),
            Do::Wait { ms, turn } => drop(ctx.start_timer(ms, &Waited { turn })),
            Do::Monitor(pid) => drop(ctx.monitor(pid)),
            Do::Roll => return self.rolled(INITIAL_ROLL.call(ctx, ())),
            Do::Start { name, stats } => return self.asked_elsewhere(start(ctx, name, stats)),
            Do::Stop { sup } => return self.asked_elsewhere(STOP_PLAYER.try_call(ctx, &(sup,))),
            Do::Find { name } => return self.found(regis::whereis(ctx, events_name(&name))),
            Do::Subscribe { events } => self.asked = Some(subscribe(ctx, events)),
            Do::WhichChildren { sup } => {
                self.asked =
                    Some(ctx.ask_supervisor(sup, &SupRequest::WhichChildren, REQUEST_TIMEOUT_MS));
            }
            Do::Close => {}
        }
        Vec::new()
    }

    /// Waits for the answer, or takes the failure to ask for one.
    fn asked_elsewhere(&mut self, asked: Result<RequestId, Reason>) -> Vec<Do> {
        match asked {
            Ok(id) => {
                self.asked = Some(id);
                Vec::new()
            }
            Err(reason) => self.answer(Err(&reason)),
        }
    }
}

fn start(ctx: &mut Ctx<'_>, name: Name, stats: Stats) -> Result<RequestId, Reason> {
    let opts = Opts {
        stats: Some(stats),
        time: Some(HERO_TIME_MS),
        lvlexp: Some(HERO_LVLEXP),
        ..Opts::default()
    };
    START_PLAYER.try_call(ctx, &(name, opts))
}

fn subscribe(ctx: &mut Ctx<'_>, events: Pid) -> RequestId {
    let handler = Atom::from_static(SockservPqEvents::NAME);
    let session = ctx.self_pid();
    ctx.monitor(events);
    ctx.add_handler(events, handler, &(session,), REQUEST_TIMEOUT_MS)
}

/// The name of a hero's event manager in the registry: `{events, Name}`.
fn events_name(name: &str) -> Term {
    Term::tuple([Term::atom("events"), Term::string(name)])
}
