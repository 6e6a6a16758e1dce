//! The phases of a side.
//!
//! ```text
//!   new:  install ─► measures ─► play ─► measures ─► way back ─► play (`back`) ─► install ─► play (`again`)
//!   old:             measures ─► play ─► measures ─► (install ─► measures)
//! ```
//! At moments of play, the last of them its end, copies of all states are converted to the other release and back. Where the newer
//! library judges both sides, the older side is installed at its end; the report is said before, because the new code may end the child.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use pq_otp::{StallEvent, StallHook};

use crate::copies::Copies;
use crate::limits::Usage;
use crate::order::{Order, Program, Said, Sample, Side};
use crate::report::{Durations, Installed, LISTED_MAX, Measured, SideReport, Suspect, Unconverted};
use crate::sample::{Stratum, choose};
use crate::stage::{Refused, Stage, name_of};
use crate::steps::Steps;

/// The virtual time between two looks at crashes.
const LOOK_MS: u64 = 10_000;

/// The moments of play at which copies of all states are converted: after each part of this many.
const MOMENTS: u64 = 4;

/// The part of the play after the way back, and of that after the second install.
const AGAIN: u64 = 10;

/// Receives what a child says.
pub type Say = Arc<dyn Fn(&Said) + Send + Sync>;

/// Plays one side in this process, with the copies of this file.
///
/// # Errors
/// A fragment that continues "failed to ", when the order cannot be carried out at all. All else is in the report, which was said.
pub fn run_child(order: &str, copies: OwnedFd, program: Program, say: Say) -> Result<(), String> {
    let order: Order = serde_json::from_str(order)
        .map_err(|why| format!("read the order of a rehearsal: {why}"))?;
    let confined = order.wanted.limits.confine(order.parent);
    confined.map_err(|why| format!("confine the rehearsal: {why}"))?;
    let copies = Copies::open(copies).map_err(|why| format!("read the copies: {why}"))?;
    let report = Play::begin(order, Arc::new(copies), program, say.clone());
    let report = report.map_err(|Refused(why)| why)?;
    say(&Said::Done(Box::new(report)));
    Ok(())
}

/// A side that plays.
struct Play {
    order: Order,
    stage: Stage,
    say: Say,
    report: SideReport,
    steps: Option<Steps>,
    /// The side cannot go on, for the reason in the report.
    is_over: bool,
}

/// A part of the play.
#[derive(Clone, Copy)]
struct Phase {
    word: &'static str,
    ms: u64,
    /// Whether copies of states are converted at moments.
    has_moments: bool,
}

impl Play {
    /// Boots, puts the copies in, and plays all phases.
    fn begin(
        order: Order,
        copies: Arc<Copies>,
        program: Program,
        say: Say,
    ) -> Result<SideReport, Refused> {
        let wanted = &order.wanted;
        let stage = Stage::boot(
            program,
            wanted,
            copies.clone(),
            (on_stall(say.clone()), say.clone()),
        )?;
        let mut play = Play {
            steps: order.trace.as_ref().map(|trace| Steps::new(trace.steps)),
            order,
            stage,
            say,
            report: SideReport::default(),
            is_over: false,
        };
        let chosen = play.chosen(&copies)?;
        play.report.not_put_in = play.stage.put_in(&copies, &chosen)?;
        play.report.avatars = play.stage.listener.count();
        play.follow()?;
        // From here on an early end has a report.
        (play.say)(&Said::At {
            phase: "begin".to_string(),
            at_ms: 0,
            of_ms: play.order.wanted.for_ms,
        });
        match play.order.side {
            Side::New => play.new_side()?,
            Side::Old => play.old_side()?,
        }
        play.take_crashes();
        Ok(play.report)
    }

    /// The numbers of the copies that play.
    fn chosen(&mut self, copies: &Copies) -> Result<Vec<usize>, Refused> {
        match self.order.wanted.sample.clone() {
            Sample::All => Ok((0..copies.len()).collect()),
            Sample::Count(count) => {
                let strata = self.strata(copies)?;
                Ok(choose(&strata, count, self.order.wanted.seed))
            }
            Sample::Names(names) => named(copies, &names),
        }
    }

    /// The stratum of each copy.
    fn strata(&mut self, copies: &Copies) -> Result<Vec<Stratum>, Refused> {
        let judge = self.order.wanted.judge.clone();
        let judge = judge.filter(|judge| judge.reads_any_version());
        let mut strata = Vec::with_capacity(copies.len());
        for number in 0..copies.len() {
            let copy = copies.subtree(number).map_err(Refused)?;
            let mut versions: Vec<String> = copy
                .versions()
                .map(|(module, vsn)| format!("{module}-{vsn}"))
                .collect();
            versions.sort();
            let measure = judge.as_ref().and_then(|judge| {
                let (_, state) = copy.state_of(&judge.module)?;
                let measures = judge.measure(&mut self.stage.sim, state)?;
                measures.first().map(|(_, value)| *value)
            });
            strata.push(Stratum::of(
                versions.join(" "),
                (number, copies.len()),
                measure,
            ));
        }
        Ok(strata)
    }

    /// Follows the avatar of a replay.
    fn follow(&mut self) -> Result<(), Refused> {
        let (Some(steps), Some(trace)) = (&self.steps, &self.order.trace) else {
            return Ok(());
        };
        let root = self.stage.listener.root_of(&trace.name);
        let root = root.ok_or_else(|| Refused(format!("find a copy of {}", trace.name)))?;
        steps.follow(&mut self.stage.sim, root);
        Ok(())
    }

    fn new_side(&mut self) -> Result<(), Refused> {
        let wanted = self.order.wanted.clone();
        let again_ms = (wanted.for_ms / AGAIN).max(1);
        if !self.install(&wanted.to) {
            return Ok(());
        }
        self.measure(Moment::Begin)?;
        self.play(Phase {
            word: "play",
            ms: wanted.for_ms,
            has_moments: true,
        });
        if self.is_over {
            // A node that cannot go on answers no question.
            return Ok(());
        }
        self.measure(Moment::End)?;
        for (vsn, word) in [(&wanted.from, "back"), (&wanted.to, "again")] {
            if !self.is_over && self.install(vsn) {
                self.play(Phase {
                    word,
                    ms: again_ms,
                    has_moments: false,
                });
            }
        }
        Ok(())
    }

    fn old_side(&mut self) -> Result<(), Refused> {
        let wanted = self.order.wanted.clone();
        self.measure(Moment::Begin)?;
        self.play(Phase {
            word: "play",
            ms: wanted.for_ms,
            has_moments: true,
        });
        if self.is_over {
            // A node that cannot go on answers no question.
            return Ok(());
        }
        self.measure(Moment::End)?;
        let by_library = wanted.judge.is_some_and(|judge| !judge.reads_any_version());
        if by_library {
            (self.say)(&Said::Done(Box::new(self.report.clone())));
            if self.install(&wanted.to) {
                self.measure(Moment::End)?;
            }
        }
        Ok(())
    }

    fn install(&mut self, vsn: &str) -> bool {
        let at_ms = self.stage.sim.now_ms();
        self.stage.listener.begin("install", at_ms);
        let failed = self.stage.install(vsn).err();
        let is_done = failed.is_none();
        self.report.installs.push(Installed {
            to: vsn.to_string(),
            at_ms,
            failed,
        });
        match self.order.side {
            Side::New => self.take_crashes(),
            // These are crashes of the newer code, which the other side reports.
            Side::Old => drop(self.stage.listener.take()),
        }
        is_done
    }

    /// Plays a phase to its end, or until it cannot go on.
    fn play(&mut self, phase: Phase) {
        let begin_ms = self.stage.sim.now_ms();
        self.stage.listener.begin(phase.word, begin_ms);
        let before = self.stage.sim.counters().envelopes;
        let timed = self.stage.sim.callbacks().clone();
        let (mut at_ms, mut moment) = (0, 1);
        while at_ms < phase.ms && !self.is_over {
            let part_ms = LOOK_MS.min(phase.ms - at_ms);
            self.play_part(part_ms);
            at_ms = self.stage.sim.now_ms() - begin_ms;
            (self.say)(&Said::At {
                phase: phase.word.to_string(),
                at_ms: at_ms.min(phase.ms),
                of_ms: phase.ms,
            });
            if phase.has_moments && at_ms * MOMENTS >= phase.ms * moment && !self.is_over {
                moment = 1 + at_ms * MOMENTS / phase.ms;
                self.convert(at_ms);
            }
        }
        if phase.word == "play" {
            self.report.played_ms = at_ms.min(phase.ms);
            self.report.handled = self.stage.sim.counters().envelopes - before;
            self.report.callbacks = Durations::between(&timed, self.stage.sim.callbacks());
        }
    }

    fn play_part(&mut self, ms: u64) {
        let played = self.stage.sim.play_ms(ms);
        self.stage.listener.tick(self.stage.sim.now_ms());
        self.take_crashes();
        if let Err(busy) = played {
            self.report.ended = Some(self.stage.sentence(&busy));
            self.is_over = true;
        }
    }

    /// Converts copies of all states to the other release.
    fn convert(&mut self, at_ms: u64) {
        let wanted = &self.order.wanted;
        let to = match self.order.side {
            Side::New => wanted.from.clone(),
            Side::Old => wanted.to.clone(),
        };
        if let Err(why) = self.stage.convert(&to) {
            self.report.unconverted.push(Unconverted { at_ms, to, why });
        }
    }

    /// Takes the crashes since the last look. A replay is over with the first one.
    fn take_crashes(&mut self) {
        for crash in self.stage.listener.take() {
            if self.report.first_crashes.len() < LISTED_MAX {
                (self.say)(&Said::Crash(crash.clone()));
            }
            self.report.note(crash);
            self.report.crashed = self.stage.listener.failed();
            if let Some(steps) = &self.steps
                && !self.is_over
            {
                (self.say)(&Said::Steps(steps.take()));
                self.is_over = true;
            }
        }
    }

    /// Measures all avatars at the beginning or the end of play.
    fn measure(&mut self, moment: Moment) -> Result<(), Refused> {
        let judge = self.order.wanted.judge.clone();
        let at_ms = self.report.played_ms;
        let report = &mut self.report;
        self.stage.each_avatar(|sim, avatar, subtree| {
            let measured = report.measured.entry(avatar.name.clone()).or_default();
            let bytes = subtree.to_bytes().len() as u64;
            moment.note_bytes(measured, bytes);
            let judged = judge.as_ref().and_then(|judge| {
                let (_, state) = subtree.state_of(&judge.module)?;
                Some((judge, state))
            });
            let Some((judge, state)) = judged else { return };
            for (name, value) in judge.measure(sim, state).unwrap_or_default() {
                moment.note(measured, name, value);
            }
            if let Some(why) = judge.suspect(sim, state) {
                report.suspects += 1;
                if report.first_suspects.len() < LISTED_MAX {
                    report.first_suspects.push(Suspect {
                        avatar: avatar.name.clone(),
                        why,
                        at_ms,
                    });
                }
            }
        })?;
        let resident = Usage::of(std::process::id()).map_or(0, |usage| usage.resident_bytes);
        moment.note_resident(&mut self.report, resident);
        Ok(())
    }
}

/// A moment of play at which avatars are measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    Begin,
    End,
}

impl Moment {
    fn note(self, measured: &mut Measured, name: String, value: f64) {
        let values = measured.values.entry(name).or_default();
        match self {
            Moment::Begin => values.0 = Some(value),
            Moment::End => values.1 = Some(value),
        }
    }

    fn note_bytes(self, measured: &mut Measured, bytes: u64) {
        match self {
            Moment::Begin => measured.bytes.0 = bytes,
            // The older side is measured once more after its last install, whose states have another size.
            Moment::End if measured.bytes.1 != 0 => (),
            Moment::End => measured.bytes.1 = bytes,
        }
    }

    fn note_resident(self, report: &mut SideReport, bytes: u64) {
        match self {
            Moment::Begin => report.resident_bytes.0 = bytes,
            Moment::End => report.resident_bytes.1 = bytes,
        }
    }
}

/// The places of the copies with these names.
fn named(copies: &Copies, names: &[String]) -> Result<Vec<usize>, Refused> {
    let mut left: Vec<&String> = names.iter().collect();
    let mut chosen = Vec::new();
    for number in 0..copies.len() {
        let name = name_of(&copies.subtree(number).map_err(Refused)?);
        let place = left
            .iter()
            .position(|wanted| Some(*wanted) == name.as_ref());
        if let Some(place) = place {
            left.remove(place);
            chosen.push(number);
        }
    }
    match left.first() {
        None => Ok(chosen),
        Some(name) => Err(Refused(format!(
            "find {name} among the {} copies",
            copies.len()
        ))),
    }
}

/// Says which callback does not end, and ends the child: nothing else can end the callback.
fn on_stall(say: Say) -> StallHook {
    Box::new(move |event, stall| {
        if event == StallEvent::Stalled {
            say(&Said::Ends(stall.to_string()));
            pq_abi::crash::disarm();
            std::process::exit(1);
        }
    })
}
