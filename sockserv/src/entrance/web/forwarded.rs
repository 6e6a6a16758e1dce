//! Browsers behind a proxy: their address, from `Forwarded` (RFC 7239) or `X-Forwarded-For`.
//!
//! ```text
//!   X-Forwarded-For: 198.51.100.1, 192.0.2.7, 10.0.0.2      read from the right: each proxy appends its peer
//!                    └ claimed by  └ the      └ a proxy of ours
//!                      the client    client
//! ```
//! Elements left of the client come from the client itself and are not trusted. Pure: the caller knows the trusted proxies.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

/// The names of the two headers.
const FORWARDED: &str = "forwarded";
const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's address according to the headers; `None` without such headers. The port is 0 when no port is given.
///
/// # Errors
/// When no address can be found; the text is the reason.
pub(super) fn origin(
    headers: &HeaderMap,
    is_proxy: impl Fn(IpAddr) -> bool,
) -> Result<Option<SocketAddr>, &'static str> {
    let standard = elements(headers, FORWARDED)?;
    let usual = elements(headers, X_FORWARDED_FOR)?;
    let standard = nearest(standard.iter().map(|element| node_of(element)), &is_proxy);
    let usual = nearest(usual.iter().map(|element| node(element)), &is_proxy);
    match (standard, usual) {
        (None, None) => Ok(None),
        (Some(one), None) | (None, Some(one)) => one.map(Some),
        // A proxy that writes one of the headers passes on the other one as the client has written it.
        (Some(one), Some(other)) => match (one?, other?) {
            (one, other) if one.ip() == other.ip() => Ok(Some(one)),
            _ => Err("Forwarded and X-Forwarded-For disagree"),
        },
    }
}

/// The elements of a comma-separated list, over all lines of a header.
fn elements<'a>(headers: &'a HeaderMap, name: &str) -> Result<Vec<&'a str>, &'static str> {
    let mut elements = Vec::new();
    for line in headers.get_all(name) {
        let line = line.to_str();
        let line = line.map_err(|_| "a header has characters that are not of ASCII")?;
        elements.extend(split(line, ','));
    }
    Ok(elements)
}

/// Splits a text at separators outside of quotes (RFC 9110, 5.6.4).
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut in_quotes = false;
    let parts = text.split(move |c| {
        in_quotes ^= c == '"';
        c == separator && !in_quotes
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

/// The rightmost address that belongs to no trusted proxy; the leftmost one when all do.
fn nearest(
    nodes: impl DoubleEndedIterator<Item = Option<SocketAddr>>,
    is_proxy: impl Fn(IpAddr) -> bool,
) -> Option<Result<SocketAddr, &'static str>> {
    let mut found = None;
    for node in nodes.rev() {
        let Some(node) = node else {
            return Some(Err("the element before it has no address"));
        };
        found = Some(Ok(node));
        if !is_proxy(node.ip()) {
            break;
        }
    }
    found
}

/// The address in the parameter `for` of an element, such as `for="[2001:db8::1]:4711";proto=https`.
fn node_of(element: &str) -> Option<SocketAddr> {
    split(element, ';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let is_for = name.trim().eq_ignore_ascii_case("for");
        is_for
            .then(|| node(value.trim().trim_matches('"')))
            .flatten()
    })
}

/// Parses `192.0.2.7`, `192.0.2.7:4711`, `[2001:db8::1]:4711`, `[2001:db8::1]` or `2001:db8::1`.
fn node(text: &str) -> Option<SocketAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    let address = bare.parse().map(|ip| SocketAddr::new(ip, 0));
    address.or_else(|_| text.parse()).ok()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    /// The origin with trusted proxies in 10.0.0.0/8.
    fn origin_of(lines: &[(&'static str, &str)]) -> Result<Option<String>, &'static str> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(HeaderName::from_static(name), value);
        }
        let is_proxy = |ip: IpAddr| ip.to_string().starts_with("10.");
        let found = origin(&headers, is_proxy)?;
        Ok(found.map(|address| address.to_string()))
    }

    fn check(name: &'static str, value: &str, expected: &str) {
        assert_eq!(
            origin_of(&[(name, value)]),
            Ok(Some(expected.to_string())),
            "{value}"
        );
    }

    #[test]
    fn the_client_is_the_last_that_is_no_proxy_of_ours() {
        let usual = |value, expected| check(X_FORWARDED_FOR, value, expected);
        usual("192.0.2.7", "192.0.2.7:0");
        usual("192.0.2.7:4711", "192.0.2.7:4711");
        usual("1.1.1.1, 192.0.2.7 ,10.0.0.2", "192.0.2.7:0");
        usual("2001:db8::1", "[2001:db8::1]:0");
        usual("[2001:db8::1]:80", "[2001:db8::1]:80");
        usual("nonsense, 192.0.2.7", "192.0.2.7:0");
        usual("10.0.0.3, 10.0.0.2", "10.0.0.3:0");
        let standard = |value, expected| check(FORWARDED, value, expected);
        standard("for=192.0.2.7", "192.0.2.7:0");
        standard(
            r#"For="192.0.2.7:4711";proto=http;by=10.0.0.1"#,
            "192.0.2.7:4711",
        );
        standard(
            r#"by=10.0.0.1;for="[2001:db8::1]:4711""#,
            "[2001:db8::1]:4711",
        );
        standard(
            r#"for=1.1.1.1;x="a,b;for=2.2.2.2", for=192.0.2.7, for="[::1]";by=x, for=10.1.1.1"#,
            "[::1]:0",
        );
        let lines = [(X_FORWARDED_FOR, "1.1.1.1"), (X_FORWARDED_FOR, "192.0.2.7")];
        assert_eq!(origin_of(&lines), Ok(Some("192.0.2.7:0".into())));
        assert_eq!(origin_of(&[]), Ok(None));
    }

    #[test]
    fn whoever_cannot_be_found_is_nobody() {
        for value in [
            "for=unknown",
            "for=_hidden",
            "proto=http",
            "for=",
            "for=1.2.3",
        ] {
            assert!(origin_of(&[(FORWARDED, value)]).is_err(), "{value}");
        }
        for value in ["unknown", "192.0.2.7, unknown", "192.0.2.256", "\u{e9}"] {
            assert!(origin_of(&[(X_FORWARDED_FOR, value)]).is_err(), "{value}");
        }
    }

    #[test]
    fn a_header_that_the_client_has_added_changes_nothing_or_refuses_it() {
        let both = |standard, usual| origin_of(&[(FORWARDED, standard), (X_FORWARDED_FOR, usual)]);
        assert!(both("for=1.1.1.1", "192.0.2.7").is_err());
        let expected = Ok(Some("192.0.2.7:4711".to_string()));
        assert_eq!(
            both(r#"for="192.0.2.7:4711""#, "1.1.1.1, 192.0.2.7"),
            expected
        );
    }
}
