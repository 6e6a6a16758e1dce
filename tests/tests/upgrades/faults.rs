//! The faults of an attempt, the way in which a schedule causes them, and the expected results.
//!
//! | fault | place | result |
//! |---|---|---|
//! | `Conversion`, `Overrun` | a hero's `code_change`, from the beginning or from a phase on | rolled back, or installed without that hero |
//! | `NobodyConverts`, `StandsStill` | a phase, whose deadline passes | rolled back; installed if the decision was made before |
//! | `Crash` | processes of a module, at the beginning of a phase | either |
//! | `Call` | an `apply` of the relup, before the point of no return or anywhere behind it | rolled back; a restart |
//! | `Library`, `Text` | the files of the release | refused |
//! | `Setting` | `config_change` of the new release | a warning |
//! | `Supervisor` | its new `init` | rolled back |

use std::fs;
use std::path::{Path, PathBuf};

use pq_otp::Term;
use pq_otp::upgrade::OnOverrun;
use pq_protocol::record::InstallPhase;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::Rng;

/// The release in which heroes may have a fate.
pub(crate) const BROKEN: &str = "1.1.1";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    Nothing,
    Conversion {
        fate: &'static str,
        since: InstallPhase,
    },
    Overrun(OnOverrun),
    NobodyConverts(InstallPhase),
    StandsStill(InstallPhase),
    Crash {
        module: &'static str,
        phase: InstallPhase,
    },
    Call(Position),
    Library(Damage),
    Text {
        file: &'static str,
        damage: Damage,
    },
    Setting,
    Supervisor,
}

/// The place of an instruction in a script.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Position {
    Before,
    /// This number of instructions behind the point of no return, modulo their number.
    Behind(usize),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Damage {
    Missing,
    Halved,
    Flipped,
}

/// The expected result of an attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expected {
    Either,
    Fails,
    /// A barrier may also separate modules that have to be exchanged together, so that not even the first exchange
    /// takes place.
    FailsEitherWay,
    Succeeds {
        warnings: usize,
    },
}

fn one_of<T: Copy>(dice: &mut Xoshiro256PlusPlus, all: &[T]) -> T {
    all[(dice.next_u64() % all.len() as u64) as usize]
}

impl Fault {
    /// Draws the next fault. `Overrun` is possible only when threads convert.
    pub(crate) fn draw(dice: &mut Xoshiro256PlusPlus, threads: bool) -> Fault {
        let since = one_of(
            dice,
            &[
                InstallPhase::Prepare,
                InstallPhase::Copy,
                InstallPhase::Hold,
            ],
        );
        let phase = one_of(
            dice,
            &[InstallPhase::Copy, InstallPhase::Hold, InstallPhase::Commit],
        );
        let damage = one_of(dice, &[Damage::Missing, Damage::Halved, Damage::Flipped]);
        let module = [
            "pq_player",
            "pq_events",
            "pq_sup",
            "sockserv_serv",
            "regis_server",
        ];
        let module = one_of(dice, &module);
        match dice.next_u64() % 25 {
            0..5 => {
                let fate = one_of(dice, &["Errs", "Panics", "Sends"]);
                Fault::Conversion { fate, since }
            }
            5..7 if threads => {
                let then = one_of(dice, &[OnOverrun::Abort, OnOverrun::Kill]);
                Fault::Overrun(then)
            }
            7 => Fault::NobodyConverts(one_of(dice, &[InstallPhase::Copy, InstallPhase::Hold])),
            8 | 9 => Fault::StandsStill(phase),
            10..15 => Fault::Crash { module, phase },
            15 | 16 => Fault::Call(Position::Before),
            17 => Fault::Call(Position::Behind(dice.next_u64() as usize % 16)),
            18 | 19 => Fault::Library(damage),
            20 => {
                let file = one_of(dice, &["relup", "sys.config", "processquest.rel"]);
                let damage = match (file, damage) {
                    // A release may have no settings.
                    ("sys.config", Damage::Missing) => Damage::Halved,
                    _ => damage,
                };
                Fault::Text { file, damage }
            }
            21 => Fault::Setting,
            22 => Fault::Supervisor,
            _ => Fault::Nothing,
        }
    }

    /// Whether the fault requires an upgrade to or from the broken release.
    pub(crate) fn needs(self, from: &str, to: &str) -> bool {
        match self {
            Fault::Conversion { .. } | Fault::Overrun(_) => [from, to].contains(&BROKEN),
            Fault::Setting | Fault::Supervisor => to == BROKEN,
            _ => true,
        }
    }

    /// The expected result. A fault has no effect in a phase without work, or on a hero that has ended before.
    pub(crate) fn expected(self, is_struck: bool) -> Expected {
        match self {
            Fault::Nothing | Fault::Crash { .. } => Expected::Either,
            Fault::Conversion { .. } | Fault::Overrun(_) if !is_struck => Expected::Either,
            Fault::Conversion { since, .. } if since != InstallPhase::Prepare => Expected::Either,
            Fault::Overrun(OnOverrun::Kill) => Expected::Succeeds { warnings: 0 },
            Fault::NobodyConverts(InstallPhase::Hold) => Expected::Either,
            Fault::StandsStill(InstallPhase::Commit) => Expected::Succeeds { warnings: 0 },
            Fault::Call(Position::Behind(_)) => Expected::FailsEitherWay,
            Fault::Setting => Expected::Succeeds { warnings: 1 },
            _ => Expected::Fails,
        }
    }

    /// The fate of one hero's conversion, and the first phase in which it applies.
    pub(crate) fn fate(self) -> (Option<&'static str>, InstallPhase) {
        match self {
            Fault::Conversion { fate, since } => (Some(fate), since),
            Fault::Overrun(_) => (Some("Loops"), InstallPhase::Prepare),
            _ => (None, InstallPhase::Idle),
        }
    }

    /// Changes the files of the releases as the fault requires.
    pub(crate) fn spoil(self, root: &Path, (from, to): (&str, &str)) -> Spoilt {
        let mut spoilt = Spoilt::default();
        let newer = from.max(to);
        let of_release = |vsn: &str, file: &str| root.join(format!("releases/{vsn}/{file}"));
        let relup = of_release(newer, "relup");
        match self {
            Fault::Call(place) => {
                // Only the broken release has this function; with other releases the check refuses it.
                let call = "{apply,{processquest,fail,[]}}";
                spoilt.rewrite(&relup, |text| with_instruction(text, call, place));
            }
            Fault::Supervisor => spoilt.rewrite(&relup, |text| {
                // The instructions that systools makes from `{update, pq_sup, supervisor}`, each inserted before the
                // previous one.
                let update = [
                    "{resume,[pq_sup]}",
                    "{code_change,up,[{pq_sup,[]}]}",
                    "{load,{pq_sup,brutal_purge,brutal_purge}}",
                    "{suspend,[pq_sup]}",
                ];
                let text = update.iter().fold(text.to_string(), |text, instruction| {
                    with_instruction(&text, instruction, Position::Behind(0))
                });
                let reads = r#"{processquest,"1.1.1",["#;
                text.replace(reads, &format!("{reads}pq_sup,"))
            }),
            Fault::Setting => spoilt.rewrite(&of_release(to, "sys.config"), |text| {
                text.replacen('[', "[{processquest,[{refused,true}]},", 1)
            }),
            Fault::Library(damage) => {
                let library = root.join(format!("lib/processquest-{to}/priv/processquest.so"));
                spoilt.damage(&library, damage);
            }
            Fault::Text {
                file: "relup",
                damage,
            } => spoilt.damage(&relup, damage),
            Fault::Text { file, damage } => spoilt.damage(&of_release(to, file), damage),
            _ => (),
        }
        spoilt
    }
}

/// The text of a relup with one more instruction in each of its scripts.
fn with_instruction(text: &str, instruction: &str, place: Position) -> String {
    let relup = pq_term::read_one(text).unwrap();
    let instruction = pq_term::read_one(&format!("{instruction}.")).unwrap();
    let parts = relup.as_tuple().unwrap();
    let ways = |way: &Term| -> Term {
        let scripts = way.as_list().unwrap().iter();
        Term::list(
            scripts
                .map(|script| with_one_more(script.as_tuple().unwrap(), &instruction, place))
                .collect::<Vec<_>>(),
        )
    };
    let relup = Term::tuple([parts[0].clone(), ways(&parts[1]), ways(&parts[2])]);
    format!("{relup}.")
}

fn with_one_more(script: &[Term], instruction: &Term, place: Position) -> Term {
    let mut all = script[2].as_list().unwrap().to_vec();
    let is_point = |term: &Term| term.is_atom("point_of_no_return");
    let point = all.iter().position(is_point).unwrap();
    let at = match place {
        Position::Before => point,
        Position::Behind(number) => point + 1 + number % (all.len() - point),
    };
    all.insert(at, instruction.clone());
    Term::tuple([script[0].clone(), script[1].clone(), Term::list(all)])
}

/// Writes a file together with its checksum, as its author would.
pub(crate) fn put(file: &Path, bytes: &[u8]) {
    let name = file.file_name().unwrap().to_str().unwrap();
    pq_release::put(file.parent().unwrap(), name, bytes).unwrap();
}

/// Changed files with their original content.
#[derive(Default)]
pub(crate) struct Spoilt(Vec<(PathBuf, Vec<u8>)>);

impl Spoilt {
    fn rewrite(&mut self, file: &Path, change: impl FnOnce(&str) -> String) {
        let bytes = fs::read(file).unwrap();
        let text = change(std::str::from_utf8(&bytes).unwrap());
        put(file, text.as_bytes());
        self.0.push((file.to_path_buf(), bytes));
    }

    fn damage(&mut self, file: &Path, damage: Damage) {
        let bytes = fs::read(file).unwrap();
        let middle = bytes.len() / 2;
        match damage {
            Damage::Missing => fs::remove_file(file).unwrap(),
            Damage::Halved => fs::write(file, &bytes[..middle]).unwrap(),
            Damage::Flipped => {
                // No text has this byte, and it changes the checksum of a library.
                let mut other = bytes.clone();
                other[middle] = !other[middle];
                fs::write(file, other).unwrap();
            }
        }
        self.0.push((file.to_path_buf(), bytes));
    }

    /// Restores the original content.
    pub(crate) fn mend(self) {
        for (file, bytes) in self.0 {
            put(&file, &bytes);
        }
    }
}
