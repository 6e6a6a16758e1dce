//! The encoding of a file, which a comment in its first lines names; see `epp(3)`, "Encoding".

use std::borrow::Cow;

use super::ReadError;

/// The number of lines that may name the encoding.
const LINES: usize = 2;

/// Decodes a file of Erlang terms: as Latin-1 if a comment in its first two lines says `coding: latin-1`, else as
/// UTF-8.
///
/// # Errors
/// Returns the line and column of the first byte that is not valid UTF-8 in a file that has to be UTF-8.
pub fn checked_text(bytes: &[u8]) -> Result<Cow<'_, str>, ReadError> {
    if is_latin1(bytes) {
        return Ok(bytes.iter().copied().map(char::from).collect());
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let found = format!("the byte {}", bytes[error.valid_up_to()]);
        let expected = "text in UTF-8, or `%% coding: latin-1` as its first line";
        ReadError::at(&valid, valid.len(), found, expected)
    })?;
    Ok(Cow::Borrowed(text))
}

fn is_latin1(bytes: &[u8]) -> bool {
    let lines = bytes.split(|byte| *byte == b'\n').take(LINES);
    let comments = lines.filter_map(|line| {
        let percent = line.iter().position(|byte| *byte == b'%')?;
        Some(&line[percent + 1..])
    });
    let coding = comments.filter_map(coding).next();
    coding.is_some_and(|name| {
        let name = name.to_ascii_lowercase();
        name == b"latin-1" || name.starts_with(b"latin-1-")
    })
}

/// The name behind the first `coding:` or `coding=` of a comment; blanks may surround the sign.
fn coding(comment: &[u8]) -> Option<&[u8]> {
    const WORD: &[u8] = b"coding";
    let ends = comment.windows(WORD.len()).enumerate();
    let ends = ends.filter_map(|(at, word)| (word == WORD).then_some(at + WORD.len()));
    let behind = ends.filter_map(|end| {
        let (sign, rest) = without_blanks(&comment[end..]).split_first()?;
        matches!(sign, b':' | b'=').then(|| without_blanks(rest))
    });
    let name = behind.into_iter().next()?;
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let length = name.iter().position(|byte| !is_part(byte));
    Some(&name[..length.unwrap_or(name.len())])
}

fn without_blanks(bytes: &[u8]) -> &[u8] {
    let blanks = bytes.iter().take_while(|byte| **byte == b' ').count();
    &bytes[blanks..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_in_the_first_two_lines_names_the_coding() {
        for head in [
            "%% coding: latin-1\n",
            "%% -*- coding: Latin-1 -*-\n",
            "\n% encoding=latin-1\n",
            "a. % coding : latin-1-unix\n",
            "% decoding is coding:latin-1\n",
        ] {
            let bytes = [head.as_bytes(), b"\"\xe9\"."].concat();
            assert_eq!(checked_text(&bytes).unwrap(), format!("{head}\"é\"."));
        }
        for head in [
            "",
            "% coding: utf-8\n",
            "% coding: latin1\n",
            "% coding: utf-8 coding: latin-1\n",
            "\n\n% coding: latin-1\n",
            "coding: latin-1\n",
        ] {
            let bytes = [head.as_bytes(), b"\"\xe9\"."].concat();
            assert!(checked_text(&bytes).is_err(), "{head}");
        }
    }
}
