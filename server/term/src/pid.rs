//! Process identifiers. A pid names one incarnation of a process: a slot in the slab of a shard, and the number of
//! earlier uses of that slot. The processes themselves are in `server/otp`.

use std::fmt;
use std::str::FromStr;

/// Bits of the index and of the generation. Memory limits a shard to far fewer than 2^28 processes. A slot that is
/// reused a thousand times a second repeats its generation after three days.
const FIELD_BITS: u32 = 28;
const FIELD_MASK: u64 = (1 << FIELD_BITS) - 1;

/// One incarnation of a process: shard in bits 56 to 63, index in bits 28 to 55, generation in bits 0 to 27.
///
/// Prints and parses as `<Shard.Index.Generation>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(u64);

/// The text is not `<Shard.Index.Generation>`, or a number is above its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a pid is written <Shard.Index.Generation>: at most 255, 268435455 and 268435455")]
pub struct ParsePidError;

impl Pid {
    /// Makes a pid from its parts. Only the low 28 bits of `index` and `generation` count.
    pub const fn new(shard: u8, index: u32, generation: u32) -> Pid {
        let index = index as u64 & FIELD_MASK;
        let generation = generation as u64 & FIELD_MASK;
        Pid((shard as u64) << (2 * FIELD_BITS) | index << FIELD_BITS | generation)
    }

    /// Makes a pid from its 64 bits, as [`as_raw`](Pid::as_raw) returns them; every value is a pid.
    pub const fn from_raw(raw: u64) -> Pid {
        Pid(raw)
    }

    /// All 64 bits: shard, index and generation.
    pub const fn as_raw(self) -> u64 {
        self.0
    }

    /// The number of the shard that runs the process.
    pub const fn shard(self) -> u8 {
        (self.0 >> (2 * FIELD_BITS)) as u8
    }

    /// The slot of the process in the slab of its shard.
    pub const fn index(self) -> u32 {
        (self.0 >> FIELD_BITS & FIELD_MASK) as u32
    }

    /// The number of earlier uses of the slot, modulo 2^28.
    pub const fn generation(self) -> u32 {
        (self.0 & FIELD_MASK) as u32
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<{}.{}.{}>",
            self.shard(),
            self.index(),
            self.generation()
        )
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Pid {
    type Err = ParsePidError;

    fn from_str(text: &str) -> Result<Pid, ParsePidError> {
        let inner = text.strip_prefix('<').and_then(|t| t.strip_suffix('>'));
        let mut fields = inner.ok_or(ParsePidError)?.split('.');
        let shard = field(fields.next(), u64::from(u8::MAX))?;
        let index = field(fields.next(), FIELD_MASK)?;
        let generation = field(fields.next(), FIELD_MASK)?;
        match fields.next() {
            None => Ok(Pid(shard << (2 * FIELD_BITS)
                | index << FIELD_BITS
                | generation)),
            Some(_) => Err(ParsePidError),
        }
    }
}

/// Parses one field: decimal digits only, value at most `max`.
fn field(text: Option<&str>, max: u64) -> Result<u64, ParsePidError> {
    let text = text.ok_or(ParsePidError)?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ParsePidError);
    }
    match text.parse() {
        Ok(number) if number <= max => Ok(number),
        _ => Err(ParsePidError),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_gives_back_its_three_parts() {
        let pid = Pid::new(255, 268_435_455, 7);
        assert_eq!(
            (pid.shard(), pid.index(), pid.generation()),
            (255, 268_435_455, 7)
        );
        assert_eq!(Pid::from_raw(pid.as_raw()), pid);
    }

    #[test]
    fn a_generation_wraps_without_touching_the_index() {
        assert_eq!(Pid::new(1, 2, 1 << 28), Pid::new(1, 2, 0));
    }

    #[test]
    fn a_pid_parses_as_it_prints() {
        let pid = Pid::new(1, 22, 333);
        assert_eq!(pid.to_string(), "<1.22.333>");
        assert_eq!("<1.22.333>".parse(), Ok(pid));
    }

    #[test]
    fn texts_that_are_no_pid_are_refused() {
        for text in [
            "",
            "<>",
            "<1.2>",
            "<1.2.3.4>",
            "<256.0.0>",
            "<0.268435456.0>",
            "<0.+1.0>",
            "1.2.3",
        ] {
            assert_eq!(text.parse::<Pid>(), Err(ParsePidError), "{text}");
        }
    }
}
