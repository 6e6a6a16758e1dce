//! `pq relup --explain`: the steps of each way of a relup, for people.
//!
//! ```text
//!   up from 1.0.0 to 1.2.0
//!     shop 1.0.0 -> 1.0.1 -> 1.1.0        the states of a module go through the versions in between
//!       shop_till  load 1.0.1, convert 1.1.0
//! ```

use std::fmt::Write;

use pq_otp::Direction;
use pq_release::instruction::{Change, Converters, Instruction};
use pq_release::rel::{Rel, RelApp};
use pq_release::relup::{Relup, Way};
use pq_term::Atom;

/// The steps of all ways. `others` are the releases at the other ends.
pub(super) fn explain(relup: &Relup, new: &Rel, others: &[Rel]) -> String {
    let up = relup.up.iter().map(|way| (Direction::Up, way));
    let down = relup.down.iter().map(|way| (Direction::Down, way));
    let mut text = String::new();
    for (direction, way) in up.chain(down) {
        if let Some(other) = others.iter().find(|other| other.vsn == way.vsn) {
            let (from, to) = match direction {
                Direction::Up => (other, new),
                Direction::Down => (new, other),
            };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{} from {} to {}", direction.word(), from.vsn, to.vsn);
            text.push_str(&one_way(way, from, to));
        }
    }
    text
}

fn one_way(way: &Way, from: &Rel, to: &Rel) -> String {
    let mut text = String::new();
    for app in &to.applications {
        let before = from.application(app.name.as_str());
        if before.is_none_or(|before| before.vsn != app.vsn) {
            text.push_str(&application(way, before, app));
        }
    }
    for app in &from.applications {
        if to.application(app.name.as_str()).is_none() {
            let _ = writeln!(text, "  {} {} is removed", app.name, app.vsn);
        }
    }
    text
}

fn application(way: &Way, before: Option<&RelApp>, app: &RelApp) -> String {
    let Some(before) = before else {
        return format!("  {} {} is added\n", app.name, app.vsn);
    };
    let between = || way.converters().filter(|it| it.lib == app.name);
    let vsns = [&before.vsn].into_iter();
    let vsns = vsns.chain(between().map(|it| &it.vsn)).chain([&app.vsn]);
    let vsns: Vec<&str> = vsns.map(String::as_str).collect();
    let mut text = format!("  {} {}\n", app.name, vsns.join(" -> "));
    let loaded = loaded(way, app.name);
    let width = loaded.iter().map(|module| module.as_str().len()).max();
    for module in &loaded {
        let mut steps: Vec<String> = between().filter_map(|it| step(it, *module)).collect();
        steps.push(format!("{} {}", last(way, *module), app.vsn));
        let (name, steps) = (module.as_str(), steps.join(", "));
        let _ = writeln!(text, "    {name:<0$}  {steps}", width.unwrap_or(0));
    }
    text
}

/// The modules of an application that a way loads.
fn loaded(way: &Way, application: Atom) -> Vec<Atom> {
    let modules = way.script.iter().filter_map(|it| match it {
        Instruction::LoadObjectCode { lib, modules, .. } if *lib == application => Some(modules),
        _ => None,
    });
    modules.flatten().copied().collect()
}

/// The step of a module to a version in between; `None` when the step does not change the module.
fn step(converters: &Converters, module: Atom) -> Option<String> {
    let mut changes = converters.changes.iter();
    let (_, change) = changes.find(|(name, _)| *name == module)?;
    let how = match change {
        Change::Soft => "load",
        Change::Advanced(_) => "convert",
    };
    Some(format!("{how} {}", converters.vsn))
}

/// How a module gets to the version that is reached.
fn last(way: &Way, module: Atom) -> &'static str {
    let converts = way.script.iter().any(|it| match it {
        Instruction::CodeChange { changes, .. } => changes.iter().any(|(name, _)| *name == module),
        _ => false,
    });
    match converts {
        true => "convert",
        false => "load",
    }
}
