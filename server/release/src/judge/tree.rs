//! The processes that an application starts, computed by its own `start` and by the `init` of its supervisors. Both functions
//! are pure.

use pq_otp::application::AppSpec;
use pq_otp::inquiry::Answered;
use pq_otp::spec::{self, ChildSpec, Start, Strategy, SupSpec};
use pq_otp::{Failure, Kind};
use pq_term::{Term, msgpack};

use super::finding::Finding;
use super::world::{Child, Process, ProcessId, Supervisor, World};
use crate::terms::tagged;

/// The greatest depth of a supervision tree; a deeper tree is treated as endless.
const DEPTH_MAX: usize = 50;

/// A process to start, with its descendants.
#[derive(Debug, Clone)]
pub(super) struct Branch {
    pub(super) start: Start,
    /// `None` for a process that is not a supervisor, and for a supervisor that could not be asked.
    pub(super) spec: Option<SupSpec>,
    /// The children that the supervisor starts by itself, in order; a child that is not a supervisor is a branch, too.
    pub(super) children: Vec<Branch>,
}

/// The tree of an application; `None` for an application without processes, and for an unknown tree.
pub(super) fn top(world: &World<'_>, app: &AppSpec) -> Result<Option<Branch>, Finding> {
    let Some((callback, args)) = &app.callback else {
        return Ok(None);
    };
    let name = callback.as_str();
    if !world.held.contains_key(name) && world.unknown.contains(name) {
        return Ok(None);
    }
    match world.kind(name) {
        Some(Kind::Application) => (),
        Some(kind) => {
            return Err(no_callback(
                app,
                name,
                &format!("which is a {}", kind.word()),
            ));
        }
        None => {
            return Err(no_callback(
                app,
                name,
                "which no library of the release has",
            ));
        }
    }
    let module = world.held.get(name).and_then(|held| held.module);
    let (Some(module), Some(inquiry)) = (module, world.inquiry()) else {
        return Ok(None);
    };
    let mut one = vec![0x91];
    one.extend(msgpack::to_msgpack(args));
    match inquiry.call(module, "start", &one) {
        Answered::Result(bytes) => match spec::decode::<Start>(&bytes) {
            Ok(start) => branch(world, &start, 0).map(Some),
            Err(error) => Err(fails(&format!("{name}:start/2"), &error)),
        },
        Answered::Failure(failure) => Err(fails(
            &format!("{name}:start/2"),
            &failure.into_reason().to_string(),
        )),
        Answered::Endless => Err(fails(&format!("{name}:start/2"), "it does not end")),
        Answered::Depends(_) => Ok(None),
    }
}

fn no_callback(app: &AppSpec, module: &str, why: &str) -> Finding {
    Finding::new(
        format!(
            "application `{}` begins with `{module}` (`mod`), {why}; a module with the behaviour of an application would be right",
            app.name
        ),
        tagged("bad_mod", Term::string(module)),
    )
}

fn fails(what: &str, why: &str) -> Finding {
    Finding::new(
        format!("`{what}` fails: {why}"),
        tagged("failed", Term::string(what)),
    )
}

/// A process and its descendants, as a start would make them now.
pub(super) fn branch(world: &World<'_>, start: &Start, depth: usize) -> Result<Branch, Finding> {
    let name = start.module.as_str();
    let leaf = |spec| Branch {
        start: start.clone(),
        spec,
        children: Vec::new(),
    };
    is_process(world, name)?;
    if world.kind(name) != Some(Kind::Supervisor) {
        takes(world, start)?;
        return Ok(leaf(None));
    }
    if depth > DEPTH_MAX {
        return Err(fails(name, "its tree of supervisors has no end"));
    }
    let Some(spec) = specification(world, name, &start.args)? else {
        return Ok(leaf(None));
    };
    let mut branch = leaf(Some(spec));
    let spec = branch.spec.as_ref();
    let children = spec.map_or(&[][..], |spec| &spec.children);
    branch.children = match spec.map(|spec| spec.flags.strategy) {
        Some(Strategy::SimpleOneForOne) => {
            children
                .iter()
                .try_for_each(|child| has_module(world, name, child))?;
            Vec::new()
        }
        _ => {
            let grown = |child: &ChildSpec| {
                has_module(world, name, child)?;
                self::branch(world, &child.start, depth + 1)
            };
            children.iter().map(grown).collect::<Result<_, _>>()?
        }
    };
    Ok(branch)
}

/// The result of a supervisor's `init` now; `None` when it returns `ignore` or cannot be asked.
pub(super) fn specification(
    world: &World<'_>,
    name: &str,
    args: &[u8],
) -> Result<Option<SupSpec>, Finding> {
    let module = world.held.get(name).and_then(|held| held.module);
    let (Some(module), Some(inquiry)) = (module, world.inquiry()) else {
        return Ok(None);
    };
    let what = format!("{name}:init/1");
    match inquiry.call(module, "init", args) {
        Answered::Result(bytes) => match spec::decode::<SupSpec>(&bytes) {
            Ok(spec) => sound(&what, spec).map(Some),
            Err(error) => Err(fails(&what, &error)),
        },
        Answered::Failure(Failure::Ignore) | Answered::Depends(_) => Ok(None),
        Answered::Failure(failure) => Err(fails(&what, &failure.into_reason().to_string())),
        Answered::Endless => Err(fails(&what, "it does not end")),
    }
}

/// Checks what `supervisor:check_childspecs/1` and the supervisor itself would refuse.
fn sound(what: &str, spec: SupSpec) -> Result<SupSpec, Finding> {
    let simple = spec.flags.strategy == Strategy::SimpleOneForOne;
    if simple && spec.children.len() != 1 {
        return Err(fails(
            what,
            "under simple_one_for_one there is one child specification",
        ));
    }
    for (at, child) in spec.children.iter().enumerate() {
        if spec.children[..at].iter().any(|other| other.id == child.id) {
            return Err(fails(
                what,
                &format!("two children have the id `{}`", child.id),
            ));
        }
    }
    Ok(spec)
}

/// The module of a child specification has to exist and to be a process.
fn has_module(world: &World<'_>, supervisor: &str, child: &ChildSpec) -> Result<(), Finding> {
    is_process(world, child.start.module.as_str()).map_err(|finding| Finding {
        sentence: format!(
            "child `{}` of `{supervisor}`: {}",
            child.id, finding.sentence
        ),
        ..finding
    })
}

/// Checks that processes can run a module.
pub(super) fn is_process(world: &World<'_>, name: &str) -> Result<(), Finding> {
    let refuse = |why: String| {
        Err(Finding::new(
            format!("no process of `{name}` can be started: {why}"),
            tagged("bad_child", Term::string(name)),
        ))
    };
    match world.kind(name) {
        Some(kind @ (Kind::Functions | Kind::GenEvent | Kind::Application)) => {
            refuse(format!("it is a {}", kind.word()))
        }
        None if !world.may_have(name) => refuse("there is no such module then".to_string()),
        _ => Ok(()),
    }
}

/// Checks that `init` can decode its argument; its result is not checked.
pub(super) fn takes(world: &World<'_>, start: &Start) -> Result<(), Finding> {
    let name = start.module.as_str();
    let module = world.held.get(name).and_then(|held| held.module);
    let (Some(module), Some(inquiry)) = (module, world.inquiry()) else {
        return Ok(());
    };
    let answered = inquiry.init(module, &start.args);
    match answered.is_badarg() {
        Some(reason) => Err(fails(&format!("{name}:init/1"), &reason.to_string())),
        None => Ok(()),
    }
}

/// Adds the processes of a branch to the world; returns the first of them.
pub(super) fn plant(
    world: &mut World<'_>,
    branch: &Branch,
    parent: Option<ProcessId>,
) -> Result<ProcessId, Finding> {
    let name = branch.start.module.as_str();
    let held = world.held.get(name);
    let registered = held
        .and_then(|held| held.module)
        .and_then(|module| module.registered());
    if let Some(taken) = registered.filter(|taken| world.named(taken).is_some()) {
        return Err(Finding::new(
            format!("`{name}` cannot start: a process is registered as `{taken}` already"),
            tagged("already_started", Term::string(taken)),
        ));
    }
    let is_supervisor = world.kind(name) == Some(Kind::Supervisor);
    let id = world.expect(Process {
        pid: None,
        name: registered.map(str::to_string),
        module: name.to_string(),
        parent,
        suspended: false,
        supervisor: is_supervisor.then(|| Supervisor {
            strategy: branch.spec.as_ref().map(|spec| spec.flags.strategy),
            args: Some(branch.start.args.clone()),
            children: None,
        }),
    });
    if let Some(spec) = &branch.spec {
        let mut children = Vec::new();
        let mut grown = branch.children.iter();
        for child in &spec.children {
            let process = match grown.next() {
                Some(below) => Some(plant(world, below, Some(id))?),
                None => None,
            };
            children.push(Child::of(child, process));
        }
        if let Some(supervisor) = supervisor_mut(world, id) {
            supervisor.children = Some(children);
        }
    }
    Ok(id)
}

pub(super) fn supervisor_mut<'w>(
    world: &'w mut World<'_>,
    id: ProcessId,
) -> Option<&'w mut Supervisor> {
    world.processes.get_mut(&id)?.supervisor.as_mut()
}

impl Child {
    pub(super) fn of(spec: &ChildSpec, process: Option<ProcessId>) -> Child {
        Child {
            id: spec.id.clone(),
            module: Some(spec.start.module.as_str().to_string()),
            restart: Some(spec.restart),
            process,
            unsure: false,
        }
    }
}
