//! The supervisor of one hero. For certain heroes its specification is invalid.

use pq_sdk::supervisor::Supervisor;
use pq_sdk::{InitError, Module, SupSpec};

use crate::v1_0_0::pq_sup as pq_sup_1_0_0;

/// The supervisor module `pq_sup`.
pub struct PqSup;

impl Module for PqSup {
    const NAME: &'static str = "pq_sup";
    const VSN: &'static str = "1.1.1";
}

impl Supervisor for PqSup {
    type Args = <pq_sup_1_0_0::PqSup as Supervisor>::Args;

    /// For a hero whose name begins with `hero`, the specification has two children with one name:
    /// `{duplicate_child_name, player}` (`supervisor(3)`).
    fn init(args: Self::Args) -> Result<SupSpec, InitError> {
        let is_double = args.0.starts_with("hero");
        let mut spec = pq_sup_1_0_0::PqSup::init(args)?;
        let player = spec.children.last().filter(|_| is_double).cloned();
        spec.children.extend(player);
        Ok(spec)
    }
}
