//! What the game says about a hero to the programs of its players: `pq_player:gmcp/1` of the version that is current,
//! called with the hero's state. What becomes of it, and when it is asked, is `sockserv`'s.
//!
//! ```text
//!   session ─ sys:get_state ─► its hero's name ─► registry ─► hero ─ sys:get_state ─► pq_player:gmcp(State)
//! ```
//! The node asks and the game only describes, so a hero does not know whether anybody looks. Nothing here holds a shard
//! or the sockets' thread: states come by message, and the call is waited for on a thread that may wait.

use std::sync::Arc;

use pq_otp::sys::SysMessage;
use pq_otp::{Ask, Node, Pid, RequestError, Term};
use pq_term::msgpack;
use regis_application::Names;
use sockserv::{Login, Sheet};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::spawn_blocking;

use super::game::login_in;

/// The module of heroes.
const MODULE: &str = "pq_player";

/// How long the function may take: it is pure, and its shard comes to it between two turns.
const CALL_TIMEOUT_MS: u64 = 1_000;

/// How many calls are waited for at once, each on a thread. The shards of a small machine have no more to give, and
/// whoever comes behind them waits for milliseconds.
const CALLS_MAX: usize = 4;

/// Who asks heroes.
pub(super) struct Asker {
    node: Node,
    names: Names,
    calls: Semaphore,
}

impl Asker {
    /// For the heroes of this node, who have these names.
    pub(super) fn new(node: Node, names: Names) -> Arc<Asker> {
        Arc::new(Asker {
            node,
            names,
            calls: Semaphore::new(CALLS_MAX),
        })
    }

    /// The sheet of the hero that plays at this session, an empty one when none does; nothing when it cannot be asked.
    pub(super) async fn ask(&self, session: Pid) -> Option<Sheet> {
        let Login::Playing(hero) = login_in(&self.state(session).await?)? else {
            return Some(Sheet::new());
        };
        let hero = self.names.whereis(&Term::string(hero.name))?;
        let state = self.state(hero).await?;
        let _permit = self.calls.acquire().await.ok()?;
        let node = self.node.clone();
        let described = spawn_blocking(move || describe(&node, &state)).await;
        described
            .unwrap_or_else(|error| Err(format!("the call has panicked: {error}")))
            .inspect_err(|why| tracing::debug!(%hero, why, "a hero cannot be described"))
            .ok()
    }

    /// The state of a process; nothing when it has ended.
    async fn state(&self, process: Pid) -> Option<Term> {
        let (answer, answered) = oneshot::channel();
        // Whoever asked may have given up.
        let on_reply = move |state: Result<Term, _>| drop(answer.send(state));
        self.node
            .sys_request(process, SysMessage::GetState, on_reply);
        answered.await.ok()?.ok()
    }
}

/// A release whose heroes do not describe themselves has nothing to say.
fn describe(node: &Node, state: &Term) -> Result<Sheet, String> {
    let args = msgpack::to_plain_msgpack(&Term::list([state.clone()]));
    match node
        .asking()
        .call_function(MODULE, "gmcp", &args, CALL_TIMEOUT_MS)
    {
        Ok(reply) => rmp_serde::from_slice(&reply).map_err(|error| error.to_string()),
        Err(RequestError::Exit(reason)) if is_undef(&reason.to_term()) => Ok(Sheet::new()),
        Err(error) => Err(error.to_string()),
    }
}

fn is_undef(reason: &Term) -> bool {
    matches!(reason.as_tuple(), Some([tag, _]) if tag.is_atom("undef"))
}
