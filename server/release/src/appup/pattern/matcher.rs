//! Does a text match the pieces of a pattern, and up to where?
//!
//! Tries one way after the other and goes back where it leads nowhere; what follows a piece is given to it as a function.

use super::{Choice, Piece, Repeat, Unit};

/// Steps of one match. A version has some ten characters: a pattern that takes more doubles its work with each.
const STEPS_MAX: usize = 100_000;

/// How deep a match may recurse. Each character of a version takes some three levels, each level under 1 KiB.
const DEPTH_MAX: usize = 600;

/// The match was given up.
pub(super) struct TakesTooLong;

/// Where the match from the beginning of the text ends; `None` where there is none.
pub(super) fn end(choice: &Choice, text: &[char]) -> Result<Option<usize>, TakesTooLong> {
    let mut matcher = Matcher {
        text,
        steps: 0,
        depth: 0,
        end: None,
    };
    matcher.choice(choice, 0, &mut |matcher, at| {
        matcher.end = Some(at);
        true
    });
    match matcher.steps > STEPS_MAX {
        true => Err(TakesTooLong),
        false => Ok(matcher.end),
    }
}

/// What is to match behind, given the place reached.
type Rest<'r, 't> = &'r mut dyn FnMut(&mut Matcher<'t>, usize) -> bool;

struct Matcher<'t> {
    text: &'t [char],
    steps: usize,
    depth: usize,
    end: Option<usize>,
}

impl<'t> Matcher<'t> {
    fn choice(&mut self, choice: &Choice, at: usize, rest: Rest<'_, 't>) -> bool {
        choice.iter().any(|pieces| self.sequence(pieces, at, rest))
    }

    /// One level deeper, unless that is too much: then everything above gives up as well.
    fn deeper(&mut self, step: impl FnOnce(&mut Self) -> bool) -> bool {
        self.steps += if self.depth < DEPTH_MAX { 1 } else { STEPS_MAX };
        if self.steps > STEPS_MAX {
            return false;
        }
        self.depth += 1;
        let matches = step(self);
        self.depth -= 1;
        matches
    }

    fn sequence(&mut self, pieces: &[Piece], at: usize, rest: Rest<'_, 't>) -> bool {
        let Some((first, others)) = pieces.split_first() else {
            return rest(self, at);
        };
        self.deeper(|matcher| matcher.piece(first, others, at, rest))
    }

    fn piece(&mut self, first: &Piece, others: &[Piece], at: usize, rest: Rest<'_, 't>) -> bool {
        match first {
            Piece::Start => at == 0 && self.sequence(others, at, rest),
            Piece::End => at == self.text.len() && self.sequence(others, at, rest),
            Piece::Repeat(repeat) => {
                let mut behind = |matcher: &mut Matcher<'t>, at| matcher.sequence(others, at, rest);
                self.repeat(repeat, 0, at, &mut behind)
            }
        }
    }

    /// `done` repetitions are behind.
    fn repeat(&mut self, repeat: &Repeat, done: usize, at: usize, rest: Rest<'_, 't>) -> bool {
        let is_enough = done >= repeat.min;
        if repeat.is_lazy && is_enough && rest(self, at) {
            return true;
        }
        let went_on = done < repeat.max && {
            // A repetition that matches nothing would go on for ever.
            let mut again = |matcher: &mut Matcher<'t>, to: usize| {
                let is_new = to > at || !is_enough;
                is_new && matcher.deeper(|matcher| matcher.repeat(repeat, done + 1, to, rest))
            };
            self.unit(&repeat.unit, at, &mut again)
        };
        went_on || (!repeat.is_lazy && is_enough && rest(self, at))
    }

    fn unit(&mut self, unit: &Unit, at: usize, rest: Rest<'_, 't>) -> bool {
        if let Unit::Group(choice) = unit {
            return self.choice(choice, at, rest);
        }
        match self.text.get(at) {
            Some(c) if holds(unit, *c) => rest(self, at + 1),
            _ => false,
        }
    }
}

fn holds(unit: &Unit, c: char) -> bool {
    match unit {
        Unit::Any => c != '\n',
        Unit::Char(wanted) => *wanted == c,
        Unit::Set { ranges, is_negated } => {
            ranges
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&c))
                != *is_negated
        }
        Unit::Group(_) => false,
    }
}
