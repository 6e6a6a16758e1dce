//! The states and names of arriving processes: everything that can fail.

use pq_abi::{Failure, Kind, Module};
use pq_term::Pid;
use serde_bytes::ByteBuf;

use super::numbers::Numbers;
use super::opens::{Closed, Opened, Opens, Part, Residue};
use super::value::{Moved, MovedBody, MovedHandler, name_of_all};
use crate::crowd::CrowdChange;
use crate::process::{Body, Flag, Handler, SupervisorBody};
use crate::shard::Shard;
use crate::supervisor::{Supervisor, SupervisorAtRest};

/// The new content of a process.
struct Filled {
    module: Module,
    body: Body,
    residues: Vec<Residue>,
}

/// Opens the handlers of a manager.
#[derive(Clone, Copy)]
struct Opener<'a> {
    opens: &'a dyn Opens,
    /// The name for the random numbers of their conversions ([`Closed::name`]).
    name: &'a [u8],
}

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
        let name = name_of_all(processes).to_vec();
        for process in processes.iter_mut() {
            let filled = self.fill(process, &name, opens);
            filled.map_err(|why| sentence(process, why))?;
        }
        // Others see a name at once, so all states are there before.
        for process in processes.iter() {
            let named = self.give_names(process);
            named.map_err(|why| sentence(process, why))?;
        }
        Ok(())
    }

    fn fill(&mut self, moved: &mut Moved, name: &[u8], opens: &dyn Opens) -> Result<(), String> {
        let name = moved.names.first().map_or(name, |own| &own[..]);
        let body = std::mem::replace(&mut moved.body, MovedBody::Handlers(Vec::new()));
        let residues = std::mem::take(&mut moved.residues);
        let closed = |part, bytes: ByteBuf| Closed {
            part,
            module: &moved.module,
            vsn: &moved.vsn,
            name,
            bytes: bytes.into_vec(),
            residues,
        };
        let filled = match body {
            MovedBody::State(state) => {
                let opened = opens.open(&self.core.node, closed(Part::State, state))?;
                self.opened_state(moved.pid, opened)?
            }
            MovedBody::Handlers(handlers) => {
                let opened = opens.open(&self.core.node, closed(Part::Manager, ByteBuf::new()))?;
                self.opened_manager(moved.pid, opened, handlers, Opener { opens, name })?
            }
            MovedBody::Supervisor(args, rest) => {
                let opened = opens.open(&self.core.node, closed(Part::Supervisor, args))?;
                let is_same = opened.module.vsn() == moved.vsn;
                self.opened_supervisor(moved.pid, opened, *rest, is_same)?
            }
        };
        let residues = Residue::into_residues(&filled.residues)?;
        if let Some(process) = self.slab.get_mut(moved.pid) {
            let (node, was) = (&self.core.node, process.module);
            self.tallies.change(node, was, filled.module);
            process.module = Some(filled.module);
            process.parent = moved.parent;
            process.body = filled.body;
            process.set_residues(residues);
            process.flags.set(Flag::TrapsExit, moved.traps_exit);
            process.flags.set(Flag::Suspended, moved.suspended);
        }
        self.tell_crowd(moved.pid, CrowdChange::Runs);
        Ok(())
    }

    fn opened_state(&mut self, pid: Pid, opened: Opened) -> Result<Filled, String> {
        let (module, residues) = (opened.module, opened.residues);
        check_kind(module, &[Kind::GenServer, Kind::GenFsm])?;
        let body = Body::Callback(self.import(pid, module, &opened.bytes)?);
        Ok(Filled {
            module,
            body,
            residues,
        })
    }

    fn opened_manager(
        &mut self,
        pid: Pid,
        opened: Opened,
        handlers: Vec<MovedHandler>,
        opener: Opener<'_>,
    ) -> Result<Filled, String> {
        let (module, residues) = (opened.module, opened.residues);
        check_kind(module, &[Kind::EventManager])?;
        let handlers = handlers.into_iter();
        let handlers = handlers.map(|handler| self.handler(pid, handler, opener));
        let body = Body::Manager(handlers.collect::<Result<_, String>>()?);
        Ok(Filled {
            module,
            body,
            residues,
        })
    }

    /// A supervisor. Another version than before gives it new specifications.
    fn opened_supervisor(
        &mut self,
        pid: Pid,
        opened: Opened,
        rest: SupervisorAtRest,
        is_same: bool,
    ) -> Result<Filled, String> {
        let Opened {
            module,
            bytes,
            residues,
        } = opened;
        check_kind(module, &[Kind::Supervisor])?;
        let mut machine = Supervisor::resume(rest, self.core.now_ms)?;
        if !is_same {
            let spec = self.in_callback(pid, |host| module.call(host, "init", &bytes));
            match spec {
                Ok(spec) => machine.replace_spec(&spec).map_err(|why| why.to_string())?,
                Err(Failure::Ignore) => (),
                Err(failure) => return Err(failure.into_reason().to_string()),
            }
        }
        let args = bytes.into_boxed_slice();
        let body = Body::Supervisor(Box::new(SupervisorBody { machine, args }));
        Ok(Filled {
            module,
            body,
            residues,
        })
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
        opener: Opener<'_>,
    ) -> Result<Handler, String> {
        let closed = Closed {
            part: Part::Handler,
            module: &handler.module,
            vsn: &handler.vsn,
            name: opener.name,
            bytes: handler.state.into_vec(),
            residues: handler.residues,
        };
        let opened = opener
            .opens
            .open(&self.core.node, closed)
            .map_err(|why| format!("handler {}-{}: {why}", handler.module, handler.vsn))?;
        check_kind(opened.module, &[Kind::GenEvent])?;
        Ok(Handler {
            state: self.import(pid, opened.module, &opened.bytes)?,
            residues: Residue::into_residues(&opened.residues)?,
        })
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

fn check_kind(module: Module, kinds: &[Kind]) -> Result<(), String> {
    match kinds.contains(&module.kind()) {
        true => Ok(()),
        false => Err(format!("{module:?} is of kind {}", module.kind().word())),
    }
}
