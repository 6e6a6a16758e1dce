//! A reading as metrics: OpenMetrics 1.0, and the older text format 0.0.4 of Prometheus.
//!
//! Names follow <https://prometheus.io/docs/practices/naming/>: base units, totals of counters end in `_total`. The crate
//! `prometheus-client` writes OpenMetrics; the older format differs in the names of counters and in three kinds of lines.

mod families;

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use crate::reading::Reading;

/// The prefix of all names.
const PREFIX: &str = "pq";

/// A format of metrics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// OpenMetrics 1.0, which ends with a mark.
    OpenMetrics,
    /// The older text format 0.0.4 of Prometheus.
    Text,
}

impl Format {
    /// The format that a client accepts, by its header `Accept` (RFC 9110, 12.5.1); the older one unless the client names
    /// OpenMetrics and does not prefer the other.
    pub fn accepted(accept: Option<&str>) -> Format {
        let weight = |name: &str| accept.map_or(0, |accept| weight(accept, name));
        let open = weight("application/openmetrics-text");
        match open > 0 && open >= weight("text/plain") {
            true => Format::OpenMetrics,
            false => Format::Text,
        }
    }

    /// The header `Content-Type` of the format.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// The metrics of a reading.
    pub fn write(self, reading: Reading) -> String {
        let mut registry = Registry::with_prefix(PREFIX);
        registry.register_collector(Box::new(Collected(reading)));
        let mut text = String::new();
        encode(&mut text, &registry).expect("a text takes all of it");
        match self {
            Format::OpenMetrics => text,
            Format::Text => older(&text),
        }
    }
}

/// The weight of a media type in thousandths; 0 if the header does not name it.
fn weight(accept: &str, name: &str) -> u32 {
    let named = accept.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        (parts.next()? == name).then(|| {
            let quality = parts.find_map(|part| part.strip_prefix("q="));
            let quality = quality.and_then(|value| value.parse::<f32>().ok());
            (quality.unwrap_or(1.0).clamp(0.0, 1.0) * 1_000.0) as u32
        })
    });
    named.max().unwrap_or(0)
}

#[derive(Debug)]
struct Collected(Reading);

impl Collector for Collected {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        families::write(&self.0, encoder)
    }
}

/// The text of OpenMetrics in the older format: a counter has the name of its sample, and there are neither units nor an end.
fn older(text: &str) -> String {
    let mut older = String::with_capacity(text.len());
    let mut help = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ');
        } else if let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|it| it.split_once(' '))
        {
            let total = if kind == "counter" { "_total" } else { "" };
            let (_, sentence) = help.take().unwrap_or_default();
            older += &format!("# HELP {name}{total} {sentence}\n# TYPE {name}{total} {kind}\n");
        } else if !line.starts_with('#') {
            older.push_str(line);
            older.push('\n');
        }
    }
    older
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A reading with a value in each place.
    fn reading() -> Reading {
        serde_json::from_str(include_str!("exposition/reading.json")).unwrap()
    }

    #[test]
    fn the_format_is_the_one_that_the_client_prefers() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,\
                          text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for (accept, format) in [
            (None, Format::Text),
            (Some(""), Format::Text),
            (Some("*/*"), Format::Text),
            (Some("text/plain"), Format::Text),
            (Some("text/html, */*;q=0.8"), Format::Text),
            (Some("application/openmetrics-text"), Format::OpenMetrics),
            (Some("application/openmetrics-text;q=0"), Format::Text),
            (
                Some("application/openmetrics-text;q=0.3, text/plain;q=0.9"),
                Format::Text,
            ),
            (Some(prometheus), Format::OpenMetrics),
        ] {
            assert_eq!(Format::accepted(accept), format, "{accept:?}");
        }
    }

    #[test]
    fn both_formats_have_the_same_samples() {
        let samples = |format: Format| {
            let text = format.write(reading());
            let samples = text.lines().filter(|line| !line.starts_with('#'));
            samples.map(str::to_string).collect::<Vec<String>>()
        };
        assert_eq!(samples(Format::OpenMetrics), samples(Format::Text));
        assert!(Format::OpenMetrics.write(reading()).ends_with("\n# EOF\n"));
    }

    #[test]
    fn every_family_has_one_help_and_one_type_and_a_name_with_its_unit() {
        let text = Format::Text.write(reading());
        let mut names = BTreeSet::new();
        for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
            let (name, kind) = line.split_once(' ').unwrap();
            assert!(names.insert(name), "{name} twice");
            assert!(text.contains(&format!("# HELP {name} ")), "{name}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
            assert!(!name.ends_with("_ms") && !name.ends_with("_us"), "{name}");
            assert!(kind != "histogram" || name.ends_with("_seconds"), "{name}");
        }
        assert!(names.len() > 40, "{names:?}");
    }

    #[test]
    fn a_histogram_has_cumulative_buckets() {
        let text = Format::Text.write(reading());
        for line in [
            "pq_save_commit_duration_seconds_bucket{le=\"0.000001\"} 3",
            "pq_save_commit_duration_seconds_bucket{le=\"+Inf\"} 6",
            "pq_save_commit_duration_seconds_count 6",
            "pq_processes{module=\"shop\",vsn=\"1.0.0\"} 2",
            "pq_refusals_total{reason=\"full\"} 4",
            "pq_install_phase_duration_seconds_total{phase=\"hold\"} 0.0015",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} is not in {text}");
        }
    }

    #[test]
    fn text_in_labels_is_escaped() {
        let mut reading = reading();
        reading.node.release = "1\"\n\\".to_string();
        let text = Format::Text.write(reading);
        assert!(text.contains(r#"release="1\"\n\\""#), "{text}");
    }
}
