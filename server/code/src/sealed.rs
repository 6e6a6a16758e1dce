//! A copy of a library in memory that nobody can change any more.
//!
//! The dynamic linker maps this copy and not the file: the file may be written over, cut off or replaced
//! while its code runs. And what was verified is what is mapped. The seals are those of `memfd_create(2)`.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

/// How long a name `memfd_create(2)` takes, without the prefix that the kernel adds.
const NAME_BYTES_MAX: usize = 249;

/// A sealed copy of `bytes`; `name` is shown in `/proc/self/maps`.
///
/// # Errors
/// What the system says, such as no memory, no descriptor, or a policy against code in memory.
pub(crate) fn copy(name: &str, bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(create(fitting(name))?);
    file.write_all(bytes)?;
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    fcntl_add_seals(&file, seals)?;
    Ok(file.into())
}

/// Since Linux 6.3 code in memory is asked for by a flag that older kernels refuse as unknown.
fn create(name: &str) -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    match memfd_create(name, flags | MemfdFlags::EXEC) {
        Err(rustix::io::Errno::INVAL) => Ok(memfd_create(name, flags)?),
        made => Ok(made?),
    }
}

fn fitting(name: &str) -> &str {
    let name = name.split('\0').next().unwrap_or_default();
    let mut ends = (0..=NAME_BYTES_MAX.min(name.len())).rev();
    &name[..ends.find(|end| name.is_char_boundary(*end)).unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn a_sealed_copy_cannot_be_written_grown_or_cut() {
        let copy = copy("pq-test", b"code").unwrap();
        let path = format!("/proc/self/fd/{}", copy.as_raw_fd());
        let second_way_in = File::options().read(true).write(true).open(&path).unwrap();
        for mut file in [File::from(copy.try_clone().unwrap()), second_way_in] {
            assert!(file.write_all(b"other").is_err());
            assert!(file.set_len(0).is_err());
            assert!(file.set_len(9).is_err());
        }
        let mut text = String::new();
        File::open(&path)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "code");
    }

    #[test]
    fn a_name_that_is_too_long_or_holds_a_zero_is_cut() {
        assert_eq!(fitting("a\0b"), "a");
        assert_eq!(fitting(&"ä".repeat(200)).len(), 248);
        assert!(copy(&"x".repeat(1000), b"").is_ok());
    }
}
