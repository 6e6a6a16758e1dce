//! Asking one process (`sys`) or one function (`call`), by the names that people use.

use pq_otp::sys::{self, SysMessage};
use pq_otp::{Node, Pid, Reason, RequestError, Term};
use pq_term::{msgpack, pretty, read_outside};

use super::answer::{Returned, SysReply};
use super::desk::Desk;
use super::exit::{Exit, Failure};
use super::request::{SysRequest, Toggle};

/// How long a function may take: what `gen_server:call/2` waits.
const CALL_TIMEOUT_MS: u64 = 5_000;

/// The module that is compiled into the node (`regis_application::install`). It reads terms, where libraries read Rust's
/// types: to it `{events, "Ann"}` and `[events, "Ann"]` are two names.
const SERVICE: &str = "regis";

/// What is there and not for operators: a name is given to whoever asks for one.
const ONLY_FOR_PROCESSES: (&str, usize) = ("regis:register", 2);

/// Text that begins so is meant to be a term, and what is wrong with it is worth saying; a hero's name begins otherwise.
const BEGINS_A_TERM: [char; 5] = ['{', '[', '"', '\'', '#'];

/// Sends a system message to the process of this name.
pub(crate) fn sys(desk: &Desk, process: &str, request: SysRequest) -> Result<SysReply, Failure> {
    let word = message(request).word();
    let failed = |exit, why: &dyn std::fmt::Display| {
        Failure::new(exit, format!("failed to {word} {process}: {why}"))
    };
    let pid = find(desk, process).map_err(|why| failed(Exit::Refused, &why))?;
    if let Some(stall) = desk.node().stall_of(usize::from(pid.shard())) {
        return Err(failed(Exit::Refused, &stall));
    }
    let reply = desk.node().sys(pid, message(request), sys::TIMEOUT_MS);
    let reply = reply.map_err(|error| failed(exit_of(&error), &error))?;
    if let Some([tag, reason]) = reply.as_tuple()
        && tag.is_atom("error")
    {
        return Err(Failure {
            term: Some(reply.to_string()),
            ..failed(Exit::Refused, reason)
        });
    }
    tracing::info!(%pid, process, word, "system message from an operator");
    Ok(SysReply {
        pid: pid.to_string(),
        reply: pretty(&reply),
    })
}

fn message(request: SysRequest) -> SysMessage {
    match request {
        SysRequest::GetState => SysMessage::GetState,
        SysRequest::GetStatus => SysMessage::GetStatus,
        SysRequest::Suspend => SysMessage::Suspend,
        SysRequest::Resume => SysMessage::Resume,
        SysRequest::Statistics(toggle) => SysMessage::Statistics(toggled(toggle)),
        SysRequest::Log(toggle) => SysMessage::Log(toggled(toggle)),
        SysRequest::Trace(on) => SysMessage::Trace(on),
    }
}

fn toggled(toggle: Toggle) -> sys::Toggle {
    match toggle {
        Toggle::On => sys::Toggle::On(0),
        Toggle::Off => sys::Toggle::Off,
        Toggle::Get => sys::Toggle::Get,
    }
}

/// The process that this text means: its pid, with or without its brackets, which shells ask to be quoted; its
/// local name; or its name in the registry, as a term or as the text of a string (`Ann` for `"Ann"`). Says why there is
/// none.
fn find(desk: &Desk, text: &str) -> Result<Pid, String> {
    let node: &Node = desk.node();
    let nobody = || "no process has this name or pid".to_string();
    if let Ok(pid) = text.parse::<Pid>().or_else(|_| format!("<{text}>").parse()) {
        return Some(pid)
            .filter(|pid| node.is_alive(*pid))
            .ok_or_else(nobody);
    }
    let names = desk.booted.names();
    if let Some(pid) = node
        .whereis(text)
        .or_else(|| names.whereis(&Term::string(text)))
    {
        return Ok(pid);
    }
    let name = read_outside(text).or_else(|error| {
        if !text.starts_with(BEGINS_A_TERM) {
            return Err(nobody());
        }
        // A module's own words become known here when a name that holds them is read.
        names.get_names();
        read_outside(text).map_err(|_| format!("{}: {error}", nobody()))
    })?;
    names.whereis(&name).ok_or_else(nobody)
}

/// Calls a function of a module's current version.
pub(crate) fn call(
    desk: &Desk,
    module: &str,
    function: &str,
    args: &str,
) -> Result<Returned, Failure> {
    let failed = |exit, why: String| {
        Failure::new(exit, format!("failed to call {module}:{function}: {why}"))
    };
    let name = format!("{module}:{function}");
    let term = read_outside(args).map_err(|error| failed(Exit::Usage, error.to_string()))?;
    let args = term
        .as_list()
        .ok_or_else(|| failed(Exit::Usage, format!("`{term}` is no list of arguments")))?;
    if (name.as_str(), args.len()) == ONLY_FOR_PROCESSES {
        let why = "badarg: a process registers only itself, and an operator is none";
        return Err(failed(Exit::Refused, why.to_string()));
    }
    tracing::info!(module, function, "call from an operator");
    let result = apply(desk.node(), (module, function), args).map_err(|error| Failure {
        term: term_of(&error),
        ..failed(exit_of(&error), why_not((&name, args.len()), &error))
    })?;
    Ok(Returned {
        result: pretty(&result),
    })
}

fn apply(
    node: &Node,
    (module, function): (&str, &str),
    args: &[Term],
) -> Result<Term, RequestError> {
    if module != SERVICE {
        return node.call_module(module, function, args, CALL_TIMEOUT_MS);
    }
    let args = msgpack::to_msgpack(&Term::list(args));
    let answer = node.call_function(module, function, &args, CALL_TIMEOUT_MS)?;
    msgpack::from_msgpack(&answer).map_err(|error| RequestError::BadReply(error.to_string()))
}

/// Why a function has not returned.
fn why_not((name, arity): (&str, usize), error: &RequestError) -> String {
    match error {
        RequestError::Exit(reason) if is_undef(reason, name) => {
            format!("undef: no code that runs has the function {name}/{arity}")
        }
        RequestError::Exit(reason) => format!("it failed with {reason}"),
        RequestError::Timeout(ms) => format!(
            "it has not returned within {ms} ms; it goes on, on a thread for calls: `pq status` says whether it takes a processor"
        ),
        other => other.to_string(),
    }
}

fn term_of(error: &RequestError) -> Option<String> {
    match error {
        RequestError::Exit(reason) => Some(reason.to_string()),
        _ => None,
    }
}

/// Whether it is this function that is not there, and not another one that it calls. The node names it with its module,
/// a service with its arity, a library without its module.
fn is_undef(reason: &Reason, name: &str) -> bool {
    let term = reason.to_term();
    let Some([tag, Term::String(what)]) = term.as_tuple() else {
        return false;
    };
    let what: &str = what;
    let function = name.split_once(':').map_or(name, |(_, function)| function);
    let with_module = what.split('/').next() == Some(name);
    tag.is_atom("undef") && (with_module || what.strip_prefix("function ") == Some(function))
}

/// What a question's failure means. A callback that fails has had no effect.
fn exit_of(error: &RequestError) -> Exit {
    match error {
        RequestError::Timeout(_) | RequestError::Stalled(_) => Exit::Unknown,
        RequestError::Exit(_) | RequestError::NoName(_) => Exit::Refused,
        RequestError::BadReply(_) => Exit::Internal,
    }
}
