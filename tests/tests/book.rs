//! README and the book in `docs/`: their commands are run and their outputs compared, their links lead somewhere, and their
//! quotations are what the files say.
//!
//! A page is run from its top to its end in a directory of its own, as its reader would:
//!
//! | in the page | meaning |
//! |---|---|
//! | `<!-- node: release 1.0.0 -->` | from here on, `target/rel` is a tree with a node that runs |
//! | a block with `file=PATH` | the file is written |
//! | a block `console` | each line `$ COMMAND` is run by a shell; the lines below it are its output |
//! | `…` in an output | any text; alone on a line, any number of lines |

mod page;
mod text;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use page::Page;
use pq_tests::running::pq;

fn workspace() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap().to_path_buf()
}

/// README and the pages of the book, with their paths from the workspace.
fn documents() -> Vec<(PathBuf, String)> {
    let folders = ["docs", "docs/lessons"].map(|folder| workspace().join(folder));
    let entries = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "md"));
    paths.push(workspace().join("README.md"));
    paths.sort();
    let read = |path: PathBuf| {
        let content = std::fs::read_to_string(&path).unwrap();
        (
            path.strip_prefix(workspace()).unwrap().to_path_buf(),
            content,
        )
    };
    paths.into_iter().map(read).collect()
}

#[test]
fn commands_of_the_book_print_what_it_shows() {
    let mut run = 0;
    for (path, content) in documents() {
        let mut page = Page::new(&path);
        for block in text::blocks(&content) {
            run += page.plays(&block);
        }
    }
    assert!(run > 15, "{run} commands");
}

#[test]
fn the_three_commands_of_the_readme_upgrade_a_node() {
    let content = std::fs::read_to_string(workspace().join("README.md")).unwrap();
    let mut page = Page::new(Path::new("README.md"));
    page.starts_node();
    let typed: Vec<_> = text::blocks(&content)
        .into_iter()
        .flat_map(|block| block.lines)
        .filter(|line| line.starts_with("target/release/pq "))
        .collect();
    assert_eq!(typed.len(), 3, "{typed:?}");
    for command in &typed {
        page.runs(command, &["…".to_string()]);
    }
    assert!(
        page.output("target/release/pq which-releases --root target/rel")
            .contains("1.1.0  permanent")
    );
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let summary = std::fs::read_to_string(workspace().join("docs/SUMMARY.md")).unwrap();
    for (path, _) in documents() {
        let Ok(page) = path.strip_prefix("docs") else {
            continue;
        };
        let page = page.to_str().unwrap();
        let is_listed = summary.contains(&format!("({page})"));
        assert!(is_listed || page == "SUMMARY.md", "{page}");
    }
}

#[test]
fn every_link_leads_to_a_file() {
    let mut found = 0;
    for (path, content) in documents() {
        for link in text::links(&content) {
            let folder = workspace().join(path.parent().unwrap());
            assert!(folder.join(link).exists(), "{}: {link}", path.display());
            found += 1;
        }
    }
    assert!(found > 30, "{found} links");
}

#[test]
fn every_quotation_stands_in_its_file() {
    let mut found = 0;
    for (path, content) in documents() {
        for block in text::blocks(&content) {
            let Some(file) = block
                .lines
                .first()
                .and_then(|line| line.strip_prefix("// "))
            else {
                continue;
            };
            let Ok(source) = std::fs::read_to_string(workspace().join(file)) else {
                continue;
            };
            let quoted = block.lines[1..].join("\n");
            assert!(
                source.contains(&quoted),
                "{}: {file}:\n{quoted}",
                path.display()
            );
            found += 1;
        }
    }
    assert!(found >= 3, "{found} quotations");
}

#[test]
fn every_command_that_a_page_names_exists() {
    let help = pq(["--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let known: BTreeSet<_> = help
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let named: BTreeSet<_> = documents()
        .iter()
        .flat_map(|(_, content)| text::commands(content))
        .collect();
    assert!(named.len() > 20, "{named:?}");
    // The word of the game stands in some names in place of the general one.
    let is_known = |name: &str| {
        known.contains(name)
            || known.contains(
                name.replace("heroes", "avatars")
                    .replace("hero", "avatar")
                    .as_str(),
            )
    };
    for name in named {
        assert!(is_known(&name), "pq {name}");
    }
}
