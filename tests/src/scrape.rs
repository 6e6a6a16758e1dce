//! Requests to the port for metrics, and the samples of an answer.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::running::{PATIENCE, Running, Tree};

/// An answer of HTTP.
#[derive(Debug)]
pub struct Answer {
    /// The code in the first line; 0 without one.
    pub status: u16,
    /// The first line and the headers.
    pub head: String,
    /// The text after the headers.
    pub body: String,
}

/// A node with the port for metrics.
pub fn node(tree: &Tree, args: &[&str]) -> Running {
    Running::node_with(tree, &[&["--metrics-port", "0"], args].concat())
}

/// The address in the line `metrics at http://127.0.0.1:9464/metrics`.
pub fn address(node: &Running) -> SocketAddr {
    let line = || {
        let out = node.out();
        let (_, rest) = out.split_once("metrics at http://")?;
        rest.split_once("/metrics\n")?.0.parse().ok()
    };
    node.poll(PATIENCE, line)
        .expect("the node has a port for metrics")
}

/// A request of a client that accepts this.
pub fn get(node: &Running, path: &str, accept: &str) -> Answer {
    ask(
        node,
        &format!(
            "GET {path} HTTP/1.1\r\nHost: node\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
        ),
    )
}

/// Sends this text, and reads the answer to its end.
pub fn ask(node: &Running, request: &str) -> Answer {
    let text = exchange(node, request).expect("the port answers");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Answer {
        status: status.unwrap_or(0),
        head: head.to_string(),
        body: body.to_string(),
    }
}

fn exchange(node: &Running, request: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address(node))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

/// The metrics in the older text format.
pub fn metrics(node: &Running) -> String {
    let answer = get(node, "/metrics", "text/plain");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

/// The sum of all samples with this name and, if wanted, this label.
pub fn sum(metrics: &str, name: &str, label: &str) -> f64 {
    let samples = metrics.lines().filter(|line| line.contains(label));
    let values = samples.filter_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let is_of = series == name || series.strip_prefix(name)?.starts_with('{');
        is_of.then(|| value.parse::<f64>().expect("a sample has a number"))
    });
    values.sum()
}
