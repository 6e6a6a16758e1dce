//! The address of the live page, as `pq token` and `pq demo` print it.

use std::net::SocketAddr;

/// The address of the page for a browser on this machine, where the port is open at this address.
pub(crate) fn address(port: SocketAddr) -> String {
    let name = match port.ip() {
        ip if ip.is_loopback() || ip.is_unspecified() => "localhost".to_string(),
        _ => return format!("http://{port}/live"),
    };
    format!("http://{name}:{}/live", port.port())
}
