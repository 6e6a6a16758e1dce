//! Bytes of a connection as text: commands of telnet (RFC 854) and of a terminal (ECMA-48) are left out.

const IAC: u8 = 255;
const SB: u8 = 250;
const SE: u8 = 240;
const ESC: u8 = 27;

/// The text in these bytes. An incomplete command is left out, too.
pub fn plain_text(bytes: &[u8]) -> String {
    let (mut text, mut rest) = (Vec::new(), bytes);
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (&IAC, [IAC, after @ ..]) => {
                text.push(IAC);
                after
            }
            (&IAC, _) => behind_command(after),
            (&ESC, [b'[', after @ ..]) => behind(after, |byte| (0x40..=0x7e).contains(&byte)),
            _ => {
                text.push(*first);
                after
            }
        };
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn behind_command(after: &[u8]) -> &[u8] {
    match after {
        [SB, option @ ..] => {
            let end = option.windows(2).position(|pair| pair == [IAC, SE]);
            end.map_or(&[], |end| &option[end + 2..])
        }
        // `WILL`, `WONT`, `DO` and `DONT` are followed by an option.
        [251..=254, _, rest @ ..] | [0..=250, rest @ ..] => rest,
        _ => &[],
    }
}

fn behind(bytes: &[u8], is_last: impl Fn(u8) -> bool) -> &[u8] {
    let end = bytes.iter().position(|byte| is_last(*byte));
    end.map_or(&[], |end| &bytes[end + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_is_left() {
        let options = b"\xff\xfd\x18\xff\xfb\x1fAnn\xff\xfa\x18\x01\xff\xf0 is\xff\xf9 here\x1b[1;31m!\x1b[0m\r\n";
        assert_eq!(plain_text(options), "Ann is here!\r\n");
        assert_eq!(plain_text(b"a\xff\xfb"), "a");
        assert_eq!(plain_text(b"a\xff\xfa\x18 and more"), "a");
        assert_eq!(plain_text(b"a\x1b[3"), "a");
        assert_eq!(plain_text(b"a\xff\xffb").chars().count(), 3);
    }
}
