//! A simulated node with the whole game: same modules, same supervisors, another clock.

use std::sync::Arc;

use pq_code::CodeServer;
use pq_otp::application::{
    AppReply, AppRequest, AppSpec, CONTROLLER, Controller, Settings, StartType,
};
use pq_otp::{Config, Pid, Sim, Term};
use pq_sdk::pq_abi::raw::LibraryTable;
use pq_sdk::pq_abi::spec::{self, SupReply, SupRequest};
use pq_sdk::{Atom, Reason};
use pq_words::Opts;
use regis_application::Names;

/// A node with Process Quest running.
pub struct House {
    /// The node.
    pub sim: Sim,
    /// Its names.
    pub names: Names,
    /// Its code.
    pub code: Arc<CodeServer>,
}

/// The libraries of release 1.0.0 that have processes, in boot order: name, callback module, table.
const APPLICATIONS: [(&str, &LibraryTable, &[&str]); 3] = [
    ("regis", &regis_application::LIBRARY, &[]),
    ("processquest", &processquest_1_0_0::LIBRARY, &["regis"]),
    ("sockserv", &sockserv_1_0_0::LIBRARY, &["processquest"]),
];

impl House {
    /// Boots release 1.0.0 under this seed.
    pub fn boot(seed: u64) -> House {
        let code = Arc::new(CodeServer::new());
        for (_, library, _) in APPLICATIONS {
            let id = code
                .link_library(library)
                .expect("the library is compiled with this very crate");
            code.make_all_current(id)
                .expect("it was linked in the line above");
        }
        let mut config = Config::new(code.clone());
        config.seed = seed;
        let names = regis_application::install(&mut config);
        let mut house = House {
            sim: Sim::new(config),
            names,
            code,
        };
        house.start_applications();
        house
    }

    fn start_applications(&mut self) {
        let controller = Controller::new(Settings::new(), Settings::new(), Box::new(|_, _| ()));
        self.sim
            .start_native(Box::new(controller))
            .expect("a native process starts");
        for (name, _, applications) in APPLICATIONS {
            let spec = AppSpec {
                name: name.to_string(),
                vsn: "1.0.0".to_string(),
                description: String::new(),
                modules: Vec::new(),
                applications: applications.iter().map(ToString::to_string).collect(),
                callback: Some((Atom::from_static(name), Term::list([]))),
                env: Vec::new(),
            };
            assert_eq!(self.application(&AppRequest::Load(spec)), AppReply::Ok);
            let start = AppRequest::Start(name.to_string(), StartType::Permanent);
            assert_eq!(self.application(&start), AppReply::Ok);
        }
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

    /// Starts a hero as `processquest:start_player` does; the pid is that of its `pq_sup`.
    pub fn start_hero(&mut self, name: &str, opts: &Opts) -> Result<Pid, Term> {
        let supersup = self
            .sim
            .node()
            .whereis("pq_supersup")
            .expect("processquest runs");
        let args = rmp_serde::to_vec_named(&(name, opts)).expect("a Vec takes all bytes");
        match self
            .sim
            .ask_supervisor(supersup, &SupRequest::StartChild(args))
        {
            Ok(SupReply::Started(Some(pid))) => Ok(pid),
            Ok(SupReply::Error(reason)) => Err(reason),
            other => panic!("{other:?}"),
        }
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

    /// A hero's state machine: what `sys:get_state` shows.
    pub fn state_of(&mut self, name: &str) -> Option<Term> {
        let pid = self.whereis(name)?;
        self.sim.sys(pid, pq_otp::sys::SysMessage::GetState).ok()
    }

    /// Ends a process as a bug would.
    pub fn kill(&mut self, pid: Pid) {
        self.sim.exit(pid, Reason::Kill);
    }
}
