//! Reads the bytes of a `SupSpec` into checked flags and children (`supervisor:check_childspecs/1`).
//! The errors are OTP's terms.

use pq_abi::Reason;
use pq_abi::spec::{ChildSpec, SpecReader, Strategy, SupFlags};
use pq_term::Term;
use smallvec::SmallVec;

use super::args;
use super::children::{ChildStart, Children};

/// The greatest permitted intensity. A restart within the period takes 8 bytes, so this is 8 MB at
/// worst; a supervisor with more restarts has no effect.
const INTENSITY_MAX: u32 = 1_000_000;

/// The greatest total size of one supervisor's specs. A spec has about 100 bytes, so this is beyond 100 000
/// children; so many belong under `simple_one_for_one`, where there is one spec.
pub(super) const SPEC_BYTES_MAX: usize = 16 * 1_024 * 1_024;

/// The greatest initial capacity, in children. Their number is a claim until they are read; an avatar's supervisor has
/// two.
const FIRST_CHILDREN_MAX: usize = 64;

/// The first starts, in order. An avatar's two starts fit in place.
pub(super) type ChildStarts = SmallVec<[ChildStart; 2]>;

/// A spec that has passed all checks.
pub(super) enum CheckedSpec {
    Ordered(OrderedSpec),
    Simple(SimpleSpec),
}

/// A spec for `one_for_one`, `one_for_all` or `rest_for_one`.
pub(super) struct OrderedSpec {
    pub(super) flags: SupFlags,
    /// The children, none of which runs.
    pub(super) children: Children,
    /// The data for the first start of each child.
    pub(super) starts: ChildStarts,
}

/// A spec for `simple_one_for_one`.
pub(super) struct SimpleSpec {
    pub(super) flags: SupFlags,
    pub(super) template: ChildSpec,
}

impl CheckedSpec {
    pub(super) fn strategy(&self) -> Strategy {
        match self {
            CheckedSpec::Ordered(spec) => spec.flags.strategy,
            CheckedSpec::Simple(spec) => spec.flags.strategy,
        }
    }
}

/// An error in a spec. OTP wraps it in different terms at init and at a live update.
#[derive(Debug)]
pub(super) enum SpecError {
    /// The bytes are no spec.
    Unreadable(String),
    /// The flags have an impossible value.
    Flags(Term),
    /// A child spec has an impossible value.
    Children(Term),
    /// `simple_one_for_one` with no child spec, or with several.
    NotOne(Term),
}

impl SpecError {
    /// The error as `supervisor:init/1` returns it.
    pub(super) fn at_init(self) -> Reason {
        Reason::Other(match self {
            SpecError::Flags(error) => pair("supervisor_data", error),
            SpecError::Children(error) => pair("start_spec", error),
            other => other.plain(),
        })
    }

    /// The error as `supervisor:code_change/3` returns it.
    pub(super) fn at_replacement(self) -> Reason {
        Reason::Other(self.plain())
    }

    fn plain(self) -> Term {
        match self {
            SpecError::Unreadable(text) => pair("bad_return", Term::from(text)),
            SpecError::Flags(error) | SpecError::Children(error) => error,
            SpecError::NotOne(ids) => pair("bad_start_spec", ids),
        }
    }
}

/// Reads and checks a spec.
pub(super) fn read(bytes: &[u8]) -> Result<CheckedSpec, SpecError> {
    if bytes.len() > SPEC_BYTES_MAX {
        let text = format!("more than {SPEC_BYTES_MAX} bytes of specs");
        return Err(SpecError::Unreadable(text));
    }
    let (flags, reader) = SpecReader::new(bytes).map_err(SpecError::Unreadable)?;
    check_flags(&flags)?;
    match flags.strategy {
        Strategy::SimpleOneForOne => {
            let template = read_only(reader)?;
            check_arguments(&template)?;
            Ok(CheckedSpec::Simple(SimpleSpec { flags, template }))
        }
        _ => {
            let (children, starts) = read_children(reader)?;
            Ok(CheckedSpec::Ordered(OrderedSpec {
                flags,
                children,
                starts,
            }))
        }
    }
}

/// The reason `{invalid_strategy, Strategy}`, as in OTP.
pub(super) fn invalid_strategy(strategy: Strategy) -> Reason {
    let name = match strategy {
        Strategy::OneForOne => "one_for_one",
        Strategy::OneForAll => "one_for_all",
        Strategy::RestForOne => "rest_for_one",
        Strategy::SimpleOneForOne => "simple_one_for_one",
    };
    Reason::Other(pair("invalid_strategy", Term::atom(name)))
}

/// The term `{Tag, Term}`.
pub(super) fn pair(tag: &'static str, term: Term) -> Term {
    Term::tuple([Term::atom(tag), term])
}

pub(super) fn check_flags(flags: &SupFlags) -> Result<(), SpecError> {
    if flags.intensity > INTENSITY_MAX {
        return Err(SpecError::Flags(pair(
            "invalid_intensity",
            Term::from(flags.intensity),
        )));
    }
    match flags.period_s {
        0 => Err(SpecError::Flags(pair("invalid_period", Term::from(0)))),
        _ => Ok(()),
    }
}

/// Reads the one child spec of `simple_one_for_one`.
fn read_only(reader: SpecReader<'_>) -> Result<ChildSpec, SpecError> {
    let children: Result<Vec<_>, _> = reader.collect();
    let mut children = children.map_err(SpecError::Unreadable)?;
    match children.pop() {
        Some(child) if children.is_empty() => Ok(child.spec()),
        last => {
            let ids = children.into_iter().chain(last).map(|child| child.id);
            Err(SpecError::NotOne(ids.collect()))
        }
    }
}

/// Arguments of `start_child` are appended to these, so they must be an array. Elsewhere only the child's `init` reads
/// them.
pub(super) fn check_arguments(spec: &ChildSpec) -> Result<(), SpecError> {
    match args::elements(&spec.start.args) {
        Some(_) => Ok(()),
        None => {
            let arguments = Term::from(&spec.start.args[..]);
            let start = Term::tuple([Term::from(spec.start.module), Term::atom("init"), arguments]);
            Err(SpecError::Children(pair("invalid_mfa", start)))
        }
    }
}

fn read_children(reader: SpecReader<'_>) -> Result<(Children, ChildStarts), SpecError> {
    let room = reader.left().min(FIRST_CHILDREN_MAX);
    let mut children = Children::with_room(room, reader.bytes_left());
    let mut starts = ChildStarts::with_capacity(room);
    for read in reader {
        let child = read.map_err(SpecError::Unreadable)?;
        if !children.push_encoded(&child.id, child.bytes()) {
            return Err(SpecError::Children(pair("duplicate_child_name", child.id)));
        }
        starts.push(ChildStart::from(child));
    }
    Ok((children, starts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::harness::{spec_bytes, worker};
    use pq_abi::spec::{self, SupSpec};
    use proptest::prelude::{ProptestConfig, proptest};

    fn refused(bytes: &[u8]) -> String {
        let at_init = read(bytes).err().unwrap().at_init().to_string();
        let at_replacement = read(bytes).err().unwrap().at_replacement().to_string();
        format!("{at_init} / {at_replacement}")
    }

    fn with_flags(intensity: u32, period_s: u32) -> Vec<u8> {
        let flags = SupFlags {
            strategy: Strategy::OneForOne,
            intensity,
            period_s,
        };
        spec::encode(&SupSpec {
            flags,
            children: vec![],
        })
    }

    #[test]
    fn wrong_specs_are_refused_in_the_words_of_otp() {
        let simple = Strategy::SimpleOneForOne;
        let mut bare = worker("a");
        bare.start.args = vec![0x07];
        for (bytes, wanted) in [
            (
                with_flags(1, 0),
                "{supervisor_data,{invalid_period,0}} / {invalid_period,0}",
            ),
            (
                with_flags(1_000_001, 5),
                "{supervisor_data,{invalid_intensity,1000001}} / {invalid_intensity,1000001}",
            ),
            (
                spec_bytes(
                    Strategy::OneForOne,
                    vec![worker("a"), worker("b"), worker("a")],
                ),
                "{start_spec,{duplicate_child_name,a}} / {duplicate_child_name,a}",
            ),
            (
                spec_bytes(simple, vec![]),
                "{bad_start_spec,[]} / {bad_start_spec,[]}",
            ),
            (
                spec_bytes(simple, vec![worker("a"), worker("b")]),
                "{bad_start_spec,[a,b]} / {bad_start_spec,[a,b]}",
            ),
            (
                spec_bytes(simple, vec![worker("a"), worker("a")]),
                "{bad_start_spec,[a,a]} / {bad_start_spec,[a,a]}",
            ),
            (
                spec_bytes(simple, vec![bare]),
                "{start_spec,{invalid_mfa,{a,init,<<7>>}}} / {invalid_mfa,{a,init,<<7>>}}",
            ),
        ] {
            assert_eq!(refused(&bytes), wanted);
        }
    }

    #[test]
    fn the_kept_bytes_of_each_child_are_those_of_its_spec() {
        let specs = vec![worker("a"), worker("another"), worker("c")];
        let Ok(CheckedSpec::Ordered(read)) = read(&spec_bytes(Strategy::OneForAll, specs.clone()))
        else {
            panic!("the spec is good");
        };
        assert_eq!((read.children.len(), read.starts.len()), (3, 3));
        for (index, spec) in specs.iter().enumerate() {
            assert_eq!(read.children.spec(index), *spec);
            assert_eq!(read.starts[index], read.children.child_start(index));
            assert_eq!(read.starts[index].start, spec.start);
            assert_eq!(read.children.spec_bytes(index), spec::encode(spec));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn bytes_that_are_no_spec_are_refused_without_a_panic(
            cut in 0_usize..200, at in 0_usize..200, byte: u8
        ) {
            let mut bytes = spec_bytes(Strategy::OneForOne, vec![worker("a"), worker("b")]);
            bytes.truncate(bytes.len().min(cut.max(1)));
            let length = bytes.len();
            bytes[at % length] = byte;
            let _ = read(&bytes);
        }
    }
}
