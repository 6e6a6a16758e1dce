//! Files for browsers that are contained in the program, as they are sent: compressed once, and with a tag.
//!
//! A browser caches them and asks each time whether they are still the same (RFC 9110, 13.1.2), so a newer version of the program
//! never works with an old page.

use std::io::Write;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::{Compression, GzBuilder};

/// A file of the source tree, as embedded in the program.
pub struct File {
    /// Where the port serves it, from the first `/` on.
    pub path: &'static str,
    /// The value of `Content-Type`, with the character set of texts.
    pub kind: &'static str,
    /// What is sent to a client that cannot unpack gzip.
    pub bytes: &'static [u8],
}

/// A file in the form in which it is sent.
pub struct Packed {
    file: &'static File,
    gzip: Vec<u8>,
    tag: String,
}

impl From<&'static File> for Packed {
    fn from(file: &'static File) -> Packed {
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
}

impl Packed {
    /// The answer to a request with these headers: the file, compressed if the client can unpack it; or that it is the one that the
    /// client knows. `policy` is the Content Security Policy.
    pub fn answer(&'static self, asked: &HeaderMap, policy: &str) -> Response {
        let headers = [
            (header::CONTENT_TYPE, self.file.kind),
            (header::ETAG, &self.tag),
            (header::CACHE_CONTROL, "no-cache"),
            (header::VARY, "Accept-Encoding"),
            (header::CONTENT_SECURITY_POLICY, policy),
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

    /// What is sent to a client that takes gzip.
    pub fn gzip(&self) -> &[u8] {
        &self.gzip
    }

    /// The value of `ETag`: checksum and length of the content, in hexadecimal digits.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    fn is_known(&self, asked: &HeaderMap) -> bool {
        words(asked, header::IF_NONE_MATCH).any(|tag| tag == self.tag || tag == "*")
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
    use std::sync::LazyLock;

    use axum::http::HeaderValue;

    use super::*;

    static FILE: File = File {
        path: "/",
        kind: "text/html; charset=utf-8",
        bytes: b"<!doctype html><title>a page</title>",
    };
    static PAGE: LazyLock<Packed> = LazyLock::new(|| Packed::from(&FILE));

    fn asked(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn a_browser_that_knows_a_file_is_not_sent_it_again() {
        for (tag, status) in [
            (PAGE.tag.as_str(), StatusCode::NOT_MODIFIED),
            ("*", StatusCode::NOT_MODIFIED),
            ("W/\"0\"", StatusCode::OK),
        ] {
            let tags = format!("\"x\", {tag}");
            let answer = PAGE.answer(&asked(header::IF_NONE_MATCH, &tags), "");
            assert_eq!(answer.status(), status, "{tag}");
        }
    }

    #[test]
    fn only_who_can_unpack_gets_a_packed_file() {
        for (coding, packed) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, gzip;q=0.8", true),
            ("gzip;q=0", false),
            ("gzip;q=0.000", false),
            ("identity", false),
        ] {
            let answer = PAGE.answer(&asked(header::ACCEPT_ENCODING, coding), "");
            let is_packed = answer.headers().contains_key(header::CONTENT_ENCODING);
            assert_eq!(is_packed, packed, "{coding}");
        }
    }
}
