//! States of other versions: the way from the version that wrote a state to the version that runs now.
//!
//! ```text
//!   1.0.0 ── code_change of 1.1.0 ──► 1.1.0 ── code_change of 1.2.0 ──► 1.2.0      up: the newer version converts
//!   1.0.0 ◄─ code_change of 1.1.0 ─── 1.1.0 ◄─ code_change of 1.2.0 ─── 1.2.0      down: the newer version, too
//! ```
//! Each version declares the older ones whose states it converts, or has. The shortest chain is taken. Versions that are not
//! current serve as converters only. A conversion gets the argument `Extra` that the newer version's appup has for it, as in an
//! install.

use std::collections::{BTreeMap, VecDeque};

use pq_otp::moved::{Closed, NO_EXTRA, Opened, Opens, Part};
use pq_otp::{Direction, Module, Node};

/// A version of a module, with its declarations.
#[derive(Clone, Debug)]
pub struct Version {
    /// The module in this version.
    pub module: Module,
    /// Older versions whose states it converts, up and down.
    pub converts: Vec<String>,
    /// Older versions that have the same states.
    pub keeps: Vec<String>,
    /// The arguments `Extra` of its conversions, for those whose appup has one.
    pub extras: Vec<Extra>,
}

/// The argument `Extra` of a conversion.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Extra {
    /// The direction of the conversion.
    pub direction: Direction,
    /// The older version of the module.
    pub older: String,
    /// The argument, in plain MessagePack.
    pub bytes: Vec<u8>,
}

/// The source of versions.
pub trait Versions: Send + Sync {
    /// All versions of these modules that the node can get hold of. A row needs each of the given pairs of a module and a
    /// version; those that are not loaded may have to be loaded.
    fn versions(&self, needed: &[(String, String)]) -> Vec<Version>;
}

/// Opens states of all versions that it knows.
pub struct Opening {
    versions: BTreeMap<&'static str, Vec<Version>>,
}

/// A step from one version to the next.
#[derive(Clone, Copy, Debug)]
enum Step {
    Up(Module),
    Down(Module, Module),
    Keep(Module),
}

impl Step {
    fn to(self) -> Module {
        match self {
            Step::Up(to) | Step::Down(_, to) | Step::Keep(to) => to,
        }
    }
}

impl Opening {
    /// Opens with these versions, and with those that are current.
    pub fn new(versions: Vec<Version>) -> Opening {
        let mut all: BTreeMap<&'static str, Vec<Version>> = BTreeMap::new();
        for version in versions {
            all.entry(version.module.name()).or_default().push(version);
        }
        Opening { versions: all }
    }

    /// Whether a state of this version becomes one of the other.
    pub(crate) fn leads(&self, from: &str, to: Module) -> bool {
        from == to.vsn() || self.way(from, to).is_some()
    }

    /// The argument of the conversion between a version and an older one.
    fn extra(&self, newer: Module, direction: Direction, older: &str) -> &[u8] {
        let versions = self.versions.get(newer.name()).into_iter().flatten();
        let mut of_newer = versions.filter(|version| version.module.vsn() == newer.vsn());
        let extras = of_newer.next().map_or(&[][..], |version| &version.extras);
        let mut extras = extras.iter();
        let extra = extras.find(|extra| extra.direction == direction && extra.older == older);
        extra.map_or(NO_EXTRA, |extra| &extra.bytes)
    }

    /// The steps from a version to the current one; `None` without a way.
    fn way(&self, from: &str, to: Module) -> Option<Vec<Step>> {
        let known = self.versions.get(to.name())?;
        let mut reached: BTreeMap<&str, Vec<Step>> = BTreeMap::from([(from, Vec::new())]);
        let mut next = VecDeque::from([from]);
        while let Some(at) = next.pop_front() {
            let way = reached.get(at).cloned().unwrap_or_default();
            if at == to.vsn() {
                return Some(way);
            }
            for step in steps(known, at) {
                let vsn = step.to().vsn();
                if !reached.contains_key(vsn) {
                    let way = way.iter().copied().chain([step]).collect();
                    reached.insert(vsn, way);
                    next.push_back(vsn);
                }
            }
        }
        None
    }
}

/// The steps that lead away from a version.
fn steps(known: &[Version], at: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for version in known {
        let module = version.module;
        if version.converts.iter().any(|vsn| vsn == at) {
            steps.push(Step::Up(module));
        }
        if version.keeps.iter().any(|vsn| vsn == at) {
            steps.push(Step::Keep(module));
        }
        if module.vsn() == at {
            for older in known {
                let vsn = older.module.vsn();
                if version.converts.iter().any(|it| it == vsn) {
                    steps.push(Step::Down(module, older.module));
                }
                if version.keeps.iter().any(|it| it == vsn) {
                    steps.push(Step::Keep(older.module));
                }
            }
        }
    }
    steps
}

impl Opens for Opening {
    fn open(&self, node: &Node, mut part: Closed<'_>) -> Result<Opened, String> {
        let Some(module) = node.module(part.module) else {
            return Err(format!("the module {} is not loaded", part.module));
        };
        let needs_no_way = matches!(part.part, Part::Manager | Part::Supervisor);
        if part.vsn != module.vsn() && !needs_no_way {
            let way = self
                .way(part.vsn, module)
                .ok_or_else(|| no_way(&part, module))?;
            for step in way {
                part = match step {
                    Step::Up(to) => {
                        let extra = self.extra(to, Direction::Up, part.vsn);
                        part.up(node, to, extra)?
                    }
                    Step::Down(from, to) => {
                        let extra = self.extra(from, Direction::Down, to.vsn());
                        part.down(node, from, to, extra)?
                    }
                    Step::Keep(by) => part.kept(by),
                };
            }
        }
        Ok(Opened {
            module,
            bytes: part.bytes,
            residues: part.residues,
        })
    }
}

fn no_way(part: &Closed<'_>, current: Module) -> String {
    let (name, from, to) = (part.module, part.vsn, current.vsn());
    format!(
        "{name} is in version {to} here, and no version in the tree converts its state from {from}; a release with \
         {name}-{from} or a version between the two is missing"
    )
}
