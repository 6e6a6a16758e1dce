//! `pq names`: the names of processes, sorted, those of the node before those of the registry.

use std::collections::HashMap;
use std::path::PathBuf;

use clap::Args;
use pq_otp::{Pid, ProcessInfo, Term};
use pq_protocol::Failure;
use pq_protocol::answer::Rows;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::command::{Words, request};
use super::kinds::Question;
use crate::client::{At, Row, read};
use crate::running::RunningNode;

#[derive(Args, Serialize, Deserialize, Debug)]
pub(crate) struct Names {
    /// List only names that contain this text
    #[arg(value_name = "TEXT")]
    containing: Option<String>,
}

/// A registered name of a process.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
pub(crate) struct Name {
    /// The name as a term.
    name: String,
    /// The register that has the name.
    scope: Scope,
    /// The pid of the named process.
    pid: String,
    /// The process's module; `None` if the process has ended meanwhile.
    module: Option<String>,
    /// The version of the module that the process runs.
    vsn: Option<String>,
}

/// The register that has a name.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    /// Registered with the node (`erlang:register/2`).
    Local,
    /// Registered with the registry `regis`.
    Regis,
}

impl Words for Names {
    const NAME: &'static str = "names";
    type Answer = Rows<Name>;
}

impl Question for Names {
    fn answer(self, node: &RunningNode) -> Result<Rows<Name>, Failure> {
        let containing = self.containing.as_deref();
        let wanted = |name: &str| containing.is_none_or(|text| name.contains(text));
        let names = local(node).into_iter().chain(kept(node));
        let names = names.filter(|(name, ..)| wanted(name)).collect::<Vec<_>>();
        let (processes, missing) = node.processes();
        // A process that has ended during the lookup is left out.
        let names = names.into_iter();
        let names = names.filter(|(.., pid)| node.node().is_alive(*pid));
        let of: HashMap<Pid, ProcessInfo> = processes
            .into_iter()
            .map(|process| (process.pid, process))
            .collect();
        let row = |(name, scope, pid): (String, Scope, Pid)| Name {
            name,
            scope,
            pid: pid.to_string(),
            module: of.get(&pid).map(|process| process.module.clone()),
            vsn: of.get(&pid).map(|process| process.vsn.clone()),
        };
        Ok(Rows::of(names.map(row).collect()).without(missing))
    }
}

/// The names with this beginning in these registers, as an operator types them. Empty if the node does not answer.
pub(crate) fn completed_names(root: PathBuf, beginning: &str, scopes: &[Scope]) -> Vec<String> {
    let names = Names {
        containing: Some(beginning.to_string()),
    };
    let at = At { root, json: false };
    let answer = request(&names).and_then(|request| at.ask(Names::NAME, &request));
    let answer = answer.and_then(|text| read::<Rows<Name>>(&text));
    let rows = answer.map(|answer| answer.rows).unwrap_or_default();
    let rows = rows.into_iter().filter(|row| scopes.contains(&row.scope));
    let typed = rows.filter_map(|row| match row.scope {
        Scope::Local => Some(row.name),
        Scope::Regis => Some(pq_term::read_outside(&row.name).ok()?.as_str()?.to_string()),
    });
    typed.collect()
}

fn local(node: &RunningNode) -> Vec<(String, Scope, Pid)> {
    let mut local = node.node().registered();
    local.sort();
    let local = local.into_iter();
    local.map(|(name, pid)| (name, Scope::Local, pid)).collect()
}

fn kept(node: &RunningNode) -> Vec<(String, Scope, Pid)> {
    let registry = node.names();
    let mut kept: Vec<(Term, Pid)> = registry
        .get_names()
        .into_iter()
        .filter_map(|name| registry.whereis(&name).map(|pid| (name, pid)))
        .collect();
    kept.sort();
    let kept = kept.into_iter();
    kept.map(|(name, pid)| (name.to_string(), Scope::Regis, pid))
        .collect()
}

impl Row for Name {
    const HEADING: &[&str] = &["NAME", "SCOPE", "PID", "MODULE", "VSN"];

    fn cells(rows: &[Name]) -> Vec<Vec<String>> {
        let cells = |name: &Name| {
            let scope = match name.scope {
                Scope::Local => "local",
                Scope::Regis => "regis",
            };
            let or_ended = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_string());
            vec![
                name.name.clone(),
                scope.to_string(),
                name.pid.clone(),
                or_ended(&name.module),
                or_ended(&name.vsn),
            ]
        };
        rows.iter().map(cells).collect()
    }
}
