//! Rust source in which everything except code is blank.
//!
//! The rules about code (functions, `unsafe`, paths) must not match words in comments and literals. [`mask`] replaces
//! these with spaces and keeps every newline, so positions and line numbers stay those of the file. It knows tokens,
//! but no grammar; the tidy test compares the functions in a masked file with those that `syn` finds in the original.

/// `source` with spaces in place of comments and of the content of string and character literals. The number of
/// characters and the lines stay the same.
pub fn mask(source: &str) -> String {
    let text: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < text.len() {
        let end = at + opaque_len(&text[at..]);
        if end == at {
            out.push(text[at]);
            at += 1;
        } else {
            blank(&text[at..end], &mut out);
            at = end;
        }
    }
    out
}

/// The length of the comment or literal that begins here, in characters; 0 for code.
fn opaque_len(rest: &[char]) -> usize {
    match rest {
        ['/', '/', ..] => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => block_comment_len(rest),
        ['"', ..] => quoted_len(rest, '"'),
        ['r', '"' | '#', ..] => raw_string_len(rest),
        ['\'', '\\', ..] => quoted_len(rest, '\''),
        ['\'', _, '\'', ..] => 3,
        _ => 0,
    }
}

/// The length of a block comment. Block comments nest.
fn block_comment_len(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] if depth == 1 => return at + 2,
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

/// The length of a literal between two `quote`s, with escapes.
fn quoted_len(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// The length of `r"…"`, `r#"…"#` and so on; 0 for a raw identifier such as `r#type`.
fn raw_string_len(rest: &[char]) -> usize {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return 0;
    }
    let closing: Vec<char> = std::iter::once('"')
        .chain(std::iter::repeat_n('#', hashes))
        .collect();
    let body = 2 + hashes;
    rest[body..]
        .windows(closing.len())
        .position(|window| window == closing)
        .map_or(rest.len(), |found| body + found + closing.len())
}

/// Replaces `hidden` with spaces, except its newlines and the quotes at its ends, so that `extern "C"` stays two words.
fn blank(hidden: &[char], out: &mut String) {
    let last = hidden.len() - 1;
    for (i, c) in hidden.iter().enumerate() {
        let keep = *c == '\n' || (*c == '"' && (i == 0 || i == last));
        out.push(if keep { *c } else { ' ' });
    }
}

/// The places (in bytes) of `word` as a whole word in `text`.
pub fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |at| {
            !text[..*at].ends_with(part) && !text[at + word.len()..].starts_with(part)
        })
}

/// The number of the line with the byte `at`, from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    1 + text[..at].matches('\n').count()
}

/// The length from the first opening brace to its closing brace.
pub fn block_len(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return at,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_code_is_blanked_and_the_rest_stays_in_place() {
        let source = "let a = \"fn \\\" x\"; // fn b\nlet c = r#\"fn \"d\"\"#; /* fn /* e */ */ let f: &'f str = '\"';";
        let masked = mask(source);
        assert_eq!(masked.chars().count(), source.chars().count());
        assert_eq!(words(&masked, "fn").count(), 0, "{masked}");
        assert!(
            masked.contains("let c =") && masked.contains("let f: &'f str ="),
            "{masked}"
        );
    }
}
