//! Logins that browsers remember: a client that has asked for it gets a token when its word is right, and may end it.
//!
//! ```text
//!   PQ.Remember ─► a word is right, or chosen ─► token ─► its hash in the record of the word ─► PQ.Token, to this client alone
//!   PQ.Forget   ─► the hash goes
//!   a new word  ─► a new record, without tokens
//! ```

use std::time::SystemTime;

use pq_login::{Record, Secret, TOKEN_LIFE_S};
use sockserv::Message;

use super::{Connected, Proved, Words};
use crate::clock::unix_s;

impl Words {
    /// Ends a token that leads to the avatar with this name. When the queue is full, the token ends by itself in its time.
    pub(crate) fn forget(&self, name: String, token: Secret) {
        if let Some(connected) = self.connected.get() {
            let of_job = connected.clone();
            let _ = connected.pool.submit(move || of_job.forget(&name, &token));
        }
    }
}

impl Connected {
    /// Gives the client a token, if it has asked for one and has none that is valid for long.
    pub(super) fn remember(&self, proved: &Proved) {
        let Proved {
            port,
            row,
            name,
            by,
        } = proved;
        let Some(door) = self.parts.door.upgrade() else {
            return;
        };
        let now = unix_s(SystemTime::now());
        let is_new = |(_, until): &(Secret, u64)| *until > now + TOKEN_LIFE_S / 2;
        if !door.take_remember(*port) || by.as_ref().is_some_and(is_new) {
            return;
        }
        let mut issued = None;
        let is_kept = self.change(*row, |record| {
            if let Some((old, _)) = by {
                record.revoke(old);
            }
            issued = record.issue(now);
            issued.is_some()
        });
        if let (true, Some(issued)) = (is_kept, issued) {
            let body = serde_json::json!({
                "name": name, "token": issued.token, "until": issued.until_unix_s
            });
            let message = Message::new("PQ.Token", &body).expect("it is a name");
            door.message_to(*port, &message);
            self.counts.note_token();
        }
    }

    fn forget(&self, name: &str, token: &Secret) {
        let saves = self.parts.saves.upgrade();
        let known = saves.and_then(|saves| saves.word_of(name).ok().flatten());
        if let Some((row, text)) = known
            && Record::read(&text).revoke(token)
        {
            self.change(row, |record| record.revoke(token));
        }
    }

    /// Changes the record of a word on the disk. Returns whether it is changed.
    fn change(&self, row: u64, change: impl FnOnce(&mut Record) -> bool) -> bool {
        let Some(saves) = self.parts.saves.upgrade() else {
            return false;
        };
        let changed = saves.change_word(row, |text| {
            let mut record = Record::read(text);
            change(&mut record).then(|| record.write())
        });
        changed.unwrap_or_else(|why| {
            tracing::warn!(row, "failed to change the tokens of a word: {why}");
            false
        })
    }
}
