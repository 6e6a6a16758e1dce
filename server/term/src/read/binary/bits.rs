//! Bits in a row, as the segments of a binary add them.

use num_bigint::BigInt;

use super::types::{Endian, Width};
use crate::Float;

/// The bits so far, the first one in the highest bit of the first byte.
#[derive(Debug, Default)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    /// Of the last byte, how many bits are not used yet.
    free: usize,
}

impl Bits {
    /// The bytes; `None` where the last is not whole.
    pub(super) fn into_bytes(self) -> Option<Vec<u8>> {
        (self.free == 0).then_some(self.bytes)
    }

    /// The first `count` bits of these bytes.
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

    /// The highest `count` bits of a byte.
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

    /// The lowest `count` bits of a number, negative ones in two's complement.
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

    /// `None` for a size that no float has, or a float that has no place in it.
    pub(super) fn push_float(&mut self, value: Float, count: usize, endian: Endian) -> Option<()> {
        let mut bytes = match count {
            32 => {
                let value = value.value() as f32;
                value.is_finite().then(|| value.to_be_bytes().to_vec())?
            }
            64 => value.value().to_be_bytes().to_vec(),
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
