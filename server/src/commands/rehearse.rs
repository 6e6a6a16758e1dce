//! `pq rehearse`: a release played by copies of the living avatars (`crate::rehearsal`). The command asks the node for copies, and
//! starts the processes that play; the node only copies.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use pq_protocol::{Exit, Failure};
use pq_rehearsal::{Condition, Copies, Limits, Report, Said, Sample, Side, Wanted, rehearse};
use pq_release::{layout, start_erl::StartErl};
use pq_store::{Read, Snapshot, State};
use pq_term::printable_json;

use super::command::{Typed, request};
use super::copies::{Copies as Question, Slice};
use super::store::failed;
use crate::client::{At, Show, aside, counted, metered, read, say, warn};
use crate::rehearsal::{Record, at, judge};
use crate::saves;

/// The longest virtual time of a rehearsal.
const TIME_MAX: Duration = Duration::from_secs(30 * 24 * 3_600);

/// The word by which a failure is that of a release, whose report was written before.
const AGAINST: &str = "rehearsal_against";

/// How often the phases are shown at most: after each part of the time.
const SHOWN: u64 = 4;

#[derive(Args, Debug)]
pub(crate) struct RehearseArgs {
    /// The version of the release to rehearse
    vsn: String,
    /// The virtual time of play
    #[arg(long = "for", value_name = "TIME", value_parser = time, default_value = "1h")]
    time: Duration,
    /// The avatars that play: `all`, a number of them from all strata, or names with commas between them
    #[arg(long, value_name = "N|all|NAME,...", value_parser = sample, default_value = "all")]
    avatars: Sample,
    /// The seed of all random numbers [default: a random one]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// A condition against the release, such as 'crashes > 0' or, compared with the running release, 'gold/h > 1.5x'; may be repeated
    #[arg(long, value_name = "CONDITION")]
    abort_if: Vec<Condition>,
    /// Install although the relup leaves some code of the running release in force
    #[arg(long)]
    partial: bool,
    /// Install although the way down loses values of states
    #[arg(long)]
    lossy: bool,
    /// The memory of each of the two processes, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 4_096, value_parser = clap::value_parser!(u64).range(64..=1 << 20))]
    memory: u64,
    /// The processor time of each of the two processes
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, default_value = "1h")]
    processor: Duration,
    /// Play the saved avatars instead of copies of the living ones; no node has to run
    #[arg(long)]
    saved: bool,
    #[command(flatten)]
    at: At,
}

fn time(text: &str) -> Result<Duration, String> {
    let span = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    match span.as_millis() {
        1_000.. if span <= TIME_MAX => Ok(span),
        _ => Err("a rehearsal takes 1s to 30days of virtual time".to_string()),
    }
}

fn sample(text: &str) -> Result<Sample, String> {
    let names = || text.split(',').map(|name| name.trim().to_string());
    match text.parse() {
        Ok(0) => Err("a rehearsal needs an avatar".to_string()),
        Ok(count) => Ok(Sample::Count(count)),
        Err(_) if text == "all" => Ok(Sample::All),
        Err(_) if names().any(|name| name.is_empty()) => {
            Err("between two commas is no name".to_string())
        }
        Err(_) => Ok(Sample::Names(names().collect())),
    }
}

impl Typed for RehearseArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        let (copies, found) = match self.saved {
            true => self.saved_copies()?,
            false => self.copies()?,
        };
        if copies.is_empty() {
            let which = if self.saved { "is saved" } else { "lives" };
            return Err(self.refused(&format!("no avatar {which}")));
        }
        let wanted = self.wanted(found)?;
        let report = self.play(&wanted, &copies)?;
        keep(&wanted, &report, &copies);
        self.tell(&report)?;
        match report.against.is_empty() {
            true => Ok(()),
            false => Err(Failure {
                term: Some(format!("{{{AGAINST},\"{}\"}}", self.vsn)),
                ..Failure::new(Exit::Refused, self.sentence(&report))
            }),
        }
    }

    fn has_answered(&self, failure: &Failure) -> bool {
        let term = failure.term.as_deref().unwrap_or_default();
        term.contains(AGAINST) || failure.exit == Exit::Partial
    }
}

impl RehearseArgs {
    /// Copies all avatars of the node, slice by slice.
    fn copies(&self) -> Result<(Copies, Found), Failure> {
        let mut copies = Copies::new().map_err(|why| self.refused(&why.to_string()))?;
        let (mut next, mut found, mut failed) = (Some(Question::default()), Found::default(), 0);
        metered(&format!("rehearse {}", self.vsn), "copying", || {
            while let Some(question) = next {
                let text = self.at.ask("rehearse", &request(&question)?)?;
                let slice: Slice = read(&text)?;
                for bytes in slice.bytes()? {
                    let added = copies.add(&bytes);
                    added.map_err(|why| self.refused(&why.to_string()))?;
                }
                next = slice.next;
                failed += u64::from(slice.failed);
                found = Found {
                    release: slice.release,
                    supervisor: slice.supervisor,
                };
            }
            Ok::<(), Failure>(())
        })?;
        if failed > 0 {
            let who = counted(failed, "avatar starts", "avatars start");
            warn(&format!("{who} or end now, and do not take part"));
        }
        Ok((copies, found))
    }

    /// The avatars that the permanent release would bring back.
    fn saved_copies(&self) -> Result<(Copies, Found), Failure> {
        let root = &self.at.root;
        let start = StartErl::read(&layout::start_erl(root));
        let start = start.map_err(|why| self.refused(&why.to_string()))?;
        let mut copies = Copies::new().map_err(|why| self.refused(&why.to_string()))?;
        let (mut supervisor, mut wrong) = (None, None);
        let mut store = Snapshot::open(&saves::file(root)).map_err(failed)?;
        let loaded = store.load(&[State::Playing], &mut |row| {
            let above = row.key.split('/').next().unwrap_or_default().to_string();
            // A rehearsal is about the children of one supervisor.
            if *supervisor.get_or_insert_with(|| above.clone()) == above {
                wrong = copies.add(&row.body).err();
            }
            match wrong {
                None => ControlFlow::Continue(()),
                Some(_) => ControlFlow::Break(()),
            }
        });
        loaded.map_err(failed)?;
        match wrong {
            Some(why) => Err(self.refused(&why.to_string())),
            None => Ok((
                copies,
                Found {
                    release: start.vsn,
                    supervisor: supervisor.unwrap_or_default(),
                },
            )),
        }
    }

    fn refused(&self, why: &str) -> Failure {
        let sentence = format!("failed to rehearse {}: {why}", self.vsn);
        Failure::new(Exit::Refused, sentence)
    }

    fn wanted(&self, found: Found) -> Result<Wanted, Failure> {
        let (from, to) = (found.release, self.vsn.clone());
        if from == to {
            return Err(self.refused("it is the running release"));
        }
        let root = std::path::absolute(&self.at.root).unwrap_or_else(|_| self.at.root.clone());
        Ok(Wanted {
            judge: judge(&root, [&to, &from])?,
            root,
            from,
            to,
            supervisor: found.supervisor,
            seed: self.seed.unwrap_or_else(seed_of_chance),
            for_ms: self.time.as_millis() as u64,
            sample: self.avatars.clone(),
            partial: self.partial,
            lossy: self.lossy,
            limits: Limits {
                memory_bytes: self.memory << 20,
                cpu_s: self.processor.as_secs().max(1),
            },
        })
    }

    fn play(&self, wanted: &Wanted, copies: &Copies) -> Result<Report, Failure> {
        let mut shown = Shown::default();
        let played = rehearse(
            Path::new("/proc/self/exe"),
            wanted,
            copies,
            &mut |side, said| {
                shown.note(side, said);
            },
        );
        let mut report = played.map_err(|why| self.refused(&why.to_string()))?;
        if report.new.played_ms == 0 {
            // A release that is not installed has no figures.
            return Ok(report);
        }
        for condition in &self.abort_if {
            let judged = condition.judge(&report);
            let judged = judged
                .map_err(|why| Failure::new(Exit::Usage, format!("failed to judge: {why}")))?;
            report.against.extend(judged);
        }
        Ok(report)
    }

    fn tell(&self, report: &Report) -> Result<(), Failure> {
        if !self.at.json {
            say(report.show().trim_end());
            return Ok(());
        }
        let text = serde_json::to_string(report).map_err(|error| {
            Failure::new(
                Exit::Internal,
                format!("failed to write the answer: {error}"),
            )
        })?;
        say(&printable_json(&text));
        Ok(())
    }

    fn sentence(&self, report: &Report) -> String {
        let first = report.against.first().map_or("", String::as_str);
        format!("the rehearsal of {} has failed: {first}", self.vsn)
    }
}

/// Keeps the copies of avatars that have crashed, for replays.
fn keep(wanted: &Wanted, report: &Report, copies: &Copies) {
    let crashes = &report.new.first_crashes;
    if crashes.is_empty() {
        return;
    }
    let kept = Record::keep(wanted, crashes, |name| copies.of(name));
    match (kept, &crashes[0].avatar, wanted.seed) {
        (Ok(_), name, seed) => aside(&format!("`pq replay {seed} {name}` plays {name} again")),
        (Err(why), ..) => warn(&format!("the crashes cannot be replayed: {why}")),
    }
}

/// A seed that nobody knows.
fn seed_of_chance() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    // People type it again.
    RandomState::new().hash_one(std::process::id()) % 1_000_000_000
}

/// The release and the supervisor of the copies.
#[derive(Default)]
struct Found {
    release: String,
    supervisor: String,
}

/// The phases that were shown: each side has its own.
#[derive(Default)]
struct Shown([(String, u64); 2]);

impl Shown {
    /// Shows a phase when it begins, and after each part of it.
    fn note(&mut self, side: Side, said: &Said) {
        let Said::At {
            phase,
            at_ms,
            of_ms,
        } = said
        else {
            return;
        };
        let (number, word) = match side {
            Side::New => (0, "rehearsed"),
            Side::Old => (1, "running"),
        };
        let part = (phase.clone(), at_ms * SHOWN / of_ms.max(&1));
        if self.0[number] != part {
            self.0[number] = part;
            aside(&format!("{word} release: {}", at(phase, *at_ms)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn avatars_are_all_a_number_or_names() {
        assert_eq!(sample("all"), Ok(Sample::All));
        assert_eq!(sample("12"), Ok(Sample::Count(12)));
        let names = ["Ann", "Bob"].map(str::to_string).to_vec();
        assert_eq!(sample("Ann, Bob"), Ok(Sample::Names(names)));
        assert!(sample("0").is_err() && sample("Ann,,Bob").is_err() && sample("").is_err());
    }

    #[test]
    fn a_rehearsal_has_a_time() {
        assert_eq!(time("8h"), Ok(Duration::from_secs(8 * 3_600)));
        assert!(time("10ms").is_err() && time("1year").is_err() && time("soon").is_err());
    }
}
