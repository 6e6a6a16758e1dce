//! `gen_fsm(3)`: a process that has a state and is driven by events, of which it sends many to itself.

use std::marker::PhantomData;

use pq_abi::plugin::{CallbackData, Refusal};
use pq_abi::{Callback, HostRef, Kind, OpCode, Reason};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::adapter::Stateful;
use crate::codec::{Info, decode, with_message};
use crate::ctx::{Ctx, From};
use crate::migrate::{Migrate, Migration};
use crate::module::{InitError, Module};

/// The result of an event: `{next_state, State, Data}`, and optionally an event that the machine sends to itself.
#[derive(Debug)]
pub struct Step<S, E> {
    end: Result<S, Reason>,
    event: Option<(u64, E)>,
    time_out_ms: Option<u64>,
}

impl<S, E> Step<S, E> {
    /// Goes to this state, or stays in it.
    pub fn to(state: S) -> Step<S, E> {
        Step {
            end: Ok(state),
            event: None,
            time_out_ms: None,
        }
    }

    /// Ends the process (`{stop, Reason, Data}`).
    pub fn stop(reason: Reason) -> Step<S, E> {
        Step {
            end: Err(reason),
            event: None,
            time_out_ms: None,
        }
    }

    /// Also sends `event` to the machine itself at once (`gen_fsm:send_event(self(), Event)`).
    pub fn and_send(self, event: E) -> Step<S, E> {
        self.and_send_after(0, event)
    }

    /// Also sends `event` to the machine itself after `ms` milliseconds.
    pub fn and_send_after(mut self, ms: u64, event: E) -> Step<S, E> {
        self.event = Some((ms, event));
        self
    }

    /// Also calls [`GenFsm::handle_timeout`] when nothing has arrived for `ms` milliseconds (`{next_state, State, Data,
    /// Timeout}`). Any event or message ends the wait, also one from the machine itself; 0 waits until the mailbox is
    /// empty.
    pub fn and_time_out_after(mut self, ms: u64) -> Step<S, E> {
        self.time_out_ms = Some(ms);
        self
    }
}

/// The result of `init`: the data, and the first step.
pub type Begun<T> = (T, Step<<T as GenFsm>::State, <T as GenFsm>::Event>);

/// A state machine. `Self` is its data.
pub trait GenFsm: Module + Serialize + DeserializeOwned + Send {
    /// The type of its states.
    type State: Copy + Serialize + DeserializeOwned + Send;
    /// The type of its events.
    type Event: Serialize + DeserializeOwned;
    /// The arguments of `init`, as a tuple.
    type Args: DeserializeOwned;
    /// The type of its calls, which are `sync_send_all_state_event` in OTP.
    type Call: DeserializeOwned;
    /// The older versions whose [`Machine`] this module converts or keeps (`Module:code_change/4`).
    const MIGRATIONS: &'static [Migration] = &[];

    /// `Module:init/1`: returns the data and the first step.
    fn init(args: Self::Args, ctx: &mut Ctx<'_>) -> Result<Begun<Self>, InitError>;

    /// `Module:StateName/2`: handles one event in the current state.
    fn handle_event(
        &mut self,
        state: Self::State,
        event: Self::Event,
        ctx: &mut Ctx<'_>,
    ) -> Step<Self::State, Self::Event>;

    /// `Module:handle_sync_event/4`; the reply is sent with [`Ctx::reply`].
    fn handle_call(
        &mut self,
        _state: Self::State,
        _request: Self::Call,
        _from: From,
        _ctx: &mut Ctx<'_>,
    ) -> Step<Self::State, Self::Event> {
        Step::stop(Reason::tagged("bad_call", Self::NAME))
    }

    /// `Module:handle_info/3`: handles other messages. The default ignores them.
    fn handle_info(
        &mut self,
        state: Self::State,
        _info: Info<'_>,
        _ctx: &mut Ctx<'_>,
    ) -> Step<Self::State, Self::Event> {
        Step::to(state)
    }

    /// Runs after the time of [`Step::and_time_out_after`] without input (`Module:StateName/2` with `timeout`).
    fn handle_timeout(
        &mut self,
        state: Self::State,
        _ctx: &mut Ctx<'_>,
    ) -> Step<Self::State, Self::Event> {
        Step::to(state)
    }

    /// `Module:terminate/3`: runs before the process ends.
    fn terminate(&mut self, _state: Self::State, _reason: Reason, _ctx: &mut Ctx<'_>) {}
}

/// State and data together, as `sys:get_state` shows and an upgrade converts them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Machine<S, D> {
    /// The current state of the machine.
    pub state: S,
    /// The data of the machine.
    pub data: D,
}

/// A conversion converts the data and keeps the state.
impl<S, Old, New: Migrate<Old>> Migrate<Machine<S, Old>> for Machine<S, New> {
    fn up(old: Machine<S, Old>, ctx: &mut Ctx<'_>) -> Result<Self, Reason> {
        Ok(Machine {
            state: old.state,
            data: New::up(old.data, ctx)?,
        })
    }

    fn down(self, ctx: &mut Ctx<'_>) -> Result<Machine<S, Old>, Reason> {
        Ok(Machine {
            state: self.state,
            data: self.data.down(ctx)?,
        })
    }
}

/// A [`GenFsm`] in the form of the ABI.
pub struct Adapter<T>(PhantomData<T>);

impl<T: GenFsm> Stateful for Adapter<T> {
    type Module = T;
    type State = Machine<T::State, T>;
    const KIND: Kind = Kind::GenFsm;
    const MIGRATIONS: &'static [Migration] = T::MIGRATIONS;

    fn init(host: &mut HostRef, args: &[u8]) -> Result<Self::State, Refusal> {
        let (data, step) = T::init(decode(args)?, &mut Ctx::new(host))?;
        Ok(Machine {
            state: take(step, host)?,
            data,
        })
    }

    fn handle(
        machine: &mut Self::State,
        host: &mut HostRef,
        callback: Callback,
        call: CallbackData<'_>,
    ) -> Result<(), Refusal> {
        let ctx = &mut Ctx::new(host);
        let Machine { state, data } = machine;
        let step = match callback {
            Callback::Event => data.handle_event(*state, decode(call.data)?, ctx),
            Callback::Call => {
                let from = From {
                    pid: crate::Pid::from_raw(call.a),
                    tag: call.b,
                };
                data.handle_call(*state, decode(call.data)?, from, ctx)
            }
            Callback::TimeOut => data.handle_timeout(*state, ctx),
            Callback::Terminate => {
                data.terminate(*state, Reason::from_bytes(call.data), ctx);
                return Ok(());
            }
            other => match Info::from_callback(other, call) {
                Some(info) => data.handle_info(*state, info, ctx),
                None => return Err(Refusal::Undefined(format!("{other:?} of a gen_fsm"))),
            },
        };
        *state = take(step, host)?;
        Ok(())
    }
}

/// Requests the effects of a step and returns its state.
fn take<S, E: Serialize>(step: Step<S, E>, host: &mut HostRef) -> Result<S, Refusal> {
    let state = step
        .end
        .map_err(|reason| Refusal::Stop(reason.to_bytes()))?;
    if let Some((ms, event)) = step.event {
        with_message(&event, |bytes| match ms {
            0 => {
                let own = host.op(OpCode::SelfPid, 0, 0, &[]);
                host.op(OpCode::Notify, own, 0, bytes)
            }
            ms => host.op(OpCode::StartTimer, ms, Callback::Event as u64, bytes),
        });
    }
    // The timeout starts after the event is sent, because an immediate event ends the wait at once.
    if let Some(ms) = step.time_out_ms {
        host.op(OpCode::TimeOut, ms, 0, &[]);
    }
    Ok(state)
}
