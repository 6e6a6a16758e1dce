//! The meaning of keys.

use super::{Mode, View, Wish};
use crate::top::process::{Deed, Order, Shape};

/// The characters of a filter: names of avatars are shorter.
const FILTER_MAX: usize = 60;

/// The rows of one `PageDown`, about half of a screen.
const PAGE: isize = 10;

/// A key of the keyboard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::top) enum Key {
    Char(char),
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    Enter,
    Escape,
    Backspace,
    /// Ctrl-C, which ends the view in every mode.
    Interrupt,
    /// A key without a meaning here: it still answers a question with no, and closes the help.
    Other,
}

impl View {
    /// Presses a key; the wish is for the loop to carry out.
    pub(in crate::top) fn press(&mut self, key: Key) -> Option<Wish> {
        if key == Key::Interrupt {
            return Some(Wish::Quit);
        }
        match std::mem::take(&mut self.mode) {
            Mode::Look => self.look(key),
            Mode::Filter => self.filter(key),
            Mode::Help => None,
            Mode::Sure(order) => (key == Key::Char('y')).then_some(Wish::Do(order)),
        }
    }

    fn look(&mut self, key: Key) -> Option<Wish> {
        match key {
            Key::Char('q') | Key::Escape => return Some(Wish::Quit),
            Key::Char('t') => return self.reshape(),
            Key::Char('/') => self.mode = Mode::Filter,
            Key::Char('?') => self.mode = Mode::Help,
            Key::Char('s') => return self.sort_next(),
            Key::Char('K') => self.ask_whether(|_| Deed::Kill),
            Key::Char('S') => self.ask_whether(|is_suspended| match is_suspended {
                true => Deed::Resume,
                false => Deed::Suspend,
            }),
            key => self.list.move_by(distance(key)),
        }
        None
    }

    fn reshape(&mut self) -> Option<Wish> {
        self.list.reshape();
        Some(Wish::List(self.list.query()))
    }

    fn sort_next(&mut self) -> Option<Wish> {
        if self.list.shape == Shape::Tree {
            self.refuse("a tree is not sorted: t shows the list");
            return None;
        }
        let before = self.list.query();
        self.list.sort_next();
        let query = self.list.query();
        // Another figure comes with the next answer.
        (query != before).then_some(Wish::List(query))
    }

    fn ask_whether(&mut self, deed: impl FnOnce(bool) -> Deed) {
        let Some(row) = self.list.selected() else {
            return self.refuse("no process is selected");
        };
        let Some(pid) = row.pid.clone() else {
            return self.refuse("a group has no pid: t shows the list, and / finds one process");
        };
        self.mode = Mode::Sure(Order {
            deed: deed(row.is_suspended),
            pid,
            label: format!("{} {}", row.module, row.name)
                .trim_end()
                .to_string(),
        });
    }

    fn refuse(&mut self, why: &str) {
        self.notices.add(self.now_unix_ms, why);
    }

    fn filter(&mut self, key: Key) -> Option<Wish> {
        match key {
            Key::Enter => return Some(Wish::List(self.list.query())),
            Key::Escape => {
                self.list.refilter(String::clear);
                return Some(Wish::List(self.list.query()));
            }
            Key::Backspace => self.list.refilter(|filter| {
                filter.pop();
            }),
            Key::Char(c) if self.list.filter.chars().count() < FILTER_MAX => {
                self.list.refilter(|filter| filter.push(c));
            }
            _ => (),
        }
        self.mode = Mode::Filter;
        None
    }
}

/// The number of rows by which a key moves the selection.
fn distance(key: Key) -> isize {
    match key {
        Key::Up | Key::Char('k') => -1,
        Key::Down | Key::Char('j') => 1,
        Key::PageUp => -PAGE,
        Key::PageDown => PAGE,
        Key::Home => isize::MIN,
        Key::End => isize::MAX,
        _ => 0,
    }
}
