//! The terminal: its abilities, size and echo.

use std::env;
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use sockserv::wire::naws::Size;
use sockserv::wire::ttype::Mtts;
use sockserv::{Profile, Typing};
use tokio::signal::unix::Signal;
use tokio::sync::watch;

/// The way in which the user reads the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reader {
    /// The user sees the text.
    Eyes,
    /// A screen reader reads the text aloud.
    Screen,
}

/// The description of this client for the server.
pub(super) fn profile(reader: Reader) -> Profile {
    let name = env::var("TERM").unwrap_or_else(|_| "unknown".to_string());
    let colours = match io::stdout().is_terminal() {
        true => colours(&name, |name| env::var(name).ok()),
        false => 0,
    };
    let aloud = match reader {
        Reader::Eyes => 0,
        Reader::Screen => Mtts::SCREEN_READER,
    };
    Profile {
        name: "PQ".to_string(),
        version: env!("CARGO_PKG_VERSION").to_string(),
        terminal: name.to_ascii_uppercase(),
        mtts: Mtts::UTF_8 | colours | aloud,
        size: size(),
        packages: Vec::new(),
    }
}

/// The colours of a terminal with this name, as bits of MTTS. `NO_COLOR` is defined at no-color.org; terminals with
/// all colours but a common name set `COLORTERM`.
fn colours(terminal: &str, environment: impl Fn(&str) -> Option<String>) -> u32 {
    let is_refused = environment("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colorterm = environment("COLORTERM").unwrap_or_default();
    let is_true =
        matches!(colorterm.as_str(), "truecolor" | "24bit") || terminal.ends_with("-direct");
    match terminal {
        _ if is_refused => 0,
        "" | "dumb" | "unknown" => 0,
        _ if is_true => Mtts::ANSI | Mtts::COLOURS_256 | Mtts::TRUE_COLOUR,
        _ if terminal.ends_with("-256color") => Mtts::ANSI | Mtts::COLOURS_256,
        _ => Mtts::ANSI,
    }
}

/// The size of the terminal window; `None` without a terminal or if its size is unknown.
fn size() -> Option<Size> {
    let stdout = io::stdout();
    let size = tcgetwinsize(stdout.as_fd()).ok()?;
    let (width, height) = (size.ws_col, size.ws_row);
    (width > 0 && height > 0).then_some(Size { width, height })
}

/// The size after each change (`SIGWINCH`).
pub(super) fn sizes(mut resized: Signal) -> watch::Receiver<Option<Size>> {
    let (sender, sizes) = watch::channel(size());
    tokio::spawn(async move {
        while resized.recv().await.is_some() {
            if sender.send(size()).is_err() {
                return;
            }
        }
    });
    sizes
}

/// The echo of typed text. Dropping the value restores the echo.
pub(super) struct Echo {
    terminal: Option<OwnedFd>,
    /// The settings of the terminal before the echo was switched off.
    before: Option<Termios>,
}

impl Echo {
    /// The echo of the terminal at stdin; without a terminal the value does nothing.
    pub(super) fn of_stdin() -> Echo {
        let stdin = io::stdin();
        let terminal = stdin
            .is_terminal()
            .then(|| stdin.as_fd().try_clone_to_owned());
        Echo::of(terminal.and_then(Result::ok))
    }

    /// An echo without a terminal.
    #[cfg(test)]
    pub(super) fn none() -> Echo {
        Echo::of(None)
    }

    fn of(terminal: Option<OwnedFd>) -> Echo {
        Echo {
            terminal,
            before: None,
        }
    }

    /// Switches the echo on or off. A terminal that refuses is gone, so the error is ignored.
    pub(super) fn set(&mut self, typing: Typing) {
        let Some(terminal) = &self.terminal else {
            return;
        };
        match (typing, self.before.take()) {
            (Typing::Shown, None) => {}
            (Typing::Shown, Some(before)) => change(terminal, &before),
            (Typing::Hidden, Some(before)) => self.before = Some(before),
            (Typing::Hidden, None) => {
                let Ok(before) = tcgetattr(terminal) else {
                    return;
                };
                let mut hidden = before.clone();
                // The server sends the line end, because the terminal does not show the typed one.
                hidden.local_modes -= LocalModes::ECHO | LocalModes::ECHONL;
                change(terminal, &hidden);
                self.before = Some(before);
            }
        }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.set(Typing::Shown);
    }
}

fn change(terminal: &OwnedFd, modes: &Termios) {
    // Input that was typed ahead is kept: it may be the answer.
    let _ = tcsetattr(terminal, OptionalActions::Now, modes);
}

#[cfg(test)]
mod tests {
    use rustix::fs::{Mode, OFlags, open};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    use super::*;

    /// A terminal and its other end, without input.
    fn terminal() -> (OwnedFd, OwnedFd) {
        let outer = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&outer).unwrap();
        unlockpt(&outer).unwrap();
        let name = ptsname(&outer, Vec::new()).unwrap();
        let inner = open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        (outer, inner)
    }

    fn shows(terminal: &OwnedFd) -> bool {
        let modes = tcgetattr(terminal).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ICANON | LocalModes::ISIG));
        modes.contains(LocalModes::ECHO)
    }

    #[test]
    fn what_is_typed_is_hidden_and_shown_as_the_server_says() {
        let (_outer, inner) = terminal();
        let mut echo = Echo::of(Some(inner.try_clone().unwrap()));
        for typing in [
            Typing::Shown,
            Typing::Hidden,
            Typing::Hidden,
            Typing::Shown,
            Typing::Shown,
            Typing::Hidden,
        ] {
            echo.set(typing);
            assert_eq!(shows(&inner), typing == Typing::Shown);
        }
    }

    #[test]
    fn a_terminal_shows_again_what_is_typed_whatever_the_end() {
        let (_outer, inner) = terminal();
        let copy = inner.try_clone().unwrap();
        let fallen = std::thread::spawn(move || {
            let mut echo = Echo::of(Some(copy));
            echo.set(Typing::Hidden);
            panic!("on purpose");
        });
        assert!(fallen.join().is_err());
        assert!(shows(&inner));
    }

    #[test]
    fn without_a_terminal_there_is_nothing_to_hide() {
        Echo::of(None).set(Typing::Hidden);
    }

    fn check(terminal: &str, environment: &[(&str, &str)], expected: u32) {
        let value = |name: &str| {
            let found = environment.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.to_string())
        };
        assert_eq!(
            colours(terminal, value),
            expected,
            "{terminal} {environment:?}"
        );
    }

    #[test]
    fn a_terminal_has_the_colours_that_its_name_and_its_environment_say() {
        let (sixteen, palette) = (Mtts::ANSI, Mtts::ANSI | Mtts::COLOURS_256);
        let all = palette | Mtts::TRUE_COLOUR;
        check("xterm", &[], sixteen);
        check("xterm-256color", &[], palette);
        check("xterm-256color", &[("COLORTERM", "truecolor")], all);
        check("xterm", &[("COLORTERM", "24bit")], all);
        check("xterm", &[("COLORTERM", "yes")], sixteen);
        check("xterm-direct", &[], all);
        check("dumb", &[("COLORTERM", "truecolor")], 0);
        check("", &[], 0);
    }

    #[test]
    fn who_wants_no_colours_gets_none() {
        check("xterm-256color", &[("NO_COLOR", "1")], 0);
        check("xterm", &[("NO_COLOR", "")], Mtts::ANSI);
    }
}
