//! A library for tests that listens to heroes. It belongs to no release.
//!
//! ```text
//!   hero ── events ─► event manager ─► witness: compares each with the hero's model, keeps the first fault
//!   processes end ──────────────────► mourner: records the order of their ends
//! ```

use pq_otp::Ask;
use pq_otp::spec::{self, ManagerReply, ManagerRequest, Start};
use pq_sdk::{Atom, Ctx, From, GenEvent, GenServer, Handled, Info, InitError, Module, Next, Pid};
use pq_words::Report;
use serde::{Deserialize, Serialize};

use super::House;
use super::model::{Fault, Model};

pq_sdk::library! {
    application: "witness", vsn: "1.0.0",
    gen_event Witness,
    gen_server Mourner,
}

/// The witness of one hero, a handler in the hero's event manager.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Witness {
    /// The name of the hero.
    pub name: String,
    /// The expected state of the hero.
    pub model: Model,
    /// The first wrong piece of news.
    pub fault: Option<Fault>,
    /// A hash of all news and their times.
    pub trace: u64,
}

impl Module for Witness {
    const NAME: &'static str = "witness";
    const VSN: &'static str = "1.0.0";
}

impl GenEvent for Witness {
    type Args = (String, Model);
    type Event = Report<'static>;
    type Call = ();

    fn init((name, model): (String, Model), _ctx: &mut Ctx<'_>) -> Result<Witness, InitError> {
        Ok(Witness {
            name,
            model,
            fault: None,
            trace: 0,
        })
    }

    fn handle_event(&mut self, report: Report<'static>, ctx: &mut Ctx<'_>) -> Handled {
        if self.fault.is_none() {
            let now_ms = ctx.now_ms();
            self.fault = self.hear(&report, now_ms).err();
        }
        Handled::Ok
    }

    fn handle_call(&mut self, (): (), from: From, ctx: &mut Ctx<'_>) -> Handled {
        ctx.reply(from, self);
        Handled::Ok
    }
}

impl Witness {
    fn hear(&mut self, report: &Report<'_>, now_ms: u64) -> Result<(), Fault> {
        if report.name != self.name {
            return Err(format!("news of {} came to {}", report.name, self.name));
        }
        self.model.hear(&report.event, now_ms)?;
        let model = &self.model;
        let newest = model.loot.last().map_or(0, |drop| u64::from(*drop) + 1);
        let worn = model
            .worn
            .iter()
            .flatten()
            .map(|worn| u64::from(*worn))
            .sum();
        let strength = u64::from(model.stats.strength);
        for part in [now_ms, model.exp, model.money, newest, worn, strength] {
            self.trace = mixed(self.trace, part);
        }
        Ok(())
    }
}

/// Mixes a number into a trace, as FNV-1a mixes bytes.
pub fn mixed(trace: u64, part: u64) -> u64 {
    (trace ^ part)
        .wrapping_mul(0x0000_0100_0000_01b3)
        .rotate_left(23)
}

/// A process that records the ends of others in their order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Mourner {
    gone: Vec<Pid>,
}

impl Module for Mourner {
    const NAME: &'static str = "mourner";
    const VSN: &'static str = "1.0.0";
}

impl GenServer for Mourner {
    type Args = (Vec<Pid>,);
    type Call = ();
    type Cast = ();

    fn init((watched,): (Vec<Pid>,), ctx: &mut Ctx<'_>) -> Result<Mourner, InitError> {
        for pid in watched {
            ctx.monitor(pid);
        }
        Ok(Mourner { gone: Vec::new() })
    }

    fn handle_call(&mut self, (): (), from: From, ctx: &mut Ctx<'_>) -> Next {
        ctx.reply(from, &self.gone);
        Next::Wait
    }

    fn handle_info(&mut self, info: Info<'_>, _ctx: &mut Ctx<'_>) -> Next {
        if let Info::Down { pid, .. } = info {
            self.gone.push(pid);
        }
        Next::Wait
    }
}

impl House {
    /// Adds a witness to a hero that has just been started.
    pub fn watch_hero(&mut self, name: &str) {
        self.watch_hero_of(name, self.sim.now_ms());
    }

    /// Adds a witness to a hero that was started at `born_ms` and has not fought yet.
    pub fn watch_hero_of(&mut self, name: &str, born_ms: u64) {
        let hero = self.hero(name).expect("the hero has been started").data;
        let model = Model::newborn(&hero, born_ms);
        let args = rmp_serde::to_vec_named(&(name, model)).expect("writing to a Vec cannot fail");
        let request = ManagerRequest::AddHandler(Atom::from_static(Witness::NAME), args);
        let reply = self.ask_manager(name, &request);
        assert_eq!(spec::decode(&reply), Ok(ManagerReply::Ok), "{name}");
    }

    /// The witness of a hero; panics if there is none.
    pub fn witness(&mut self, name: &str) -> Witness {
        let nothing = vec![0xc0];
        let request = ManagerRequest::Call(Atom::from_static(Witness::NAME), nothing);
        let reply = self.ask_manager(name, &request);
        rmp_serde::from_slice(&reply).expect("a witness answers with itself")
    }

    fn ask_manager(&mut self, name: &str, request: &ManagerRequest) -> Vec<u8> {
        let events = self
            .events_of(name)
            .unwrap_or_else(|| panic!("{name} has no event manager"));
        let reply = self.sim.call(events, &spec::encode(request), 5_000);
        reply.expect("an event manager answers").to_vec()
    }

    /// Checks that the processes of a hero live and that its state is as the witness expects. Returns the witness.
    ///
    /// # Errors
    /// Returns the first difference.
    pub fn check_hero(&mut self, name: &str, sup: Pid) -> Result<Witness, Fault> {
        let processes = [Some(sup), self.whereis(name), self.events_of(name)];
        let lives = |pid: &Option<Pid>| pid.is_some_and(|pid| self.sim.node().is_alive(pid));
        if !processes.iter().all(lives) {
            return Err(format!("{name} is not whole: {processes:?}"));
        }
        let witness = self.witness(name);
        if let Some(fault) = &witness.fault {
            return Err(format!("{name}: {fault}"));
        }
        let hero = self
            .hero(name)
            .ok_or_else(|| format!("{name} does not answer"))?;
        witness.model.compare(&hero)?;
        Ok(witness)
    }

    /// Starts a process that records the order in which these processes end.
    pub fn mourn(&mut self, watched: &[Pid]) -> Pid {
        let args = rmp_serde::to_vec_named(&(watched,)).expect("writing to a Vec cannot fail");
        let module = Atom::from_static(Mourner::NAME);
        let started = self.sim.start(Start { module, args });
        started.expect("a mourner starts")
    }

    /// The processes that have ended so far, in order.
    pub fn gone(&mut self, mourner: Pid) -> Vec<Pid> {
        let reply = self.sim.call(mourner, &[0xc0], 5_000);
        rmp_serde::from_slice(&reply.expect("a mourner answers")).expect("a list of pids")
    }
}
