//! The applications that are compiled into the node: they need no library in a release tree.
//!
//! `kernel`, `stdlib` and `sasl` stand for the runtime, the behaviours and the release handler, at the node's
//! version; `crypto` stands for the random numbers, and `regis` is the registry.

/// The version of the node and of its built-in applications: a `.rel` file names the version as that of `erts`. It is
/// independent of crate versions: a release boots only on the named version, so the version is raised only when
/// releases must be built anew.
pub(crate) const NODE_VSN: &str = "1.0.0";

/// The `.app` texts of all built-in applications.
pub(crate) fn built_in() -> Vec<String> {
    let plain = [
        ("kernel", "The runtime: shards, processes, timers", "[]"),
        ("stdlib", "The behaviours, supervisors and sys", "[kernel]"),
        ("sasl", "The release handler", "[kernel, stdlib]"),
        ("crypto", "The seeded random numbers", "[kernel, stdlib]"),
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
