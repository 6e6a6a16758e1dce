//! Low-level instructions (`appup(4)`): the steps of a `relup`, which the release handler carries out.
//!
//! This module reads, checks and writes them. `systools` translates high-level instructions to low-level ones.

use pq_otp::Direction;
use pq_term::{Atom, Term};

use crate::terms;

mod syntax;

pub(crate) use syntax::SyntaxError;
pub(crate) use syntax::{atom, change, module, modules, purge, timeout};

/// One step of a script.
#[derive(Debug, Clone, PartialEq)]
pub enum Instruction {
    /// `{load_object_code, {Lib, LibVsn, [Mod]}}`: reads the code, so that loading it later cannot fail.
    LoadObjectCode {
        /// The name of the application with the code.
        lib: Atom,
        /// The version of the application with the code.
        vsn: String,
        /// The modules of the application to read.
        modules: Vec<Atom>,
    },
    /// `{load_converters, Mode, {Lib, LibVsn, [{Mod, Change}]}}`: reads the code of a version between the two releases. On the way,
    /// states go through it. No instruction of OTP: `systools` makes it when it composes a way.
    LoadConverters(Converters),
    /// `point_of_no_return`: a failure after this point ends in a restart.
    PointOfNoReturn,
    /// `{load, {Mod, PrePurge, PostPurge}}`: makes the code current that was read before.
    Load {
        /// The module that gets new code.
        module: Atom,
        /// The purge of processes in code that is old before the load.
        pre_purge: Purge,
        /// The purge of processes in the code that the load makes old.
        post_purge: Purge,
    },
    /// `{remove, {Mod, PrePurge, PostPurge}}`: makes the current code old; the module has no current code afterwards.
    Remove {
        /// The module that loses its code.
        module: Atom,
        /// The purge before the removal, as for `Load`.
        pre_purge: Purge,
        /// The purge after the removal, as for `Load`.
        post_purge: Purge,
    },
    /// `{purge, [Mod]}`: ends the processes in old code.
    Purge(Vec<Atom>),
    /// `{suspend, [Mod | {Mod, Timeout}]}`: suspends the processes of the modules.
    Suspend(Vec<Suspend>),
    /// `{code_change, [{Mod, Extra}]}` and `{code_change, Mode, [{Mod, Extra}]}`
    CodeChange {
        /// The direction of the conversion; `None` when the instruction omits it, which means up.
        direction: Option<Direction>,
        /// The modules whose suspended processes convert their states, each with the `Extra` argument of `code_change`.
        changes: Vec<(Atom, Term)>,
    },
    /// `{resume, [Mod]}`: resumes the processes of the modules.
    Resume(Vec<Atom>),
    /// `{stop, [Mod]}`: ends the children whose specifications name the modules.
    Stop(Vec<Atom>),
    /// `{start, [Mod]}`: restarts the children that `stop` ended.
    Start(Vec<Atom>),
    /// `{sync_nodes, Id, Nodes}`: waits until the other nodes have reached the same step.
    SyncNodes {
        /// The id of the step, which is equal on all nodes.
        id: Term,
        /// The nodes to wait for.
        nodes: Nodes,
    },
    /// `{apply, {M, F, A}}`: calls a function.
    Apply(Mfa),
    /// `restart_emulator`: the node restarts after the upgrade.
    RestartEmulator,
    /// `restart_new_emulator`: the node restarts with another runtime, before the rest of the upgrade.
    RestartNewEmulator,
    /// `restart`. FIDELITY: `systools` accepts it, but the release handler does not know it.
    Restart,
    /// `reboot`. FIDELITY: like `restart`.
    Reboot,
}

/// A version of an application through which states go on the way between two others.
#[derive(Debug, Clone, PartialEq)]
pub struct Converters {
    /// The direction of the way.
    pub direction: Direction,
    /// The name of the application.
    pub lib: Atom,
    /// The version in between.
    pub vsn: String,
    /// The modules that change in the step to this version, and how their states get to it.
    pub changes: Vec<(Atom, Change)>,
}

/// How the states of a module get to another version (the `Change` of `update`, `appup(4)`).
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// `soft`: both versions have the same states.
    Soft,
    /// `{advanced, Extra}`: `code_change` converts the states, with this argument.
    Advanced(Term),
}

/// The treatment of processes in old code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purge {
    /// `soft_purge`: the processes stay alive, and the purge waits for their end.
    Soft,
    /// `brutal_purge`: the processes are killed.
    Brutal,
}

/// The time in which a process has to answer `suspend`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeout {
    /// The default of the release handler.
    Default,
    /// No time limit (`infinity`).
    Infinity,
    /// A limit in milliseconds, above zero.
    Ms(i64),
}

/// One module of a `suspend`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspend {
    /// The module whose processes are suspended.
    pub module: Atom,
    /// The time for the answer; `None` (the default) when the instruction names none.
    pub timeout: Option<Timeout>,
}

/// A function and its arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Mfa {
    /// The module of the function.
    pub module: Atom,
    /// The name of the function.
    pub function: Atom,
    /// The list of arguments.
    pub args: Vec<Term>,
}

/// The nodes that `sync_nodes` waits for.
#[derive(Debug, Clone, PartialEq)]
pub enum Nodes {
    /// A list of node names.
    Named(Vec<Atom>),
    /// The nodes that this function returns.
    From(Mfa),
}

impl Instruction {
    /// Parses an instruction.
    ///
    /// # Errors
    /// With OTP's term, such as `{bad_instruction,I}` or `{bad_module,M}`, and the correct form.
    pub(crate) fn read(term: &Term) -> Result<Instruction, SyntaxError> {
        syntax::instruction(term)
    }

    /// The instruction as a term, in the form of the files.
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
            Instruction::LoadConverters(converters) => converters.to_term(),
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

impl Converters {
    /// The instruction as a term.
    pub(crate) fn to_term(&self) -> Term {
        let change = |(module, change): &(Atom, Change)| {
            Term::tuple([Term::Atom(*module), change.to_term()])
        };
        let code = [
            Term::Atom(self.lib),
            Term::string(self.vsn.as_str()),
            self.changes.iter().map(change).collect(),
        ];
        Term::tuple([
            Term::atom("load_converters"),
            Term::atom(self.direction.word()),
            Term::tuple(code),
        ])
    }
}

impl Change {
    /// The change in the form of `appup(4)`.
    pub(crate) fn to_term(&self) -> Term {
        match self {
            Change::Soft => Term::atom("soft"),
            Change::Advanced(extra) => terms::tagged("advanced", extra.clone()),
        }
    }
}

impl Purge {
    pub(crate) fn to_term(self) -> Term {
        Term::atom(match self {
            Purge::Soft => "soft_purge",
            Purge::Brutal => "brutal_purge",
        })
    }
}

impl Timeout {
    pub(crate) fn to_term(self) -> Term {
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
