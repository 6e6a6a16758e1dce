//! The states and names of arriving processes: everything that can fail.

use pq_abi::{Failure, Kind, Module};
use pq_term::Pid;
use serde_bytes::ByteBuf;

use super::numbers::Numbers;
use super::opens::{Closed, Opened, Opens, Part, Residue};
use super::value::{Moved, MovedBody, MovedHandler};
use crate::node::Node;
use crate::process::{Body, Flag, Handler, SupervisorBody};
use crate::residue::Residues;
use crate::shard::Shard;
use crate::supervisor::Supervisor;

impl Shard {
    /// Gives the processes their states and names. An error names the process as it was before the move.
    pub(super) fn fill_all(
        &mut self,
        processes: &mut [Moved],
        numbers: &Numbers,
        opens: &dyn Opens,
    ) -> Result<(), String> {
        let sentence = |process: &Moved, why| {
            let (module, vsn, old) = (&process.module, &process.vsn, numbers.old(process.pid));
            format!("{module}-{vsn} ({old}) cannot be put in: {why}")
        };
        for process in processes.iter_mut() {
            let filled = self.fill(process, opens);
            filled.map_err(|why| sentence(process, why))?;
        }
        // Others see a name at once, so all states are there before.
        for process in processes.iter() {
            let named = self.give_names(process);
            named.map_err(|why| sentence(process, why))?;
        }
        Ok(())
    }

    fn fill(&mut self, moved: &mut Moved, opens: &dyn Opens) -> Result<(), String> {
        let pid = moved.pid;
        let (part, bytes) = match &mut moved.body {
            MovedBody::State(state) => (Part::State, std::mem::take(state)),
            MovedBody::Handlers(_) => (Part::Manager, ByteBuf::new()),
            MovedBody::Supervisor(args, _) => (Part::Supervisor, std::mem::take(args)),
        };
        let closed = Closed {
            part,
            module: moved.module.clone(),
            vsn: moved.vsn.clone(),
            bytes: bytes.into_vec(),
            residues: std::mem::take(&mut moved.residues),
        };
        let Opened {
            module,
            bytes,
            residues,
        } = open(&self.core.node, opens, closed)?;
        let body = match &mut moved.body {
            MovedBody::State(_) => {
                check_kind(module, &[Kind::GenServer, Kind::GenFsm])?;
                Body::Callback(self.import(pid, module, &bytes)?)
            }
            MovedBody::Handlers(handlers) => {
                check_kind(module, &[Kind::EventManager])?;
                let handlers = std::mem::take(handlers).into_iter();
                let handlers = handlers.map(|handler| self.handler(pid, handler, opens));
                Body::Manager(handlers.collect::<Result<_, String>>()?)
            }
            MovedBody::Supervisor(_, rest) => {
                check_kind(module, &[Kind::Supervisor])?;
                let machine = Supervisor::resume((**rest).clone(), self.core.now_ms)?;
                self.supervisor_of(moved, module, machine, bytes)?
            }
        };
        let residues = Residues::moved(residues_in(&residues))?;
        if let Some(process) = self.slab.get_mut(pid) {
            process.module = Some(module);
            process.parent = moved.parent;
            process.body = body;
            process.set_residues(residues);
            process.flags.set(Flag::TrapsExit, moved.traps_exit);
            process.flags.set(Flag::Suspended, moved.suspended);
        }
        Ok(())
    }

    fn import(&mut self, pid: Pid, module: Module, bytes: &[u8]) -> Result<pq_abi::State, String> {
        let state = self.in_callback(pid, |host| module.import(host, bytes));
        state.map_err(|failure| {
            format!(
                "{module:?} does not take its state: {}",
                failure.into_reason()
            )
        })
    }

    fn handler(
        &mut self,
        pid: Pid,
        handler: MovedHandler,
        opens: &dyn Opens,
    ) -> Result<Handler, String> {
        let closed = Closed {
            part: Part::Handler,
            module: handler.module,
            vsn: handler.vsn,
            bytes: handler.state.into_vec(),
            residues: handler.residues,
        };
        let opened = open(&self.core.node, opens, closed)?;
        check_kind(opened.module, &[Kind::GenEvent])?;
        Ok(Handler {
            state: self.import(pid, opened.module, &opened.bytes)?,
            residues: Residues::moved(residues_in(&opened.residues))?,
        })
    }

    /// A supervisor. Another version than before gives it new specifications.
    fn supervisor_of(
        &mut self,
        moved: &Moved,
        module: Module,
        mut machine: Supervisor,
        args: Vec<u8>,
    ) -> Result<Body, String> {
        if module.vsn() != moved.vsn {
            let spec = self.in_callback(moved.pid, |host| module.call(host, "init", &args));
            match spec {
                Ok(spec) => machine.replace_spec(&spec).map_err(|why| why.to_string())?,
                Err(Failure::Ignore) => (),
                Err(failure) => return Err(failure.into_reason().to_string()),
            }
        }
        let args = args.into_boxed_slice();
        Ok(Body::Supervisor(Box::new(SupervisorBody { machine, args })))
    }

    fn give_names(&mut self, moved: &Moved) -> Result<(), String> {
        let pid = moved.pid;
        let local = self.give_name(pid, moved.registered.as_deref());
        local.map_err(|holder| {
            let name = moved.registered.as_deref().unwrap_or_default();
            format!(
                "the name {name} is that of {}",
                self.core.node.called(holder)
            )
        })?;
        if moved.names.is_empty() {
            return Ok(());
        }
        // Before the names: the end of the process frees them.
        self.note_name(pid, true);
        let node = &self.core.node;
        let Some(registry) = &node.config().registry else {
            return Err("it has names, and this node has no registry".to_string());
        };
        moved
            .names
            .iter()
            .try_for_each(|name| registry.register(node, name, pid))
    }
}

/// Opens a part; an error names the handler, which the process does not.
fn open(node: &Node, opens: &dyn Opens, closed: Closed) -> Result<Opened, String> {
    let handler = match closed.part {
        Part::Handler => Some(format!("handler {}-{}: ", closed.module, closed.vsn)),
        Part::State | Part::Manager | Part::Supervisor => None,
    };
    let opened = opens.open(node, closed);
    opened.map_err(|why| format!("{}{why}", handler.unwrap_or_default()))
}

fn check_kind(module: Module, kinds: &[Kind]) -> Result<(), String> {
    match kinds.contains(&module.kind()) {
        true => Ok(()),
        false => Err(format!("{module:?} is of kind {}", module.kind().word())),
    }
}

fn residues_in(residues: &[Residue]) -> impl Iterator<Item = (&str, &[u8])> {
    residues
        .iter()
        .map(|residue| (&*residue.vsn, &residue.bytes[..]))
}
