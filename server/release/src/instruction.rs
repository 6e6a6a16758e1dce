//! Low-level instructions: what a `relup` consists of and the release handler carries out (`appup(4)`).
//!
//! Here they are read, checked and written. High-level instructions are translated to these by `systools`.

use pq_otp::Direction;
use pq_term::{Atom, Term};

use crate::terms;

mod syntax;

pub(crate) use syntax::SyntaxError;
pub(crate) use syntax::{atom, module, modules, purge, timeout};

/// One step of a script.
#[derive(Debug, Clone, PartialEq)]
pub enum Instruction {
    /// `{load_object_code, {Lib, LibVsn, [Mod]}}`: reads the code, so that loading it later cannot fail.
    LoadObjectCode {
        /// The application.
        lib: Atom,
        /// Its version.
        vsn: String,
        /// Which of its modules.
        modules: Vec<Atom>,
    },
    /// `point_of_no_return`: what fails from here on ends in a restart.
    PointOfNoReturn,
    /// `{load, {Mod, PrePurge, PostPurge}}`: makes the code that was read the current one.
    Load {
        /// The module.
        module: Atom,
        /// What happens to processes in code that is old already.
        pre_purge: Purge,
        /// What happens later to processes in the code that becomes old.
        post_purge: Purge,
    },
    /// `{remove, {Mod, PrePurge, PostPurge}}`: makes the current code old; no code is current then.
    Remove {
        /// The module.
        module: Atom,
        /// As for `Load`.
        pre_purge: Purge,
        /// As for `Load`.
        post_purge: Purge,
    },
    /// `{purge, [Mod]}`: ends processes in old code.
    Purge(Vec<Atom>),
    /// `{suspend, [Mod | {Mod, Timeout}]}`
    Suspend(Vec<Suspend>),
    /// `{code_change, [{Mod, Extra}]}` and `{code_change, Mode, [{Mod, Extra}]}`
    CodeChange {
        /// The direction; `None` where it is left out, which means up.
        direction: Option<Direction>,
        /// Modules whose suspended processes convert their states, with what `code_change` gets as extra.
        changes: Vec<(Atom, Term)>,
    },
    /// `{resume, [Mod]}`
    Resume(Vec<Atom>),
    /// `{stop, [Mod]}`: ends the children that use the modules.
    Stop(Vec<Atom>),
    /// `{start, [Mod]}`: starts again what `stop` ended.
    Start(Vec<Atom>),
    /// `{sync_nodes, Id, Nodes}`: waits until other nodes are as far.
    SyncNodes {
        /// What the nodes agree on.
        id: Term,
        /// Which nodes.
        nodes: Nodes,
    },
    /// `{apply, {M, F, A}}`: calls a function.
    Apply(Mfa),
    /// `restart_emulator`: the node starts again after the upgrade.
    RestartEmulator,
    /// `restart_new_emulator`: the node starts again with another runtime, before the rest of the upgrade.
    RestartNewEmulator,
    /// `restart`. FIDELITY: `systools` lets it pass, the release handler does not know it.
    Restart,
    /// `reboot`. FIDELITY: as `restart`.
    Reboot,
}

/// What happens to processes in old code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purge {
    /// They live on, and the purge waits.
    Soft,
    /// They are killed.
    Brutal,
}

/// How long a process may take to answer `suspend`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeout {
    /// As long as the release handler gives by default.
    Default,
    /// For ever.
    Infinity,
    /// In milliseconds, above zero.
    Ms(i64),
}

/// One module of a `suspend`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspend {
    /// The module whose processes are suspended.
    pub module: Atom,
    /// `None` where the instruction names no time: the default.
    pub timeout: Option<Timeout>,
}

/// A function and its arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Mfa {
    /// The module.
    pub module: Atom,
    /// The function.
    pub function: Atom,
    /// The arguments.
    pub args: Vec<Term>,
}

/// Which nodes `sync_nodes` waits for.
#[derive(Debug, Clone, PartialEq)]
pub enum Nodes {
    /// These.
    Named(Vec<Atom>),
    /// Those that a function returns.
    From(Mfa),
}

impl Instruction {
    /// Reads an instruction.
    ///
    /// # Errors
    /// In `systools`' words, such as `{bad_instruction,I}` or `{bad_module,M}`, with what would be right.
    pub(crate) fn read(term: &Term) -> Result<Instruction, SyntaxError> {
        syntax::instruction(term)
    }

    /// The instruction as files hold it.
    pub fn to_term(&self) -> Term {
        match self {
            Instruction::LoadObjectCode { lib, vsn, modules } => {
                let code = [
                    Term::Atom(*lib),
                    Term::string(vsn.as_str()),
                    terms::atom_list(modules),
                ];
                terms::tagged("load_object_code", Term::tuple(code))
            }
            Instruction::PointOfNoReturn => Term::atom("point_of_no_return"),
            Instruction::Load {
                module,
                pre_purge,
                post_purge,
            } => terms::tagged("load", purged(*module, *pre_purge, *post_purge)),
            Instruction::Remove {
                module,
                pre_purge,
                post_purge,
            } => terms::tagged("remove", purged(*module, *pre_purge, *post_purge)),
            Instruction::Purge(modules) => terms::tagged("purge", terms::atom_list(modules)),
            Instruction::Suspend(modules) => terms::tagged(
                "suspend",
                modules
                    .iter()
                    .copied()
                    .map(Suspend::to_term)
                    .collect::<Term>(),
            ),
            Instruction::CodeChange { direction, changes } => code_change(*direction, changes),
            Instruction::Resume(modules) => terms::tagged("resume", terms::atom_list(modules)),
            Instruction::Stop(modules) => terms::tagged("stop", terms::atom_list(modules)),
            Instruction::Start(modules) => terms::tagged("start", terms::atom_list(modules)),
            Instruction::SyncNodes { id, nodes } => {
                Term::tuple([Term::atom("sync_nodes"), id.clone(), nodes.to_term()])
            }
            Instruction::Apply(mfa) => terms::tagged("apply", mfa.to_term()),
            Instruction::RestartEmulator => Term::atom("restart_emulator"),
            Instruction::RestartNewEmulator => Term::atom("restart_new_emulator"),
            Instruction::Restart => Term::atom("restart"),
            Instruction::Reboot => Term::atom("reboot"),
        }
    }
}

fn purged(module: Atom, pre: Purge, post: Purge) -> Term {
    Term::tuple([Term::Atom(module), pre.to_term(), post.to_term()])
}

fn code_change(direction: Option<Direction>, changes: &[(Atom, Term)]) -> Term {
    let change = |(module, extra): &(Atom, Term)| Term::tuple([Term::Atom(*module), extra.clone()]);
    let changes: Term = changes.iter().map(change).collect();
    match direction {
        None => terms::tagged("code_change", changes),
        Some(direction) => Term::tuple([
            Term::atom("code_change"),
            Term::atom(direction.word()),
            changes,
        ]),
    }
}

impl Purge {
    fn to_term(self) -> Term {
        Term::atom(match self {
            Purge::Soft => "soft_purge",
            Purge::Brutal => "brutal_purge",
        })
    }
}

impl Timeout {
    fn to_term(self) -> Term {
        match self {
            Timeout::Default => Term::atom("default"),
            Timeout::Infinity => Term::atom("infinity"),
            Timeout::Ms(ms) => Term::from(ms),
        }
    }
}

impl Suspend {
    fn to_term(self) -> Term {
        let module = Term::Atom(self.module);
        match self.timeout {
            None => module,
            Some(timeout) => Term::tuple([module, timeout.to_term()]),
        }
    }
}

impl Mfa {
    fn to_term(&self) -> Term {
        Term::tuple([
            Term::Atom(self.module),
            Term::Atom(self.function),
            Term::list(self.args.as_slice()),
        ])
    }
}

impl Nodes {
    fn to_term(&self) -> Term {
        match self {
            Nodes::Named(nodes) => terms::atom_list(nodes),
            Nodes::From(mfa) => mfa.to_term(),
        }
    }
}
