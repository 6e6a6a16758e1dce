//! Size and types of a segment, such as `:16/little-signed-integer-unit:8`, and their defaults.

/// Words that may stand behind the `/` of a segment.
pub(super) const WANTED: &str = "integer, float, binary, bytes, bitstring, bits, utf8, utf16, utf32, signed, unsigned, big, little, native or unit:1 to unit:256, none against another";

/// The order of the bytes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endian {
    Big,
    Little,
}

/// The size of the code units of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    Utf8,
    Utf16,
    Utf32,
}

/// The complete type of a segment. Signs matter only in patterns, which are not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Types {
    Integer {
        bits: usize,
        endian: Endian,
    },
    Float {
        bits: usize,
        endian: Endian,
    },
    Utf {
        width: Width,
        endian: Endian,
    },
    /// A number of bits of a binary, or all of them, which have to be a multiple of the unit.
    Bytes {
        bits: Option<usize>,
        unit: usize,
    },
}

impl Types {
    /// The number of bits that the size asks for; `None` for a number that is too large to represent.
    pub(super) fn bits(self) -> Option<usize> {
        match self {
            Types::Integer { bits, .. } | Types::Float { bits, .. } => Some(bits),
            Types::Bytes { bits, .. } => Some(bits.unwrap_or(0)),
            Types::Utf { .. } => Some(0),
        }
        .filter(|bits| *bits != usize::MAX)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Float,
    Binary,
    Bitstring,
    Utf(Width),
}

/// The words of a segment that are read so far.
#[derive(Debug, Default)]
pub(super) struct Words {
    kind: Option<Kind>,
    endian: Option<&'static str>,
    sign: Option<&'static str>,
    unit: Option<usize>,
}

/// Sets a value that is not set. The repetition of a word is allowed, a contradiction is not.
fn set<T: PartialEq + Copy>(place: &mut Option<T>, value: T) -> bool {
    *place.get_or_insert(value) == value
}

impl Words {
    /// Adds a word; false for a word that is unknown or contradicts an earlier one.
    pub(super) fn add(&mut self, name: &str, count: Option<usize>) -> bool {
        match (name, count) {
            ("unit", Some(unit @ 1..=256)) => set(&mut self.unit, unit),
            (_, Some(_)) => false,
            ("integer", _) => set(&mut self.kind, Kind::Integer),
            ("float", _) => set(&mut self.kind, Kind::Float),
            ("binary" | "bytes", _) => set(&mut self.kind, Kind::Binary),
            ("bitstring" | "bits", _) => set(&mut self.kind, Kind::Bitstring),
            ("utf8", _) => set(&mut self.kind, Kind::Utf(Width::Utf8)),
            ("utf16", _) => set(&mut self.kind, Kind::Utf(Width::Utf16)),
            ("utf32", _) => set(&mut self.kind, Kind::Utf(Width::Utf32)),
            ("signed", _) => set(&mut self.sign, "signed"),
            ("unsigned", _) => set(&mut self.sign, "unsigned"),
            ("big", _) => set(&mut self.endian, "big"),
            ("little", _) => set(&mut self.endian, "little"),
            ("native", _) => set(&mut self.endian, "native"),
            _ => false,
        }
    }

    /// Completes the words with their defaults; the error says what would be right.
    pub(super) fn types(&self, size: Option<usize>) -> Result<Types, &'static str> {
        let endian = match self.endian {
            Some("little") => Endian::Little,
            Some("native") if cfg!(target_endian = "little") => Endian::Little,
            _ => Endian::Big,
        };
        let kind = self.kind.unwrap_or(Kind::Integer);
        let is_of_bytes = matches!(kind, Kind::Binary | Kind::Bitstring);
        if self.unit.is_some() && size.is_none() && !is_of_bytes {
            return Err("a size before a unit");
        }
        let bits = |default: usize, unit: usize| match size {
            Some(size) => size.saturating_mul(self.unit.unwrap_or(unit)),
            None => default,
        };
        match kind {
            Kind::Integer => Ok(Types::Integer {
                bits: bits(8, 1),
                endian,
            }),
            Kind::Float => match bits(64, 1) {
                bits @ (16 | 32 | 64) => Ok(Types::Float { bits, endian }),
                _ => Err("a float of 16, 32 or 64 bits"),
            },
            Kind::Utf(_) if size.is_some() => Err("no size of a character"),
            Kind::Utf(width) => Ok(Types::Utf { width, endian }),
            Kind::Binary | Kind::Bitstring => {
                let default = if kind == Kind::Binary { 8 } else { 1 };
                let unit = self.unit.unwrap_or(default);
                let bits = size.map(|_| bits(0, default));
                Ok(Types::Bytes { bits, unit })
            }
        }
    }
}
