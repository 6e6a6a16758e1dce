//! The door's questions about players, which the game's own processes answer as the release defines (`game`).
//! `sockserv` decides when to ask and how to use the answers.
//!
//! ```text
//!   login   session ─ sys:get_state ─► its state ─► {who, …}: read there, or Module:Function(State)
//!   sheet   the same ─► the avatar's name ─► registry ─► avatar ─ sys:get_state ─► {sheet, …}: Module:Function(State)
//! ```
//! The node asks and the game only describes, so an avatar does not know about observers. These functions block
//! neither a shard nor the sockets' thread: states and the results of calls arrive by message.

use std::sync::Arc;
use std::time::Duration;

use pq_login::Secret;
use pq_otp::sys::SysMessage;
use pq_otp::{Node, Payload, Pid, Reason, RequestError, Term};
use pq_term::msgpack::{from_msgpack, to_plain_msgpack};
use regis_application::Names;
use sockserv::settings::game::Answer;
use sockserv::{Avatar, Game, Login, Sealed, Sheet};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use super::game::{self, Function, Places, Who};
use crate::boot::Booted;
use crate::words::Words;

/// The limit for a call, together with its wait for a permit. The function is pure and takes microseconds; a machine
/// with much other load may need longer. The question fails after this time, and its place in the queue is free.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The number of concurrent calls of one function, each on one of the runtime's eight threads for calls. Further calls
/// wait for milliseconds. When both functions of the game never return, half of those threads remain for operators.
const CALLS_MAX: usize = 2;

/// The game of a node, as the door asks it.
#[derive(Clone)]
pub(super) struct Asker(Arc<Asks>);

struct Asks {
    node: Node,
    /// The registry with the names of avatars.
    names: Names,
    words: Arc<Words>,
    who: Option<Who>,
    sheet: Option<Function>,
    /// Permits for calls of `who`: no login waits for a sheet.
    who_calls: Arc<Semaphore>,
    /// Permits for calls of `sheet`.
    sheet_calls: Arc<Semaphore>,
}

impl Asker {
    /// Creates the asker for this game of the node.
    pub(super) fn new(booted: &Booted, game: &game::Game) -> Asker {
        Asker(Arc::new(Asks {
            node: booted.node().clone(),
            names: booted.names().clone(),
            words: booted.words().clone(),
            who: game.who.clone(),
            sheet: game.sheet.clone(),
            who_calls: Arc::new(Semaphore::new(CALLS_MAX)),
            sheet_calls: Arc::new(Semaphore::new(CALLS_MAX)),
        }))
    }
}

impl Game for Asker {
    fn login(&self, session: Pid, answer: Answer<Login>) {
        let asks = self.0.clone();
        tokio::spawn(async move { answer(asks.login(session).await) });
    }

    fn sheet(&self, session: Pid, answer: Answer<Option<Sheet>>) {
        let asks = self.0.clone();
        tokio::spawn(async move { answer(asks.sheet(session).await) });
    }

    fn forget(&self, name: String, token: Sealed) {
        self.0.words.forget(name, Secret::new(token.to_vec()));
    }
}

impl Asks {
    /// The player at this session, after the session has handled its earlier messages. If the question fails, the
    /// session counts as playing without a name.
    async fn login(&self, session: Pid) -> Login {
        let Some(who) = &self.who else {
            return Login::Playing(Avatar::default());
        };
        let Some(state) = self.state(session).await else {
            return Login::Nobody;
        };
        match who {
            Who::State(places) => places.login(&state),
            Who::Function(function) => self.login_by(function, state).await,
        }
    }

    /// During an upgrade the environment may name the function before or after the module has it; the question is
    /// then repeated.
    async fn login_by(&self, function: &Function, state: Term) -> Login {
        let answer = match call(&self.node, function, state, &self.who_calls).await {
            Ok(answer) => from_msgpack(&answer).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match answer {
            Ok(answer) => Places::of_answer().login(&answer),
            Err(why) => {
                tracing::debug!(%function, why, "failed to find the avatar of a session");
                Login::Unknown
            }
        }
    }

    /// The sheet of the avatar that plays at this session: empty without an avatar, `None` if the question fails.
    async fn sheet(&self, session: Pid) -> Option<Sheet> {
        let sheet = self.sheet.as_ref()?;
        let avatar = match self.login(session).await {
            Login::Playing(avatar) => avatar,
            Login::Unknown => return None,
            Login::Nobody | Login::Named(_) | Login::Arriving(_) => return Some(Sheet::new()),
        };
        let avatar = self.names.whereis(&Term::string(avatar.name))?;
        let state = self.state(avatar).await?;
        let described = match call(&self.node, sheet, state, &self.sheet_calls).await {
            Ok(reply) => rmp_serde::from_slice(&reply).map_err(|error| error.to_string()),
            // Avatars of a release without `sheet` have no description.
            Err(RequestError::Exit(reason)) if is_undef(&reason.to_term()) => Ok(Sheet::new()),
            Err(error) => Err(error.to_string()),
        };
        let described = described
            .inspect_err(|why| tracing::debug!(%avatar, why, "failed to describe an avatar"));
        described.ok()
    }

    /// The state of a process; `None` if the process has ended.
    async fn state(&self, process: Pid) -> Option<Term> {
        let (answer, answered) = oneshot::channel();
        // The caller may have stopped waiting.
        let on_reply = move |state: Result<Term, _>| drop(answer.send(state));
        self.node
            .sys_request(process, SysMessage::GetState, on_reply);
        answered.await.ok()?.ok()
    }
}

/// Calls a function with a state. The permit is returned by the end of the function, not by that of the question: a
/// function that does not end occupies at most [`CALLS_MAX`] threads.
pub(super) async fn call(
    node: &Node,
    function: &Function,
    state: Term,
    permits: &Arc<Semaphore>,
) -> Result<Payload, RequestError> {
    let called = async {
        // The semaphore is never closed.
        let permit = permits.clone().acquire_owned().await;
        let (answer, answered) = oneshot::channel();
        let on_reply = move |result: Result<Payload, Reason>| {
            drop(permit);
            // The caller may have stopped waiting.
            drop(answer.send(result));
        };
        let args = to_plain_msgpack(&Term::list([state]));
        node.function_request(&function.module, &function.function, &args, on_reply);
        answered.await.unwrap_or(Err(Reason::Killed))
    };
    let timed_out = |_| RequestError::Timeout(CALL_TIMEOUT.as_millis() as u64);
    let called = timeout(CALL_TIMEOUT, called).await.map_err(timed_out)?;
    called.map_err(RequestError::Exit)
}

fn is_undef(reason: &Term) -> bool {
    matches!(reason.as_tuple(), Some([tag, _]) if tag.is_atom("undef"))
}
