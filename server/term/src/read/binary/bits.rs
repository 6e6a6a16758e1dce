//! A sequence of bits, to which the segments of a binary are appended.

use num_bigint::BigInt;

use super::types::{Endian, Width};
use crate::Float;

/// The bits so far; the first one is the highest bit of the first byte.
#[derive(Debug, Default)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    /// The number of unused bits in the last byte.
    free: usize,
}

impl Bits {
    /// The bytes; `None` when the last one is not complete.
    pub(super) fn into_bytes(self) -> Option<Vec<u8>> {
        (self.free == 0).then_some(self.bytes)
    }

    /// Appends the first `count` bits of these bytes.
    pub(super) fn push(&mut self, bytes: &[u8], count: usize) {
        let (whole, rest) = (count / 8, count % 8);
        match self.free {
            0 => self.bytes.extend_from_slice(&bytes[..whole]),
            _ => bytes[..whole]
                .iter()
                .for_each(|byte| self.push_byte(*byte, 8)),
        }
        if rest > 0 {
            self.push_byte(bytes[whole], rest);
        }
    }

    /// Appends the highest `count` bits of a byte.
    fn push_byte(&mut self, byte: u8, count: usize) {
        for at in 0..count {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            self.free -= 1;
            let bit = byte >> (7 - at) & 1;
            *self.bytes.last_mut().expect("one has been pushed") |= bit << self.free;
        }
    }

    /// Appends the lowest `count` bits of a number; negative numbers are in two's complement.
    pub(super) fn push_integer(&mut self, value: &BigInt, count: usize, endian: Endian) {
        let mask = (BigInt::from(1) << count) - 1;
        let low: BigInt = value & mask;
        let mut bytes = low.to_bytes_le().1;
        bytes.resize(count.div_ceil(8), 0);
        let rest = count % 8;
        match endian {
            // The bits above the last whole byte come last.
            Endian::Little => {
                if let (Some(last), true) = (bytes.last_mut(), rest > 0) {
                    *last <<= 8 - rest;
                }
                self.push(&bytes, count);
            }
            Endian::Big => {
                bytes.reverse();
                if let (Some(first), true) = (bytes.first(), rest > 0) {
                    self.push_byte(first << (8 - rest), rest);
                    self.push(&bytes[1..], count - rest);
                } else {
                    self.push(&bytes, count);
                }
            }
        }
    }

    /// Returns `None` for a size that no float has. FIDELITY: a float that is too large for its size becomes infinity.
    pub(super) fn push_float(&mut self, value: Float, count: usize, endian: Endian) -> Option<()> {
        let value = value.value();
        let mut bytes = match count {
            16 => half(value).to_be_bytes().to_vec(),
            32 => (value as f32).to_be_bytes().to_vec(),
            64 => value.to_be_bytes().to_vec(),
            _ => return None,
        };
        if endian == Endian::Little {
            bytes.reverse();
        }
        self.push(&bytes, count);
        Some(())
    }

    pub(super) fn push_character(&mut self, c: char, width: Width, endian: Endian) {
        match width {
            Width::Utf8 => {
                let mut place = [0; 4];
                let bytes = c.encode_utf8(&mut place).as_bytes();
                self.push(bytes, bytes.len() * 8);
            }
            Width::Utf16 => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    self.push_integer(&BigInt::from(*unit), 16, endian);
                }
            }
            Width::Utf32 => self.push_integer(&BigInt::from(u32::from(c)), 32, endian),
        }
    }
}

/// The nearest float of 16 bits (IEEE 754, "binary16"), ties to even.
fn half(value: f64) -> u16 {
    const INFINITY: u16 = 0x7c00;
    /// The exponent of the smallest float that is not subnormal.
    const EXPONENT_MIN: i64 = -14;
    let sign = u16::from(value.is_sign_negative()) << 15;
    let value = value.abs();
    let exponent = (value.to_bits() >> 52) as i64 - 1_023;
    let exponent = exponent.max(EXPONENT_MIN);
    if exponent > 15 {
        return sign | INFINITY;
    }
    // The significand has ten bits behind its first one, which a subnormal float does not have. A rounding overflow
    // carries into the exponent.
    let scaled = value * 2.0_f64.powi(10 - exponent as i32);
    let steps = scaled.round_ties_even() as u16;
    let below = (exponent - EXPONENT_MIN) as u16 * 1_024;
    sign | (below + steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_those_of_otp() {
        for (value, bits) in [
            (1.0, 0x3c00),
            (65504.0, 0x7bff),
            (65519.9, 0x7bff),
            (65520.0, 0x7c00),
            (1.0e300, 0x7c00),
            (5.96e-8, 1),
            (2.980_232_238_769_531e-8, 0),
            (2.981e-8, 1),
            (0.1, 0x2e66),
            (-0.0, 0x8000),
            (1.000_488_281_25, 0x3c00),
            (1.000_488_281_250_000_2, 0x3c01),
            (3.0e-5, 0x01f7),
            (6.1e-5, 0x03ff),
        ] {
            assert_eq!(half(value), bits, "{value}");
        }
    }
}
