//! Reads typed lines on a thread: a read of standard input cannot be cancelled, and a thread that blocks in a read
//! ends with the program.

use std::io::{self, BufRead, Read};

use tokio::sync::mpsc;

/// The limit of lines that are typed ahead; further input waits in the pipe.
const LINES_MAX: usize = 16;

/// The longest line in bytes: the limit of a terminal (Linux, `termios(3)`, "canonical mode"). A server with a
/// smaller limit says so; longer lines are cut.
const LINE_MAX: u64 = 4096;

/// Starts to read standard input.
pub(super) fn open() -> io::Result<mpsc::Receiver<Vec<u8>>> {
    let (sender, lines) = mpsc::channel(LINES_MAX);
    let keyboard = std::thread::Builder::new().name("keyboard".to_string());
    keyboard.spawn(move || read_all(&mut io::stdin().lock(), &sender))?;
    Ok(lines)
}

/// Reads until the end of the input or the first error.
fn read_all(input: &mut impl BufRead, lines: &mpsc::Sender<Vec<u8>>) {
    while let Ok(Some(line)) = next(input) {
        if lines.blocking_send(line).is_err() {
            return;
        }
    }
}

/// Reads a line without its line end, which the last line may lack.
fn next(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let len = input.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)?;
    match line.pop_if(|last| *last == b'\n') {
        Some(_) => {}
        None if len == 0 => return Ok(None),
        None => drop(input.skip_until(b'\n')?),
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(mut input: &[u8]) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| next(&mut input).unwrap()).collect()
    }

    #[test]
    fn every_line_is_read_and_the_last_needs_no_end() {
        assert_eq!(lines(b"Ann\n\ny\nquit"), [&b"Ann"[..], b"", b"y", b"quit"]);
        assert_eq!(lines(b""), [b""; 0]);
        assert_eq!(lines(b"\n"), [b""]);
    }

    #[test]
    fn a_line_without_end_is_cut_and_the_next_is_whole() {
        let long = usize::try_from(LINE_MAX).unwrap();
        for more in [0, 1, 10_000] {
            let input = [&vec![b'a'; long + more][..], b"\nquit\n"].concat();
            assert_eq!(lines(&input), [vec![b'a'; long], b"quit".to_vec()]);
        }
    }
}
