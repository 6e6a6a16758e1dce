//! A node with a company, random trees, and the registry of ids.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use pq_abi::spec::{ChildSpec, ChildType, Modules, SupReply, SupRequest};
use pq_otp::moved::{PutIn, SameVersions, Subtree, Under};
use pq_otp::{Ask, Config, NameRegistry, Node, Pid, Reason, Service, ServiceCall, Term};
use pq_sdk::{Restart, Shutdown, Strategy, SupFlags, SupSpec};

use super::company::{self, Args, KINDS};
use crate::rig::{Rig, encode, start};

/// The number of ids of a company, which is more than a tree has processes.
pub(crate) const IDS: u32 = 36;

/// How long an answer may take on the virtual clock.
pub(crate) const PATIENCE_MS: u64 = 1_000;

/// Random numbers of the test itself.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        let (factor, summand) = (6_364_136_223_846_793_005, 1_442_695_040_888_963_407);
        self.0 = self.0.wrapping_mul(factor).wrapping_add(summand);
        (self.0 >> 33) % end
    }
}

/// The registry of the company: each process registers its id.
#[derive(Clone, Default)]
pub(crate) struct Ids(Arc<Mutex<BTreeMap<u32, Pid>>>);

impl Ids {
    pub(crate) fn install(&self, config: &mut Config) {
        let hook = self.clone();
        config.services.insert("ids", Arc::new(self.clone()));
        config.registry = Some(Box::new(self.clone()));
        config.exited = Some(Box::new(move |pid| {
            hook.0.lock().unwrap().retain(|_, holder| *holder != pid);
        }));
    }

    pub(crate) fn find(&self, id: u32) -> Option<Pid> {
        self.0.lock().unwrap().get(&id).copied()
    }

    pub(crate) fn all(&self) -> BTreeMap<u32, Pid> {
        self.0.lock().unwrap().clone()
    }
}

impl Service for Ids {
    fn call(&self, call: ServiceCall<'_>) -> Result<(), Reason> {
        let (id,): (u32,) = rmp_serde::from_slice(call.args)
            .map_err(|error| Reason::tagged("badarg", &error.to_string()))?;
        match call.function {
            b"register" => {
                self.0.lock().unwrap().insert(id, call.caller);
                *call.holds_name = true;
                call.answer.push(0xc0);
            }
            _ => *call.answer = encode(&self.find(id)),
        }
        Ok(())
    }
}

impl NameRegistry for Ids {
    fn names_of(&self, pid: Pid) -> Vec<Vec<u8>> {
        let ids = self.0.lock().unwrap();
        let own = ids.iter().filter(|(_, holder)| **holder == pid);
        own.map(|(id, _)| encode(id)).collect()
    }

    fn register(&self, node: &Node, name: &[u8], pid: Pid) -> Result<(), String> {
        let id = rmp_serde::from_slice(name).map_err(|error| error.to_string())?;
        let mut ids = self.0.lock().unwrap();
        match ids.get(&id).filter(|holder| node.is_alive(**holder)) {
            Some(holder) => Err(format!("the id {id} is that of {holder}")),
            None => {
                ids.insert(id, pid);
                Ok(())
            }
        }
    }
}

/// A node for a company.
pub(crate) fn node() -> (Rig, Ids) {
    let ids = Ids::default();
    let rig = Rig::with(|config| ids.install(config));
    rig.modules.load(&company::LIBRARY);
    (rig, ids)
}

/// The growth of a random tree.
pub(crate) struct Tree<'a> {
    pub(crate) dice: &'a mut Dice,
    used: [u32; KINDS as usize],
}

impl Tree<'_> {
    pub(crate) fn new(dice: &mut Dice) -> Tree<'_> {
        Tree {
            dice,
            used: [0; KINDS as usize],
        }
    }

    /// The arguments of the next process of this kind.
    pub(crate) fn args(&mut self, kind: u32) -> Args {
        let id = self.used[kind as usize] * KINDS + kind;
        self.used[kind as usize] += 1;
        (id, IDS, self.dice.below(u64::MAX >> 1))
    }

    /// A supervisor with children, and supervisors below it down to this depth.
    pub(crate) fn stem(&mut self, depth: u32) -> SupSpec {
        let strategies = [
            Strategy::OneForOne,
            Strategy::OneForAll,
            Strategy::RestForOne,
        ];
        let children = 1 + self.dice.below(3);
        SupSpec {
            flags: SupFlags {
                strategy: strategies[self.dice.below(3) as usize],
                intensity: 3,
                period_s: 1,
            },
            children: (0..children).map(|at| self.child(at, depth)).collect(),
        }
    }

    fn child(&mut self, at: u64, depth: u32) -> ChildSpec {
        let (start, kind) = match self.dice.below(7) {
            0 | 1 => (start("member", &self.args(0)), ChildType::Worker),
            2 => (start("clock", &self.args(1)), ChildType::Worker),
            3 => (start("hall", &self.args(2)), ChildType::Worker),
            4 => {
                let restart = (self.dice.below(3) as u8,);
                (start("swarm", &restart), ChildType::Supervisor)
            }
            _ if depth > 0 => {
                let below = (self.stem(depth - 1),);
                (start("stem", &below), ChildType::Supervisor)
            }
            _ => (start("member", &self.args(0)), ChildType::Worker),
        };
        let restarts = [Restart::Permanent, Restart::Permanent, Restart::Transient];
        let shutdown = match (kind, self.dice.below(3)) {
            (ChildType::Supervisor, _) => Shutdown::Infinity,
            (ChildType::Worker, 0) => Shutdown::BrutalKill,
            (ChildType::Worker, _) => Shutdown::Timeout(50),
        };
        ChildSpec {
            id: Term::from(at as i64),
            modules: Modules::Of(vec![start.module]),
            start,
            restart: restarts[self.dice.below(3) as usize],
            shutdown,
            kind,
        }
    }
}

/// Starts a random tree, and adds children to its swarms.
pub(crate) fn plant(rig: &mut Rig, dice: &mut Dice) -> Pid {
    let mut tree = Tree::new(dice);
    let spec = tree.stem(2);
    let root = rig.sim.start(start("stem", &(spec,))).unwrap();
    for info in rig.sim.processes() {
        if info.module == "swarm" {
            for _ in 0..tree.dice.below(4) {
                let args = encode(&tree.args(0));
                let request = SupRequest::StartChild(args);
                drop(rig.sim.ask_supervisor(info.pid, &request, PATIENCE_MS));
            }
        }
    }
    root
}

/// A subtree to put in with the current versions.
pub(crate) fn put(subtree: Subtree, under: Option<Under>) -> PutIn {
    let opens = Arc::new(SameVersions);
    PutIn {
        subtree,
        under,
        opens,
    }
}

/// The spec of a tree with one desk of this id.
pub(crate) fn with_desk(id: u32) -> SupSpec {
    let desk = crate::rig::worker("desk", start("desk", &(id,)));
    SupSpec {
        flags: SupFlags {
            strategy: Strategy::OneForOne,
            intensity: 3,
            period_s: 1,
        },
        children: vec![desk],
    }
}

/// Asks the supervisor `grove` for a tree with this spec, and returns its root.
pub(crate) fn grow(asker: &mut impl Ask, grove: Pid, spec: &SupSpec) -> Pid {
    let request = SupRequest::StartChild(encode(&(spec,)));
    match asker.ask_supervisor(grove, &request, PATIENCE_MS).unwrap() {
        SupReply::Started(Some(root)) => root,
        other => panic!("{other:?}"),
    }
}

/// The place of a further child below a supervisor.
pub(crate) fn below(supervisor: Pid) -> Option<Under> {
    let id = None;
    Some(Under { supervisor, id })
}
