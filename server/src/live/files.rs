//! The files of the page, all contained in this program: markup, style and scripts, less than 100 KiB compressed.
//!
//! The files are compressed once, at the first request. A browser asks each time whether they are still the same, so a newer
//! program never works with an old page.

use std::io::Write;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::{Compression, GzBuilder};

use super::gate::name;
use crate::metrics::source::Source;

struct File {
    path: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

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
    "rail.js", "text/javascript; charset=utf-8";
    "replay.js", "text/javascript; charset=utf-8";
    "side.js", "text/javascript; charset=utf-8";
    "orders.js", "text/javascript; charset=utf-8";
    "qr.js", "text/javascript; charset=utf-8";
    "icon.svg", "image/svg+xml";
};

/// A file in the form in which it is sent.
struct Packed {
    file: &'static File,
    gzip: Vec<u8>,
    tag: String,
}

static PACKED: LazyLock<Vec<Packed>> = LazyLock::new(|| FILES.iter().map(pack).collect());

fn pack(file: &'static File) -> Packed {
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::best());
    let written = encoder.write_all(file.bytes);
    let gzip = written.and_then(|()| encoder.finish());
    let gzip = gzip.expect("writing to memory cannot fail");
    // The trailer of gzip: checksum and length of the file (RFC 1952, 2.3.1).
    let trailer = &gzip[gzip.len() - 8..];
    let hex: String = trailer.iter().map(|byte| format!("{byte:02x}")).collect();
    Packed {
        file,
        tag: format!("W/\"{hex}\""),
        gzip,
    }
}

/// The routes of all files.
pub(super) fn router() -> Router<Source> {
    (0..FILES.len()).fold(Router::new(), |router, at| {
        let answer = move |State(source): State<Source>, headers: HeaderMap| async move {
            PACKED[at].answer(&headers, &source)
        };
        router.route(FILES[at].path, get(answer))
    })
}

/// The markup of the page, at the address that people type.
pub(super) async fn page(State(source): State<Source>, headers: HeaderMap) -> Response {
    PACKED[0].answer(&headers, &source)
}

impl Packed {
    fn answer(&'static self, asked: &HeaderMap, source: &Source) -> Response {
        let headers = [
            (header::CONTENT_TYPE, self.file.kind.to_string()),
            (header::ETAG, self.tag.clone()),
            (header::CACHE_CONTROL, "no-cache".to_string()),
            (header::VARY, "Accept-Encoding".to_string()),
            (header::CONTENT_SECURITY_POLICY, policy(asked, source)),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_string()),
            (header::REFERRER_POLICY, "no-referrer".to_string()),
        ];
        let gzip = (header::CONTENT_ENCODING, "gzip");
        match () {
            () if has(asked, header::IF_NONE_MATCH, &self.tag) => {
                (StatusCode::NOT_MODIFIED, headers).into_response()
            }
            () if has(asked, header::ACCEPT_ENCODING, "gzip") => {
                (headers, [gzip], self.gzip.as_slice()).into_response()
            }
            () => (headers, self.file.bytes).into_response(),
        }
    }
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

/// Whether a header with a comma-separated list has this element, without a weight of 0.
fn has(asked: &HeaderMap, name: header::HeaderName, element: &str) -> bool {
    let values = asked.get_all(name).into_iter();
    let mut parts = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','));
    parts.any(|part| {
        let (name, weight) = part.split_once(';').unwrap_or((part, ""));
        name.trim() == element && !weight.trim().trim_end_matches(['0', '.']).eq("q=")
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_page_is_small_and_needs_nothing_from_elsewhere() {
        let bytes: usize = PACKED.iter().map(|packed| packed.gzip.len()).sum();
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

    #[test]
    fn a_packed_file_goes_only_to_a_client_that_can_unpack_it() {
        for (value, takes) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, gzip;q=0.8", true),
            ("gzip;q=0", false),
            ("gzip;q=0.000", false),
            ("identity", false),
        ] {
            let value_of = HeaderValue::from_str(value).unwrap();
            let asked = HeaderMap::from_iter([(header::ACCEPT_ENCODING, value_of)]);
            assert_eq!(
                has(&asked, header::ACCEPT_ENCODING, "gzip"),
                takes,
                "{value}"
            );
        }
    }
}
