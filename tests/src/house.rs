//! A simulated node with the whole game: same modules, same supervisors, another clock.
//!
//! | room | what lives there |
//! |---|---|
//! | [`client`] | clients without a socket: what they type, and what they read at which moment |
//! | [`tree`] | the same booted from a release tree, with its release handler |
//! | [`upgrade`] | a release is installed, and something happens meanwhile |
//! | [`model`] | what a hero must do next and when, written down a second time |
//! | [`witness`] | a library that listens to heroes and compares them with their models |
//!
//! Here are the node itself, its applications and its heroes. What is tested with it stands in
//! `tests/tests/simulation.rs`.

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

/// A node with Process Quest running.
pub struct House {
    /// The node.
    pub sim: Sim,
    /// Its names.
    pub names: Names,
    /// Its code.
    pub code: Arc<CodeServer>,
    /// The applications whose end would have ended the node.
    ended: Arc<Mutex<Vec<String>>>,
}

/// The libraries of release 1.0.0, and the witness, whom no release knows.
const LIBRARIES: [&LibraryTable; 4] = [
    &regis_application::LIBRARY,
    &processquest_1_0_0::LIBRARY,
    &sockserv_1_0_0::LIBRARY,
    &witness::LIBRARY,
];

/// The applications that are part of the node; of them only the names matter here.
const BUILT_IN: [&str; 3] = ["kernel", "stdlib", "crypto"];

/// The `.app` files of release 1.0.0 in boot order.
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

/// What a hero over a socket begins with: a pace of 800 ms, and 50 of experience for the second level.
pub fn socket_opts() -> Opts {
    Opts {
        time: Some(800),
        lvlexp: Some(50),
        ..Opts::default()
    }
}

impl House {
    /// Boots release 1.0.0 under this seed, its libraries linked into this program.
    pub fn boot(seed: u64) -> House {
        let code = Arc::new(CodeServer::new());
        for library in LIBRARIES {
            let id = code
                .link_library(library)
                .expect("the library is compiled with this very crate");
            code.make_all_current(id)
                .expect("it was linked in the line above");
        }
        let mut house = House::empty(code, seed, Settings::new());
        let texts = APPLICATIONS.map(str::to_string);
        for text in BUILT_IN.map(built_in).into_iter().chain(texts) {
            let app = App::parse(Path::new("release 1.0.0"), &text);
            house.begin_application(app.expect("the file is right").spec());
        }
        house
    }

    /// A node on which nothing runs but the application controller.
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

    /// Asks the application controller.
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

    /// `application:start(Name, permanent)`.
    pub fn start_application(&mut self, name: &str) -> AppReply {
        self.application(&AppRequest::Start(name.to_string(), StartType::Permanent))
    }

    /// `application:stop(Name)`.
    pub fn stop_application(&mut self, name: &str) -> AppReply {
        self.application(&AppRequest::Stop(name.to_string()))
    }

    /// The applications, all of them permanent, whose end would have been the end of a real node.
    pub fn ended(&self) -> Vec<String> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.clone()
    }

    /// Asks the supervisor under this local name.
    pub fn ask_supervisor(&mut self, name: &str, request: &SupRequest) -> SupReply {
        let pid = self.local(name);
        self.sim
            .ask_supervisor(pid, request, 60_000)
            .expect("a supervisor answers")
    }

    /// Starts a hero as `processquest:start_player` does; the pid is that of its `pq_sup`.
    pub fn start_hero(&mut self, name: &str, opts: &Opts) -> Result<Pid, Term> {
        let args = rmp_serde::to_vec_named(&(name, opts)).expect("a Vec takes all bytes");
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

    /// How many children a supervisor has that is known by this local name.
    pub fn count_children(&mut self, name: &str) -> u64 {
        match self.ask_supervisor(name, &SupRequest::CountChildren) {
            SupReply::Count(count) => count.active,
            other => panic!("{other:?}"),
        }
    }

    /// The process of a local name, which must be there.
    pub fn local(&self, name: &str) -> Pid {
        self.sim
            .node()
            .whereis(name)
            .unwrap_or_else(|| panic!("{name} does not run"))
    }

    /// The process that has a name in the registry.
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.names.whereis(&Term::string(name))
    }

    /// A hero's event manager.
    pub fn events_of(&self, name: &str) -> Option<Pid> {
        self.names
            .whereis(&Term::tuple([Term::atom("events"), Term::string(name)]))
    }

    /// A hero's `pq_sup`, as an operator finds it: the parent of the hero.
    pub fn sup_of(&self, name: &str) -> Option<Pid> {
        let player = self.whereis(name)?;
        let processes = self.sim.processes();
        let of_player = processes.iter().find(|info| info.pid == player);
        of_player?.parent
    }

    /// Nothing is left of a hero: its name is free, and so is that of its event manager.
    pub fn is_gone(&self, name: &str) -> bool {
        self.whereis(name).is_none() && self.events_of(name).is_none()
    }

    /// A hero's state machine: what `sys:get_state` shows.
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

    /// A hero's state machine, in the words of its module.
    pub fn hero(&mut self, name: &str) -> Option<Whole> {
        let bytes = pq_term::msgpack::to_plain_msgpack(&self.state_of(name)?);
        Some(rmp_serde::from_slice(&bytes).expect("a state of pq_player 1.0.0"))
    }

    /// Ends a process as a bug would.
    pub fn kill(&mut self, pid: Pid) {
        self.sim.exit(pid, Reason::Kill);
    }
}
