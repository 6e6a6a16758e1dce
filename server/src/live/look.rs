//! The questions of the page about the whole node: its supervision tree, its releases, and its past installs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use pq_protocol::history::Entry;
use pq_protocol::{Exit, Failure};
use serde::Serialize;
use serde_json::json;

use super::{answer, on_node, refusal};
use crate::commands;
use crate::feed::recordings;
use crate::metrics::source::Source;
use crate::running::RunningNode;

/// The past installs that the page shows at most.
const INSTALLS_MAX: usize = 40;

/// The age up to which a tree is shown again: 30 pages ask for it at once, and a listing of a large node takes a second.
const TREE_AGE: Duration = Duration::from_secs(2);

/// The last tree and its time.
#[derive(Default)]
pub(super) struct LastTree(Mutex<Option<(Instant, String)>>);

/// An install of the past.
#[derive(Serialize)]
struct Install {
    id: u64,
    when: String,
    from: Option<String>,
    to: Option<String>,
    is_done: bool,
    result: String,
    took_ms: u64,
    pause_us: Option<u64>,
    /// Whether there is a recording.
    replay: bool,
}

/// The supervision tree, with one row for each large group.
pub(super) async fn tree(
    State(source): State<Source>,
    Extension(last): Extension<Arc<LastTree>>,
) -> Response {
    answer(source, move |node| {
        // Others wait for the listing in progress, and take it.
        let mut last = last.0.lock();
        if let Some((at, text)) = &*last
            && at.elapsed() < TREE_AGE
        {
            return Ok(text.clone());
        }
        let text = commands::tree(node)?;
        *last = Some((Instant::now(), text.clone()));
        Ok(text)
    })
    .await
}

/// The releases of the tree, and the packages that are not unpacked.
pub(super) async fn releases(State(source): State<Source>) -> Response {
    answer(source, |node| {
        let releases = node.releases().which(None);
        let is_known = |package: &String| {
            let names = releases.iter().map(|release| format!("{}-{}", release.name, release.vsn));
            names.into_iter().any(|name| name == *package)
        };
        let mut packages = packages(node);
        packages.retain(|package| !is_known(package));
        Ok(json!({ "running": node.releases().running(), "releases": releases, "packages": packages }).to_string())
    })
    .await
}

/// The names of the packages in the directory `releases`.
fn packages(node: &RunningNode) -> Vec<String> {
    let entries = std::fs::read_dir(node.booted().root().join("releases"));
    let names = entries
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name());
    let names = names.filter_map(|name| Some(name.to_str()?.strip_suffix(".tar.gz")?.to_string()));
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names
}

/// The last installs, the newest first.
pub(super) async fn installs(State(source): State<Source>) -> Response {
    answer(source, |node| {
        let past = node.history().read().map_err(|error| {
            Failure::new(
                Exit::Internal,
                format!("failed to read the history: {error}"),
            )
        })?;
        let recorded = recordings::ids(node.booted().root());
        let installs = past.entries.into_iter().rev();
        let installs = installs.filter(|entry| entry.deed.operation.starts_with("install "));
        let installs = installs.take(INSTALLS_MAX);
        let installs: Vec<Install> = installs.map(|entry| install(entry, &recorded)).collect();
        commands::json(&installs)
    })
    .await
}

fn install(entry: Entry, recorded: &[u64]) -> Install {
    let deed = entry.deed;
    Install {
        id: entry.id,
        when: entry.when,
        from: deed.from,
        to: deed.to,
        is_done: deed.exit == Exit::Done,
        result: deed.result,
        took_ms: deed.took_ms,
        pause_us: deed.pause_us.map(|pause| pause.max),
        replay: recorded.binary_search(&entry.id).is_ok(),
    }
}

/// The recording of an install.
pub(super) async fn recording(State(source): State<Source>, Path(id): Path<u64>) -> Response {
    let read = move |node: &RunningNode| recordings::read(node.booted().root(), id);
    match on_node(source, read).await {
        Ok(Some(bytes)) => {
            let headers = [
                (header::CONTENT_TYPE, "application/octet-stream"),
                (header::CACHE_CONTROL, "private, max-age=3600"),
            ];
            (headers, bytes).into_response()
        }
        Ok(None) => refusal(
            StatusCode::NOT_FOUND,
            "that install has no recording (any more)",
        ),
        Err(refused) => refused,
    }
}
