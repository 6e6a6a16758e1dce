//! Spans of installs, as a collector of OpenTelemetry gets them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, sync_channel};

use pq_tests::running::{PATIENCE, Running, Tree};
use serde_json::Value;

/// A collector: its address, and the head and body of each request.
fn collector() -> (String, Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = sync_channel(16);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                stream.read_line(&mut head).unwrap();
            }
            let (_, length) = head.split_once("Content-Length: ").unwrap();
            let length: usize = length.lines().next().unwrap().parse().unwrap();
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
            tell.send((head, serde_json::from_slice(&body).unwrap()))
                .unwrap();
        }
    });
    (address, told)
}

/// The value of an attribute of a span.
fn attribute<'a>(span: &'a Value, key: &str) -> &'a Value {
    let attributes = span["attributes"].as_array().unwrap().iter();
    let mut found = attributes.filter(|it| it["key"] == key);
    &found.next().unwrap_or_else(|| panic!("no {key} in {span}"))["value"]
}

fn spans_of(told: &Receiver<(String, Value)>) -> Vec<Value> {
    let (head, body) = told
        .recv_timeout(PATIENCE)
        .expect("the collector gets a trace");
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
    assert!(
        head.contains("Content-Type: application/json\r\n"),
        "{head}"
    );
    let spans = &body["resourceSpans"][0]["scopeSpans"][0]["spans"];
    spans.as_array().unwrap().clone()
}

#[test]
fn a_collector_gets_each_install_with_the_figures_of_its_record() {
    let tree = Tree::new();
    let (address, told) = collector();
    let args = ["--heroes", "50", "--otlp-endpoint", &address];
    let node = Running::node_with(&tree, &args);
    node.wrote("50 heroes started");
    tree.does(&["unpack", "processquest-1.1.0"]);
    for vsn in ["1.1.0", "1.0.0"] {
        let record = tree.answer(&["install", vsn]);
        let spans = spans_of(&told);
        let (install, phases) = spans.split_first().unwrap();
        assert_eq!(install["name"], "install");
        assert_eq!(attribute(install, "pq.to")["stringValue"], vsn);
        let number = |key: &str| {
            attribute(install, key)["intValue"]
                .as_str()
                .unwrap()
                .to_string()
        };
        assert_eq!(number("pq.converted"), record["converted"].to_string());
        assert_eq!(
            number("pq.pause_us.max"),
            record["pause_us"]["max"].to_string()
        );
        assert_eq!(install["status"]["code"], 1);
        let recorded = record["phases"].as_array().unwrap();
        assert_eq!(phases.len(), recorded.len());
        for (span, phase) in phases.iter().zip(recorded) {
            assert_eq!(span["name"], phase["phase"]);
            assert_eq!(span["parentSpanId"], install["spanId"]);
            let time = |key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
            let took_ns = time("endTimeUnixNano") - time("startTimeUnixNano");
            assert_eq!(took_ns, phase["took_us"].as_u64().unwrap() * 1_000);
        }
    }
    assert_eq!(node.errors(), [""; 0]);
}

#[test]
fn an_install_succeeds_without_its_collector_and_a_wrong_address_is_refused() {
    let tree = Tree::new();
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut node = Running::node_with(&tree, &["--otlp-endpoint", &format!("http://{nobody}")]);
    tree.does(&["unpack", "processquest-1.1.0"]);
    tree.does(&["install", "1.1.0"]);
    node.logged("the spans of an install are not sent");
    tree.does(&["stop"]);
    assert!(node.end().success());
    let mut start = pq_tests::running::pq(tree.start());
    start.args(["--otlp-endpoint", "https://collector"]);
    let mut refused = Running::start(&mut start);
    assert!(!refused.end().success());
    assert!(
        refused.log().contains("https://collector needs TLS"),
        "{}",
        refused.log()
    );
}
