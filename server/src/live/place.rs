//! The address of the live page, as `pq token` and `pq demo` print it.

use std::net::SocketAddr;

/// The address of the page for a browser on this machine, where the port is open at this address.
pub(crate) fn address(port: SocketAddr) -> String {
    let ip = port.ip();
    match ip.is_loopback() || ip.is_unspecified() {
        true => format!("http://localhost:{}/live", port.port()),
        false => format!("http://{port}/live"),
    }
}
