//! The files of the page: HTML, style, script and terminal, all contained in this program.
//!
//! All files are compressed once, at the first request.

use std::sync::LazyLock;

use axum::Router;
use axum::http::{HeaderMap, header};
use axum::routing::get;

use crate::entrance::packed::{File, Packed};

/// The Content Security Policy of the page: it may load files from its own server and connect to it, and nothing else. The
/// one exception is the style that xterm.js writes into the page for its letters and colours.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors";

macro_rules! files {
    ($($path:literal, $kind:literal, $name:literal;)*) => {
        &[$(File {
            path: $path,
            kind: $kind,
            bytes: include_bytes!(concat!("../../../web/", $name)),
        }),*]
    };
}

const FILES: &[File] = files! {
    "/", "text/html; charset=utf-8", "index.html";
    "/play.css", "text/css; charset=utf-8", "play.css";
    "/memory.js", "text/javascript; charset=utf-8", "memory.js";
    "/session.js", "text/javascript; charset=utf-8", "session.js";
    "/login.js", "text/javascript; charset=utf-8", "login.js";
    "/play.js", "text/javascript; charset=utf-8", "play.js";
    "/favicon.svg", "image/svg+xml", "favicon.svg";
    "/xterm.css", "text/css; charset=utf-8", "vendor/xterm.css";
    "/xterm.js", "text/javascript; charset=utf-8", "vendor/xterm.js";
    "/addon-fit.js", "text/javascript; charset=utf-8", "vendor/addon-fit.js";
};

static PACKED: LazyLock<Vec<Packed>> = LazyLock::new(|| FILES.iter().map(Packed::from).collect());

/// The routes of all files.
pub(super) fn router() -> Router {
    let add = |router: Router, i: usize| {
        let answer =
            move |headers: HeaderMap| async move { PACKED[i].answer(&headers, &policy(&headers)) };
        router.route(FILES[i].path, get(answer))
    };
    (0..FILES.len()).fold(Router::new(), add)
}

/// The policy with the pages that may show this one in a frame: those of other ports at the same name, such as the live page for
/// operators. The name is the one that the client has typed, so a page elsewhere gains nothing.
fn policy(asked: &HeaderMap) -> String {
    let host = asked.get(header::HOST).and_then(|host| host.to_str().ok());
    let name = host.map_or("", |host| {
        host.rsplit_once(':').map_or(host, |(name, _)| name)
    });
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    match !name.is_empty() && name.chars().all(is_plain) {
        true => format!("{POLICY} http://{name}:*"),
        // A policy cannot name an IPv6 address.
        false => format!("{POLICY} 'none'"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use axum::http::HeaderValue;
    use flate2::read::GzDecoder;

    use super::*;

    fn asked(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn what_is_packed_is_the_file() {
        for (packed, file) in PACKED.iter().zip(FILES) {
            let mut bytes = Vec::new();
            GzDecoder::new(packed.gzip())
                .read_to_end(&mut bytes)
                .unwrap();
            assert_eq!(bytes, file.bytes, "{}", file.path);
        }
    }

    #[test]
    fn files_are_told_apart_by_their_tags() {
        let mut tags: Vec<&str> = PACKED.iter().map(|packed| packed.tag()).collect();
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), FILES.len());
    }

    #[test]
    fn a_frame_is_allowed_at_the_same_name_only() {
        for (host, ancestors) in [
            ("localhost:8083", "http://localhost:*"),
            ("game.example", "http://game.example:*"),
            ("[::1]:8083", "'none'"),
            ("a; script-src *", "'none'"),
        ] {
            let policy = policy(&asked(header::HOST, host));
            assert_eq!(policy, format!("{POLICY} {ancestors}"));
        }
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere_and_no_script_inside_it() {
        let page = std::str::from_utf8(FILES[0].bytes).unwrap();
        for word in ["http://", "https://", "//cdn", " onclick", " style="] {
            assert!(!page.contains(word), "{word}");
        }
        for script in page.split("<script").skip(1) {
            assert!(script.starts_with(" src=\"/"), "{script}");
        }
        for path in page.split(['"']).filter(|word| word.starts_with('/')) {
            assert!(FILES.iter().any(|file| file.path == path), "{path}");
        }
    }
}
