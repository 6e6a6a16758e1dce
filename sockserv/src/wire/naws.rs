//! The size of a client's window (RFC 1073).

/// The size of a window, in characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    /// Columns, 40 to 240.
    pub width: u16,
    /// Lines, 10 to 100.
    pub height: u16,
}

/// 80 columns and 24 lines, the usual terminal; for clients that say nothing.
impl Default for Size {
    fn default() -> Size {
        Size {
            width: 80,
            height: 24,
        }
    }
}

impl Size {
    /// Parses the four bytes of the option. `None` for another number of bytes, or when the client does not know its size: a
    /// client without a terminal sends 0 by 0 (RFC 1073 leaves the meaning of 0 to the receiver).
    pub fn read(bytes: &[u8]) -> Option<Size> {
        let [w1, w0, h1, h0] = *bytes else {
            return None;
        };
        let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
        (width > 0 && height > 0).then_some(Size {
            // Tables do not fit below these limits. Above them texts are hard to read, and 65 535 columns would be an attack.
            width: width.clamp(40, 240),
            height: height.clamp(10, 100),
        })
    }

    /// The four bytes of the option; `None` is an unknown size.
    pub fn write(size: Option<Size>) -> [u8; 4] {
        let (width, height) = size.map_or((0, 0), |size| (size.width, size.height));
        let ([w1, w0], [h1, h0]) = (width.to_be_bytes(), height.to_be_bytes());
        [w1, w0, h1, h0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::endpoint::{Endpoint, Event};
    use crate::wire::option::NAWS;

    fn check(bytes: &[u8], expected: Option<(u16, u16)>) {
        let size = Size::read(bytes).map(|size| (size.width, size.height));
        assert_eq!(size, expected, "{bytes:?}");
    }

    #[test]
    fn four_bytes_are_a_width_and_a_height() {
        check(&[0, 80, 0, 24], Some((80, 24)));
        check(&[0, 132, 0, 43], Some((132, 43)));
    }

    #[test]
    fn a_size_that_no_text_was_written_for_is_brought_near() {
        check(&[0, 1, 0, 1], Some((40, 10)));
        check(&[255, 255, 255, 255], Some((240, 100)));
    }

    #[test]
    fn a_size_of_nothing_is_unknown() {
        check(&[0, 0, 0, 0], None);
        check(&[0, 80, 0, 0], None);
    }

    #[test]
    fn other_bytes_are_no_size() {
        for bytes in [&[][..], &[0], &[0, 80, 0], &[0, 80, 0, 24, 0]] {
            check(bytes, None);
        }
    }

    #[test]
    fn a_width_with_the_byte_255_arrives_doubled_and_reads_as_one() {
        let wire = b"\xff\xfa\x1f\x00\xff\xff\x00\x32\xff\xf0";
        let mut rest = &wire[..];
        let bytes = vec![0, 255, 0, 50];
        let expected = Event::Subnegotiation {
            option: NAWS,
            bytes: bytes.clone(),
        };
        assert_eq!(Endpoint::default().next(&mut rest), Some(expected));
        check(&bytes, Some((240, 50)));
    }
}
