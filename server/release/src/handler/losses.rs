//! Refuses a way down that loses fields of states, unless the operator has confirmed the loss.
//!
//! ```text
//!   current version ─► versions in between ─► version of the older release       each step by the newer library of the two,
//!         └ its manifest: {loses, ["1.4.0:race"]}                                whose manifest says what the step loses
//! ```
//! A conversion keeps lost fields beside the process, and the next upgrade brings them back. But the process lives without them until
//! then, and they end with the process. So the judge of a script cannot permit it: a person decides.

use pq_code::CodeServer;
use pq_otp::upgrade::Driver;
use pq_otp::{Direction, Module};
use pq_term::Atom;

use super::error::FailedStep;
use super::prepare::Prepared;
use super::{ASK_TIMEOUT_MS, Options};
use crate::script::Exchange;

/// A module whose states lose fields.
struct Lost {
    module: Atom,
    fields: Vec<String>,
}

/// Refuses a lossy way down, with the fields and the number of processes of each module.
///
/// # Errors
/// [`FailedStep::Lossy`], unless the options confirm the loss; or the node does not list its processes.
pub(super) fn permit(
    prepared: &Prepared,
    code: &CodeServer,
    driver: &mut dyn Driver,
    options: &Options,
) -> Result<(), FailedStep> {
    if options.lossy || prepared.planned.direction == Direction::Up {
        return Ok(());
    }
    let exchanges = prepared.script.exchanges();
    let lost: Vec<Lost> = exchanges
        .flat_map(|exchange| prepared.lost(code, exchange))
        .collect();
    if lost.is_empty() {
        return Ok(());
    }
    let processes = driver.processes(ASK_TIMEOUT_MS)?;
    let sentence = |lost: &Lost| {
        let of_it = |process: &&pq_otp::ProcessInfo| process.module == lost.module.as_str();
        let count = processes.iter().filter(of_it).count();
        let noun = if count == 1 { "process" } else { "processes" };
        let fields = lost.fields.join("`, `");
        format!("{count} {noun} of {} would lose `{fields}`", lost.module)
    };
    Err(FailedStep::Lossy {
        to: prepared.planned.to.clone(),
        losses: lost.iter().map(sentence).collect(),
    })
}

impl Prepared {
    /// The fields that each module of an exchange loses.
    fn lost(&self, code: &CodeServer, exchange: &Exchange) -> Vec<Lost> {
        let modules = exchange.conversions.keys();
        let lost = modules.filter_map(|module| {
            let fields = self.fields_lost(code, *module);
            (!fields.is_empty()).then_some(Lost {
                module: *module,
                fields,
            })
        });
        lost.collect()
    }

    /// The fields that a module loses on its way down, step by step, each once.
    fn fields_lost(&self, code: &CodeServer, module: Atom) -> Vec<String> {
        let name = module.as_str();
        let between = self.converters.iter();
        let between = between.filter_map(|converter| converter.module(code, name));
        let last = self.libraries.get(&module);
        let last = last.and_then(|library| code.module(*library, name).ok());
        let steps: Vec<Module> = code
            .current(name)
            .into_iter()
            .chain(between)
            .chain(last)
            .collect();
        let mut fields = Vec::new();
        for step in steps.windows(2) {
            for field in declared(code, step[0], step[1].vsn()) {
                if !fields.contains(&field) {
                    fields.push(field);
                }
            }
        }
        fields
    }
}

/// The fields that the newer version of a module declares as lost on the way to the older one.
fn declared(code: &CodeServer, newer: Module, older: &str) -> Vec<String> {
    let libraries = code.libraries();
    let own = libraries
        .iter()
        .find(|library| library.modules.contains(&newer));
    let mut entries = own.into_iter().flat_map(|library| &library.entries);
    let entry = entries.find(|entry| entry.name == newer.name());
    let declared = entry.and_then(|entry| entry.declared.as_ref());
    let losses = declared.into_iter().flat_map(|declared| &declared.loses);
    let losses = losses.filter(|loss| loss.vsn == older);
    losses.map(|loss| loss.field.clone()).collect()
}
