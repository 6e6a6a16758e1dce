//! The terminal: raw mode and the alternate screen, both given back at every end.
//!
//! Dropping the screen gives the terminal back, also when a panic unwinds. A panic hook does so before the message, which would
//! otherwise be written into the alternate screen. Signals that end the command end its loop (`run`), so they drop the screen too.

use std::io::{self, IsTerminal, Stdout, stdout};
use std::sync::Once;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use super::draw::draw;
use super::view::View;

/// The terminal, as long as it belongs to the view.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    _taken: Taken,
}

/// Gives the terminal back when it is dropped.
struct Taken;

/// Whether stdin and stdout are a terminal that can move its cursor.
pub(crate) fn is_possible() -> bool {
    let is_dumb = std::env::var_os("TERM").is_none_or(|name| name.is_empty() || name == "dumb");
    io::stdin().is_terminal() && stdout().is_terminal() && !is_dumb
}

impl Screen {
    /// Takes the terminal, until the value is dropped.
    ///
    /// # Errors
    /// Fails if the terminal refuses. It is then as before.
    pub(super) fn take() -> io::Result<Screen> {
        give_back_before_messages();
        enable_raw_mode()?;
        let taken = Taken;
        execute!(stdout(), EnterAlternateScreen)?;
        let mut terminal = Terminal::new(CrosstermBackend::new(stdout()))?;
        terminal.hide_cursor()?;
        Ok(Screen {
            terminal,
            _taken: taken,
        })
    }

    /// Writes the cells that have changed.
    ///
    /// # Errors
    /// Fails if the terminal is gone.
    pub(super) fn show(&mut self, view: &View) -> io::Result<()> {
        let drawn = self
            .terminal
            .draw(|frame| draw(view, frame.area(), frame.buffer_mut()));
        drawn.map(drop)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
    }
}

/// A terminal that refuses is gone, so errors are ignored. Twice is as good as once.
fn give_back() {
    let _ = execute!(stdout(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

fn give_back_before_messages() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let message = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            message(panic);
        }));
    });
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::process::Command;

    use rustix::fs::{Mode, OFlags, open};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{LocalModes, tcgetattr};

    use super::*;

    /// Set in the second run of the test, which takes the terminal and panics.
    const INSIDE: &str = "PQ_TEST_PANICS_INSIDE";

    #[test]
    fn a_panic_gives_the_terminal_back_before_its_message() {
        if std::env::var_os(INSIDE).is_some() {
            let _screen = Screen::take().unwrap();
            panic!("on purpose");
        }
        let outer = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&outer).unwrap();
        unlockpt(&outer).unwrap();
        let name = ptsname(&outer, Vec::new()).unwrap();
        let inner = open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let stream = || inner.try_clone().unwrap();
        let ended = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("top::screen::tests::a_panic_gives_the_terminal_back_before_its_message")
            .env(INSIDE, "1")
            .env("RUST_BACKTRACE", "0")
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .status();
        assert!(!ended.unwrap().success());
        let modes = tcgetattr(&inner).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG));
        // The end of a terminal that nobody holds open any more is an error (EIO).
        drop(inner);
        let mut shown = Vec::new();
        let _ = File::from(outer).read_to_end(&mut shown);
        let shown = String::from_utf8_lossy(&shown);
        let parts = [
            "\u{1b}[?1049h",
            "\u{1b}[?1049l",
            "\u{1b}[?25h",
            "on purpose",
        ];
        let places = parts.map(|part| shown.find(part));
        assert!(places.iter().all(Option::is_some), "{shown:?}");
        assert!(places.is_sorted(), "{shown:?}");
    }
}
