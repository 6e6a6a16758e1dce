//! Rules about sentences: their subject is a noun, and a documentation says more than a name.

use super::tree::{Fault, File};

/// Words with which no sentence begins: each hides its subject in a clause.
const STARTS: [&str; 6] = ["Who", "Whom", "Whoever", "Whose", "What", "Whatever"];

/// The largest number of words in a documentation that only repeats the name of its item.
const WORDS_MIN: usize = 3;

/// Directories that were released with their texts, and do not change.
const RELEASED: [&str; 2] = [
    "game-plugins/processquest-1.0.0/",
    "sockserv/plugins/sockserv-1.0.0/",
];

/// The sentences of comments and manuals that begin with a relative clause. A question may.
pub(crate) fn starts(file: &File) -> Vec<Fault> {
    let texts = match (is_released(file), file.is_rust()) {
        (true, _) => Vec::new(),
        (false, true) => blocks(file, "//"),
        (false, false) if file.path.ends_with(".md") => manual(file),
        (false, false) => Vec::new(),
    };
    texts
        .iter()
        .flat_map(begins_badly)
        .map(|line| file.fault(line, "begin the sentence with a noun: not with who or what"))
        .collect()
}

/// The documentations that have no more to say than the name below them.
pub(crate) fn short(file: &File) -> Vec<Fault> {
    if is_released(file) || !file.is_rust() {
        return Vec::new();
    }
    let docs = blocks(file, "///");
    let is_short = |block: &&Block| block.text.split_whitespace().count() <= WORDS_MIN;
    let wanted =
        "say something that the name does not (meaning, unit, range, origin), or delete it";
    let short = docs.iter().filter(is_short);
    short.map(|block| file.fault(block.line, wanted)).collect()
}

/// A text, and the line on which it begins.
struct Block {
    line: usize,
    text: String,
}

fn is_released(file: &File) -> bool {
    RELEASED.iter().any(|start| file.path.starts_with(start))
}

/// The comments of a file that begin with this mark, each with all of its lines.
fn blocks(file: &File, mark: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_open = false;
    for (at, line) in file.text.lines().enumerate() {
        let Some(text) = line.trim_start().strip_prefix(mark) else {
            is_open = false;
            continue;
        };
        let text = text.trim_start_matches(['/', '!']);
        match blocks.last_mut().filter(|_| is_open) {
            Some(block) => block.text.push_str(&format!("\n{text}")),
            None => blocks.push(Block {
                line: at + 1,
                text: text.to_string(),
            }),
        }
        is_open = true;
    }
    blocks
}

/// The lines of a manual that are no code.
fn manual(file: &File) -> Vec<Block> {
    let mut is_code = false;
    let mut blocks = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        is_code ^= line.trim_start().starts_with("```");
        if !is_code {
            let text = line.trim_start_matches(|c: char| !c.is_alphabetic());
            blocks.push(Block {
                line: at + 1,
                text: text.to_string(),
            });
        }
    }
    blocks
}

/// The lines of the sentences that begin with one of the words.
fn begins_badly(block: &Block) -> Vec<usize> {
    let text = &block.text;
    let mut lines = Vec::new();
    for (at, _) in text.char_indices() {
        let before = text[..at].trim_end_matches(' ');
        let is_start = at == 0
            || before.ends_with(['\n', '|'])
            || (before.len() < at && before.ends_with(['.', ':', ';', '!']));
        let word: String = text[at..]
            .chars()
            .take_while(|c| c.is_alphabetic())
            .collect();
        if is_start && STARTS.contains(&&*word) && !is_question(&text[at..]) {
            lines.push(block.line + text[..at].matches('\n').count());
        }
    }
    lines
}

fn is_question(text: &str) -> bool {
    let end = text.find(['.', ';']).unwrap_or(text.len());
    text[..end].contains('?')
}
