//! The applications that are compiled into the node: they need no library in a release tree.
//!
//! `kernel`, `stdlib` and `sasl` name the runtime, the behaviours and the release handler, at the node's
//! version; `crypto` names the dice. `regis` is the registry.

/// The version of the node and of the applications that are part of it: a `.rel` file names it as that of `erts`. It is no crate's
/// version: a release that names another node boots nowhere, so it is raised only when releases must be built anew.
pub(crate) const NODE_VSN: &str = "1.0.0";

/// The `.app` texts of all of them.
pub(crate) fn built_in() -> Vec<String> {
    let plain = [
        ("kernel", "The runtime: shards, processes, timers", "[]"),
        ("stdlib", "The behaviours, supervisors and sys", "[kernel]"),
        ("sasl", "The release handler", "[kernel, stdlib]"),
        ("crypto", "The seeded dice", "[kernel, stdlib]"),
    ];
    let mut texts: Vec<String> = plain
        .iter()
        .map(|(name, what, needs)| app_text(name, what, needs))
        .collect();
    texts.push(regis_application::APP.to_string());
    texts
}

fn app_text(name: &str, description: &str, applications: &str) -> String {
    format!(
        "{{application, {name}, [{{description, \"{description}\"}}, {{vsn, \"{NODE_VSN}\"}}, {{modules, []}}, \
         {{registered, []}}, {{applications, {applications}}}]}}."
    )
}
