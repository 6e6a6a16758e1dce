//! Who lets a node go on while a transaction waits for it: the real clock, or a simulation.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pq_abi::Module;
use pq_abi::crash::watch_thread;
use pq_abi::spec::{self, SupReply, SupRequest};
use pq_term::Pid;

use super::board::Board;
use crate::application::{AppReply, AppRequest, CONTROLLER};
use crate::message::Payload;
use crate::node::Runner;
use crate::node::{Node, OnReply, RequestError};
use crate::process::ProcessInfo;
use crate::run_clock::RunClock;
use crate::sim::Sim;
use crate::sys::SysMessage;

/// How often the coordinator looks for conversions that do not end.
const LOOK: Duration = Duration::from_millis(10);

/// What a transaction needs of the world around the shards.
pub trait Driver {
    /// The node.
    fn node(&self) -> &Node;
    /// A clock in milliseconds, for deadlines: it counts the time in which the node could run, if it is looked at
    /// again and again.
    fn now_ms(&self) -> u64;
    /// A transaction begins: states are to be converted from now on.
    fn begin(&mut self, board: &Arc<Board>);
    /// Lets the node go on for a moment, or until somebody has something to say.
    fn step(&mut self, board: &Arc<Board>);
    /// One of those who convert does not come back.
    fn replace_worker(&mut self, board: &Arc<Board>);
    /// Sends something that is answered, and lets the node go on until it is; in vain, when a shard stands still.
    fn ask(
        &mut self,
        timeout_ms: u64,
        send: &mut dyn FnMut(&Node, OnReply) -> u64,
    ) -> Result<Payload, RequestError>;
    /// All processes.
    ///
    /// # Errors
    /// When a shard does not answer in time.
    fn processes(&mut self, timeout_ms: u64) -> Result<Vec<ProcessInfo>, RequestError>;
    /// The processes that run this version ([`Node::who_runs`]).
    ///
    /// # Errors
    /// When a shard does not answer in time.
    fn who_runs(&mut self, module: Module, timeout_ms: u64) -> Result<Vec<Runner>, RequestError>;
}

impl dyn Driver + '_ {
    /// Asks the application controller.
    ///
    /// # Errors
    /// When there is none, or it does not answer in time.
    pub fn applications(
        &mut self,
        request: &AppRequest,
        timeout_ms: u64,
    ) -> Result<AppReply, RequestError> {
        let controller = self.node().whereis(CONTROLLER);
        let controller = controller.ok_or_else(|| RequestError::NoName(CONTROLLER.to_string()))?;
        let reply = self.call(controller, &spec::encode(request), timeout_ms)?;
        spec::decode(&reply).map_err(RequestError::BadReply)
    }

    /// Asks a supervisor.
    ///
    /// # Errors
    /// When it does not answer in time, or is none.
    pub fn supervisor(
        &mut self,
        to: Pid,
        request: &SupRequest,
        timeout_ms: u64,
    ) -> Result<SupReply, RequestError> {
        let reply = self.call(to, &spec::encode(request), timeout_ms)?;
        spec::decode(&reply).map_err(RequestError::BadReply)
    }

    /// Asks a process (`gen_server:call/3`).
    ///
    /// # Errors
    /// When it does not answer in time, or ends before.
    pub fn call(&mut self, to: Pid, data: &[u8], timeout_ms: u64) -> Result<Payload, RequestError> {
        self.ask(timeout_ms, &mut |node, on_reply| {
            node.send_call(to, data, on_reply)
        })
    }

    /// Calls a function of a module's current version in nobody's name.
    ///
    /// # Errors
    /// As [`Node::call_function`].
    pub fn call_function(
        &mut self,
        module: &str,
        function: &str,
        args: &[u8],
        timeout_ms: u64,
    ) -> Result<Payload, RequestError> {
        self.ask(timeout_ms, &mut |node, on_reply| {
            node.send_function(module, function, args, on_reply)
        })
    }

    /// Suspends a process, or lets it go on (`sys:suspend/2`, `sys:resume/2`).
    ///
    /// # Errors
    /// When it does not answer in time, or ends before.
    pub fn suspend(&mut self, pid: Pid, on: bool, timeout_ms: u64) -> Result<(), RequestError> {
        let message = || match on {
            true => SysMessage::Suspend,
            false => SysMessage::Resume,
        };
        self.sys(pid, &message, timeout_ms)
    }

    /// Sends a system message, and passes over what the process answers.
    ///
    /// # Errors
    /// When it does not answer in time, or ends before.
    pub fn sys(
        &mut self,
        pid: Pid,
        message: &dyn Fn() -> SysMessage,
        timeout_ms: u64,
    ) -> Result<(), RequestError> {
        let send = &mut |node: &Node, on_reply| node.send_sys(pid, message(), on_reply);
        self.ask(timeout_ms, send).map(drop)
    }
}

/// A node under the real clock: as many threads convert as there are shards.
pub struct Live {
    node: Node,
    started: Instant,
    /// Its deadlines are those of work, and nothing works while the program is stopped.
    clock: Cell<RunClock>,
}

impl Live {
    /// For this node.
    pub fn new(node: Node) -> Live {
        Live {
            node,
            started: Instant::now(),
            clock: Cell::default(),
        }
    }

    /// A thread that cannot be had is missed only as a helper: the transaction takes longer, or, without any,
    /// runs into its deadline.
    fn hire(&self, board: &Arc<Board>) {
        let (board, node) = (board.clone(), self.node.clone());
        let builder = std::thread::Builder::new().name("pq-code-change".to_string());
        if let Err(error) = builder.spawn(move || {
            watch_thread();
            board.work(&node);
        }) {
            tracing::error!(%error, "no thread to convert states");
        }
    }
}

impl Driver for Live {
    fn node(&self) -> &Node {
        &self.node
    }

    fn now_ms(&self) -> u64 {
        let mut clock = self.clock.get();
        let ran_ms = clock.look(self.started.elapsed().as_millis() as u64);
        self.clock.set(clock);
        ran_ms
    }

    fn begin(&mut self, board: &Arc<Board>) {
        for _ in 0..self.node.shards() {
            self.hire(board);
        }
    }

    fn step(&mut self, board: &Arc<Board>) {
        board.wait(LOOK);
    }

    fn replace_worker(&mut self, board: &Arc<Board>) {
        self.hire(board);
    }

    fn ask(
        &mut self,
        timeout_ms: u64,
        send: &mut dyn FnMut(&Node, OnReply) -> u64,
    ) -> Result<Payload, RequestError> {
        self.node
            .wait_while_answering(timeout_ms, |on_reply| send(&self.node, on_reply))
    }

    fn processes(&mut self, timeout_ms: u64) -> Result<Vec<ProcessInfo>, RequestError> {
        self.node.processes(timeout_ms)
    }

    fn who_runs(&mut self, module: Module, timeout_ms: u64) -> Result<Vec<Runner>, RequestError> {
        self.node.who_runs(module, timeout_ms)
    }
}

/// A simulated node goes on for a virtual millisecond; states are converted in between.
impl Driver for Sim {
    fn node(&self) -> &Node {
        Sim::node(self)
    }

    fn now_ms(&self) -> u64 {
        Sim::now_ms(self)
    }

    fn begin(&mut self, _: &Arc<Board>) {}

    fn step(&mut self, board: &Arc<Board>) {
        self.run_ms(1);
        board.work_now(Sim::node(self));
    }

    fn replace_worker(&mut self, _: &Arc<Board>) {}

    fn ask(
        &mut self,
        timeout_ms: u64,
        send: &mut dyn FnMut(&Node, OnReply) -> u64,
    ) -> Result<Payload, RequestError> {
        Sim::ask(self, timeout_ms, |node, on_reply| {
            send(node, on_reply);
        })
    }

    fn processes(&mut self, _: u64) -> Result<Vec<ProcessInfo>, RequestError> {
        Ok(Sim::processes(self))
    }

    fn who_runs(&mut self, module: Module, _: u64) -> Result<Vec<Runner>, RequestError> {
        Ok(Sim::who_runs(self, module))
    }
}
