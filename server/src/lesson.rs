//! `pq lesson`: the lessons of the workshop, and the check of each, which looks at the node and at files.
//!
//! ```text
//!   docs/lessons/*.md ─► text for the participant
//!                    └─► `<!-- check: … -->` ─► Wanted ─┐
//!   status, history, releases, recordings, sources ─────┴► judged: done, or the sentence about what is missing and why
//! ```
//! The pages are part of the program, so lessons work without a connection to other machines. A page says what its check wants; this
//! program knows only the kinds of things that can be wanted.
//!
//! | module | contents |
//! |---|---|
//! | [`page`](mod@page) | a page: its title, its text and its checks |
//! | [`wanted`] | the kinds of checks, and their judgement |
//! | [`facts`] | the facts that checks ask for |

use anyhow::Context;
use clap::{Args, Subcommand};
use pq_protocol::{Exit, Failure};
use pq_term::printable_json;
use schemars::JsonSchema;
use serde::Serialize;

use crate::client::{At, Show, say};

mod page;

mod wanted;

mod facts;

use facts::Facts;
use page::Page;

/// The pages of the lessons, in their order.
const PAGES: [&str; 6] = [
    include_str!("../../docs/lessons/1-play.md"),
    include_str!("../../docs/lessons/2-upgrade.md"),
    include_str!("../../docs/lessons/3-back.md"),
    include_str!("../../docs/lessons/4-write.md"),
    include_str!("../../docs/lessons/5-break.md"),
    include_str!("../../docs/lessons/6-load.md"),
];

/// The words of `pq lesson`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Command {
    #[command(subcommand)]
    what: Option<What>,
    /// The lesson to read [default: a list of all lessons]
    #[arg(value_name = "N", value_parser = number())]
    number: Option<u64>,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Check whether a lesson is done: says what is missing, and why
    #[command(after_help = "Example:\n  pq lesson check 2 --root target/rel")]
    Check(Check),
}

#[derive(Args, Debug)]
struct Check {
    /// The lesson to check
    #[arg(value_name = "N", value_parser = number())]
    number: u64,
    #[command(flatten)]
    at: At,
}

fn number() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=PAGES.len() as u64)
}

/// The result of a check.
#[derive(Serialize, Debug, JsonSchema)]
pub(crate) struct Checked {
    /// The number of the lesson.
    lesson: u64,
    /// The title of the lesson.
    title: String,
    /// Whether every point is done.
    is_done: bool,
    /// The points of the lesson, in the order in which they are done.
    points: Vec<Point>,
}

/// A point of a lesson.
#[derive(Serialize, Debug, JsonSchema)]
struct Point {
    /// The thing that the lesson wants.
    wanted: String,
    /// The reason why the point is not done, and the next step; `None` when it is done.
    missing: Option<Missing>,
}

/// The explanation of a missing point.
#[derive(Serialize, Debug, JsonSchema)]
struct Missing {
    /// The fact that was found instead.
    why: String,
    /// The next step of the participant.
    next: String,
}

/// Lists the lessons, shows one, or checks one.
///
/// # Errors
/// A check fails if a point of the lesson is missing.
pub(crate) fn lesson(command: &Command) -> anyhow::Result<()> {
    match (&command.what, command.number) {
        (Some(What::Check(check)), _) => check.run(),
        (None, Some(number)) => {
            say(page(number)?.text.trim_end());
            Ok(())
        }
        (None, None) => {
            let pages =
                (1..=PAGES.len() as u64).map(|number| page(number).map(|page| (number, page)));
            let pages = pages.collect::<anyhow::Result<Vec<_>>>()?;
            say(&listed(&pages));
            Ok(())
        }
    }
}

fn page(number: u64) -> anyhow::Result<Page> {
    let at = usize::try_from(number)?.wrapping_sub(1);
    let text = PAGES.get(at).context("failed to find the lesson")?;
    Page::read(text).with_context(|| format!("failed to read lesson {number}"))
}

fn listed(pages: &[(u64, Page)]) -> String {
    let line = |(number, page): &(u64, Page)| format!("{number}  {}\n", page.title);
    let lines: String = pages.iter().map(line).collect();
    format!("{lines}`pq lesson N` shows a lesson, and `pq lesson check N` says what is missing")
}

impl Check {
    fn run(&self) -> anyhow::Result<()> {
        let page = page(self.number)?;
        let facts = Facts::of(&self.at)?;
        let checked = Checked::of(self.number, page, &facts);
        match self.at.json {
            true => say(&printable_json(&serde_json::to_string(&checked)?)),
            false => say(checked.show().trim_end()),
        }
        match checked.missing() {
            0 => Ok(()),
            missing => Err(Failure::new(
                Exit::Refused,
                format!(
                    "lesson {} is not done: {missing} of {} points {} missing",
                    self.number,
                    checked.points.len(),
                    if missing == 1 { "is" } else { "are" }
                ),
            )
            .into()),
        }
    }
}

impl Checked {
    fn of(lesson: u64, page: Page, facts: &Facts) -> Checked {
        let points = page.checks.into_iter().map(|check| Point {
            wanted: check.wanted.to_string(),
            missing: check.wanted.why_missing(facts).map(|why| Missing {
                why,
                next: check.next,
            }),
        });
        let points: Vec<Point> = points.collect();
        Checked {
            lesson,
            title: page.title,
            is_done: points.iter().all(|point| point.missing.is_none()),
            points,
        }
    }

    fn missing(&self) -> usize {
        let missing = self.points.iter().filter(|point| point.missing.is_some());
        missing.count()
    }
}

/// Below a missing point stand its reason and the next step. Points behind the first missing one are often missing for the same
/// reason, so only the first has its next step.
impl Show for Checked {
    fn show(&self) -> String {
        let mut text = format!("lesson {}: {}\n", self.lesson, self.title);
        let mut is_first = true;
        for Point { wanted, missing } in &self.points {
            match missing {
                None => text += &format!("done     {wanted}\n"),
                Some(Missing { why, next }) => {
                    text += &format!("missing  {wanted}\n         {why}\n");
                    if is_first {
                        text += &format!("         next: {next}\n");
                    }
                    is_first = false;
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn every_lesson_has_a_title_a_text_and_checks_with_a_next_step() {
        for number in 1..=PAGES.len() as u64 {
            let page = page(number).unwrap();
            assert!(
                !page.title.is_empty() && !page.checks.is_empty(),
                "{number}"
            );
            assert!(!page.text.contains("<!--"), "{number}");
            for check in &page.checks {
                assert!(check.next.contains('`'), "{number}: {}", check.wanted);
            }
            let asks = format!("`pq lesson check {number}`");
            assert!(
                page.text.contains(&asks),
                "{number} does not end with its check"
            );
        }
    }

    #[test]
    fn a_check_without_a_node_and_without_files_says_why_each_point_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let facts = Facts::without_node(folder.path());
        for number in 1..=PAGES.len() as u64 {
            let checked = Checked::of(number, page(number).unwrap(), &facts);
            assert_eq!(checked.missing(), checked.points.len(), "{number}");
            assert!(!checked.is_done);
        }
    }

    #[test]
    fn only_the_first_missing_point_has_a_next_step() {
        let point = |wanted: &str, missing: Option<&str>| Point {
            wanted: wanted.to_string(),
            missing: missing.map(|why| Missing {
                why: why.to_string(),
                next: format!("`do {wanted}`"),
            }),
        };
        let checked = Checked {
            lesson: 2,
            title: "The first upgrade".to_string(),
            is_done: false,
            points: vec![
                point("a node", None),
                point("an install", Some("there is no install")),
                point("a client", Some("no client is connected")),
            ],
        };
        expect![[r#"
            lesson 2: The first upgrade
            done     a node
            missing  an install
                     there is no install
                     next: `do an install`
            missing  a client
                     no client is connected
        "#]]
        .assert_eq(&checked.show());
    }
}
