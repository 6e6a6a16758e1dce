//! Log lines: to stderr through the queue of `stdio`, as text or JSON, filtered by `RUST_LOG` or the setting of a release
//! ([`level`]; default `info`).
//!
//! An event is exactly one line. Control characters in text from outside (names, messages, terms of modules) are
//! escaped, and each field has a length limit. So nobody can forge a line or fill a disk with one line.

pub(crate) mod level;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt::Debug;
use std::io::{self, Write};
use std::panic::PanicHookInfo;

use pq_term::{printable, printable_json, shorten};
use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

use crate::options::LogFormat;
use crate::{console, stdio};

/// The longest field of a line, in characters: one screen.
const FIELD_CHARS_MAX: usize = 4_000;

/// Installs the subscriber. Data goes to stdout, so log and data never mix.
pub(crate) fn install(format: LogFormat) -> anyhow::Result<()> {
    let filter = EnvFilter::builder()
        .with_default_directive(tracing::Level::INFO.into())
        .from_env()?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // Otherwise the subscriber would report a closed stderr by panicking on a shard.
        .log_internal_errors(false);
    let installed = match format {
        LogFormat::Text => {
            let builder = builder
                .fmt_fields(debug_fn(write_field).delimited(" "))
                .with_writer(stdio::err)
                .with_ansi(stdio::stderr_is_terminal() && console::colours_are_wanted())
                .with_filter_reloading();
            level::changes_through(builder.reload_handle());
            builder.try_init()
        }
        LogFormat::Json => {
            let builder = builder
                .json()
                .with_writer(|| JsonLines(stdio::err()))
                .with_filter_reloading();
            level::changes_through(builder.reload_handle());
            builder.try_init()
        }
    };
    installed.map_err(|error| anyhow::anyhow!("failed to install the log: {error}"))?;
    std::panic::set_hook(Box::new(note_panic));
    Ok(())
}

/// Logs a panic like any other event: std would bypass the format and wait for the reader of stderr.
fn note_panic(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let message = payload.downcast_ref::<String>().map(String::as_str);
    let message = message.or_else(|| payload.downcast_ref::<&str>().copied());
    let place = info.location().map(ToString::to_string);
    let backtrace = Backtrace::capture();
    let is_captured = backtrace.status() == BacktraceStatus::Captured;
    let backtrace = is_captured.then(|| backtrace.to_string());
    let thread = std::thread::current();
    let thread = thread.name();
    let message = message.unwrap_or("a payload that is not text");
    tracing::error!(place, thread, backtrace, "panicked: {message}");
}

/// Writes a field of a text line: `name=value`, and the message without its name.
fn write_field(writer: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> std::fmt::Result {
    let value = format!("{value:?}");
    let value = shorten(&value, FIELD_CHARS_MAX);
    match field.name() {
        "message" => writer.write_str(&printable(&value)),
        name => write!(writer, "{name}={}", printable(&value)),
    }
}

/// Writes whole lines of JSON without terminal control sequences.
struct JsonLines<W>(W);

impl<W: Write> Write for JsonLines<W> {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(lines);
        let shown: Vec<_> = text.split('\n').map(printable_json).collect();
        self.0.write_all(shown.join("\n").as_bytes())?;
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    const EVIL: &str = "Ann\n2026-01-01 ERROR forged\u{1b}[2J\u{9b}1m\u{202e}";

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Lines {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    /// Logs an event in which all texts come from outside.
    fn event() {
        let name = Some(EVIL.to_string());
        let long = "x".repeat(100_000);
        tracing::info!(name, who = %EVIL, text = EVIL, long, "hears {EVIL}");
    }

    fn is_one_line(text: &str) {
        assert_eq!(text.matches('\n').count(), 1, "{text:?}");
        assert!(
            text.trim_end_matches('\n').chars().all(pq_term::is_shown),
            "{text:?}"
        );
    }

    #[test]
    fn nobody_forges_a_line_of_text() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .fmt_fields(debug_fn(write_field).delimited(" "))
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, event);
        let text = lines.text();
        is_one_line(&text);
        assert!(
            text.contains(r"hears Ann\n2026-01-01 ERROR forged\u{1b}[2J"),
            "{text}"
        );
        assert!(text.len() < 10_000, "{} bytes", text.len());
    }

    #[test]
    fn nobody_forges_a_line_of_json() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_writer(move || JsonLines(writer.clone()))
            .finish();
        tracing::subscriber::with_default(subscriber, event);
        is_one_line(&lines.text());
        let line: serde_json::Value = serde_json::from_str(&lines.text()).unwrap();
        assert_eq!(line["fields"]["message"], format!("hears {EVIL}"));
        assert_eq!(line["fields"]["who"], EVIL);
    }
}
