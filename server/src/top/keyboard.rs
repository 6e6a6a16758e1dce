//! The keys of the terminal, read by a thread that may block for ever.

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::view::Key;

/// An input of the terminal.
pub(super) enum Input {
    Key(Key),
    /// The window has another size, which drawing asks for.
    Resized,
    /// The terminal is gone.
    Gone,
}

/// Waits for the next input.
pub(super) fn next() -> Input {
    loop {
        match event::read() {
            Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                return Input::Key(meaning(key));
            }
            Ok(Event::Resize(..)) => return Input::Resized,
            Ok(_) => (),
            Err(_) => return Input::Gone,
        }
    }
}

fn meaning(key: KeyEvent) -> Key {
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Key::Interrupt,
        KeyCode::Char(_) if key.modifiers.contains(KeyModifiers::CONTROL) => Key::Other,
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        KeyCode::Backspace => Key::Backspace,
        _ => Key::Other,
    }
}
