//! Changes single bytes of a library, as a transmission error or a wrong build would.

use object::{Object, ObjectSection};

/// A copy with `to` in place of `from` in the section of this name. Both have the same length, and `from` occurs
/// exactly once.
pub(crate) fn section(bytes: &[u8], section: &str, from: &str, to: &str) -> Vec<u8> {
    let file = object::File::parse(bytes).expect("the fixture is an ELF file");
    let range = file
        .section_by_name(section)
        .and_then(|section| section.file_range());
    let (start, length) = range.expect("the fixture has that section");
    let (start, end) = (start as usize, (start + length) as usize);
    let mut patched = bytes.to_vec();
    patched[start..end].copy_from_slice(&replaced(
        &bytes[start..end],
        from.as_bytes(),
        to.as_bytes(),
    ));
    patched
}

/// A copy with `to` in place of `from`. Both have the same length, and `from` occurs exactly once.
pub(crate) fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    written_at(bytes, place_of(bytes, from), to)
}

/// The place of `wanted`, which occurs exactly once.
pub(crate) fn place_of(bytes: &[u8], wanted: &[u8]) -> usize {
    let places: Vec<usize> = (0..bytes.len())
        .filter(|at| bytes[*at..].starts_with(wanted))
        .collect();
    assert_eq!(
        places.len(),
        1,
        "{:?} must be there once",
        String::from_utf8_lossy(wanted)
    );
    places[0]
}

/// A copy with `what` written at `place`.
pub(crate) fn written_at(bytes: &[u8], place: usize, what: &[u8]) -> Vec<u8> {
    let mut patched = bytes.to_vec();
    patched[place..place + what.len()].copy_from_slice(what);
    patched
}

/// A copy in which `change` was applied to the program header (`elf(5)`, `Elf64_Phdr`) that `wanted` selects by type
/// and flags.
pub(crate) fn segment(
    bytes: &[u8],
    wanted: fn(u32, u32) -> bool,
    change: fn(&mut Header),
) -> Vec<u8> {
    let mut patched = bytes.to_vec();
    let (start, count) = (number(bytes, 32, 8) as usize, number(bytes, 56, 2) as usize);
    let places: Vec<usize> = (0..count)
        .map(|index| start + index * 56)
        .filter(|at| {
            wanted(
                number(bytes, *at, 4) as u32,
                number(bytes, *at + 4, 4) as u32,
            )
        })
        .collect();
    let at = *places.first().expect("the fixture has such a segment");
    let mut header = Header {
        flags: number(bytes, at + 4, 4) as u32,
        file_bytes: number(bytes, at + 32, 8),
        memory_bytes: number(bytes, at + 40, 8),
    };
    change(&mut header);
    patched[at + 4..at + 8].copy_from_slice(&header.flags.to_le_bytes());
    patched[at + 32..at + 40].copy_from_slice(&header.file_bytes.to_le_bytes());
    patched[at + 40..at + 48].copy_from_slice(&header.memory_bytes.to_le_bytes());
    patched
}

/// The fields of a program header that a test changes.
pub(crate) struct Header {
    /// The access flags, `p_flags`.
    pub(crate) flags: u32,
    /// The size in the file, `p_filesz`.
    pub(crate) file_bytes: u64,
    /// The size in memory, `p_memsz`.
    pub(crate) memory_bytes: u64,
}

fn number(bytes: &[u8], at: usize, length: usize) -> u64 {
    bytes[at..at + length]
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}
