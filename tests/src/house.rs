//! A simulated node with the whole game: the modules and supervisors of a real node, with a virtual clock.
//!
//! | module | content |
//! |---|---|
//! | [`client`] | clients without a socket: their input, and their output with its times |
//! | [`tree`] | a simulated node booted from a release tree, with its release handler |
//! | [`upgrade`] | installation of a release with events between its steps |
//! | [`model`] | the next action of a hero and its time: a second implementation of the rules |
//! | [`witness`] | a library that listens to heroes and compares them with their models |
//!
//! This file has the node itself, its applications and its heroes. The tests are in `tests/tests/simulation.rs`.

pub mod client;

pub mod tree;

pub mod upgrade;

pub mod model;

pub mod witness;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use pq_code::CodeServer;
use pq_otp::application::{
    AppReply, AppRequest, AppSpec, CONTROLLER, Controller, Settings, StartType,
};
use pq_otp::{Ask, Config, Pid, Sim, Term};
use pq_release::app::App;
use pq_sdk::Reason;
use pq_sdk::pq_abi::raw::LibraryTable;
use pq_sdk::pq_abi::spec::{self, SupReply, SupRequest};
use pq_words::Opts;
use processquest_1_0_0::pq_player::Whole;
use regis_application::Names;

/// A simulated node that runs Process Quest.
pub struct House {
    /// The simulated node with its virtual clock.
    pub sim: Sim,
    /// The names in the registry of the node.
    pub names: Names,
    /// The code server of the node.
    pub code: Arc<CodeServer>,
    /// The permanent applications that have ended, each of which would have ended a real node.
    ended: Arc<Mutex<Vec<String>>>,
}

/// The libraries of release 1.0.0, and the witness, which belongs to no release.
const LIBRARIES: [&LibraryTable; 4] = [
    &regis_application::LIBRARY,
    &processquest_1_0_0::LIBRARY,
    &sockserv_1_0_0::LIBRARY,
    &witness::LIBRARY,
];

/// The applications that are part of the node. Only their names matter here.
const BUILT_IN: [&str; 3] = ["kernel", "stdlib", "crypto"];

/// The `.app` files of release 1.0.0 in the order of the boot.
const APPLICATIONS: [&str; 3] = [
    regis_application::APP,
    include_str!("../../game-plugins/processquest-1.0.0/processquest.app"),
    include_str!("../../sockserv/plugins/sockserv-1.0.0/sockserv.app"),
];

fn built_in(name: &str) -> String {
    format!(
        "{{application, {name}, [{{description, \"\"}}, {{vsn, \"1.0.0\"}}, {{modules, []}}, \
         {{registered, []}}, {{applications, []}}]}}."
    )
}

/// The options of a hero that starts over a socket: a pace of 800 ms, and 50 experience for the second level.
pub fn socket_opts() -> Opts {
    Opts {
        time: Some(800),
        lvlexp: Some(50),
        ..Opts::default()
    }
}

impl House {
    /// Boots release 1.0.0 with this seed. Its libraries are linked into this program.
    pub fn boot(seed: u64) -> House {
        let code = Arc::new(CodeServer::new());
        for library in LIBRARIES {
            let id = code
                .link_library(library)
                .expect("the library is compiled with this very crate");
            code.make_all_current(id)
                .expect("the library was linked above");
        }
        let mut house = House::empty(code, seed, Settings::new());
        let texts = APPLICATIONS.map(str::to_string);
        for text in BUILT_IN.map(built_in).into_iter().chain(texts) {
            let app = App::parse(Path::new("release 1.0.0"), &text);
            house.begin_application(app.expect("the file is right").spec());
        }
        house
    }

    /// A node that runs only the application controller.
    fn empty(code: Arc<CodeServer>, seed: u64, settings: Settings) -> House {
        let mut config = Config::new(code.clone());
        config.seed = seed;
        let names = regis_application::install(&mut config);
        let mut house = House {
            sim: Sim::new(config),
            names,
            code,
            ended: Arc::default(),
        };
        let ended = house.ended.clone();
        let on_end = move |name: &str, _: &Reason| {
            let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
            ended.push(name.to_string());
        };
        let controller = Controller::new(settings, Settings::new(), Box::new(on_end));
        house
            .sim
            .start_native(Box::new(controller), 60_000)
            .expect("a native process starts");
        house
    }

    fn begin_application(&mut self, spec: AppSpec) {
        let name = spec.name.clone();
        assert_eq!(self.application(&AppRequest::Load(spec)), AppReply::Ok);
        assert_eq!(self.start_application(&name), AppReply::Ok);
    }

    /// Sends a request to the application controller and returns its answer.
    pub fn application(&mut self, request: &AppRequest) -> AppReply {
        let controller = self
            .sim
            .node()
            .whereis(CONTROLLER)
            .expect("the controller was started at boot");
        let reply = self
            .sim
            .call(controller, &spec::encode(request), 60_000)
            .expect("the controller answers");
        spec::decode(&reply).expect("an AppReply")
    }

    /// Starts an application as `application:start(Name, permanent)`.
    pub fn start_application(&mut self, name: &str) -> AppReply {
        self.application(&AppRequest::Start(name.to_string(), StartType::Permanent))
    }

    /// Stops an application as `application:stop(Name)`.
    pub fn stop_application(&mut self, name: &str) -> AppReply {
        self.application(&AppRequest::Stop(name.to_string()))
    }

    /// The permanent applications that have ended, each of which would have ended a real node.
    pub fn ended(&self) -> Vec<String> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.clone()
    }

    /// Sends a request to the supervisor with this local name and returns its answer.
    pub fn ask_supervisor(&mut self, name: &str, request: &SupRequest) -> SupReply {
        let pid = self.local(name);
        self.sim
            .ask_supervisor(pid, request, 60_000)
            .expect("a supervisor answers")
    }

    /// Starts a hero as `processquest:start_player` does; returns the pid of its `pq_sup`.
    pub fn start_hero(&mut self, name: &str, opts: &Opts) -> Result<Pid, Term> {
        let args = rmp_serde::to_vec_named(&(name, opts)).expect("writing to a Vec cannot fail");
        match self.ask_supervisor("pq_supersup", &SupRequest::StartChild(args)) {
            SupReply::Started(Some(pid)) => Ok(pid),
            SupReply::Error(reason) => Err(reason),
            other => panic!("{other:?}"),
        }
    }

    /// Stops a hero as `processquest:stop_player` does.
    pub fn stop_hero(&mut self, sup: Pid) -> SupReply {
        self.ask_supervisor("pq_supersup", &SupRequest::TerminatePid(sup))
    }

    /// The number of children of the supervisor with this local name.
    pub fn count_children(&mut self, name: &str) -> u64 {
        match self.ask_supervisor(name, &SupRequest::CountChildren) {
            SupReply::Count(count) => count.active,
            other => panic!("{other:?}"),
        }
    }

    /// The process with this local name; panics if there is none.
    pub fn local(&self, name: &str) -> Pid {
        self.sim
            .node()
            .whereis(name)
            .unwrap_or_else(|| panic!("{name} does not run"))
    }

    /// The process with this name in the registry.
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.names.whereis(&Term::string(name))
    }

    /// The event manager of a hero.
    pub fn events_of(&self, name: &str) -> Option<Pid> {
        self.names
            .whereis(&Term::tuple([Term::atom("events"), Term::string(name)]))
    }

    /// The `pq_sup` of a hero, found as an operator finds it: as the parent of the hero.
    pub fn sup_of(&self, name: &str) -> Option<Pid> {
        let player = self.whereis(name)?;
        let processes = self.sim.processes();
        let of_player = processes.iter().find(|info| info.pid == player);
        of_player?.parent
    }

    /// Whether nothing is left of a hero: its name and that of its event manager are free.
    pub fn is_gone(&self, name: &str) -> bool {
        self.whereis(name).is_none() && self.events_of(name).is_none()
    }

    /// The state of a hero's state machine as a term, as `sys:get_state` shows it.
    pub fn state_of(&mut self, name: &str) -> Option<Term> {
        let pid = self.whereis(name)?;
        self.sim
            .sys(
                pid,
                pq_otp::sys::SysMessage::GetState,
                pq_otp::sys::TIMEOUT_MS,
            )
            .ok()
    }

    /// The state of a hero's state machine in the type of its module.
    pub fn hero(&mut self, name: &str) -> Option<Whole> {
        let bytes = pq_term::msgpack::to_plain_msgpack(&self.state_of(name)?);
        Some(rmp_serde::from_slice(&bytes).expect("a state of pq_player 1.0.0"))
    }

    /// Kills a process, as a bug would end it.
    pub fn kill(&mut self, pid: Pid) {
        self.sim.exit(pid, Reason::Kill);
    }
}
