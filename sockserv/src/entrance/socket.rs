//! The socket options of a client's connection, set once after `accept`.

use std::io;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::net::TcpStream;

/// The time of silence after which the kernel probes whether the client is still there.
/// A client that has lost its network sends no more, and its avatar would play without a player. A probe a minute is
/// frequent enough to notice, and rare enough for a phone.
const IDLE: Duration = Duration::from_secs(60);

/// The time limit for the acknowledgement of output and probes. The kernel's own limit (`tcp(7)`,
/// `tcp_retries2`) is about 15 minutes.
const UNANSWERED_MAX: Duration = Duration::from_secs(120);

/// Sets the options of a socket for telnet.
///
/// # Errors
/// When the client has gone already.
pub fn prepare(stream: &TcpStream) -> io::Result<()> {
    // A line of the game must not wait for the next one (Nagle's algorithm).
    stream.set_nodelay(true)?;
    // A client's Synch is the command `DM` as urgent data (RFC 854). Without this option the kernel would take it out of the
    // stream, and the byte before it would begin another command.
    sockopt::set_socket_oobinline(stream, true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, IDLE)?;
    let unanswered_ms = UNANSWERED_MAX.as_secs() as u32 * 1_000;
    Ok(sockopt::set_tcp_user_timeout(stream, unanswered_ms)?)
}
