//! Writes text on a thread: a terminal that Ctrl-S has stopped, or a pipe without a reader, blocks a write, and the
//! user must still be able to quit.

use std::io::{self, IsTerminal, Write};

use tokio::sync::{mpsc, oneshot};

/// The capacity of the queue in pieces of text. Each piece has all text since the previous piece.
const PIECES_MAX: usize = 1;

/// Starts to write to standard output; returns the sender of text and a receiver for the end of writing.
pub(super) fn open() -> io::Result<(mpsc::Sender<Vec<u8>>, oneshot::Receiver<()>)> {
    let (sender, pieces) = mpsc::channel(PIECES_MAX);
    let (done, written) = oneshot::channel();
    let ends = match io::stdout().is_terminal() {
        true => LineEnds::Telnet,
        false => LineEnds::Unix {
            is_behind_cr: false,
        },
    };
    let screen = std::thread::Builder::new().name("screen".to_string());
    screen.spawn(move || {
        // A closed stdout is not an error: its reader wants no more text.
        let _ = write_all(&mut io::stdout().lock(), pieces, ends);
        let _ = done.send(());
    })?;
    Ok((sender, written))
}

fn write_all(
    out: &mut impl Write,
    mut pieces: mpsc::Receiver<Vec<u8>>,
    mut ends: LineEnds,
) -> io::Result<()> {
    while let Some(text) = pieces.blocking_recv() {
        out.write_all(&ends.convert(&text))?;
        out.flush()?;
    }
    out.write_all(ends.rest())?;
    out.flush()
}

/// The line ends of the output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum LineEnds {
    /// CR LF, which every terminal understands.
    Telnet,
    /// LF, for files and programs.
    Unix {
        /// Whether the last byte was a CR, which is kept until the next byte shows whether an LF follows.
        is_behind_cr: bool,
    },
}

impl LineEnds {
    fn convert(&mut self, text: &[u8]) -> Vec<u8> {
        let LineEnds::Unix { is_behind_cr } = self else {
            return text.to_vec();
        };
        let mut converted = Vec::with_capacity(text.len() + 1);
        for byte in text {
            if *is_behind_cr && *byte != b'\n' {
                converted.push(b'\r');
            }
            *is_behind_cr = *byte == b'\r';
            if !*is_behind_cr {
                converted.push(*byte);
            }
        }
        converted
    }

    /// The kept bytes at the end of the text.
    fn rest(self) -> &'static [u8] {
        match self {
            LineEnds::Unix { is_behind_cr: true } => b"\r",
            _ => b"",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(pieces: &[&[u8]], ends: LineEnds) -> Vec<u8> {
        let (sender, receiver) = mpsc::channel(pieces.len());
        for piece in pieces {
            sender.try_send(piece.to_vec()).unwrap();
        }
        drop(sender);
        let mut out = Vec::new();
        write_all(&mut out, receiver, ends).unwrap();
        out
    }

    const UNIX: LineEnds = LineEnds::Unix {
        is_behind_cr: false,
    };

    #[test]
    fn lines_for_programs_end_as_programs_expect() {
        let text = b"a\r\nb\r\r\n\rc\n\r";
        for at in 0..=text.len() {
            let (first, rest) = text.split_at(at);
            assert_eq!(written(&[first, rest], UNIX), b"a\nb\r\n\rc\n\r", "{at}");
        }
    }

    #[test]
    fn a_terminal_gets_the_bytes_as_they_came() {
        assert_eq!(written(&[b"a\r", b"\nb"], LineEnds::Telnet), b"a\r\nb");
    }
}
