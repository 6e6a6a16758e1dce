//! A line that the owner does not get: a word by which a player is known.
//!
//! ```text
//!   \x0esealed\x0f ─► the client types a line ─► Port::seal ─┬─ kept here, and wiped with the next but one or the port
//!                                                          └─ \0N to the owner, which asks the node about line N
//! ```
//! So a word is in no message and no state of a process, and neither traces nor copies of processes show it. No client can
//! send a line that begins with `\0`.

use zeroize::Zeroizing;

use super::Port;

/// The line that an owner gets in the clear: the wish to leave.
const QUIT: &[u8] = b"quit";

/// A line that the owner does not get. Its memory is wiped when it is dropped.
pub type Sealed = Zeroizing<Vec<u8>>;

/// The last two sealed lines of a port: a word that is chosen is typed twice.
#[derive(Default, Debug)]
pub(super) struct Slips {
    /// The number of the last one.
    last: u64,
    /// The last one, and the one before it.
    lines: [Option<Unshown>; 2],
    /// The line that answers the next question, from a login of the client's program.
    answer: Option<Unshown>,
}

/// A line that `Debug` does not show.
struct Unshown(Sealed);

impl std::fmt::Debug for Unshown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("sealed")
    }
}

impl Port {
    /// Whether the line that the client types is sealed.
    pub(crate) fn is_sealed(&self) -> bool {
        self.state.lock().nvt.is_sealed()
    }

    /// Keeps a line, and returns the line for the owner. An empty line, and `quit`, pass as they are.
    pub(crate) fn seal(&self, line: Vec<u8>) -> Vec<u8> {
        if line.is_empty() || line == QUIT {
            return line;
        }
        let mut slips = self.slips.lock();
        slips.last += 1;
        slips.lines.swap(0, 1);
        slips.lines[0] = Some(Unshown(Zeroizing::new(line)));
        format!("\0{}", slips.last).into_bytes()
    }

    /// The sealed line with this number, unless two have followed it.
    pub(crate) fn sealed(&self, number: u64) -> Option<Sealed> {
        let slips = self.slips.lock();
        let age = slips.last.checked_sub(number)?;
        let line = slips.lines.get(usize::try_from(age).ok()?)?.as_ref();
        line.map(|line| line.0.clone())
    }

    /// Keeps the answer to the next sealed question, or drops it: a person has typed a line.
    pub(crate) fn will_answer(&self, answer: Option<Sealed>) {
        self.slips.lock().answer = answer.map(Unshown);
    }

    /// Waits until a sealed question has an answer already, and returns that.
    pub(crate) async fn answer(&self) -> Vec<u8> {
        loop {
            if self.is_sealed()
                && let Some(answer) = self.slips.lock().answer.take()
            {
                return answer.0.to_vec();
            }
            self.answers.notified().await;
        }
    }

    /// Wipes the sealed lines.
    pub(crate) fn wipe(&self) {
        self.slips.lock().lines = [None, None];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn the_last_two_lines_are_kept_under_their_numbers() {
        let port = Port::new(Settings::default().current());
        assert_eq!(port.seal(b"sesame".to_vec()), b"\x001");
        assert_eq!(port.sealed(1).as_deref(), Some(&b"sesame".to_vec()));
        assert_eq!(port.seal(b"other".to_vec()), b"\x002");
        assert_eq!(port.sealed(1).as_deref(), Some(&b"sesame".to_vec()));
        assert_eq!(port.sealed(2).as_deref(), Some(&b"other".to_vec()));
        assert_eq!(port.seal(b"third".to_vec()), b"\x003");
        assert_eq!((port.sealed(1), port.sealed(4)), (None, None));
        assert!(!format!("{port:?}").contains("111, 116, 104"), "{port:?}");
        port.wipe();
        assert_eq!((port.sealed(2), port.sealed(3)), (None, None));
    }

    #[test]
    fn an_empty_line_and_quit_are_no_secrets() {
        let port = Port::new(Settings::default().current());
        for line in ["", "quit"] {
            assert_eq!(port.seal(line.into()), line.as_bytes());
        }
        assert_eq!(port.seal(b"quit it".to_vec()), b"\x001");
    }
}
