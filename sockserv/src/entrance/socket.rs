//! What is asked of the kernel for the socket of a client, once, when it comes in.

use std::io;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::net::TcpStream;

/// After how much silence of the client the kernel asks whether it is still there.
/// A client that has lost its network says nothing more, and its avatar would play for nobody. A minute is often
/// enough for that, and seldom enough for a phone.
const IDLE: Duration = Duration::from_secs(60);

/// How long what was sent, and those questions, may stay unanswered. By its own rule (`tcp(7)`,
/// `tcp_retries2`) the kernel waits for a quarter of an hour.
const UNANSWERED_MAX: Duration = Duration::from_secs(120);

/// Prepares a socket for telnet.
///
/// # Errors
/// When the client has gone already.
pub fn prepare(stream: &TcpStream) -> io::Result<()> {
    // A line of the game must not wait for the next one.
    stream.set_nodelay(true)?;
    // A client's Synch is the command `DM` as urgent data (RFC 854), which the kernel would take out of the stream: the
    // byte before it would then begin another command.
    sockopt::set_socket_oobinline(stream, true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, IDLE)?;
    let unanswered_ms = UNANSWERED_MAX.as_secs() as u32 * 1_000;
    Ok(sockopt::set_tcp_user_timeout(stream, unanswered_ms)?)
}
