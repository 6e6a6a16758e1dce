//! The operators' socket without the command: the test sends frames, right or wrong.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

use pq_tests::running::{PATIENCE, Tree, uninterrupted};
use serde_json::Value;

/// Connects to the node of this tree.
pub(crate) fn connect(tree: &Tree) -> UnixStream {
    let stream = UnixStream::connect(tree.root().join("run/pq.sock")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

pub(crate) fn frame(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap();
    [&length.to_be_bytes(), body].concat()
}

/// The next event; `None` at the end of the connection, also when the node ended before it
/// accepted the connection: then the system resets it.
pub(crate) fn event(stream: &mut UnixStream) -> Option<Value> {
    let mut prefix = [0; 4];
    match uninterrupted(|| stream.read(&mut prefix[..1])) {
        Ok(0) => return None,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
        read => read.unwrap(),
    };
    stream.read_exact(&mut prefix[1..]).unwrap();
    let mut body = vec![0; u32::from_be_bytes(prefix) as usize];
    stream.read_exact(&mut body).unwrap();
    Some(serde_json::from_slice(&body).unwrap())
}

/// Sends these bytes on a connection of their own, and reads the single event with the refusal.
pub(crate) fn refusal(tree: &Tree, bytes: &[u8]) -> (i64, String) {
    let mut stream = connect(tree);
    // The node may refuse the request before it has read all bytes.
    let _ = stream.write_all(bytes);
    let refused = event(&mut stream).unwrap();
    assert_eq!(refused["event"], "failed", "{refused}");
    (
        refused["exit"].as_i64().unwrap(),
        refused["error"].as_str().unwrap().to_string(),
    )
}
