//! Players who come back: the words of rows, children that rest, and children that are woken.
//!
//! ```text
//!   keep_word ─► the child has a row ─► its name is reserved ─► the hash is on the disk
//!   wake      ─► plays: its root │ rests: put in, as `retry` does │ set aside: said so
//!   rest      ─► the processes leave the node ─► the row rests, with their last state
//! ```
//! One of these runs at a time, together with the other operations on rows. The caller has the words and compares hashes.

use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use pq_otp::Pid;
use pq_otp::moved::Subtree;
use pq_store::{Change, NotRead, Row, State};

use crate::finding::folded;
use crate::key::folded_of;
use crate::opening::Versions;
use crate::operations::NotDone;
use crate::roster::{Born, Entry};
use crate::rows::{Copied, Rows};
use crate::saves::Saves;

/// The limit for a question to the store.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// The limit for a child that has just been born to get its row, which takes 0.5 s; and for one that has just ended to get
/// its row changed.
const SETTLED_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause between two looks at a row.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The limit for a child to leave the node.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

/// The reason why a child did not come back.
#[derive(Debug, thiserror::Error)]
pub enum NotBack {
    /// Its row is set aside.
    #[error("its row is set aside")]
    IsSetAside,
    /// It has ended, or its row was removed.
    #[error("it has ended")]
    HasEnded,
    /// It may come back later.
    #[error(transparent)]
    NotDone(#[from] NotDone),
}

impl From<NotRead> for NotDone {
    fn from(why: NotRead) -> NotDone {
        NotDone::Refused(format!("failed to {why}"))
    }
}

impl Saves {
    /// The number of the row with a word and this name, and its hash. The store is asked for an unknown name, too, so the time
    /// tells nothing.
    ///
    /// # Errors
    /// When the store does not answer.
    pub fn word_of(&self, name: &str) -> Result<Option<(u64, String)>, NotDone> {
        let id = self.roster.words.row(&folded(name)).unwrap_or_default();
        let hash = self.saver.word(id, Instant::now() + READ_TIMEOUT)?;
        Ok(hash.map(|hash| (id, hash)))
    }

    /// Whether this child has a word.
    pub fn has_word(&self, root: Pid) -> bool {
        let entry = self.roster.entry(root);
        entry.is_some_and(|entry| self.roster.words.has(entry.id))
    }

    /// The number of rows with words.
    pub fn words(&self) -> usize {
        self.roster.words.len()
    }

    /// The rows with words whose children play, and these children.
    pub fn with_words(&self) -> Vec<(u64, Pid)> {
        self.roster.words.playing()
    }

    /// Keeps the hash of a word for a child that plays, when the child has a row.
    ///
    /// # Errors
    /// When it is no durable child, has ended, or the store does not take the hash. Then it has no word.
    pub fn keep_word(&self, root: Pid, hash: String) -> Result<(), NotDone> {
        let row = self.row_of_child(root)?;
        let _one = self.begin()?;
        self.set_word(&row, Some(root), hash)
    }

    /// Replaces the word of a row that plays or rests, or gives it one.
    ///
    /// # Errors
    /// When no such row has this name, or the store does not take the hash. Then it has the word that it had.
    pub fn replace_word(&self, row: &Row, hash: String) -> Result<(), NotDone> {
        let _one = self.begin()?;
        let row = self.unchanged(row)?;
        self.set_word(&row, self.roster.child_of(row.id), hash)
    }

    /// Removes the word of the row with this name: its child ends with its next end. Returns whether it had one.
    ///
    /// # Errors
    /// When the store does not take the change.
    pub fn forget_word(&self, name: &str) -> Result<bool, NotDone> {
        let row = || self.roster.words.row(&folded(name));
        if row().is_none() {
            return Ok(false);
        }
        let _one = self.begin()?;
        let Some(id) = row() else {
            return Ok(false);
        };
        self.commit(vec![Change::Word { id, hash: None }])?;
        self.has_no_word(id, self.roster.child_of(id));
        Ok(true)
    }

    /// The row has no word any more. Without a child it keeps its name.
    fn has_no_word(&self, id: u64, root: Option<Pid>) {
        self.roster.words.remove(id);
        if root.is_some() {
            self.roster.reserved.remove(id);
        }
    }

    /// The child of this row, which is put in if it rests.
    ///
    /// # Errors
    /// When it cannot play now.
    pub fn wake(&self, id: u64, versions: &dyn Versions) -> Result<Pid, NotBack> {
        let deadline = Instant::now() + SETTLED_TIMEOUT;
        loop {
            let one = self.begin()?;
            if let Some((root, _)) = self.living_child(id) {
                return Ok(root);
            }
            let row = self.read_row(id)?.ok_or(NotBack::HasEnded)?;
            let is_late = Instant::now() >= deadline;
            match row.state {
                State::SetAside => return Err(NotBack::IsSetAside),
                State::Ended => return Err(NotBack::HasEnded),
                // It has just ended, and its row will say so; or the boot has not put it in yet.
                State::Playing if !is_late => {
                    drop(one);
                    thread::sleep(LOOK_EVERY);
                }
                State::Playing if self.came_back().is_none() => {
                    let why = "it has not come back yet".to_string();
                    return Err(NotDone::Refused(why).into());
                }
                State::Resting | State::Playing => {
                    let put_in = self.put_in(&row, versions)?;
                    return put_in.map_err(|_| NotBack::IsSetAside);
                }
            }
        }
    }

    /// Lets a child with a word rest, if it still plays and `is_left` says so: its processes leave the node. Returns its root.
    ///
    /// # Errors
    /// When it does not leave; or when its row does not get to the disk, which has an older state then.
    pub fn rest(&self, id: u64, is_left: impl FnOnce(Pid) -> bool) -> Result<Option<Pid>, NotDone> {
        let _one = self.begin()?;
        let Some((root, entry)) = self.living_child(id).filter(|(root, _)| is_left(*root)) else {
            return Ok(None);
        };
        let subtree = self.leave(root)?;
        self.roster.forget(root);
        self.roster.words.set_root(id, None);
        let row = self.resting_row(root, entry, subtree)?;
        self.commit(vec![Change::Tell(row)])?;
        Ok(Some(root))
    }

    fn resting_row(&self, child: Pid, entry: Entry, subtree: Subtree) -> Result<Row, NotDone> {
        let (node, roster) = (self.node.clone(), self.roster.clone());
        let mut rows = Rows::new(node, roster, self.saver.clone(), self.numbers.clone());
        let copied = Copied {
            child,
            under: entry.under,
            subtree,
        };
        let row = rows.row_with(entry.id, copied).map_err(NotDone::Refused)?;
        Ok(Row {
            state: State::Resting,
            ..row
        })
    }

    fn leave(&self, root: Pid) -> Result<Subtree, NotDone> {
        let (sender, answer) = sync_channel(1);
        self.node.take_out(root, move |left| {
            // The channel has a place for the only answer.
            let _ = sender.try_send(left);
        });
        match answer.recv_timeout(LEAVE_TIMEOUT) {
            Ok(left) => left.map_err(|why| NotDone::Refused(why.to_string())),
            Err(_) => {
                let why = "its shard does not answer, and it may still leave".to_string();
                Err(NotDone::Unknown(why))
            }
        }
    }

    /// The row of a child that plays. A child that has just been born gets its row within 0.5 s.
    fn row_of_child(&self, root: Pid) -> Result<Row, NotDone> {
        let refused = |why: &str| NotDone::Refused(why.to_string());
        self.roster.find_supervisors(&self.node);
        let entry = self.roster.entry(root);
        let Entry { under, .. } = entry.ok_or_else(|| refused("it is no durable child"))?;
        self.roster.save_soon(Born { child: root, under });
        let deadline = Instant::now() + SETTLED_TIMEOUT;
        while Instant::now() < deadline {
            let entry = self.roster.entry(root).filter(|entry| !entry.is_aside);
            let Some(entry) = entry.filter(|_| self.node.is_alive(root)) else {
                return Err(refused("it has ended"));
            };
            if entry.id != 0
                && let Some(row) = self.read_row(entry.id)?
            {
                return Ok(row);
            }
            thread::sleep(LOOK_EVERY);
        }
        Err(refused("it is not saved yet"))
    }

    /// The name is reserved before the hash is on the disk: an end in between lets the row rest. A row whose new word does not
    /// get to the disk has the word that it had.
    fn set_word(&self, row: &Row, root: Option<Pid>, hash: String) -> Result<(), NotDone> {
        let (id, roster) = (row.id, &self.roster);
        let old = self.saver.word(id, Instant::now() + READ_TIMEOUT)?;
        let mut has_word = old.is_some();
        roster.words.add(id, folded_of(&row.key), root);
        roster.reserved.add(id, &row.key);
        let hash = Some(hash);
        let kept = self.commit(vec![Change::Word { id, hash }]);
        let why = match kept.and_then(|()| self.read_row(id)) {
            Ok(Some(row)) if row.state != State::Ended => return Ok(()),
            Ok(_) => {
                has_word = false;
                NotDone::Refused("it has ended".to_string())
            }
            Err(NotDone::Unknown(why)) => self.undone(Change::Word { id, hash: old }, why),
            Err(why) => why,
        };
        if !has_word {
            self.has_no_word(id, root);
        }
        Err(why)
    }

    /// The outcome of a change that may still get to the disk, and is followed by `undo`. Changes get there in their order.
    fn undone(&self, undo: Change, why: String) -> NotDone {
        match self.saver.try_submit(vec![undo]) {
            Ok(_) => NotDone::Refused(
                "the disk does not take it; the word stays as it was; see `pq status`".to_string(),
            ),
            Err(_) => NotDone::Unknown(why),
        }
    }

    /// The living child of a row with a word, and its entry.
    fn living_child(&self, id: u64) -> Option<(Pid, Entry)> {
        let root = self.roster.words.root(id)?;
        let entry = self.roster.entry(root)?;
        let lives = self.node.is_alive(root) && !entry.is_aside && entry.id == id;
        lives.then_some((root, entry))
    }

    fn read_row(&self, id: u64) -> Result<Option<Row>, NotDone> {
        let rows = self.saver.read(vec![id], Instant::now() + READ_TIMEOUT)?;
        Ok(rows.into_iter().next())
    }
}
