//! A company of processes that live on their own: they send, ask, wait, monitor, link, crash and start again, and note
//! each step. They draw no dice of the node but from a number of their own state, so two nodes with the same states
//! play the same.
//!
//! A process has an id, and its kind is the rest of the id by 3. Processes know each other by their ids, by pids that
//! they have received, and by a pid in a binary of their state.

use pq_sdk::gen_fsm::Begun;
use pq_sdk::supervisor::{Refine, supervise, worker};
use pq_sdk::{
    Atom, Ctx, EventManager, From, GenEvent, GenFsm, GenServer, Handled, Info, InitError, Message,
    Module, MonitorId, Next, Pid, Reason, Remote, RequestId, Restart, Shutdown, Step, Strategy,
    SupSpec, Supervisor, TimerId,
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::desk::{Desk, Grove};
use crate::fixture::note;

pq_sdk::library! {
    application: "company", vsn: "1.0.0",
    gen_server Member,
    gen_fsm Clock,
    event_manager Hall,
    gen_event Guest,
    supervisor Stem,
    supervisor Swarm,
    gen_server Desk,
    supervisor Grove,
}

pub(super) static REGISTER: Remote<(u32,), ()> = Remote::new("ids", "register");
static FIND: Remote<(u32,), Option<Pid>> = Remote::new("ids", "find");

/// The kinds of processes; also the number of ids of each kind.
pub(crate) const KINDS: u32 = 3;

/// The arguments of a process: its id, the number of ids in the company, and its first number.
pub(crate) type Args = (u32, u32, u64);

/// The messages of the company.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Word {
    /// A process's own pulse: it takes the next step.
    Beat,
    /// A step for the receiver.
    Step(u32),
    /// A greeting with the pid of its sender, or another pid.
    Hello(Pid),
}

/// The parts of a state that all kinds have.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Soul {
    id: u32,
    ids: u32,
    number: u64,
    known: Vec<Pid>,
    hidden: ByteBuf,
}

impl Soul {
    fn born((id, ids, number): Args, ctx: &mut Ctx<'_>) -> Soul {
        REGISTER.call(ctx, (id,));
        let own = ctx.self_pid();
        Soul {
            id,
            ids,
            number: number ^ u64::from(id) << 32,
            known: vec![own],
            hidden: ByteBuf::from(rmp_serde::to_vec(&own).unwrap()),
        }
    }

    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        let (factor, summand) = (6_364_136_223_846_793_005, 1_442_695_040_888_963_407);
        self.number = self.number.wrapping_mul(factor).wrapping_add(summand);
        (self.number >> 33) % end
    }

    fn says(&self, ctx: &mut Ctx<'_>, what: &str) {
        let line = format!("{}@{} {what}", self.id, ctx.now_ms());
        note(ctx, line);
    }

    /// A process of the company: by its id, by a pid that was told, or by the hidden pid.
    fn somebody(&mut self, ctx: &mut Ctx<'_>) -> Pid {
        let own = ctx.self_pid();
        match self.below(4) {
            0 => {
                let at = self.below(self.known.len() as u64) as usize;
                self.known[at]
            }
            1 => rmp_serde::from_slice(&self.hidden).unwrap(),
            _ => {
                let id = self.below(self.ids.into()) as u32;
                FIND.call(ctx, (id,)).unwrap_or(own)
            }
        }
    }

    fn learn(&mut self, pid: Pid) {
        match self.below(3) {
            0 => self.hidden = ByteBuf::from(rmp_serde::to_vec(&pid).unwrap()),
            _ => self.known.push(pid),
        }
        let surplus = self.known.len().saturating_sub(4);
        self.known.drain(..surplus);
    }

    /// A process of this kind, if there is one.
    fn of_kind(&mut self, kind: u32, ctx: &mut Ctx<'_>) -> Option<Pid> {
        let id = self.below(self.ids.into()) as u32 / KINDS * KINDS + kind;
        FIND.call(ctx, (id,))
    }

    /// A step that any kind can take. Returns whether the process goes on.
    fn act(&mut self, ctx: &mut Ctx<'_>) -> bool {
        let own = ctx.self_pid();
        match self.below(12) {
            0 => {
                let to = self.somebody(ctx);
                ctx.send(to, &Word::Hello(own));
            }
            1 => {
                let (to, other) = (self.somebody(ctx), self.somebody(ctx));
                ctx.send(to, &Word::Hello(other));
            }
            2 => ctx.send(own, &Word::Step(1)),
            3 => {
                let to = self.somebody(ctx);
                ctx.send(to, &Word::Step(2));
            }
            4 => {
                let with = self.somebody(ctx);
                ctx.link(with);
            }
            5 => {
                let with = self.somebody(ctx);
                ctx.unlink(with);
            }
            6 => {
                let on = self.below(2) == 0;
                ctx.trap_exit(on);
            }
            7 => {
                if let Some(clock) = self.of_kind(1, ctx) {
                    ctx.notify(clock, &Word::Step(3));
                }
            }
            8 => {
                if let Some(hall) = self.of_kind(2, ctx) {
                    ctx.notify(hall, &Word::Hello(own));
                }
            }
            9 => {
                if let Some(hall) = self.of_kind(2, ctx) {
                    ctx.add_handler(hall, Atom::from_static("guest"), &(self.id, self.number), 9);
                }
            }
            10 => return self.below(5) > 0,
            _ => {
                let lives = {
                    let whom = self.somebody(ctx);
                    ctx.is_alive(whom)
                };
                self.says(ctx, &format!("lives: {lives}"));
            }
        }
        true
    }
}

/// A gen_server of the company.
#[derive(Serialize, Deserialize)]
struct Member {
    soul: Soul,
    timers: Vec<TimerId>,
    monitors: Vec<MonitorId>,
    asked: Vec<RequestId>,
    owed: Vec<From>,
}

impl Module for Member {
    const NAME: &'static str = "member";
    const VSN: &'static str = "1.0.0";
}

impl GenServer for Member {
    type Args = Args;
    type Call = Word;
    type Cast = Word;

    fn init(args: Args, ctx: &mut Ctx<'_>) -> Result<Member, InitError> {
        let mut soul = Soul::born(args, ctx);
        soul.says(ctx, "is born");
        let pause = 1 + soul.below(20);
        ctx.start_timer(pause, &Word::Beat);
        Ok(Member {
            soul,
            timers: Vec::new(),
            monitors: Vec::new(),
            asked: Vec::new(),
            owed: Vec::new(),
        })
    }

    fn handle_call(&mut self, word: Word, from: From, ctx: &mut Ctx<'_>) -> Next {
        self.soul.says(ctx, &format!("is asked {}", word.kind()));
        match self.soul.below(3) {
            0 => self.owed.push(from),
            _ => ctx.reply(from, &Word::Step(self.soul.id)),
        }
        Next::Wait
    }

    fn handle_cast(&mut self, word: Word, ctx: &mut Ctx<'_>) -> Next {
        self.hears(word, ctx)
    }

    fn handle_info(&mut self, info: Info<'_>, ctx: &mut Ctx<'_>) -> Next {
        let line = match info {
            Info::Message(message) => return self.hears(message.decode().unwrap(), ctx),
            Info::Response { id, result } => {
                let at = self.asked.iter().position(|asked| *asked == id);
                let at = at.map(|at| self.asked.remove(at)).is_some();
                let answer = result.map(|_| ()).map_err(|reason| reason.to_string());
                format!("answer to its own: {at}, {answer:?}")
            }
            Info::Exit { reason, .. } => format!("exit {reason}"),
            Info::Down {
                monitor, reason, ..
            } => {
                let before = self.monitors.len();
                self.monitors.retain(|known| *known != monitor);
                format!(
                    "down of its own: {}, {reason}",
                    before > self.monitors.len()
                )
            }
            Info::PortData { .. } | Info::PortClosed { .. } => "port".to_string(),
        };
        self.soul.says(ctx, &line);
        Next::Wait
    }

    fn handle_continue(&mut self, _term: Message<'_>, ctx: &mut Ctx<'_>) -> Next {
        self.soul.says(ctx, "continues");
        Next::Wait
    }

    fn handle_timeout(&mut self, ctx: &mut Ctx<'_>) -> Next {
        self.soul.says(ctx, "silence");
        Next::Wait
    }

    fn terminate(&mut self, reason: Reason, ctx: &mut Ctx<'_>) {
        self.soul.says(ctx, &format!("ends {reason}"));
    }
}

impl Member {
    fn hears(&mut self, word: Word, ctx: &mut Ctx<'_>) -> Next {
        self.soul.says(ctx, word.kind());
        match word {
            Word::Hello(pid) => {
                self.soul.learn(pid);
                return Next::Wait;
            }
            Word::Step(_) if self.soul.below(3) > 0 => return Next::Wait,
            Word::Step(_) => (),
            Word::Beat => {
                let pause = 1 + self.soul.below(30);
                ctx.start_timer(pause, &Word::Beat);
            }
        }
        self.act(ctx)
    }

    fn act(&mut self, ctx: &mut Ctx<'_>) -> Next {
        match self.soul.below(14) {
            0 | 1 => {
                let pause = 1 + self.soul.below(60);
                self.timers.push(ctx.start_timer(pause, &Word::Step(9)));
            }
            2 | 3 if !self.timers.is_empty() => {
                let at = self.soul.below(self.timers.len() as u64) as usize;
                let timer = self.timers.swap_remove(at);
                let cancelled = ctx.cancel_timer(timer);
                self.soul.says(ctx, &format!("cancels: {cancelled}"));
            }
            4 | 5 => {
                let whom = self.soul.of_kind(0, ctx);
                let whom = whom.unwrap_or_else(|| self.soul.somebody(ctx));
                let patience = 1 + self.soul.below(40);
                self.asked.push(ctx.request(whom, &Word::Step(4), patience));
            }
            6 => {
                for owed in self.owed.drain(..) {
                    ctx.reply(owed, &Word::Beat);
                }
            }
            7 => {
                let whom = self.soul.somebody(ctx);
                self.monitors.push(ctx.monitor(whom));
            }
            8 => self
                .monitors
                .pop()
                .into_iter()
                .for_each(|it| ctx.demonitor(it)),
            9 => ctx.continue_with(&()),
            10 => return Next::WaitAtMost(self.soul.below(12)),
            11 => {
                let own = ctx.self_pid();
                ctx.cast(own, &Word::Step(6));
            }
            _ if self.soul.act(ctx) => (),
            _ if self.soul.below(3) == 0 => return Next::Stop(Reason::Normal),
            _ => return Next::Stop(Reason::tagged("broken", "heart")),
        }
        Next::Wait
    }
}

impl Word {
    fn kind(&self) -> &'static str {
        match self {
            Word::Beat => "beat",
            Word::Step(_) => "step",
            Word::Hello(_) => "hello",
        }
    }
}

/// A gen_fsm of the company, whose data has a soul.
#[derive(Serialize, Deserialize)]
struct Clock {
    soul: Soul,
}

/// The states of a clock.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Stroke {
    Tick,
    Tock,
}

impl Module for Clock {
    const NAME: &'static str = "clock";
    const VSN: &'static str = "1.0.0";
}

impl GenFsm for Clock {
    type State = Stroke;
    type Event = Word;
    type Args = Args;
    type Call = Word;

    fn init(args: Args, ctx: &mut Ctx<'_>) -> Result<Begun<Clock>, InitError> {
        let mut soul = Soul::born(args, ctx);
        let pause = 1 + soul.below(20);
        let step = Step::to(Stroke::Tick).and_send_after(pause, Word::Beat);
        Ok((Clock { soul }, step))
    }

    fn handle_event(&mut self, state: Stroke, word: Word, ctx: &mut Ctx<'_>) -> Step<Stroke, Word> {
        self.soul.says(ctx, &format!("{state:?} {}", word.kind()));
        let other = match state {
            Stroke::Tick => Stroke::Tock,
            Stroke::Tock => Stroke::Tick,
        };
        match word {
            Word::Hello(pid) => {
                self.soul.learn(pid);
                Step::to(state)
            }
            Word::Step(_) if self.soul.below(2) == 0 => {
                Step::to(other).and_send(Word::Hello(ctx.self_pid()))
            }
            Word::Step(_) => Step::to(other).and_time_out_after(self.soul.below(9)),
            Word::Beat if !self.soul.act(ctx) => Step::stop(Reason::tagged("broken", "spring")),
            Word::Beat => {
                let pause = 1 + self.soul.below(25);
                let step = Step::to(other).and_send_after(pause, Word::Beat);
                match self.soul.below(3) {
                    0 => step.and_time_out_after(self.soul.below(9)),
                    _ => step,
                }
            }
        }
    }

    fn handle_call(
        &mut self,
        state: Stroke,
        _word: Word,
        from: From,
        ctx: &mut Ctx<'_>,
    ) -> Step<Stroke, Word> {
        ctx.reply(from, &Word::Step(self.soul.id));
        Step::to(state)
    }

    fn handle_info(
        &mut self,
        state: Stroke,
        info: Info<'_>,
        ctx: &mut Ctx<'_>,
    ) -> Step<Stroke, Word> {
        if let Info::Message(message) = info {
            let word: Word = message.decode().unwrap();
            self.soul
                .says(ctx, &format!("{state:?} info {}", word.kind()));
        }
        // The pulse goes on by events alone.
        Step::to(state)
    }

    fn handle_timeout(&mut self, state: Stroke, ctx: &mut Ctx<'_>) -> Step<Stroke, Word> {
        self.soul.says(ctx, &format!("{state:?} silence"));
        Step::to(state)
    }
}

/// An event manager of the company.
struct Hall;

impl Module for Hall {
    const NAME: &'static str = "hall";
    const VSN: &'static str = "1.0.0";
}

impl EventManager for Hall {
    type Args = Args;

    fn init((id, ..): Args, ctx: &mut Ctx<'_>) -> Result<(), InitError> {
        REGISTER.call(ctx, (id,));
        Ok(())
    }
}

/// A handler of a hall.
#[derive(Serialize, Deserialize)]
struct Guest {
    soul: Soul,
}

impl Module for Guest {
    const NAME: &'static str = "guest";
    const VSN: &'static str = "1.0.0";
}

impl GenEvent for Guest {
    type Args = (u32, u64);
    type Event = Word;
    type Call = Word;

    fn init((id, number): (u32, u64), ctx: &mut Ctx<'_>) -> Result<Guest, InitError> {
        let own = ctx.self_pid();
        let soul = Soul {
            id: 1_000 + id,
            ids: id + 1,
            number,
            known: vec![own],
            hidden: ByteBuf::from(rmp_serde::to_vec(&own).unwrap()),
        };
        Ok(Guest { soul })
    }

    fn handle_event(&mut self, word: Word, ctx: &mut Ctx<'_>) -> Handled {
        self.soul.says(ctx, word.kind());
        if let Word::Hello(pid) = word {
            self.soul.learn(pid);
            ctx.send(pid, &Word::Step(7));
        }
        match self.soul.below(4) {
            0 => Handled::Remove,
            _ => Handled::Ok,
        }
    }

    fn handle_info(&mut self, info: Info<'_>, ctx: &mut Ctx<'_>) -> Handled {
        if let Info::Message(_) = info {
            self.soul.says(ctx, "info");
        }
        Handled::Ok
    }
}

/// A supervisor with the spec of its arguments.
pub(super) struct Stem;

impl Module for Stem {
    const NAME: &'static str = "stem";
    const VSN: &'static str = "1.0.0";
}

impl Supervisor for Stem {
    type Args = (SupSpec,);

    fn init((spec,): (SupSpec,)) -> Result<SupSpec, InitError> {
        Ok(spec)
    }
}

/// A `simple_one_for_one` supervisor of members; the argument is their restart type.
struct Swarm;

impl Module for Swarm {
    const NAME: &'static str = "swarm";
    const VSN: &'static str = "1.0.0";
}

impl Supervisor for Swarm {
    type Args = (u8,);

    fn init((restart,): (u8,)) -> Result<SupSpec, InitError> {
        let restart = match restart {
            0 => Restart::Permanent,
            1 => Restart::Transient,
            _ => Restart::Temporary,
        };
        let mut member = worker::<Member>("member", &(0_u32, 0_u32, 0_u64))
            .restart(restart)
            .shutdown(Shutdown::Timeout(50));
        member.start.args = vec![0x90];
        Ok(supervise(Strategy::SimpleOneForOne, 4, 1, [member]))
    }
}
