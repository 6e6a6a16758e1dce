//! The spans of an install, in the JSON form of OTLP: the install, and a child for each of its phases.
//!
//! The times are those of the record: an install ends when its record is written, and its phases follow one another.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime};

use pq_protocol::record::{InstallRecord, Micros, PhaseTook};
use serde_json::{Value, json};

use crate::clock::since_1970;

/// A span of the program's own work (`SPAN_KIND_INTERNAL`).
const INTERNAL: u64 = 1;

/// The codes of a span's status (`STATUS_CODE_OK`, `STATUS_CODE_ERROR`).
const OK: u64 = 1;
const ERROR: u64 = 2;

/// An install, and the time of its end.
pub(super) struct Install {
    pub(super) record: InstallRecord,
    pub(super) ended: SystemTime,
}

impl Install {
    /// The request for a collector (`ExportTraceServiceRequest`).
    pub(super) fn json(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let resource = json!({"attributes": [
            text("service.name", "pq"),
            text("service.version", version),
            number("process.pid", std::process::id().into()),
        ]});
        let scope = json!({"name": "pq", "version": version});
        let spans = json!([{"scope": scope, "spans": self.spans()}]);
        json!({"resourceSpans": [{"resource": resource, "scopeSpans": spans}]}).to_string()
    }

    fn spans(&self) -> Vec<Value> {
        let trace = format!("{:016x}{:016x}", random(), random());
        let (own, begin) = (
            span_id(),
            self.ended - Duration::from_millis(self.record.took_ms),
        );
        let mut spans = vec![json!({
            "traceId": trace,
            "spanId": own,
            "name": "install",
            "kind": INTERNAL,
            "startTimeUnixNano": nanos(begin),
            "endTimeUnixNano": nanos(self.ended),
            "attributes": self.attributes(),
            "status": self.status(),
        })];
        let mut at = begin;
        for PhaseTook { phase, took_us } in &self.record.phases {
            let end = at + Duration::from_micros(*took_us);
            spans.push(json!({
                "traceId": trace,
                "spanId": span_id(),
                "parentSpanId": own,
                "name": phase.word(),
                "kind": INTERNAL,
                "startTimeUnixNano": nanos(at),
                "endTimeUnixNano": nanos(end),
                "attributes": [number("pq.took_us", *took_us)],
            }));
            at = end;
        }
        spans
    }

    fn attributes(&self) -> Vec<Value> {
        let record = &self.record;
        let mut attributes = vec![
            text("pq.from", &record.from),
            text("pq.to", &record.to),
            text("pq.direction", record.direction.word()),
            number("pq.converted", record.converted),
            number("pq.conversions_failed", record.failed),
            number("pq.killed", record.killed),
            number("pq.connections_dropped", record.connections_dropped),
            number("pq.bytes_loaded", record.bytes_loaded),
            number("pq.warnings", record.warnings.len() as u64),
        ];
        attributes.extend(
            record
                .who
                .iter()
                .map(|who| text("pq.who", &who.to_string())),
        );
        attributes.extend(micros("pq.pause_us", record.pause_us));
        attributes.extend(micros("pq.stall_us", record.stall_us));
        attributes
    }

    fn status(&self) -> Value {
        match &self.record.failure {
            None => json!({"code": OK}),
            Some(failure) => json!({"code": ERROR, "message": failure.sentence}),
        }
    }
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

/// A number; 64-bit integers are texts in the JSON form of Protocol Buffers.
fn number(key: &str, value: u64) -> Value {
    json!({"key": key, "value": {"intValue": value.to_string()}})
}

fn micros(key: &str, of: Micros) -> [Value; 3] {
    [("median", of.median), ("p99", of.p99), ("max", of.max)]
        .map(|(name, value)| number(&format!("{key}.{name}"), value))
}

fn nanos(time: SystemTime) -> String {
    since_1970(time).as_nanos().to_string()
}

fn span_id() -> String {
    format!("{:016x}", random())
}

/// A number that is different each time and never 0, which would be no id. The keys of a `RandomState` come from the system.
fn random() -> u64 {
    RandomState::new().hash_one(SystemTime::now()).max(1)
}

#[cfg(test)]
mod tests {
    use pq_protocol::record::InstallPhase;
    use pq_protocol::{Exit, Failure};

    use super::*;

    fn spans(record: InstallRecord) -> Vec<Value> {
        let ended = SystemTime::UNIX_EPOCH + Duration::from_secs(10);
        let install = Install { record, ended };
        let json: Value = serde_json::from_str(&install.json()).unwrap();
        let spans = &json["resourceSpans"][0]["scopeSpans"][0]["spans"];
        spans.as_array().unwrap().clone()
    }

    #[test]
    fn an_install_is_a_span_with_its_phases_below_it() {
        let phase = |phase, took_us| PhaseTook { phase, took_us };
        let spans = spans(InstallRecord {
            took_ms: 2_000,
            converted: 7,
            phases: vec![
                phase(InstallPhase::Prepare, 1_500_000),
                phase(InstallPhase::Copy, 250_000),
            ],
            ..InstallRecord::default()
        });
        let time = |span: usize, key: &str| spans[span][key].as_str().unwrap();
        assert_eq!(time(0, "startTimeUnixNano"), "8000000000");
        assert_eq!(time(0, "endTimeUnixNano"), "10000000000");
        assert_eq!(time(1, "startTimeUnixNano"), "8000000000");
        assert_eq!(time(1, "endTimeUnixNano"), "9500000000");
        assert_eq!(time(2, "endTimeUnixNano"), "9750000000");
        assert_eq!(spans[0]["status"]["code"], OK);
        let is_converted = |it: &&Value| it["key"] == "pq.converted";
        let attributes = spans[0]["attributes"].as_array().unwrap();
        let converted = attributes.iter().find(is_converted).unwrap();
        assert_eq!(converted["value"]["intValue"], "7");
        for (span, name) in [(1, "prepare"), (2, "copy")] {
            assert_eq!(spans[span]["name"], name);
            assert_eq!(spans[span]["parentSpanId"], spans[0]["spanId"]);
            assert_eq!(spans[span]["traceId"], spans[0]["traceId"]);
        }
        assert_ne!(spans[1]["spanId"], spans[2]["spanId"]);
        assert_eq!(time(0, "traceId").len(), 32);
    }

    #[test]
    fn a_failed_install_has_its_reason() {
        let failure = Failure::new(Exit::RolledBack, "no room".to_string());
        let spans = spans(InstallRecord {
            failure: Some(failure),
            ..InstallRecord::default()
        });
        let status = &spans[0]["status"];
        assert_eq!(
            (&status["code"], &status["message"]),
            (&ERROR.into(), &"no room".into())
        );
    }
}
