//! The checks before a request for the live page is answered: by which name the client has found the node, from which page the
//! request comes, and for an order from where.
//!
//! A page of another site can make a browser send requests here, or call its own name for this address (DNS rebinding). The first
//! kind has another `Origin`, the second another `Host`. Addresses and `localhost` cannot be rebound; other names are allowed by the
//! setting `hosts`.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::{Peer, refusal};

/// The names of the node besides its addresses and `localhost`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Hosts(pub(crate) Vec<String>);

/// Passes on the requests that are to be answered, and refuses the others with 403.
pub(super) async fn judge(
    State(hosts): State<Arc<Hosts>>,
    request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let headers = request.headers();
    let judged = by_name(headers, &hosts)
        .and_then(|()| from_own_page(headers))
        .and_then(|()| match *request.method() {
            Method::GET | Method::HEAD => Ok(()),
            _ => from_near(headers, peer),
        });
    match judged {
        Ok(()) => next.run(request).await,
        Err(why) => refusal(StatusCode::FORBIDDEN, why),
    }
}

fn by_name(headers: &HeaderMap, hosts: &Hosts) -> Result<(), &'static str> {
    let host = text(headers, header::HOST).unwrap_or_default();
    let name = name(host);
    let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let is_own = is_address || name == "localhost" || hosts.0.iter().any(|own| own == name);
    is_own.then_some(()).ok_or(
        "this node does not have that name: use its address or localhost, or add the name to hosts in metrics of kernel",
    )
}

/// A request of a page has its origin; one of a program may have none.
fn from_own_page(headers: &HeaderMap) -> Result<(), &'static str> {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let host = text(headers, header::HOST).unwrap_or_default();
    let origin = origin.to_str().unwrap_or_default();
    let own = ["http://", "https://"]
        .iter()
        .filter_map(|scheme| origin.strip_prefix(scheme));
    let mut own = own.filter(|rest| rest.eq_ignore_ascii_case(host));
    own.next()
        .map(drop)
        .ok_or("the request comes from a page of another site")
}

/// An order has a token, which nobody on the way may read: it comes from this machine, or through a proxy on it that has TLS.
fn from_near(headers: &HeaderMap, peer: Option<Peer>) -> Result<(), &'static str> {
    let is_near = peer.is_some_and(|Peer(peer)| peer.ip().to_canonical().is_loopback());
    let proto = text(
        headers,
        header::HeaderName::from_static("x-forwarded-proto"),
    );
    let is_forwarded = headers.contains_key("x-forwarded-for") || headers.contains_key("forwarded");
    let is_open = is_forwarded && proto != Some("https");
    (is_near && !is_open).then_some(()).ok_or(
        "orders are taken from this machine, or over TLS by a proxy on this machine that sends X-Forwarded-Proto",
    )
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A host without its port.
pub(super) fn name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let header = |(name, value): &(&'static str, &str)| {
            let value = HeaderValue::from_str(value).unwrap();
            (header::HeaderName::from_static(name), value)
        };
        pairs.iter().map(header).collect()
    }

    #[test]
    fn a_name_that_could_be_rebound_is_refused() {
        let hosts = Hosts(vec!["ops.example".to_string()]);
        for (host, is_own) in [
            ("127.0.0.1:9464", true),
            ("[::1]:9464", true),
            ("192.0.2.7", true),
            ("localhost:9464", true),
            ("ops.example:80", true),
            ("evil.example:9464", false),
            ("localhost.evil.example", false),
            ("", false),
        ] {
            let judged = by_name(&headers(&[("host", host)]), &hosts);
            assert_eq!(judged.is_ok(), is_own, "{host}");
        }
    }

    #[test]
    fn a_page_of_another_site_is_refused_and_a_program_is_not() {
        for (origin, is_own) in [
            (None, true),
            (Some("http://127.0.0.1:9464"), true),
            (Some("https://127.0.0.1:9464"), true),
            (Some("http://127.0.0.1:8083"), false),
            (Some("http://evil.example"), false),
            (Some("null"), false),
        ] {
            let pairs = [
                ("host", "127.0.0.1:9464"),
                ("origin", origin.unwrap_or_default()),
            ];
            let pairs = &pairs[..1 + usize::from(origin.is_some())];
            assert_eq!(from_own_page(&headers(pairs)).is_ok(), is_own, "{origin:?}");
        }
    }

    #[test]
    fn an_order_comes_from_this_machine_or_over_tls() {
        let peer = |ip: &str| Some(Peer((ip.parse::<IpAddr>().unwrap(), 1).into()));
        let forwarded = ("x-forwarded-for", "192.0.2.7");
        let by = |proto| [forwarded, ("x-forwarded-proto", proto)];
        for (pairs, ip, is_near) in [
            (&[][..], "127.0.0.1", true),
            (&[], "::ffff:127.0.0.1", true),
            (&[], "192.0.2.7", false),
            (&by("https"), "127.0.0.1", true),
            (&by("http"), "127.0.0.1", false),
            (&[forwarded], "127.0.0.1", false),
            (&by("https"), "192.0.2.7", false),
        ] {
            let judged = from_near(&headers(pairs), peer(ip));
            assert_eq!(judged.is_ok(), is_near, "{ip} {pairs:?}");
        }
        assert!(from_near(&headers(&[]), None).is_err());
    }
}
