//! The text of a pattern to its pieces.

use super::{Choice, Piece, Repeat, Unit};

/// How many groups a pattern may have: reading and matching go as deep as they nest.
const GROUPS_MAX: usize = 16;

/// The most repetitions that `{n,m}` may ask for; a version is shorter.
const REPEAT_MAX: usize = 255;

pub(super) fn read(pattern: &str) -> Result<Choice, String> {
    let mut reader = Reader {
        chars: pattern.chars().collect(),
        at: 0,
        groups: 0,
    };
    let choice = reader.choice()?;
    match reader.peek() {
        None => Ok(choice),
        Some(_) => Err("a `)` closes nothing".to_string()),
    }
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    groups: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn accept(&mut self, wanted: char) -> bool {
        let is_it = self.peek() == Some(wanted);
        self.at += usize::from(is_it);
        is_it
    }

    fn choice(&mut self) -> Result<Choice, String> {
        let mut choice = vec![Vec::new()];
        while let Some(c) = self.peek() {
            match c {
                ')' => break,
                '|' => {
                    self.at += 1;
                    choice.push(Vec::new());
                }
                _ => {
                    let piece = self.piece()?;
                    choice.last_mut().expect("begins with one").push(piece);
                }
            }
        }
        Ok(choice)
    }

    fn piece(&mut self) -> Result<Piece, String> {
        if self.accept('^') {
            return Ok(Piece::Start);
        }
        if self.accept('$') {
            return Ok(Piece::End);
        }
        let unit = self.unit()?;
        let (min, max) = self.repetition()?;
        let is_lazy = (min, max) != (1, 1) && self.accept('?');
        Ok(Piece::Repeat(Repeat {
            unit,
            min,
            max,
            is_lazy,
        }))
    }

    fn unit(&mut self) -> Result<Unit, String> {
        match self.next() {
            Some('.') => Ok(Unit::Any),
            Some('\\') => self.escaped(),
            Some('[') => self.set(),
            Some('(') => self.group(),
            Some(c @ ('*' | '+' | '?' | '{')) => Err(format!("`{c}` repeats nothing")),
            Some(c) => Ok(Unit::Char(c)),
            None => Err("it ends too early".to_string()),
        }
    }

    fn escaped(&mut self) -> Result<Unit, String> {
        let Some(c) = self.next() else {
            return Err("a `\\` stands at its end".to_string());
        };
        match class(c.to_ascii_lowercase()) {
            Some(ranges) => Ok(Unit::Set {
                ranges,
                is_negated: c.is_ascii_uppercase(),
            }),
            None if c.is_ascii_alphanumeric() => Err(format!("`\\{c}` is not known here")),
            None => Ok(Unit::Char(c)),
        }
    }

    fn set(&mut self) -> Result<Unit, String> {
        let is_negated = self.accept('^');
        let mut ranges = Vec::new();
        // A `]` that comes first is a character of the set.
        if self.accept(']') {
            ranges.push((']', ']'));
        }
        while !self.accept(']') {
            let first = self.next().ok_or("a `[` is not closed")?;
            match first {
                '\\' => match self.escaped()? {
                    Unit::Set {
                        ranges: more,
                        is_negated: false,
                    } => ranges.extend(more),
                    Unit::Char(c) => ranges.push((c, c)),
                    _ => return Err("a set holds no negated class".to_string()),
                },
                '[' if self.peek() == Some(':') => return Err("`[:` is not known here".to_string()),
                _ => ranges.push((first, self.range_end(first)?)),
            }
        }
        Ok(Unit::Set { ranges, is_negated })
    }

    fn range_end(&mut self, first: char) -> Result<char, String> {
        let is_range =
            self.peek() == Some('-') && self.chars.get(self.at + 1).is_some_and(|c| *c != ']');
        if !is_range {
            return Ok(first);
        }
        self.at += 1;
        match self.next() {
            Some('\\') | None => Err("a range ends in a plain character".to_string()),
            Some(last) if last < first => Err(format!("`{first}-{last}` is no range")),
            Some(last) => Ok(last),
        }
    }

    fn group(&mut self) -> Result<Unit, String> {
        self.groups += 1;
        if self.groups > GROUPS_MAX {
            return Err(format!("it has more than {GROUPS_MAX} groups"));
        }
        if self.accept('?') && !self.accept(':') {
            return Err("of `(?`, only `(?:` is known here".to_string());
        }
        let choice = self.choice()?;
        match self.accept(')') {
            true => Ok(Unit::Group(choice)),
            false => Err("a `(` is not closed".to_string()),
        }
    }

    fn repetition(&mut self) -> Result<(usize, usize), String> {
        let times = match self.peek() {
            Some('*') => (0, usize::MAX),
            Some('+') => (1, usize::MAX),
            Some('?') => (0, 1),
            Some('{') => return self.counted(),
            _ => return Ok((1, 1)),
        };
        self.at += 1;
        Ok(times)
    }

    fn counted(&mut self) -> Result<(usize, usize), String> {
        self.at += 1;
        let min = self.count()?.ok_or("`{` is followed by no number")?;
        let max = match self.accept(',') {
            true => self.count()?.unwrap_or(usize::MAX),
            false => min,
        };
        match self.accept('}') && min <= max {
            true => Ok((min, max)),
            false => Err("a repetition is `{n}`, `{n,}` or `{n,m}`".to_string()),
        }
    }

    fn count(&mut self) -> Result<Option<usize>, String> {
        let mut count = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            self.at += 1;
            let value = count.unwrap_or(0) * 10 + digit as usize;
            if value > REPEAT_MAX {
                return Err(format!("a repetition counts to {REPEAT_MAX} at most"));
            }
            count = Some(value);
        }
        Ok(count)
    }
}

/// The characters of `\d`, `\w` or `\s`.
fn class(c: char) -> Option<Vec<(char, char)>> {
    Some(match c {
        'd' => vec![('0', '9')],
        'w' => vec![('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')],
        's' => vec![('\t', '\r'), (' ', ' ')],
        _ => return None,
    })
}
