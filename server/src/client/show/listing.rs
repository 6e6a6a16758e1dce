//! Listings as tables, and the supervision tree with its branches.

use std::time::Duration;

use pq_protocol::answer::{Missing, Rows};

use super::Show;
use crate::client::table::table;
use crate::clock::span;
use crate::noun::noun;
use crate::operator::answer::{App, Banned, Guest, Name, Release, Scope, TreeRow};

impl<R: Row> Show for Rows<R> {
    fn show(&self) -> String {
        let mut text = table(&R::heading(), R::cells(&self.rows));
        if self.more > 0 {
            text += &format!("\n… and {} more", self.more);
        }
        text
    }

    fn missing(&self) -> Option<String> {
        let missing = self.missing.iter().map(|missing| {
            let Missing {
                shard,
                processes,
                why,
            } = missing;
            format!("shard {shard} with {processes} processes does not answer ({why})")
        });
        let missing: Vec<String> = missing.collect();
        (!missing.is_empty()).then(|| missing.join("; "))
    }
}

/// A row of a listing.
pub(super) trait Row: Sized {
    /// The headings of its columns.
    const HEADING: &[&str];

    /// The same in the words of the game.
    fn heading() -> Vec<&'static str> {
        Self::HEADING.to_vec()
    }

    /// The cells of all rows.
    fn cells(rows: &[Self]) -> Vec<Vec<String>>;
}

impl Row for Release {
    const HEADING: &[&str] = &["NAME", "VSN", "STATUS", "ERTS", "APPLICATIONS"];

    fn cells(rows: &[Release]) -> Vec<Vec<String>> {
        let cells = |release: &Release| {
            vec![
                release.name.clone(),
                release.vsn.clone(),
                release.status.clone(),
                release.erts_vsn.clone(),
                release.applications.join(" "),
            ]
        };
        rows.iter().map(cells).collect()
    }
}

impl Row for App {
    const HEADING: &[&str] = &["NAME", "VSN", "DESCRIPTION"];

    fn cells(rows: &[App]) -> Vec<Vec<String>> {
        let cells = |app: &App| vec![app.name.clone(), app.vsn.clone(), app.description.clone()];
        rows.iter().map(cells).collect()
    }
}

impl Row for Banned {
    const HEADING: &[&str] = &["WHOM", "UNTIL", "SINCE", "BY", "WHY"];

    fn cells(rows: &[Banned]) -> Vec<Vec<String>> {
        let cells = |banned: &Banned| {
            vec![
                banned.whom.clone(),
                banned
                    .until
                    .clone()
                    .unwrap_or_else(|| "for ever".to_string()),
                banned.since.clone(),
                banned.who.clone(),
                banned.text.clone().unwrap_or_default(),
            ]
        };
        rows.iter().map(cells).collect()
    }
}

impl Row for Guest {
    const HEADING: &[&str] = &[
        "NAME", "ADDRESS", "PROTOCOL", "CLIENT", "TERMINAL", "SESSION", "AVATAR", "IDLE", "SINCE",
    ];

    fn heading() -> Vec<&'static str> {
        // What the game calls an avatar, once for a command.
        let avatar: &'static str = noun().one.to_uppercase().leak();
        let in_words = |heading: &&'static str| match *heading {
            "AVATAR" => avatar,
            heading => heading,
        };
        Self::HEADING.iter().map(in_words).collect()
    }

    fn cells(rows: &[Guest]) -> Vec<Vec<String>> {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_string());
        let cells = |guest: &Guest| {
            vec![
                or_none(&guest.name),
                guest.address.clone(),
                guest.protocol.clone(),
                or_none(&guest.program),
                or_none(&guest.terminal),
                or_none(&guest.session_vsn),
                or_none(&guest.avatar_vsn),
                span(Duration::from_millis(guest.idle_ms)),
                guest.since.clone(),
            ]
        };
        rows.iter().map(cells).collect()
    }
}

impl Row for Name {
    const HEADING: &[&str] = &["NAME", "SCOPE", "PID", "MODULE", "VSN"];

    fn cells(rows: &[Name]) -> Vec<Vec<String>> {
        let cells = |name: &Name| {
            let scope = match name.scope {
                Scope::Local => "local",
                Scope::Regis => "regis",
            };
            let or_ended = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_string());
            vec![
                name.name.clone(),
                scope.to_string(),
                name.pid.clone(),
                or_ended(&name.module),
                or_ended(&name.vsn),
            ]
        };
        rows.iter().map(cells).collect()
    }
}

impl Row for TreeRow {
    const HEADING: &[&str] = &["PROCESS", "VSN", "PID", "NAME", "KIND", "WAITING"];

    fn cells(rows: &[TreeRow]) -> Vec<Vec<String>> {
        let branches = branches(rows.iter().map(|row| row.depth as usize).collect());
        rows.iter().zip(branches).map(tree_cells).collect()
    }
}

fn tree_cells((row, branch): (&TreeRow, String)) -> Vec<String> {
    let many = match (row.count, row.below) {
        (1, _) => String::new(),
        (count, 0) => format!(" × {count}"),
        (count, below) => format!(" × {count}, and {below} below them"),
    };
    let mut waiting = match row.messages {
        0 => String::new(),
        messages => messages.to_string(),
    };
    if row.suspended {
        waiting += " suspended";
    }
    vec![
        format!("{branch}{}{many}", row.module),
        row.vsn.clone(),
        row.pid.clone().unwrap_or_default(),
        row.name.clone().unwrap_or_default(),
        row.kind.clone(),
        waiting.trim_start().to_string(),
    ]
}

/// The lines that join each row of a tree to its parent, from the rows' depths.
fn branches(depths: Vec<usize>) -> Vec<String> {
    // Whether a row at this depth follows before one that is nearer to the top.
    let mut follows: Vec<bool> = Vec::new();
    let mut drawn: Vec<String> = Vec::new();
    for depth in depths.into_iter().rev() {
        follows.resize(depth + 1, false);
        let above = (1..depth).map(|at| if follows[at] { "│  " } else { "   " });
        let own = match (depth, follows[depth]) {
            (0, _) => "",
            (_, true) => "├─ ",
            (_, false) => "└─ ",
        };
        drawn.push(above.chain([own]).collect());
        follows[depth] = true;
    }
    drawn.reverse();
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn branches_join_children_to_their_parents() {
        let depths = vec![0, 1, 2, 2, 3, 1, 2, 0, 1];
        expect![[r"

            ├─ 
            │  ├─ 
            │  └─ 
            │     └─ 
            └─ 
               └─ 

            └─ "]]
        .assert_eq(&branches(depths).join("\n"));
    }
}
