//! The parts of a document in Markdown that the tests look at.

/// A fenced block, or a comment that says what the reader has done before.
#[derive(Debug, PartialEq)]
pub(crate) struct Block {
    /// The words behind the fence; `node` for the comment.
    pub(crate) info: String,
    pub(crate) lines: Vec<String>,
}

/// The blocks of a document, in their order.
pub(crate) fn blocks(content: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in content.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                open = Some(Block {
                    info: info.to_string(),
                    lines: Vec::new(),
                });
            }
            (None, None) if line.starts_with("<!-- node: ") => blocks.push(Block {
                info: "node".to_string(),
                lines: Vec::new(),
            }),
            (None, None) => {}
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.lines.push(line.to_string()),
        }
    }
    assert_eq!(open, None, "a block without an end");
    blocks
}

/// The targets of links to files, without the part behind `#`.
pub(crate) fn links(content: &str) -> Vec<&str> {
    let ends = content.split("](").skip(1);
    let targets = ends.filter_map(|rest| rest.split([')', '#']).next());
    targets
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .collect()
}

/// The first words of the commands of `pq` that stand in backquotes or at the beginning of a line in a block.
pub(crate) fn commands(content: &str) -> Vec<String> {
    let starts = [
        "`pq ",
        "`target/release/pq ",
        "\ntarget/release/pq ",
        "$ target/release/pq ",
    ];
    let found = starts
        .into_iter()
        .flat_map(|start| content.split(start).skip(1));
    let first = |rest: &str| -> String {
        rest.chars()
            .take_while(|letter| letter.is_ascii_lowercase() || *letter == '-')
            .collect()
    };
    let mut names: Vec<_> = found.map(first).collect();
    names.retain(|name| !name.is_empty() && !name.starts_with('-'));
    names
}

/// Whether an output is what the page shows, where `…` stands for any text and alone on a line for any number of lines.
pub(crate) fn shows(shown: &[String], output: &[&str]) -> bool {
    match (shown, output) {
        ([], []) => true,
        ([any, rest @ ..], _) if any == "…" => {
            shows(rest, output)
                || output
                    .split_first()
                    .is_some_and(|(_, less)| shows(shown, less))
        }
        ([line, rest @ ..], [first, less @ ..]) => fits(line, first) && shows(rest, less),
        _ => false,
    }
}

fn fits(shown: &str, line: &str) -> bool {
    match shown.split_once('…') {
        None => shown == line,
        Some((start, rest)) => line.strip_prefix(start).is_some_and(|left| {
            let mut ends = left.char_indices().map(|(at, _)| at).chain([left.len()]);
            ends.any(|at| fits(rest, &left[at..]))
        }),
    }
}

#[test]
fn an_output_may_differ_only_where_the_page_says_so() {
    let shown = ["a … c".to_string(), "…".to_string(), "end".to_string()];
    assert!(shows(&shown, &["a b c", "end"]));
    assert!(shows(&shown, &["a b c", "more", "and more", "end"]));
    assert!(!shows(&shown, &["a b d", "end"]));
    assert!(!shows(&shown, &["a b c", "end", "more"]));
    assert!(!shows(&shown, &["a b c"]));
}
