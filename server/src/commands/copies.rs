//! Copies of living avatars, for `pq rehearse`: a slice of one shard with each question. The avatars run on, and a slice lasts for one
//! turn of its shard. There is no command for people.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pq_otp::moved::{Moving, Sweep};
use pq_protocol::{Exit, Failure};
use serde::{Deserialize, Serialize};

use super::command::Words;
use super::kinds::{Question, exit_of};
use crate::client::Show;
use crate::door::Game;
use crate::running::RunningNode;

/// The copies in a slice: an avatar takes about 10 us, and the shard's other processes wait for the slice.
const SLICE: u32 = 64;

/// The limit for a slice, in milliseconds.
const SLICE_MS: u64 = 5_000;

/// A question for the next copies.
#[derive(Serialize, Deserialize, Clone, Copy, Default, Debug)]
pub(crate) struct Copies {
    /// The shard, from 0.
    shard: u8,
    /// The place of the shard to begin at.
    from: u32,
}

/// A slice of copies.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Slice {
    /// The version of the running release.
    pub(crate) release: String,
    /// The supervisor of the avatars.
    pub(crate) supervisor: String,
    /// The copies, encoded and in base64.
    copies: Vec<String>,
    /// The avatars that could not be copied now: they start or end.
    pub(crate) failed: u32,
    /// The next question; `None` behind the last copy.
    pub(crate) next: Option<Copies>,
}

impl Words for Copies {
    const NAME: &'static str = "copies";
    type Answer = Slice;
}

impl Show for Slice {
    fn show(&self) -> String {
        format!("{} copies below {}", self.copies.len(), self.supervisor)
    }
}

impl Question for Copies {
    fn answer(self, node: &RunningNode) -> Result<Slice, Failure> {
        let booted = node.booted();
        let game = Game::of(booted).map_err(|why| refused(&format!("{why:#}")))?;
        let supervisor = game.avatars.ok_or_else(|| {
            refused("the running release does not say which supervisor has its avatars: {avatars, Supervisor} in the setting `game`")
        })?;
        let sweep = Sweep {
            supervisor: supervisor.clone(),
            from: self.from,
            copies_max: SLICE,
            unchanged_too: true,
            leaves_marks: false,
        };
        let batch = match booted.node().asking().sweep(self.shard, sweep, SLICE_MS) {
            Ok(batch) => batch,
            Err(pq_otp::moved::NotMoved::Request(error)) => {
                let sentence = format!("failed to copy the avatars: {error}");
                return Err(Failure::new(exit_of(&error), sentence));
            }
            Err(why) => return Err(refused(&why.to_string())),
        };
        let further = usize::from(self.shard) + 1;
        let next_shard = (further < booted.node().shards()).then_some(Copies {
            shard: self.shard + 1,
            from: 0,
        });
        let next_place = batch.next.map(|from| Copies { from, ..self });
        let copies = batch.copies.iter();
        Ok(Slice {
            release: node.releases().running().vsn,
            supervisor,
            copies: copies
                .map(|(_, copy)| STANDARD.encode(copy.to_bytes()))
                .collect(),
            failed: batch.failed.len() as u32,
            next: next_place.or(next_shard),
        })
    }
}

impl Slice {
    /// The bytes of the copies.
    ///
    /// # Errors
    /// When the answer is none of this program.
    pub(crate) fn bytes(&self) -> Result<Vec<Vec<u8>>, Failure> {
        let decode = |text: &String| {
            STANDARD.decode(text).map_err(|error| {
                let sentence = format!("failed to read the node's answer: {error}");
                Failure::new(Exit::Internal, sentence)
            })
        };
        self.copies.iter().map(decode).collect()
    }
}

fn refused(why: &str) -> Failure {
    Failure::new(Exit::Refused, format!("failed to copy the avatars: {why}"))
}
