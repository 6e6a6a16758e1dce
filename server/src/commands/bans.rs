//! `pq bans`: the list of bans.

use clap::Args;
use pq_protocol::Failure;
use pq_protocol::answer::{Banned, Rows};
use serde::{Deserialize, Serialize};

use super::command::Words;
use super::kinds::Question;
use crate::client::Row;
use crate::running::RunningNode;

#[derive(Args, Serialize, Deserialize, Debug)]
pub(crate) struct Bans {}

impl Words for Bans {
    const NAME: &'static str = "bans";
    type Answer = Rows<Banned>;
}

impl Question for Bans {
    fn answer(self, node: &RunningNode) -> Result<Rows<Banned>, Failure> {
        Ok(Rows::of(node.bans().list()))
    }
}

impl Row for Banned {
    const HEADING: &[&str] = &["WHOM", "UNTIL", "SINCE", "BY", "WHY"];

    fn cells(rows: &[Banned]) -> Vec<Vec<String>> {
        let cells = |banned: &Banned| {
            vec![
                banned.whom.clone(),
                banned
                    .until
                    .clone()
                    .unwrap_or_else(|| "for ever".to_string()),
                banned.since.clone(),
                banned.who.clone(),
                banned.text.clone().unwrap_or_default(),
            ]
        };
        rows.iter().map(cells).collect()
    }
}
