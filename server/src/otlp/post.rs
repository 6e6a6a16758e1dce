//! One request to a collector (OTLP/HTTP): `POST` with JSON, and the status of the answer.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::settings::Endpoint;

/// The limit for the connection, and for each read and write. A collector on the same machine takes milliseconds.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The longest status line that is read.
const STATUS_MAX: u64 = 1_024;

/// Sends a body.
///
/// # Errors
/// The reason why the collector has not taken it.
pub(super) fn post(endpoint: &Endpoint, body: &str) -> Result<(), String> {
    let status = status(endpoint, body).map_err(|error| error.to_string())?;
    // HTTP/1.1 200 OK
    let code = status.split(' ').nth(1).unwrap_or_default();
    match code.starts_with('2') && status.starts_with("HTTP/1.") {
        true => Ok(()),
        false => Err(format!("the collector answers {:?}", status.trim_end())),
    }
}

fn status(endpoint: &Endpoint, body: &str) -> io::Result<String> {
    let mut stream = connect(endpoint)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let Endpoint { host, port, path } = endpoint;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream.take(STATUS_MAX)).read_line(&mut line)?;
    Ok(line)
}

fn connect(endpoint: &Endpoint) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in (&*endpoint.host, endpoint.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, TIMEOUT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}
