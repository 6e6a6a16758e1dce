//! The story as it is told: texts at once, pauses by a timer, one after another.
//!
//! The story has a clock of its own: a pause delays what follows it in the story and nothing else. Whoever
//! holds a [`Teller`] starts the timers (`sockserv_serv`).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::sockserv_trans::Piece;

/// How many pieces of a story may wait to be told.
/// A hero pauses at least as long as the telling of its deeds, so that two or three wait in play. A story
/// that is a thousand pieces behind, ten minutes of them, will never catch up.
pub const PIECES_MAX: usize = 1_000;

/// More than [`PIECES_MAX`] pieces would wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

/// What of a story is still to be told.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Teller {
    /// In the order of their telling.
    pub pieces: VecDeque<Piece>,
    /// A pause runs, with a timer.
    pub pausing: bool,
    /// The number of the last pause. A timer of another number belongs to a story that was dropped.
    pub turn: u64,
}

/// What is to be done now.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Told {
    /// Text to be said; may be empty.
    pub text: String,
    /// Then a pause of so many milliseconds is to be timed, and [`Teller::waited`] told its turn.
    pub pause: Option<(u64, u64)>,
}

impl Teller {
    /// Goes on with the story.
    ///
    /// # Errors
    /// [`Full`] when too much waits already; then nothing is taken.
    pub fn tell(&mut self, pieces: Vec<Piece>) -> Result<Told, Full> {
        if self.pieces.len() + pieces.len() > PIECES_MAX {
            return Err(Full);
        }
        self.pieces.extend(pieces);
        Ok(self.go_on())
    }

    /// The pause of this turn is over.
    pub fn waited(&mut self, turn: u64) -> Told {
        match self.pausing && turn == self.turn {
            true => {
                self.pausing = false;
                self.go_on()
            }
            false => Told::default(),
        }
    }

    /// Drops the rest of the story.
    pub fn fall_silent(&mut self) {
        self.pieces.clear();
        self.pausing = false;
    }

    fn go_on(&mut self) -> Told {
        let mut told = Told::default();
        while !self.pausing {
            match self.pieces.pop_front() {
                Some(Piece::Text(text)) => told.text.push_str(&text),
                Some(Piece::Wait(0)) => {}
                Some(Piece::Wait(ms)) => told.pause = Some((ms, self.pause())),
                None => break,
            }
        }
        told
    }

    fn pause(&mut self) -> u64 {
        self.pausing = true;
        self.turn += 1;
        self.turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_string())
    }

    fn told(text: &str, pause: Option<(u64, u64)>) -> Told {
        Told {
            text: text.to_string(),
            pause,
        }
    }

    #[test]
    fn texts_are_told_at_once_up_to_the_first_pause() {
        let mut teller = Teller::default();
        let pieces = vec![text("a"), text("b"), Piece::Wait(5), text("c")];
        assert_eq!(teller.tell(pieces), Ok(told("ab", Some((5, 1)))));
        assert_eq!(teller.waited(1), told("c", None));
        assert_eq!(teller.tell(vec![text("d")]), Ok(told("d", None)));
    }

    #[test]
    fn what_comes_during_a_pause_is_told_after_it_in_order() {
        let mut teller = Teller::default();
        teller.tell(vec![Piece::Wait(5), text("a")]).unwrap();
        assert_eq!(
            teller.tell(vec![text("b"), Piece::Wait(6), text("c")]),
            Ok(Told::default())
        );
        assert_eq!(teller.waited(1), told("ab", Some((6, 2))));
        assert_eq!(teller.waited(2), told("c", None));
    }

    #[test]
    fn a_pause_of_no_time_is_none() {
        let mut teller = Teller::default();
        assert_eq!(
            teller.tell(vec![text("a"), Piece::Wait(0), text("b")]),
            Ok(told("ab", None))
        );
    }

    #[test]
    fn a_timer_of_a_dropped_story_does_not_shorten_the_next() {
        let mut teller = Teller::default();
        teller.tell(vec![Piece::Wait(5), text("old")]).unwrap();
        teller.fall_silent();
        assert_eq!(
            teller.tell(vec![Piece::Wait(9), text("new")]),
            Ok(told("", Some((9, 2))))
        );
        assert_eq!(teller.waited(1), Told::default());
        assert_eq!(teller.waited(2), told("new", None));
        assert_eq!(teller.waited(2), Told::default());
    }

    #[test]
    fn a_story_that_falls_too_far_behind_is_refused() {
        let mut teller = Teller::default();
        teller.tell(vec![Piece::Wait(5)]).unwrap();
        teller.tell(vec![text("a"); PIECES_MAX]).unwrap();
        assert_eq!(teller.tell(vec![text("b")]), Err(Full));
        assert_eq!(teller.waited(1).text.len(), PIECES_MAX);
    }
}
