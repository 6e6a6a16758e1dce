//! The files of the page, all contained in this program: markup, style and scripts, less than 100 KiB compressed.
//!
//! The files are compressed once, at the first request.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use axum::routing::get;
use sockserv::entrance::packed::{File, Packed};

use super::gate::name;
use crate::metrics::source::Source;

macro_rules! files {
    ($($name:literal, $kind:literal;)*) => {
        &[$(File {
            path: concat!("/live/", $name),
            kind: $kind,
            bytes: include_bytes!(concat!("web/", $name)),
        }),*]
    };
}

/// The page is the first one.
const FILES: &[File] = files! {
    "live.html", "text/html; charset=utf-8";
    "live.css", "text/css; charset=utf-8";
    "live.js", "text/javascript; charset=utf-8";
    "feed.js", "text/javascript; charset=utf-8";
    "crowd.js", "text/javascript; charset=utf-8";
    "memory.js", "text/javascript; charset=utf-8";
    "rail.js", "text/javascript; charset=utf-8";
    "replay.js", "text/javascript; charset=utf-8";
    "side.js", "text/javascript; charset=utf-8";
    "story.js", "text/javascript; charset=utf-8";
    "orders.js", "text/javascript; charset=utf-8";
    "qr.js", "text/javascript; charset=utf-8";
    "icon.svg", "image/svg+xml";
};

static PACKED: LazyLock<Vec<Packed>> = LazyLock::new(|| FILES.iter().map(Packed::from).collect());

/// The routes of all files.
pub(super) fn router() -> Router<Source> {
    (0..FILES.len()).fold(Router::new(), |router, at| {
        let answer = move |State(source): State<Source>, headers: HeaderMap| async move {
            PACKED[at].answer(&headers, &policy(&headers, &source))
        };
        router.route(FILES[at].path, get(answer))
    })
}

/// The markup of the page, at the address that people type.
pub(super) async fn page(State(source): State<Source>, headers: HeaderMap) -> Response {
    PACKED[0].answer(&headers, &policy(&headers, &source))
}

/// The Content Security Policy: files and connections of this port, no script or style inside the page, and in a frame only the page
/// for players of this node, at the name by which the client has found the node.
fn policy(asked: &HeaderMap, source: &Source) -> String {
    let host = asked.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = name(host.unwrap_or_default());
    let web = source
        .node()
        .ok()
        .and_then(|node| node.door()?.web_address());
    let frame = web.map_or("'none'".to_string(), |web| {
        format!("http://{host}:{}", web.port())
    });
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src {frame}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_small_and_needs_nothing_from_elsewhere() {
        let bytes: usize = PACKED.iter().map(|packed| packed.gzip().len()).sum();
        assert!(bytes < 100 << 10, "{bytes} bytes");
        for file in FILES {
            let text = std::str::from_utf8(file.bytes).unwrap();
            for word in [
                "https://",
                "//cdn",
                " onclick",
                " style=",
                "innerHTML",
                "eval(",
            ] {
                assert!(!text.contains(word), "{}: {word}", file.path);
            }
        }
    }

    #[test]
    fn everything_that_the_files_name_is_there() {
        let named = FILES.iter().flat_map(|file| {
            let text = std::str::from_utf8(file.bytes).unwrap();
            text.split(['"', '\'']).filter(|word| {
                let is_path = word.starts_with("./") || word.starts_with("/live/");
                is_path
                    && [".js", ".css", ".svg"]
                        .iter()
                        .any(|end| word.ends_with(end))
            })
        });
        let named: Vec<String> = named.map(|path| path.replace("./", "/live/")).collect();
        assert!(named.len() >= FILES.len() - 1, "{named:?}");
        for path in named {
            assert!(FILES.iter().any(|file| file.path == path), "{path}");
        }
    }
}
