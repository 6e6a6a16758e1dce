//! Installing a release in a house, with something happening between any two steps of it.

use std::sync::Arc;

use pq_otp::upgrade::{Board, Driver};
use pq_otp::{Module, Node, OnReply, Payload, ProcessInfo, RequestError, Runner, Sim};
use pq_release::handler::{InstallError, Installed, Options, ReleaseHandler};

use super::House;

/// A house in which something happens before each step of a transaction.
struct Meddler<'a> {
    house: &'a mut House,
    step: u32,
    meddle: &'a mut dyn FnMut(&mut House, u32),
}

impl Driver for Meddler<'_> {
    fn node(&self) -> &Node {
        self.house.sim.node()
    }

    fn now_ms(&self) -> u64 {
        Sim::now_ms(&self.house.sim)
    }

    fn begin(&mut self, board: &Arc<Board>) {
        self.house.sim.begin(board);
    }

    fn step(&mut self, board: &Arc<Board>) {
        self.step += 1;
        (self.meddle)(self.house, self.step);
        self.house.sim.step(board);
    }

    fn replace_worker(&mut self, board: &Arc<Board>) {
        self.house.sim.replace_worker(board);
    }

    fn ask(
        &mut self,
        timeout_ms: u64,
        send: &mut dyn FnMut(&Node, OnReply) -> u64,
    ) -> Result<Payload, RequestError> {
        Driver::ask(&mut self.house.sim, timeout_ms, send)
    }

    fn processes(&mut self, timeout_ms: u64) -> Result<Vec<ProcessInfo>, RequestError> {
        Driver::processes(&mut self.house.sim, timeout_ms)
    }

    fn who_runs(&mut self, module: Module, timeout_ms: u64) -> Result<Vec<Runner>, RequestError> {
        Driver::who_runs(&mut self.house.sim, module, timeout_ms)
    }
}

impl House {
    /// Installs a release; `meddle` is called before each step, counted from 1.
    pub fn install(
        &mut self,
        handler: &mut ReleaseHandler,
        vsn: &str,
        options: &Options,
        mut meddle: impl FnMut(&mut House, u32),
    ) -> Result<Installed, InstallError> {
        let mut driver = Meddler {
            house: self,
            step: 0,
            meddle: &mut meddle,
        };
        let installed = handler.install(&mut driver, vsn, options);
        self.sim.settle();
        installed
    }
}
