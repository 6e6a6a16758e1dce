//! A library as a file: its form, the section of its manifest, and the lint. All of it is read without loading the
//! library (`elf(5)`).
//!
//! The lint catches mistakes, such as a crate with a thread-local that has a destructor. It is no protection against
//! attacks: a person who may sign a release may run any code in the node.

use object::elf::{self, DynamicTag, ProgramType};
use object::read::elf::{Dynamic, ElfFile64, FileHeader, ProgramHeader, Sym};
use object::{NativeEndian, Object, ObjectSection};
use pq_abi::{LIBRARY_SYMBOL, MANIFEST_SECTION};

use crate::error::FailedStep;

/// Imports that are refused, and the reasons.
const FORBIDDEN_IMPORTS: [(&str, &str); 2] = [
    (
        "pthread_key_create",
        "it or a crate it uses starts threads, waits in channels or asks std for random numbers; \
         keys are never given back and run out, so ask the context instead",
    ),
    (
        "__cxa_thread_atexit_impl",
        "it or a crate it uses has a thread-local with a destructor, which would run after its code is old; \
         keep what it holds in the state of a process",
    ),
];

/// Shared libraries that a library may need, as prefixes of their names. Libraries in Rust need the C library, its
/// loader and the unwinder; those that use `f64::powf` and similar functions need the C library's mathematics.
const MAY_NEED: [&str; 4] = ["libc.so.", "ld-linux", "libgcc_s.so.", "libm.so."];

/// Tags of the dynamic table that are refused.
const FORBIDDEN_TAGS: [(DynamicTag, &str, &str); 5] = [
    (elf::DT_RPATH, "a run path (DT_RPATH)", SEARCH_ADVICE),
    (elf::DT_RUNPATH, "a run path (DT_RUNPATH)", SEARCH_ADVICE),
    (elf::DT_AUDIT, "an auditor (DT_AUDIT)", SEARCH_ADVICE),
    (elf::DT_DEPAUDIT, "an auditor (DT_DEPAUDIT)", SEARCH_ADVICE),
    (
        elf::DT_TEXTREL,
        "relocations in its code (DT_TEXTREL)",
        TEXT_ADVICE,
    ),
];

const SEARCH_ADVICE: &str = "a library must not search the disk, link it without that";
const TEXT_ADVICE: &str = "compile it as position-independent code";

/// The bytes of a page of memory on the machines that we support; only figures for people depend on it.
const PAGE_BYTES: u64 = 4096;

/// The largest number of bytes of address space of a library: the reach of position-independent code (the small code
/// model of the System V ABI).
const IMAGE_BYTES_MAX: u64 = 1 << 31;

/// The machine for which this node was compiled.
#[cfg(target_arch = "x86_64")]
const MACHINE: elf::Machine = elf::EM_X86_64;
#[cfg(target_arch = "aarch64")]
const MACHINE: elf::Machine = elf::EM_AARCH64;

/// The place of a library, relative to the address at which it will be mapped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Image {
    /// The first address of its segments.
    pub(crate) start: u64,
    /// The first address behind its segments.
    pub(crate) end: u64,
    /// The address of [`LIBRARY_SYMBOL`].
    pub(crate) symbol: u64,
}

impl Image {
    /// The size of its address space in bytes, in whole pages.
    pub(crate) fn mapped_bytes(self) -> u64 {
        let first = self.start - self.start % PAGE_BYTES;
        (self.end - first).next_multiple_of(PAGE_BYTES)
    }
}

type File<'a> = ElfFile64<'a, NativeEndian>;
type Segment = elf::ProgramHeader64<NativeEndian>;

/// A shared library for this machine.
pub(crate) struct Elf<'a> {
    file: File<'a>,
    bytes: &'a [u8],
}

impl<'a> Elf<'a> {
    /// Parses the headers and compares them with this machine and with the length of the file.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Elf<'a>, FailedStep> {
        if !bytes.starts_with(b"\x7fELF") {
            return Err(form(format!(
                "it begins with {:?}, not with an ELF header",
                beginning(bytes)
            )));
        }
        let file = File::parse(bytes).map_err(|error| form(format!("{error}; is it whole?")))?;
        let elf = Elf { file, bytes };
        elf.is_of_this_machine()?;
        elf.is_a_library()?;
        elf.is_whole()?;
        Ok(elf)
    }

    fn is_of_this_machine(&self) -> Result<(), FailedStep> {
        let machine = self.file.elf_header().e_machine(NativeEndian);
        match machine == MACHINE {
            true => Ok(()),
            false => Err(form(format!(
                "it is for machine {}, this is {}",
                machine.0, MACHINE.0
            ))),
        }
    }

    fn is_a_library(&self) -> Result<(), FailedStep> {
        let is_program = self.segments().any(|segment| is(segment, elf::PT_INTERP));
        match self.file.elf_header().e_type(NativeEndian) == elf::ET_DYN && !is_program {
            true => Ok(()),
            false => Err(form(
                "it is a program or an object file; link it with `--crate-type cdylib`".into(),
            )),
        }
    }

    /// Checks that all segments are in the file. A segment beyond its end would show only when its code runs, as a
    /// SIGBUS.
    fn is_whole(&self) -> Result<(), FailedStep> {
        let (length, loads) = (self.bytes.len() as u64, self.loads());
        let mut ends = loads
            .map(|load| load.file_range(NativeEndian))
            .map(|(from, size)| from.checked_add(size));
        match ends.all(|end| end.is_some_and(|end| end <= length)) {
            true => Ok(()),
            false => Err(form(format!(
                "it is cut off: a segment ends after the file's {length} bytes"
            ))),
        }
    }

    /// The bytes of the section with the manifest.
    pub(crate) fn manifest(&self) -> Result<&'a [u8], FailedStep> {
        let section = self
            .file
            .section_by_name(MANIFEST_SECTION)
            .ok_or(FailedStep::NoManifest)?;
        section
            .data()
            .map_err(|error| form(format!("its manifest's section: {error}")))
    }

    /// Refuses libraries that would harm the node when they are loaded or run.
    pub(crate) fn lint(&self) -> Result<(), FailedStep> {
        self.lint_segments()?;
        self.lint_dynamic_table()?;
        self.lint_imports()
    }

    fn lint_segments(&self) -> Result<(), FailedStep> {
        if self
            .loads()
            .any(|load| may(load, elf::PF_W) && may(load, elf::PF_X))
        {
            let found = "a segment that is writable and executable";
            return Err(FailedStep::Linked {
                found,
                advice: "no linker does that unasked, leave its flags alone",
            });
        }
        let mut stacks = self
            .segments()
            .filter(|segment| is(segment, elf::PT_GNU_STACK));
        match stacks.next().is_some_and(|stack| !may(stack, elf::PF_X)) {
            true => Ok(()),
            false => Err(FailedStep::Linked {
                found: "an executable stack",
                advice: "link it with `-z noexecstack`; assembly without `.note.GNU-stack` causes it",
            }),
        }
    }

    fn lint_dynamic_table(&self) -> Result<(), FailedStep> {
        for entry in self.dynamic_table()? {
            let forbidden = FORBIDDEN_TAGS
                .into_iter()
                .find(|(tag, ..)| *tag == entry.tag);
            if let Some((_, found, advice)) = forbidden {
                return Err(FailedStep::Linked { found, advice });
            }
            if entry.tag == elf::DT_FLAGS && entry.val & elf::DF_TEXTREL.0 != 0 {
                return Err(FailedStep::Linked {
                    found: "relocations in its code (DF_TEXTREL)",
                    advice: TEXT_ADVICE,
                });
            }
        }
        self.lint_needs()
    }

    fn lint_needs(&self) -> Result<(), FailedStep> {
        for library in self.file.import_libraries().map_err(broken)? {
            let library = library.map_err(broken)?;
            let name = String::from_utf8_lossy(library.name());
            if !MAY_NEED.iter().any(|start| name.starts_with(start)) {
                return Err(FailedStep::Needs(name.into_owned()));
            }
        }
        Ok(())
    }

    fn lint_imports(&self) -> Result<(), FailedStep> {
        for symbol in self
            .symbols()
            .filter(|symbol| symbol.is_undefined(NativeEndian))
        {
            let name = self.name_of(symbol)?;
            let forbidden = FORBIDDEN_IMPORTS
                .iter()
                .find(|(symbol, _)| symbol.as_bytes() == name);
            if let Some((symbol, advice)) = forbidden {
                return Err(FailedStep::Import {
                    symbol: (*symbol).to_string(),
                    advice,
                });
            }
        }
        Ok(())
    }

    /// The dynamic table that the dynamic linker will use. The linker finds it by the segments, this crate by the
    /// sections: a file in which the two differ hides something from one of them.
    fn dynamic_table(&self) -> Result<Vec<Dynamic>, FailedStep> {
        let mut segments = self
            .segments()
            .filter(|segment| is(segment, elf::PT_DYNAMIC));
        let linked = segments
            .next()
            .map(|segment| segment.dynamic(NativeEndian, self.bytes))
            .transpose();
        let listed = self.file.elf_dynamic_table().map_err(broken)?;
        let start = |entries: &[elf::Dyn64<NativeEndian>]| entries.as_ptr_range().start;
        match linked.map_err(broken)?.flatten() {
            Some(linked) if start(linked) == start(listed.dynamics()) => {
                Ok(listed.iter().collect())
            }
            _ => Err(form(
                "its segments and its sections disagree about its dynamic table".into(),
            )),
        }
    }

    /// The addresses that the library will occupy.
    pub(crate) fn image(&self) -> Result<Image, FailedStep> {
        let unmappable = || form("it has no segments that could be mapped".into());
        let spans = self.loads().map(span).collect::<Option<Vec<_>>>();
        let spans = spans.ok_or_else(unmappable)?;
        let start = spans.iter().map(|(start, _)| *start).min();
        let end = spans.iter().map(|(_, end)| *end).max();
        let (Some(start), Some(end)) = (start, end) else {
            return Err(unmappable());
        };
        if start >= end || end - start > IMAGE_BYTES_MAX {
            return Err(unmappable());
        }
        let symbol = self.table_symbol()?;
        match spans
            .iter()
            .any(|(start, end)| *start <= symbol && end.saturating_sub(8) >= symbol)
        {
            true => Ok(Image { start, end, symbol }),
            false => Err(FailedStep::NoTable),
        }
    }

    /// The address of the exported table. The symbol must be an object of the size of an address: then the look-up runs
    /// no code, and reading it gives the pointer that the library has put there.
    fn table_symbol(&self) -> Result<u64, FailedStep> {
        for symbol in self
            .symbols()
            .filter(|symbol| !symbol.is_undefined(NativeEndian))
        {
            let is_address =
                symbol.st_type() == elf::STT_OBJECT && symbol.st_size(NativeEndian) == 8;
            if is_address && self.name_of(symbol)? == LIBRARY_SYMBOL.as_bytes() {
                return Ok(symbol.st_value(NativeEndian));
            }
        }
        Err(FailedStep::NoTable)
    }

    fn symbols(&self) -> impl Iterator<Item = &'a elf::Sym64<NativeEndian>> {
        self.file.elf_dynamic_symbol_table().iter().skip(1)
    }

    fn name_of(&self, symbol: &elf::Sym64<NativeEndian>) -> Result<&'a [u8], FailedStep> {
        self.file
            .elf_dynamic_symbol_table()
            .symbol_name(NativeEndian, symbol)
            .map_err(broken)
    }

    fn segments(&self) -> impl Iterator<Item = &'a Segment> {
        self.file.elf_program_headers().iter()
    }

    fn loads(&self) -> impl Iterator<Item = &'a Segment> {
        self.segments().filter(|segment| is(segment, elf::PT_LOAD))
    }
}

/// The first address of a segment, and the first address behind it.
fn span(segment: &Segment) -> Option<(u64, u64)> {
    let start = segment.p_vaddr(NativeEndian);
    Some((start, start.checked_add(segment.p_memsz(NativeEndian))?))
}

fn is(segment: &Segment, kind: ProgramType) -> bool {
    segment.p_type(NativeEndian) == kind
}

fn may(segment: &Segment, flag: elf::ProgramFlags) -> bool {
    segment.p_flags(NativeEndian).0 & flag.0 != 0
}

fn beginning(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(8)]).into_owned()
}

fn form(what: String) -> FailedStep {
    FailedStep::Form(what)
}

fn broken(error: object::read::Error) -> FailedStep {
    form(format!("{error}; is it whole?"))
}
