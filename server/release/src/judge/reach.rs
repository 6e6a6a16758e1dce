//! The functions that the `apply` of a script may call besides the exports of the release's modules.
//!
//! The table is complete: the functions in it are carried out (`handler::apply`), all others are refused before any process is
//! affected. The judge and the release handler parse a call with the same function, [`Call::read`].
//!
//! In OTP, a script may call every function of every module. Here, a call is a request to a process of the node, because no
//! code of a library waits on a stack (`application(3)`, `supervisor(3)`, `sys(3)`). Results are ignored, as in OTP; but
//! `{error, Reason}` is a failure, and OTP ignores it.

use std::fmt::Write;

use pq_otp::application::StartType;
use pq_otp::spec::ChildSpec;
use pq_term::{Term, msgpack};

use super::child_spec;
use crate::instruction::Mfa;
use crate::terms;

/// One function of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// The module of the function.
    pub module: &'static str,
    /// The name of the function.
    pub function: &'static str,
    /// The names of the arguments.
    pub args: &'static [&'static str],
    /// The effect of the function, for the table's text.
    pub does: &'static str,
}

const fn line(
    module: &'static str,
    function: &'static str,
    args: &'static [&'static str],
    does: &'static str,
) -> Reach {
    Reach {
        module,
        function,
        args,
        does,
    }
}

const APP: &str = "application";
const SUP: &str = "supervisor";
const SYS: &str = "sys";

/// All functions of the node that a script may call.
pub const REACH: &[Reach] = &[
    line(
        APP,
        "load",
        &["App"],
        "loads it as the new release describes it",
    ),
    line(APP, "unload", &["App"], "unloads it; it must not run"),
    line(
        APP,
        "start",
        &["App"],
        "starts it, temporary; what it needs must run",
    ),
    line(
        APP,
        "start",
        &["App", "Type"],
        "the same, permanent, transient or temporary",
    ),
    line(APP, "stop", &["App"], "ends its processes"),
    line(APP, "ensure_started", &["App"], "starts it unless it runs"),
    line(
        APP,
        "ensure_started",
        &["App", "Type"],
        "the same with a type",
    ),
    line(
        APP,
        "ensure_all_started",
        &["App"],
        "starts it and what it needs",
    ),
    line(
        APP,
        "ensure_all_started",
        &["App", "Type"],
        "the same with a type",
    ),
    line(
        APP,
        "set_env",
        &["App", "Key", "Value"],
        "sets a value until the next install",
    ),
    line(APP, "unset_env", &["App", "Key"], "removes a value"),
    line(APP, "get_env", &["App", "Key"], "changes nothing"),
    line(APP, "which_applications", &[], "changes nothing"),
    line(APP, "loaded_applications", &[], "changes nothing"),
    line(
        SUP,
        "start_child",
        &["Sup", "ChildSpec"],
        "adds a child and starts it",
    ),
    line(
        SUP,
        "start_child",
        &["Sup", "Args"],
        "under simple_one_for_one: a list of more arguments",
    ),
    line(
        SUP,
        "restart_child",
        &["Sup", "Id"],
        "starts a child that does not run",
    ),
    line(
        SUP,
        "terminate_child",
        &["Sup", "Id"],
        "ends a child and keeps its specification",
    ),
    line(
        SUP,
        "delete_child",
        &["Sup", "Id"],
        "deletes a child that does not run",
    ),
    line(
        SUP,
        "get_childspec",
        &["Sup", "Id"],
        "fails unless there is such a child",
    ),
    line(SUP, "which_children", &["Sup"], "changes nothing"),
    line(SUP, "count_children", &["Sup"], "changes nothing"),
    line(SUP, "check_childspecs", &["ChildSpecs"], "changes nothing"),
    line(SYS, "suspend", &["Process"], "suspends it"),
    line(SYS, "resume", &["Process"], "resumes it"),
    line(SYS, "get_state", &["Process"], "changes nothing"),
    line(SYS, "get_status", &["Process"], "changes nothing"),
    line(SYS, "terminate", &["Process", "Reason"], "ends it cleanly"),
];

/// The text of the table, one line per function.
pub fn table() -> String {
    let mut text = String::new();
    for reach in REACH {
        let call = format!(
            "{}:{}({})",
            reach.module,
            reach.function,
            reach.args.join(", ")
        );
        let _ = writeln!(text, "  {call:<44} {}", reach.does);
    }
    text
}

/// The parsed call of an `apply`.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// A request to the application controller about this application.
    Application(String, AppCall),
    /// A request to the supervisor with this name or pid.
    Supervisor(Term, SupCall),
    /// A request to the process with this name or pid.
    Sys(Term, SysCall),
    /// No request: only the arguments had to be checked.
    Nothing,
    /// A call of a function of a module of the release.
    Function,
}

/// A request about an application.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum AppCall {
    Load,
    Unload,
    Start(StartType),
    EnsureStarted(StartType),
    EnsureAllStarted(StartType),
    Stop,
    SetEnv(String, Term),
    UnsetEnv(String),
}

/// A request to a supervisor.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum SupCall {
    Start(ChildSpec),
    /// The arguments to append, as a MessagePack array.
    StartArgs(Vec<u8>),
    Restart(Term),
    Terminate(Term),
    Delete(Term),
    GetChildspec(Term),
    Which,
    Count,
}

/// A request to any process.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum SysCall {
    Suspend,
    Resume,
    GetState,
    GetStatus,
    Terminate(Term),
}

/// The reason why a call is refused. Displays as a clause that follows the call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoCall {
    /// The table has the module, but not the function.
    #[error("a script may call of `{module}` only {}", functions(.module))]
    Undefined {
        /// The module of the refused call.
        module: String,
    },
    /// The arguments do not fit the function.
    #[error("it does not take these arguments: {why}")]
    BadArgs {
        /// A clause about the faulty argument.
        why: String,
    },
}

/// The functions of a module in the table, with their arities.
fn functions(module: &str) -> String {
    let of_module = REACH.iter().filter(|reach| reach.module == module);
    let mut names: Vec<String> = of_module
        .map(|reach| format!("{}/{}", reach.function, reach.args.len()))
        .collect();
    names.dedup();
    names.join(", ")
}

/// True for a module of the table.
pub fn is_of_node(module: &str) -> bool {
    REACH.iter().any(|reach| reach.module == module)
}

impl Call {
    /// Parses the call of an `apply`.
    ///
    /// # Errors
    /// When the table has the module but not the function, or the arguments do not fit.
    pub fn read(mfa: &Mfa) -> Result<Call, NoCall> {
        let (module, function) = (mfa.module.as_str(), mfa.function.as_str());
        if !is_of_node(module) {
            return Ok(Call::Function);
        }
        let is_it = |reach: &&Reach| {
            (reach.module, reach.function, reach.args.len()) == (module, function, mfa.args.len())
        };
        if !REACH.iter().any(|reach| is_it(&reach)) {
            return Err(NoCall::Undefined {
                module: module.to_string(),
            });
        }
        let read = match module {
            APP => application(function, &mfa.args),
            SUP => supervisor(function, &mfa.args),
            _ => sys(function, &mfa.args),
        };
        read.map_err(|why| NoCall::BadArgs { why })
    }
}

fn application(function: &str, args: &[Term]) -> Result<Call, String> {
    let [first, rest @ ..] = args else {
        return Ok(Call::Nothing);
    };
    let name = atom(first, "the name of an application")?;
    let call = match (function, rest) {
        ("load", _) => AppCall::Load,
        ("unload", _) => AppCall::Unload,
        ("stop", _) => AppCall::Stop,
        ("start", rest) => AppCall::Start(start_type(rest)?),
        ("ensure_started", rest) => AppCall::EnsureStarted(start_type(rest)?),
        ("ensure_all_started", rest) => AppCall::EnsureAllStarted(start_type(rest)?),
        ("set_env", [key, value]) => AppCall::SetEnv(atom(key, "a key")?, value.clone()),
        ("unset_env", [key]) => AppCall::UnsetEnv(atom(key, "a key")?),
        ("get_env", [key]) => return atom(key, "a key").map(|_| Call::Nothing),
        _ => return Ok(Call::Nothing),
    };
    Ok(Call::Application(name, call))
}

fn start_type(rest: &[Term]) -> Result<StartType, String> {
    let Some(term) = rest.first() else {
        return Ok(StartType::Temporary);
    };
    let types = [
        ("permanent", StartType::Permanent),
        ("transient", StartType::Transient),
        ("temporary", StartType::Temporary),
    ];
    let known = types.into_iter().find(|(word, _)| term.is_atom(word));
    known
        .map(|(_, start_type)| start_type)
        .ok_or_else(|| format!("`{term}` is not permanent, transient or temporary"))
}

fn supervisor(function: &str, args: &[Term]) -> Result<Call, String> {
    let call = match (function, args) {
        ("check_childspecs", [specs]) => {
            let specs = terms::list(specs).ok_or_else(|| format!("`{specs}` is no list"))?;
            specs
                .iter()
                .try_for_each(|spec| child_spec::read(spec).map(drop))?;
            return Ok(Call::Nothing);
        }
        ("start_child", [_, last]) => match terms::elements(last) {
            Some(args) => SupCall::StartArgs(msgpack::to_plain_msgpack(&Term::list(args))),
            None => SupCall::Start(child_spec::read(last)?),
        },
        ("restart_child", [_, id]) => SupCall::Restart(id.clone()),
        ("terminate_child", [_, id]) => SupCall::Terminate(id.clone()),
        ("delete_child", [_, id]) => SupCall::Delete(id.clone()),
        ("get_childspec", [_, id]) => SupCall::GetChildspec(id.clone()),
        ("which_children", _) => SupCall::Which,
        _ => SupCall::Count,
    };
    Ok(Call::Supervisor(process(&args[0])?, call))
}

fn sys(function: &str, args: &[Term]) -> Result<Call, String> {
    let call = match (function, args) {
        ("suspend", _) => SysCall::Suspend,
        ("resume", _) => SysCall::Resume,
        ("get_state", _) => SysCall::GetState,
        ("terminate", [_, reason]) => SysCall::Terminate(reason.clone()),
        _ => SysCall::GetStatus,
    };
    Ok(Call::Sys(process(&args[0])?, call))
}

fn process(term: &Term) -> Result<Term, String> {
    match term {
        Term::Atom(_) => Ok(term.clone()),
        term if term.as_pid().is_some() => Ok(term.clone()),
        term => Err(format!(
            "`{term}` is not an atom with the registered name of a process"
        )),
    }
}

fn atom(term: &Term, wanted: &str) -> Result<String, String> {
    match term {
        Term::Atom(atom) => Ok(atom.as_str().to_string()),
        term => Err(format!("`{term}` is not an atom with {wanted}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instruction::Instruction;

    fn read(call: &str) -> Result<Call, String> {
        let term = pq_term::read_one(&format!("{{apply,{call}}}.")).unwrap();
        match Instruction::read(&term) {
            Ok(Instruction::Apply(mfa)) => Call::read(&mfa).map_err(|error| error.to_string()),
            _ => panic!("no apply: {call}"),
        }
    }

    #[test]
    fn every_line_of_the_table_is_a_call() {
        for reach in REACH {
            let value = |arg: &&str| match *arg {
                "ChildSpec" => "#{id=>a,start=>{m,start_link,[]}}",
                "Type" => "permanent",
                "Args" | "ChildSpecs" => "[]",
                _ => "a",
            };
            let args: Vec<&str> = reach.args.iter().map(value).collect();
            let text = format!(
                "{{{},{},[{}]}}",
                reach.module,
                reach.function,
                args.join(",")
            );
            let call = read(&text);
            assert!(
                call.as_ref().is_ok_and(|call| *call != Call::Function),
                "{text}: {call:?}"
            );
        }
    }

    #[test]
    fn what_is_no_call_is_said_with_what_would_be() {
        for (call, wanted) in [
            (
                "{sys,replace_state,[a,b]}",
                "a script may call of `sys` only suspend/1, resume/1, get_state/1, get_status/1, terminate/2",
            ),
            (
                "{application,start,[a,often]}",
                "it does not take these arguments: `often` is not permanent, transient or temporary",
            ),
            (
                "{application,stop,[\"a\"]}",
                "it does not take these arguments: `\"a\"` is not an atom with the name of an application",
            ),
            (
                "{supervisor,restart_child,[{a},b]}",
                "it does not take these arguments: `{a}` is not an atom with the registered name of a process",
            ),
        ] {
            assert_eq!(read(call).unwrap_err(), wanted);
        }
        assert_eq!(read("{io,format,[\"hello\"]}"), Ok(Call::Function));
    }
}
