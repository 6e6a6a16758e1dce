//! The files of the page: HTML, style, script and terminal, all contained in this program.
//!
//! All files are compressed once, at the first request. A browser caches them and asks each time whether they are still the
//! same (RFC 9110, 13.1.2), so a newer version of this program never works with an old page.

use std::io::Write;
use std::sync::LazyLock;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::{Compression, GzBuilder};

/// The Content Security Policy of the page: it may load files from its own server and connect to it, and nothing else. The
/// one exception is the style that xterm.js writes into the page for its letters and colours.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors";

/// A file of the source tree, as embedded in the program.
struct File {
    path: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

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
    "/play.js", "text/javascript; charset=utf-8", "play.js";
    "/favicon.svg", "image/svg+xml", "favicon.svg";
    "/xterm.css", "text/css; charset=utf-8", "vendor/xterm.css";
    "/xterm.js", "text/javascript; charset=utf-8", "vendor/xterm.js";
    "/addon-fit.js", "text/javascript; charset=utf-8", "vendor/addon-fit.js";
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
    let gzip = encoder
        .write_all(file.bytes)
        .and_then(|()| encoder.finish());
    let gzip = gzip.expect("writing to memory cannot fail");
    // The trailer of gzip: checksum and length of the file (RFC 1952, 2.3.1). Weak, because the tag covers both forms.
    let trailer = &gzip[gzip.len() - 8..];
    let hex: String = trailer.iter().map(|byte| format!("{byte:02x}")).collect();
    Packed {
        file,
        tag: format!("W/\"{hex}\""),
        gzip,
    }
}

/// The routes of all files.
pub(super) fn router() -> Router {
    let add = |router: Router, i: usize| {
        let answer = move |headers: HeaderMap| async move { PACKED[i].answer(&headers) };
        router.route(FILES[i].path, get(answer))
    };
    (0..FILES.len()).fold(Router::new(), add)
}

impl Packed {
    fn answer(&'static self, asked: &HeaderMap) -> Response {
        let headers = [
            (header::CONTENT_TYPE, self.file.kind),
            (header::ETAG, &self.tag),
            (header::CACHE_CONTROL, "no-cache"),
            (header::VARY, "Accept-Encoding"),
            (header::CONTENT_SECURITY_POLICY, &policy(asked)),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
        ];
        let headers = headers.map(|(name, value)| (name, value.to_string()));
        let gzip = (header::CONTENT_ENCODING, "gzip".to_string());
        match () {
            () if self.is_known(asked) => (StatusCode::NOT_MODIFIED, headers).into_response(),
            () if takes_gzip(asked) => (headers, [gzip], self.gzip.as_slice()).into_response(),
            () => (headers, self.file.bytes).into_response(),
        }
    }

    fn is_known(&self, asked: &HeaderMap) -> bool {
        words(asked, header::IF_NONE_MATCH).any(|tag| tag == self.tag || tag == "*")
    }
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

fn takes_gzip(asked: &HeaderMap) -> bool {
    words(asked, header::ACCEPT_ENCODING).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let is_refused = matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
        name.trim() == "gzip" && !is_refused
    })
}

/// The elements of a comma-separated header.
fn words(headers: &HeaderMap, name: header::HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).map(str::trim)
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
        for packed in &*PACKED {
            let mut bytes = Vec::new();
            GzDecoder::new(&packed.gzip[..])
                .read_to_end(&mut bytes)
                .unwrap();
            assert_eq!(bytes, packed.file.bytes, "{}", packed.file.path);
        }
    }

    #[test]
    fn files_are_told_apart_by_their_tags() {
        let mut tags: Vec<&str> = PACKED.iter().map(|packed| packed.tag.as_str()).collect();
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), FILES.len());
    }

    #[test]
    fn a_browser_that_knows_a_file_is_not_sent_it_again() {
        let page = &PACKED[0];
        for (tag, status) in [
            (page.tag.as_str(), StatusCode::NOT_MODIFIED),
            ("*", StatusCode::NOT_MODIFIED),
            ("W/\"0\"", StatusCode::OK),
        ] {
            let tags = format!("\"x\", {tag}");
            let answer = page.answer(&asked(header::IF_NONE_MATCH, &tags));
            assert_eq!(answer.status(), status, "{tag}");
        }
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
    fn only_who_can_unpack_gets_a_packed_file() {
        for (coding, packed) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, gzip;q=0.8", true),
            ("gzip;q=0", false),
            ("identity", false),
        ] {
            let answer = PACKED[0].answer(&asked(header::ACCEPT_ENCODING, coding));
            let is_packed = answer.headers().contains_key(header::CONTENT_ENCODING);
            assert_eq!(is_packed, packed, "{coding}");
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
