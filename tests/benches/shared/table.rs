//! Output of figures as rows of the table in `README.md`, ready to be copied.

use std::fmt::Display;

/// The goal of a figure.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
    /// The figure has no goal.
    None,
}

/// Prints a figure with its unit and its goal.
pub(crate) fn row(what: impl Display, measured: f64, unit: &str, goal: Goal) {
    let (goal, verdict) = match goal {
        Goal::AtMost(most) => (format!("<= {}", number(most)), verdict(measured <= most)),
        Goal::AtLeast(least) => (format!(">= {}", number(least)), verdict(measured >= least)),
        Goal::None => ("-".to_string(), ""),
    };
    println!("| {what} | {} {unit} | {goal} |{verdict}", number(measured));
}

fn verdict(met: bool) -> &'static str {
    if met { "" } else { "  <- missed" }
}

/// Prints small numbers with decimals, and large ones in groups of three digits.
fn number(value: f64) -> String {
    if value.abs() < 100.0 && value.fract() != 0.0 {
        let digits = if value.abs() < 1.0 { 4 } else { 2 };
        return format!("{value:.digits$}");
    }
    let digits = format!("{:.0}", value.abs());
    let sign = if value < 0.0 { "-" } else { "" };
    let first = digits.len() % 3;
    let groups = (first > 0).then(|| &digits[..first]).into_iter();
    let groups: Vec<_> = groups
        .chain(
            digits.as_bytes()[first..]
                .chunks(3)
                .map(|group| std::str::from_utf8(group).expect("digits are ASCII")),
        )
        .collect();
    format!("{sign}{}", groups.join(" "))
}
