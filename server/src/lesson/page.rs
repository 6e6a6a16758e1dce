//! A page of the workshop: a title, a text in Markdown, and checks in comments.
//!
//! ```text
//!   # The first upgrade                          the title
//!   <!-- check: runs 1.1.0 | `pq install 1.1.0` installs it -->
//!             the thing that is wanted ┘           └ the next step, for a participant to whom it is missing
//! ```

use anyhow::{Context, bail};

use super::wanted::Wanted;

/// A lesson as its file has it.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) title: String,
    /// The text without its comments.
    pub(super) text: String,
    pub(super) checks: Vec<Check>,
}

/// A point of a lesson.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) wanted: Wanted,
    /// The next step to the point.
    pub(super) next: String,
}

impl Page {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// Names the line that is not understood.
    pub(super) fn read(markdown: &str) -> anyhow::Result<Page> {
        let mut page = Page {
            title: String::new(),
            text: String::new(),
            checks: Vec::new(),
        };
        for (number, line) in (1..).zip(markdown.lines()) {
            let comment = line.strip_prefix("<!-- ");
            match comment.map(|rest| rest.strip_suffix(" -->")) {
                None => {
                    page.text += line;
                    page.text += "\n";
                }
                Some(None) => bail!("line {number}: a comment ends with ` -->` on its line"),
                Some(Some(comment)) => page
                    .note(comment)
                    .with_context(|| format!("line {number}"))?,
            }
            if page.title.is_empty()
                && let Some(title) = line.strip_prefix("# ")
            {
                page.title = title.to_string();
            }
        }
        Ok(page)
    }

    /// Comments that are no checks are for other readers of the page.
    fn note(&mut self, comment: &str) -> anyhow::Result<()> {
        let Some(check) = comment.strip_prefix("check: ") else {
            return Ok(());
        };
        let (wanted, next) = check
            .split_once(" | ")
            .context("a check has ` | ` between the thing that it wants and the next step")?;
        self.checks.push(Check {
            wanted: Wanted::read(wanted)?,
            next: next.to_string(),
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_no_text_and_checks_are_read_from_them() {
        let page = Page::read(
            "# Play\n<!-- node: release 1.0.0 -->\n\nType.\n<!-- check: node | `pq start` -->\n",
        )
        .unwrap();
        assert_eq!((&*page.title, &*page.text), ("Play", "# Play\n\nType.\n"));
        let [check] = &page.checks[..] else {
            panic!("one check: {:?}", page.checks)
        };
        assert_eq!(check.next, "`pq start`");
    }

    #[test]
    fn a_check_that_is_not_understood_is_named_by_its_line() {
        for (text, words) in [
            ("<!-- check: node -->", "line 1: a check has ` | `"),
            ("\n<!-- check: moon | fly -->", "line 2: `moon` is no check"),
            ("<!-- check: runs | fly -->", "line 1: `runs` has 1 word"),
            ("<!-- check: node | fly", "line 1: a comment ends"),
        ] {
            let error = format!("{:#}", Page::read(text).unwrap_err());
            assert!(error.starts_with(words), "{error}");
        }
    }
}
