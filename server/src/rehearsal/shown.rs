//! Reports as text.

use std::time::Duration;

use humantime::format_duration;
use pq_rehearsal::{Compared, Crash, Report, SideReport};

use crate::client::{Show, lines, table};

/// The crashes that the text names; `--json` has a hundred.
const CRASHES_SHOWN: usize = 10;

const HEADING: [&str; 9] = [
    "MEASURE",
    "RUNNING",
    "P1",
    "P99",
    "REHEARSED",
    "P1",
    "P99",
    "RATIO",
    "DIFFERENCE (95 %)",
];

impl Show for Report {
    fn show(&self) -> String {
        let (new, old) = (&self.new, &self.old);
        let title = format!(
            "{} beside {}: {} of {} avatars for {}, seed {}",
            self.to,
            self.from,
            new.avatars,
            self.copies,
            span(self.for_ms),
            self.seed
        );
        let facts = lines(&[
            ("crashes", crashes(new)),
            ("crashes beside", crashes(old)),
            ("not put in", refused(new)),
            ("suspects", suspects(new)),
            ("callbacks", callbacks(new, old)),
            ("memory", memory(new, old)),
            ("against", self.against.join("; ")),
        ]);
        let failures: String = new
            .first_crashes
            .iter()
            .take(CRASHES_SHOWN)
            .map(|crash| format!("  {}\n", failed_avatar(crash)))
            .collect();
        let measures = match self.compared.is_empty() {
            true => String::new(),
            false => table(&HEADING, self.compared.iter().map(row)) + "\n",
        };
        format!("{title}\n{measures}{facts}{failures}")
    }
}

/// A crash as a sentence.
pub(crate) fn failed_avatar(crash: &Crash) -> String {
    let Crash {
        avatar,
        process,
        why,
        phase,
        after_ms,
        came_back,
    } = crash;
    let of = match process.is_empty() {
        true => String::new(),
        false => format!(" ({process})"),
    };
    let fate = match came_back {
        true => "",
        false => ", and plays no more",
    };
    format!("{avatar}{of} after {}{fate}: {why}", at(phase, *after_ms))
}

/// A virtual time of a phase: `1h 2m 3s`, `5s of back`.
pub(crate) fn at(phase: &str, ms: u64) -> String {
    let of = match phase {
        "begin" | "play" => String::new(),
        phase => format!(" of {phase}"),
    };
    format!("{}{of}", span(ms))
}

/// A time without milliseconds from a second on.
fn span(ms: u64) -> String {
    let shown = match ms {
        1_000.. => Duration::from_secs(ms / 1_000),
        _ => Duration::from_millis(ms),
    };
    format_duration(shown).to_string()
}

fn crashes(side: &SideReport) -> String {
    match side.crashes {
        0 => "none".to_string(),
        count => format!("{count}, of {} avatars", side.crashed),
    }
}

fn refused(side: &SideReport) -> String {
    let (count, reasons) = &side.not_put_in;
    match reasons.first() {
        None => String::new(),
        Some(first) => format!("{count}: {first}"),
    }
}

fn suspects(side: &SideReport) -> String {
    match side.first_suspects.first() {
        None => String::new(),
        Some(first) => format!("{}: {}: {}", side.suspects, first.avatar, first.why),
    }
}

fn callbacks(new: &SideReport, old: &SideReport) -> String {
    let (new, old) = (new.callbacks, old.callbacks);
    format!(
        "mean {:.2} us, p99 {:.0} us; beside {:.2} us, {:.0} us",
        new.mean_us, new.p99_us, old.mean_us, old.p99_us
    )
}

fn memory(new: &SideReport, old: &SideReport) -> String {
    let grown = |side: &SideReport| {
        let (begin, end) = side.resident_bytes;
        (end as i64 - begin as i64) >> 20
    };
    format!(
        "{} MiB, {:+} MiB in play; beside {} MiB, {:+} MiB",
        new.resident_bytes.1 >> 20,
        grown(new),
        old.resident_bytes.1 >> 20,
        grown(old)
    )
}

fn row(compared: &Compared) -> Vec<String> {
    let number = |value: f64| format!("{value:.1}");
    let mark = if compared.differs() { "" } else { " =" };
    let (low, high) = compared.interval;
    vec![
        compared.name.clone(),
        number(compared.old.median),
        number(compared.old.p1),
        number(compared.old.p99),
        number(compared.new.median),
        number(compared.new.p1),
        number(compared.new.p99),
        compared
            .ratio
            .map_or_else(|| "-".to_string(), |ratio| format!("{ratio:.3}x")),
        format!("{low:+.1} to {high:+.1}{mark}"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_a_sentence() {
        let crash = Crash {
            avatar: "Ann".to_string(),
            process: "ship".to_string(),
            why: "{panic,\"salt\"}".to_string(),
            phase: "back".to_string(),
            after_ms: 3_723_456,
            came_back: false,
        };
        assert_eq!(
            failed_avatar(&crash),
            "Ann (ship) after 1h 2m 3s of back, and plays no more: {panic,\"salt\"}"
        );
        assert_eq!(at("play", 12), "12ms");
    }
}
