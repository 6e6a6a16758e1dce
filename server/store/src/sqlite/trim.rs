//! Rounds of the sweep, and the upkeep behind them: told states that a round has overtaken leave the tail, from its
//! beginning and in order, and rows that are over are forgotten.
//!
//! A round only says where to look. Whether a state is overtaken is decided for each: a row that the sweep did not
//! reach keeps its newest state in the tail.

use std::sync::Arc;

use super::known::{Job, REMOVED, Round};
use super::work::Work;
use crate::memory::FORGET_MAX;

/// States of the tail in one transaction: 3 ms of work.
const TRIM_STEP: usize = 2000;

/// Rows that are forgotten in one transaction; each lies on a page of its own.
const FORGET_STEP: usize = 200;

impl Work<'_> {
    pub(super) fn begin_round(&mut self, forget_before_unix_ms: u64) -> rusqlite::Result<()> {
        let sql = "SELECT id FROM save WHERE state = ?1
            UNION ALL SELECT id FROM save WHERE state = 2 AND changed < ?2 LIMIT ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let before = forget_before_unix_ms.cast_signed();
        let forget = statement
            .query_map((REMOVED, before, FORGET_MAX as i64), |record| record.get(0))?
            .collect::<rusqlite::Result<Arc<[i64]>>>()?;
        self.known.round = Some(Round {
            up_to: self.known.place(),
            forget,
        });
        Ok(())
    }

    pub(super) fn end_round(&mut self, unix_ms: u64) -> rusqlite::Result<()> {
        self.known.swept(self.connection, unix_ms)?;
        let Some(round) = self.known.round.take() else {
            return Ok(());
        };
        let left = self.known.job.take();
        let left = left.iter().flat_map(|job| &job.forget[job.forgotten..]);
        self.known.job = Some(Job {
            after: 0,
            up_to: round.up_to,
            forget: left.chain(round.forget.iter()).copied().collect(),
            forgotten: 0,
        });
        Ok(())
    }

    /// Does a piece of the upkeep.
    pub(super) fn trim(&mut self) -> rusqlite::Result<()> {
        let Some(mut job) = self.known.job.take() else {
            return Ok(());
        };
        let is_over = match job.after < job.up_to {
            true => self.trim_tail(&mut job)?,
            false => self.forget(&mut job)?,
        };
        self.known.job = (!is_over).then_some(job);
        Ok(())
    }

    /// Deletes overtaken states behind the place that the walk has reached. Returns whether all upkeep is over.
    fn trim_tail(&mut self, job: &mut Job) -> rusqlite::Result<bool> {
        let told = self.told(job)?;
        job.after = match told.len() < TRIM_STEP {
            true => job.up_to,
            false => told[TRIM_STEP - 1].0,
        };
        let mut delete = self
            .connection
            .prepare_cached("DELETE FROM tail WHERE place = ?1")?;
        for (place, id) in told {
            let newest = self.known.newest(id.cast_unsigned());
            if newest.is_none_or(|newest| newest.place != place) {
                delete.execute([place])?;
                self.known.trimmed(1);
            }
        }
        Ok(job.after == job.up_to && job.forget.is_empty())
    }

    /// The next states of the walk: places and ids.
    fn told(&self, job: &Job) -> rusqlite::Result<Vec<(i64, i64)>> {
        let sql = "SELECT place, id FROM tail WHERE place > ?1 AND place <= ?2
            ORDER BY place LIMIT ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let walk = (job.after, job.up_to, TRIM_STEP as i64);
        let told = statement.query_map(walk, |record| Ok((record.get(0)?, record.get(1)?)))?;
        told.collect()
    }

    /// Deletes rows that are over. Returns whether all are gone.
    fn forget(&mut self, job: &mut Job) -> rusqlite::Result<bool> {
        let rest = &job.forget[job.forgotten..];
        let step = &rest[..rest.len().min(FORGET_STEP)];
        let sql = "DELETE FROM save WHERE id = ?1 AND state IN (2, 4) RETURNING state";
        for id in step {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut gone = statement.query([id])?;
            while let Some(record) = gone.next()? {
                *self.known.rows(record.get(0)?) -= 1;
            }
        }
        job.forgotten += step.len();
        Ok(job.forgotten == job.forget.len())
    }
}
