//! The processes of one module: a listing, and the events since ([`crate::crowd`]).

use pq_abi::Module;
use pq_term::Pid;

use super::{Listing, Node};
use crate::crowd::{Crowd, CrowdEvents, CrowdShare};
use crate::pages::Pages;
use crate::process::Seen;
use crate::shard::Measure;

/// A process of a crowd.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CrowdMember {
    /// The pid of the member itself.
    pub pid: Pid,
    /// The process that started it.
    pub parent: Pid,
    /// The version that the process runs.
    pub module: Module,
}

impl Node {
    pub(crate) fn crowd(&self) -> &Crowd {
        &self.shared.crowd
    }

    /// Has events of the processes of this module logged from now on, or no longer. Events that were logged before stay.
    pub fn want_crowd(&self, module: &str, share: CrowdShare) {
        self.crowd().want(module, share);
    }

    /// Takes the events of all shards since the last call.
    pub fn crowd_events(&self) -> CrowdEvents {
        self.crowd().take()
    }

    /// The clock of the events: microseconds since the start of the node.
    pub fn crowd_us(&self) -> u64 {
        self.crowd().now_us()
    }

    /// The processes of this module, of the shards that answer, in the order of their places on the shards.
    pub fn crowd_members(&self, module: &str, timeout_ms: u64) -> Listing<CrowdMember> {
        let name = module.to_string();
        let see = move |all: &mut Pages<CrowdMember>, seen: Seen<'_>| {
            if let Some(module) = seen.module().filter(|module| module.name() == name) {
                all.push(CrowdMember {
                    pid: seen.pid(),
                    parent: seen.parent(),
                    module,
                });
            }
        };
        let shards = self.ask_those_that_answer(timeout_ms, Measure::Nothing, see);
        let members = shards.answers.into_iter().flat_map(Pages::into_elements);
        let mut answers: Vec<CrowdMember> = members.collect();
        answers.sort_unstable_by_key(|member| (member.pid.index(), member.pid.shard()));
        Listing {
            answers,
            missing: shards.missing,
        }
    }
}
