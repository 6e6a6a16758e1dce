//! Requests to the port for metrics, and the samples of an answer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use pq_tests::running::{PATIENCE, Running, Tree};

/// An answer of HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// A node with the port for metrics.
pub(crate) fn node(tree: &Tree, args: &[&str]) -> Running {
    Running::node_with(tree, &[&["--metrics-port", "0"], args].concat())
}

/// The address in the line `metrics at http://127.0.0.1:9464/metrics`.
pub(crate) fn address(node: &Running) -> SocketAddr {
    let line = || {
        let out = node.out();
        let (_, rest) = out.split_once("metrics at http://")?;
        rest.split_once("/metrics\n")?.0.parse().ok()
    };
    node.poll(PATIENCE, line)
        .expect("the node has a port for metrics")
}

/// A request of a client that accepts this.
pub(crate) fn get(node: &Running, path: &str, accept: &str) -> Answer {
    ask(
        node,
        &format!(
            "GET {path} HTTP/1.1\r\nHost: node\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
        ),
    )
}

/// Sends this text and reads the answer to its end.
pub(crate) fn ask(node: &Running, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address(node)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Answer {
        status: status.unwrap_or(0),
        head: head.to_string(),
        body: body.to_string(),
    }
}

/// The metrics in the older text format.
pub(crate) fn metrics(node: &Running) -> String {
    let answer = get(node, "/metrics", "text/plain");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

/// The sum of all samples with this name and, if wanted, this label.
pub(crate) fn sum(metrics: &str, name: &str, label: &str) -> f64 {
    let samples = metrics.lines().filter(|line| line.contains(label));
    let values = samples.filter_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let is_of = series == name || series.strip_prefix(name)?.starts_with('{');
        is_of.then(|| value.parse::<f64>().unwrap())
    });
    values.sum()
}
