//! Writes the spec of a supervisor: the same bytes as `serde`.
//!
//! A spec is written at every start of an avatar. `serde` takes more than twice the time for the same types; the tests
//! compare the two. [`super::encode`] writes all other types, and reading is elsewhere (`reader`, [`super::decode`]).

use pq_term::{Atom, Term, msgpack};
use rmp::encode;

use super::reader::{
    CHILD_PARTS, FLAGS_PARTS, SHORT_ARRAY, SHORT_NUMBER, SHORT_TEXT, SPEC_PARTS, START_PARTS,
};
use super::{ChildSpec, Modules, Start, SupFlags, SupSpec};

/// Capacity for the part before the children: the flags, and the number of children.
const FLAGS_BYTES: usize = 24;

/// Capacity for a child without its arguments: three or four names of about ten letters, and numbers.
const CHILD_BYTES: usize = 64;

/// `rmp` returns errors for writers that may be full; a `Vec` never is.
const MEMORY: &str = "memory takes all bytes";

/// Encodes the spec, for [`super::SpecReader`] and [`super::decode`].
pub fn encode_supervisor(spec: &SupSpec) -> Vec<u8> {
    let room = |child: &ChildSpec| CHILD_BYTES + child.start.args.len();
    let children: usize = spec.children.iter().map(room).sum();
    let mut out = Vec::with_capacity(FLAGS_BYTES + children);
    array(&mut out, SPEC_PARTS as usize);
    write_flags(&mut out, spec.flags);
    array(&mut out, spec.children.len());
    for child in &spec.children {
        write_child(&mut out, child);
    }
    out
}

fn write_flags(out: &mut Vec<u8>, flags: SupFlags) {
    array(out, FLAGS_PARTS as usize);
    number(out, u8::from(flags.strategy));
    number(out, flags.intensity);
    number(out, flags.period_s);
}

fn write_child(out: &mut Vec<u8>, child: &ChildSpec) {
    array(out, CHILD_PARTS as usize);
    write_id(out, &child.id);
    write_start(out, &child.start);
    number(out, u8::from(child.restart));
    number(out, child.shutdown);
    number(out, u8::from(child.kind));
    write_modules(out, &child.modules);
}

fn write_id(out: &mut Vec<u8>, id: &Term) {
    match id {
        Term::Atom(atom) => name(out, *atom),
        term => binary(out, &msgpack::to_msgpack(term)),
    }
}

fn write_start(out: &mut Vec<u8>, start: &Start) {
    array(out, START_PARTS as usize);
    name(out, start.module);
    binary(out, &start.args);
}

fn write_modules(out: &mut Vec<u8>, modules: &Modules) {
    match modules {
        Modules::Dynamic => encode::write_nil(out).expect(MEMORY),
        Modules::Of(atoms) => {
            array(out, atoms.len());
            atoms.iter().for_each(|atom| name(out, *atom));
        }
    }
}

fn name(out: &mut Vec<u8>, atom: Atom) {
    let text = atom.as_str();
    match text.len() {
        length @ ..32 => out.push(SHORT_TEXT.start() | length as u8),
        length => drop(encode::write_str_len(out, length as u32).expect(MEMORY)),
    }
    out.extend_from_slice(text.as_bytes());
}

fn binary(out: &mut Vec<u8>, bytes: &[u8]) {
    encode::write_bin(out, bytes).expect(MEMORY);
}

fn number(out: &mut Vec<u8>, number: impl Into<i64>) {
    match number.into() {
        number @ 0..128 => out.push(SHORT_NUMBER.start() | number as u8),
        number => drop(encode::write_sint(out, number).expect(MEMORY)),
    }
}

fn array(out: &mut Vec<u8>, length: usize) {
    match length {
        ..16 => out.push(SHORT_ARRAY.start() | length as u8),
        _ => drop(encode::write_array_len(out, length as u32).expect(MEMORY)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{self, ChildType, Restart, Shutdown, Strategy};

    /// Lengths and numbers on both sides of each limit between two forms of MessagePack.
    const BORDERS: [usize; 13] = [
        0, 1, 15, 16, 31, 32, 127, 128, 255, 256, 65_535, 65_536, 70_000,
    ];

    fn child(id: Term, args_length: usize) -> ChildSpec {
        ChildSpec {
            id,
            start: Start {
                module: Atom::from_static("pq_player"),
                args: vec![7; args_length],
            },
            restart: Restart::Transient,
            shutdown: Shutdown::Timeout(5_000),
            kind: ChildType::Worker,
            modules: Modules::Dynamic,
        }
    }

    fn check(children: Vec<ChildSpec>, flags: SupFlags) {
        let spec = SupSpec { flags, children };
        let written = encode_supervisor(&spec);
        assert!(written == spec::encode(&spec), "{spec:?}");
    }

    fn flags(strategy: Strategy, number: usize) -> SupFlags {
        SupFlags {
            strategy,
            intensity: number as u32,
            period_s: u32::MAX - number as u32,
        }
    }

    #[test]
    fn a_spec_is_written_as_serde_writes_it_at_every_border() {
        for border in BORDERS {
            let name = |length: usize| Atom::new(&"n".repeat(length.min(255))).unwrap();
            let mut named = child(Term::Atom(name(border)), border);
            named.start.module = name(border);
            named.shutdown = Shutdown::Timeout(border as u32);
            let mut many = child(Term::string("n".repeat(border)), 0);
            many.modules = Modules::Of(vec![name(1); border]);
            check(vec![named, many], flags(Strategy::OneForAll, border));
        }
        for count in [0, 1, 15, 16, 65_536] {
            let children = vec![child(Term::from(7), 1); count];
            check(children, flags(Strategy::OneForOne, count));
        }
    }

    #[test]
    fn each_word_is_written_as_serde_writes_it() {
        let mut children = vec![child(Term::atom("a"), 0); 4];
        children[0].restart = Restart::Permanent;
        children[1].restart = Restart::Temporary;
        children[1].shutdown = Shutdown::Infinity;
        children[2].shutdown = Shutdown::BrutalKill;
        children[3].shutdown = Shutdown::Timeout(u32::MAX);
        children[3].kind = ChildType::Supervisor;
        for strategy in [
            Strategy::OneForOne,
            Strategy::OneForAll,
            Strategy::RestForOne,
            Strategy::SimpleOneForOne,
        ] {
            check(children.clone(), flags(strategy, 2));
        }
    }
}
