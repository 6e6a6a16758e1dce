//! The session: the process that talks with one client. The dialogue is that of 1.0.0, with questions about words:
//!
//! ```text
//!          a free name           y                    a word, twice, or none
//!   Name ───────────────► Stats ───────► choice of a word ───────────► Starting ─► Playing, and the word is kept
//!     │ a taken name                                                                  ▲  └─ `word` ─► choice of a word
//!     └─────────────► what is its word? ─── the right one ──────────────────────────────┘
//!                            │ three wrong ones ─► a pause ─► the end
//!
//!   client disconnected ─► the hero has a word: it plays on │ no word: it is stopped, as in 1.0.1
//! ```
//! A word never comes here: the node keeps the line, and the session has its number (`pq_sdk::words`). A hero with a word
//! rests when it is told to end; the node sees to that, so also under 1.0.1 and 1.0.0.
//!
//! Texts and decisions are in `session`, without any effect; here they meet the node.

mod session;

pub use session::{Asks, Do, PAUSE_MS, Session, WRONG_MAX, Whose};

use std::collections::{BTreeMap, VecDeque};

use pq_sdk::players::{self, Described};
use pq_sdk::words::{self, Answer, Answered, Said};
use pq_sdk::{
    Atom, Ctx, Export, Function, GenServer, Info, InitError, Message, Migration, Module, Next, Pid,
    PortId, Reason, RequestId, SupRequest, Term, regis,
};
use pq_words::{Event, Name, Opts, Stats};
use serde::{Deserialize, Serialize};

use crate::away::Away;
use crate::shown::Value;
use crate::sockserv_pq_events::Call::Adopt;
use crate::sockserv_pq_events::SockservPqEvents;
use crate::v1_0_0::sockserv_serv::{self as v1_0_0, Waited};
use crate::v1_0_0::sockserv_trans::{self, Piece};
use crate::v1_0_1::sockserv_serv::{self as v1_0_1, Who};

/// The limit for an answer of an event manager or a supervisor: the default of `gen_server:call/2`.
const REQUEST_TIMEOUT_MS: u64 = 5_000;

/// The pace of a hero over a socket, in milliseconds; the book's.
const HERO_TIME_MS: u32 = 800;

/// The experience for the first level of a hero over a socket; the book's.
const HERO_LVLEXP: u64 = 50;

const RESTS: &str = "Your hero rests until you come back.\n";

/// News of the hero, with texts of their own.
type News = Event<'static>;

pq_sdk::calls! {
    static TO_OUTPUT: fn(News) -> Vec<Piece> = sockserv_trans::TO_OUTPUT;
    remote static INITIAL_ROLL: fn() -> Stats = pq_stats::initial_roll;
    remote static START_PLAYER: fn(Name, Opts) -> RequestId = processquest::start_player;
    remote static STOP_PLAYER: fn(Pid) -> RequestId = processquest::stop_player;
}

/// `who(Session)`: returns the player of the session, in the form of 1.0.1.
pub static WHO: Function<(Session,), Who> =
    Function::new("sockserv_serv", "who", |_ctx, (session,)| session.who());

/// The message of the timer that ends the pause before the end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Paused {
    /// Always true; the name of the field tells the message from others.
    pub pause_is_over: bool,
}

impl Module for Session {
    const NAME: &'static str = "sockserv_serv";
    const VSN: &'static str = "1.1.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&WHO];
    const CALLS: &'static [&'static str] = CALLS;
}

impl GenServer for Session {
    type Args = (PortId,);
    type Call = ();
    type Cast = News;
    const MIGRATIONS: &'static [Migration] = &[
        Migration::converts::<v1_0_1::Session, Session>("1.0.1"),
        Migration::converts::<v1_0_0::Session, Session>("1.0.0"),
    ];

    fn init((port,): (PortId,), ctx: &mut Ctx<'_>) -> Result<Session, InitError> {
        let (mut session, greeting) = Session::new(port);
        session.perform(greeting, ctx);
        Ok(session)
    }

    fn handle_cast(&mut self, event: News, ctx: &mut Ctx<'_>) -> Next {
        if !self.book.is_playing() {
            return Next::Wait;
        }
        let pieces = TO_OUTPUT.call(ctx, (event,));
        let todo = self.tell(pieces);
        self.perform(todo, ctx)
    }

    fn handle_info(&mut self, info: Info<'_>, ctx: &mut Ctx<'_>) -> Next {
        let todo = match info {
            Info::PortData { data, .. } => self.line(data),
            Info::PortClosed { .. } => self.closed(),
            Info::Message(message) => self.message(message),
            Info::Response { id, result } if self.adopts == Some(id) => {
                let away = match &result {
                    Ok(message) => Ok(message.is::<Away>().unwrap_or_default()),
                    Err(reason) => Err(reason),
                };
                self.adopted(id, away)
            }
            Info::Response { id, result } => {
                self.answered(id, result.as_ref().map(|message| message.bytes()))
            }
            Info::Down { pid, .. } => self.down(pid),
            Info::Exit { .. } => Vec::new(),
        };
        self.perform(todo, ctx)
    }
}

impl Session {
    /// The player of this session.
    pub fn who(self) -> Who {
        match self.asks {
            Asks::Checking { name, .. } => Who::Arriving { name },
            _ => v1_0_1::Session(self.book).who(),
        }
    }

    /// A message of a timer, or of the node.
    fn message(&mut self, message: Message<'_>) -> Vec<Do> {
        if let Some(Waited { turn }) = message.is::<Waited>() {
            return self.waited(turn);
        }
        if let Some(Answered { words }) = message.is::<Answered>() {
            return self.said(words);
        }
        if let Some(sheet) = Described::<BTreeMap<String, Value>>::read(message) {
            return self.described(sheet.r#ref, &sheet.parts);
        }
        let paused = message.is::<Paused>();
        paused.map_or(Vec::new(), |_| self.paused())
    }

    /// Carries out the actions in their order, and those that follow from them.
    fn perform(&mut self, todo: Vec<Do>, ctx: &mut Ctx<'_>) -> Next {
        let mut todo = VecDeque::from(todo);
        while let Some(next) = todo.pop_front() {
            let followed = match next {
                Do::Book(v1_0_0::Do::Close) => {
                    ctx.port_close(self.book.port);
                    return Next::Stop(Reason::Normal);
                }
                // It plays on without a client.
                Do::LeaveHero(hero) if words::has(ctx, hero) => return Next::Stop(Reason::Normal),
                Do::LeaveHero(_) => self.stop_hero(),
                Do::Book(todo) => self.perform_book(todo, ctx),
                other => self.ask_node(other, ctx),
            };
            todo.extend(followed);
        }
        Next::Wait
    }

    /// An action of 1.0.0, in the same way.
    fn perform_book(&mut self, todo: v1_0_0::Do, ctx: &mut Ctx<'_>) -> Vec<Do> {
        use v1_0_0::Do;
        match todo {
            Do::Say(text) => ctx.port_command(self.book.port, text.as_bytes()),
            Do::Log(level, text) => ctx.log(level, format_args!("{text}")),
            Do::Wait { ms, turn } => drop(ctx.start_timer(ms, &Waited { turn })),
            Do::Monitor(pid) => drop(ctx.monitor(pid)),
            Do::Roll => return self.rolled(INITIAL_ROLL.call(ctx, ())),
            Do::Start { name, stats } => return self.requested(start(ctx, name, stats)),
            Do::Stop { sup } => {
                if words::has(ctx, sup) {
                    ctx.port_command(self.book.port, RESTS.as_bytes());
                }
                return self.requested(STOP_PLAYER.try_call(ctx, &(sup,)));
            }
            Do::Find { name } => return self.found(regis::whereis(ctx, events_name(&name))),
            Do::Subscribe { events } => {
                let asked = adopt(ctx, events);
                self.adopts = Some(asked);
                self.book.asked = Some(asked);
            }
            Do::WhichChildren { sup } => {
                let request = SupRequest::WhichChildren;
                self.book.asked = Some(ctx.ask_supervisor(sup, &request, REQUEST_TIMEOUT_MS));
            }
            Do::Close => {}
        }
        Vec::new()
    }

    /// A question to the node about names and words.
    fn ask_node(&mut self, todo: Do, ctx: &mut Ctx<'_>) -> Vec<Do> {
        let port = self.book.port;
        let (asked, number, no) = match todo {
            Do::Look(name) => return self.looked(words::look(ctx, &name)),
            Do::Judge(line) => return self.judged(line, words::judge(ctx, port, line)),
            Do::Compare(one, other) => {
                return self.compared(other, words::same(ctx, port, one, other));
            }
            Do::NotKept(name, hero) => return self.not_kept(&name, words::has(ctx, hero)),
            Do::Pause => {
                let pause_is_over = true;
                ctx.start_timer(PAUSE_MS, &Paused { pause_is_over });
                return Vec::new();
            }
            Do::Check { line, name, number } => {
                let asked = words::check(ctx, port, line, &name, number);
                (asked, number, Said::Busy)
            }
            Do::Keep { line, hero, number } => {
                let asked = words::keep(ctx, port, line, hero, number);
                (asked, number, Said::NotKept)
            }
            Do::Who => return self.players(&players::list(ctx)),
            Do::Describe(number) => {
                let asked = players::sheet(ctx, number);
                return asked.map_or_else(|_| self.described(number, &Vec::new()), |()| Vec::new());
            }
            Do::AddHandler(events) => {
                self.book.asked = Some(add_handler(ctx, events));
                return Vec::new();
            }
            Do::Book(_) | Do::LeaveHero(_) => return Vec::new(),
        };
        match asked {
            Ok(()) => Vec::new(),
            Err(_) => self.said(Answer {
                r#ref: number,
                said: no,
            }),
        }
    }

    /// Waits for the answer, or takes the failure to ask for one.
    fn requested(&mut self, asked: Result<RequestId, Reason>) -> Vec<Do> {
        match asked {
            Ok(id) => {
                self.book.asked = Some(id);
                Vec::new()
            }
            Err(reason) => {
                let none = RequestId(0);
                self.book.asked = Some(none);
                self.answered(none, Err(&reason))
            }
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

/// Asks the handler that is there, for a player who has come back.
fn adopt(ctx: &mut Ctx<'_>, events: Pid) -> RequestId {
    let session = ctx.self_pid();
    ctx.monitor(events);
    let handler = Atom::from_static(SockservPqEvents::NAME);
    ctx.call_handler(events, handler, &Adopt { session }, REQUEST_TIMEOUT_MS)
}

fn add_handler(ctx: &mut Ctx<'_>, events: Pid) -> RequestId {
    let session = ctx.self_pid();
    let handler = Atom::from_static(SockservPqEvents::NAME);
    ctx.add_handler(events, handler, &(session,), REQUEST_TIMEOUT_MS)
}

/// The name of a hero's event manager in the registry: `{events, Name}`.
fn events_name(name: &str) -> Term {
    Term::tuple([Term::atom("events"), Term::string(name)])
}
