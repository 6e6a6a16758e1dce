//! The world of a running node: the code of its code server, the applications of its application controller, its processes, and
//! the children of the supervisors that applications start by themselves.
//!
//! Supervisors that another process started, such as that of one avatar, are not asked for their children: there may be

use std::collections::BTreeMap;

use pq_code::CodeServer;
use pq_otp::application::{AppReply, AppRequest};
use pq_otp::spec::{ChildInfo, Modules, Strategy, SupReply, SupRequest};
use pq_otp::upgrade::Driver;
use pq_otp::{Pid, ProcessInfo, RequestError};

use super::tree::{self, Branch};
use super::world::{Child, Held, Loaded, Process, Supervisor, World};

/// The kind of a supervisor process.
const SUPERVISOR: &str = "supervisor";

/// The time limit for a supervisor's list of children, in ms. The answer takes microseconds, and a little longer during a
/// restart of a child.
const CHILDREN_TIMEOUT_MS: u64 = 1_000;

/// The time limit for a question to a process of the node, in ms, while a script is judged and while it is carried out.
pub(crate) const ASK_TIMEOUT_MS: u64 = 60_000;

/// The parts of a node to look at, besides its code.
#[derive(Clone, Copy)]
pub(crate) struct Looks {
    /// The processes: a shard that lists 100 000 processes does nothing else meanwhile.
    pub(crate) processes: bool,
    /// The applications: the application controller may be busy.
    pub(crate) applications: bool,
}

/// Reads the world of a running node.
pub(crate) fn look<'a>(
    driver: &mut dyn Driver,
    code: &'a CodeServer,
    looks: Looks,
) -> Result<World<'a>, RequestError> {
    let mut world = World::empty(code);
    hold(&mut world, code);
    if looks.processes {
        let processes = driver.processes(ASK_TIMEOUT_MS)?;
        world.processes = processes.into_iter().map(seen).collect();
    }
    if looks.applications {
        know_applications(&mut world, driver)?;
    }
    for (name, functions) in driver.node().services() {
        let functions = functions
            .iter()
            .map(|(name, arity)| ((*name).to_string(), *arity));
        world.services.insert(name.to_string(), functions.collect());
    }
    if looks.processes {
        know_children(&mut world, driver);
    }
    Ok(world)
}

fn know_applications(world: &mut World<'_>, driver: &mut dyn Driver) -> Result<(), RequestError> {
    let AppReply::Data(apps, _) = driver.applications(&AppRequest::Data, ASK_TIMEOUT_MS)? else {
        return Ok(());
    };
    world.knows_applications = true;
    for app in apps {
        for (key, value) in driver.node().env_of(&app.spec.name) {
            world.env.insert((app.spec.name.clone(), key), value);
        }
        let loaded = Loaded {
            running: app.running,
            top: app.top.map(Pid::as_raw),
            spec: app.spec,
        };
        world.applications.insert(loaded.spec.name.clone(), loaded);
    }
    Ok(())
}

/// Adds the modules of the code server, with the manifests of their libraries.
fn hold(world: &mut World<'_>, code: &CodeServer) {
    let libraries: BTreeMap<_, _> = code
        .libraries()
        .into_iter()
        .map(|library| (library.id, library.entries))
        .collect();
    for loaded in code.loaded() {
        let Some(current) = loaded.current else {
            continue;
        };
        let entries = libraries.get(&current.library);
        let entry = entries.and_then(|entries| entries.iter().find(|it| it.name == loaded.name));
        let held = Held {
            module: Some(current.module),
            entry: entry.cloned(),
        };
        world.held.insert(loaded.name.to_string(), held);
    }
}

fn seen(process: ProcessInfo) -> (u64, Process) {
    let supervisor = (process.kind == SUPERVISOR).then(Supervisor::default);
    let known = Process {
        pid: Some(process.pid),
        name: process.registered,
        module: process.module,
        parent: process.parent.map(Pid::as_raw),
        suspended: process.suspended,
        supervisor,
    };
    (process.pid.as_raw(), known)
}

/// Follows the children from the top of each application, as far as supervisors start them by themselves.
fn know_children(world: &mut World<'_>, driver: &mut dyn Driver) {
    let tops: Vec<(u64, Option<Branch>)> = world
        .applications
        .values()
        .filter_map(|app| Some((app.top?, tree::top(world, &app.spec).ok().flatten())))
        .collect();
    let mut known: Vec<(u64, Option<Branch>)> = tops;
    while let Some((id, branch)) = known.pop() {
        let Some(pid) = supervisor_pid(world, id) else {
            continue;
        };
        let spec = branch.as_ref().and_then(|branch| branch.spec.as_ref());
        let strategy = spec.map(|spec| spec.flags.strategy);
        let args = branch.as_ref().map(|branch| branch.start.args.clone());
        let children = match strategy {
            // The children are as many as the avatars, all with one specification.
            Some(Strategy::SimpleOneForOne) => {
                let template = spec.into_iter().flat_map(|spec| &spec.children);
                Some(template.map(|child| Child::of(child, None)).collect())
            }
            _ => which_children(driver, pid).map(|infos| {
                let running = infos
                    .iter()
                    .filter_map(|info| Some((info.pid?.as_raw(), info)));
                known.extend(running.map(|(id, info)| (id, below(branch.as_ref(), info))));
                let children = infos.into_iter();
                children.map(|info| child(branch.as_ref(), info)).collect()
            }),
        };
        if let Some(supervisor) = tree::supervisor_mut(world, id) {
            *supervisor = Supervisor {
                strategy,
                args,
                children,
            };
        }
    }
}

fn supervisor_pid(world: &World<'_>, id: u64) -> Option<Pid> {
    let process = world
        .processes
        .get(&id)
        .filter(|process| !process.suspended)?;
    process.supervisor.as_ref()?;
    process.pid
}

/// `None` when the supervisor has ended meanwhile, is suspended, or is too busy. A busy supervisor fails only the questions
/// about itself.
fn which_children(driver: &mut dyn Driver, pid: Pid) -> Option<Vec<ChildInfo>> {
    match driver.ask_supervisor(pid, &SupRequest::WhichChildren, CHILDREN_TIMEOUT_MS) {
        Ok(SupReply::Children(children)) => Some(children),
        _ => None,
    }
}

/// The branch of a child, if the application starts the child itself.
fn below(branch: Option<&Branch>, info: &ChildInfo) -> Option<Branch> {
    let branch = branch?;
    let at = place(branch, info)?;
    branch.children.get(at).cloned()
}

fn place(branch: &Branch, info: &ChildInfo) -> Option<usize> {
    let children = &branch.spec.as_ref()?.children;
    children.iter().position(|child| child.id == info.id)
}

/// A child, with the contents of its specification where they are known. The list of an event manager lacks its module.
fn child(branch: Option<&Branch>, info: ChildInfo) -> Child {
    let spec = branch.and_then(|branch| {
        let at = place(branch, &info)?;
        branch.spec.as_ref()?.children.get(at)
    });
    let listed = match &info.modules {
        Modules::Of(modules) => modules.first().map(|module| module.as_str().to_string()),
        Modules::Dynamic => None,
    };
    Child {
        module: spec.map_or(listed, |spec| Some(spec.start.module.as_str().to_string())),
        restart: spec.map(|spec| spec.restart),
        process: info.pid.map(Pid::as_raw),
        id: info.id,
        unsure: false,
    }
}
