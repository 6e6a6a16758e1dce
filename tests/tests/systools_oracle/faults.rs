//! Faults in a set, one at a time: in a script, an appup, an application or a release.

use std::path::PathBuf;

use super::dice::Dice;
use super::releases::{App, Set, Way, rel_file};

/// Adds a fault to a valid set.
pub(crate) fn break_something(set: &mut Set, dice: &mut Dice) {
    let bases: Vec<usize> = (1..set.releases.len()).collect();
    set.up_from.clone_from(&bases);
    set.down_to = bases;
    match dice.below(8) {
        0..4 => in_a_script(set, dice),
        4 => in_an_appup(set, dice),
        5 => in_an_application(set, dice),
        6 => in_a_release(set, dice),
        _ => between_applications(set, dice),
    }
}

/// Adds a wrong step at a random place of a random script.
fn in_a_script(set: &mut Set, dice: &mut Dice) {
    let applications = ["kernel", "zz", "a", "b"];
    let step = match dice.below(4) {
        0 => dice
            .pick(&OUT_OF_PLACE)
            .replace("APP", dice.pick(&applications)),
        _ => dice.pick(&NO_INSTRUCTIONS).to_string(),
    };
    let twice = dice.one_in(10);
    if let Some(way) = any_way(set, dice) {
        let at = dice.below(way.steps.len() + 1);
        let step = match way.steps.get(at) {
            Some(other) if twice => other.clone(),
            _ => step,
        };
        way.steps.insert(at, step);
    }
}

fn any_way<'a>(set: &'a mut Set, dice: &mut Dice) -> Option<&'a mut Way> {
    let ways = set
        .appups
        .iter_mut()
        .flat_map(|appup| appup.up.iter_mut().chain(&mut appup.down));
    let mut ways: Vec<&mut Way> = ways.filter(|way| way.base.is_some()).collect();
    match ways.len() {
        0 => None,
        many => Some(ways.swap_remove(dice.below(many))),
    }
}

/// Instructions that are valid elsewhere, or for another application.
const OUT_OF_PLACE: [&str; 20] = [
    "point_of_no_return",
    "{load_module, nowhere}",
    "{add_module, nowhere, []}",
    "{update, nowhere, soft}",
    "{delete_module, nowhere, [nobody]}",
    "{load_module, a1}",
    "{update, b1, [b2]}",
    "{delete_module, b2, [a1, b1]}",
    "{load, {low, soft_purge, soft_purge}}",
    "{suspend, [low, {lower, 1}]}",
    "{resume, [low, lower]}",
    "{stop, [low]}",
    "{start, [low]}",
    "{code_change, [{low, x}]}",
    "{load_object_code, {a, \"9.9\", [a1]}}",
    "{load_object_code, {b, \"9.9\", [nowhere]}}",
    "{restart_application, APP}",
    "{remove_application, APP}",
    "{add_application, APP}",
    "[point_of_no_return, {restart_application, APP}]",
];

/// Terms that are not instructions, or instructions with an invalid part.
const NO_INSTRUCTIONS: [&str; 84] = [
    "nonsense",
    "17",
    "1.5",
    "\"text\"",
    "{}",
    "<<\"x\">>",
    "mnesia_backup",
    "restart",
    "reboot",
    "[[restart_emulator]]",
    "[{update, m}]",
    "[{load_module, m}]",
    "[{add_application, a}]",
    "[{update, m, soft, []}]",
    "{upgrade, m}",
    "{update}",
    "{update, \"m\"}",
    "{update, m, {advanced, x, y}}",
    "{update, m, {other, x}}",
    "{update, m, 5000}",
    "{update, m, supervisor, []}",
    "{update, m, hard, []}",
    "{update, m, soft, m2}",
    "{update, m, soft, [\"x\"]}",
    "{update, m, [1]}",
    "{update, m, \"m2\"}",
    "{update, m, static, {advanced, []}, brutal_purge, brutal_purge, []}",
    "{update, m, default, hard, brutal_purge, brutal_purge, []}",
    "{update, m, 0, soft, brutal_purge, brutal_purge, []}",
    "{update, m, odd, default, soft, brutal_purge, brutal_purge, []}",
    "{update, m, soft, brutal, brutal_purge, []}",
    "{update, m, soft, brutal_purge, brutal, []}",
    "{update, m, soft, soft_purge, soft_purge, x}",
    "{update, m, dynamic, default, soft, soft_purge, soft_purge, [], x}",
    "{load_module}",
    "{load_module, \"m\"}",
    "{load_module, m, x}",
    "{load_module, m, brutal, brutal_purge, []}",
    "{load_module, m, soft_purge}",
    "{load_module, m, [1]}",
    "{load_module, m, brutal_purge, brutal_purge, x}",
    "{load_module, m, brutal_purge, brutal_purge}",
    "{add_module, 1}",
    "{add_module, m, x}",
    "{add_module, m, [], []}",
    "{delete_module, \"m\"}",
    "{delete_module, m, x}",
    "{delete_module, m, [1]}",
    "{add_application, \"a\"}",
    "{add_application, a, sometimes}",
    "{add_application, a, permanent, x}",
    "{remove_application, 1}",
    "{restart_application, []}",
    "{apply, x}",
    "{apply, {m, f}}",
    "{apply, {m, f, x}}",
    "{apply, {\"m\", f, []}}",
    "{apply, {m, 1, []}}",
    "{load_object_code, x}",
    "{load_object_code, {a, 1, [m]}}",
    "{load_object_code, {\"a\", \"1\", [m]}}",
    "{load_object_code, {a, \"1\", m}}",
    "{load_object_code, {a, \"1\", [1]}}",
    "{load, m}",
    "{load, {m, soft_purge}}",
    "{load, {m, x, soft_purge}}",
    "{load, {1, soft_purge, soft_purge}}",
    "{remove, {m, soft_purge, x}}",
    "{purge, m}",
    "{purge, [1]}",
    "{suspend, m}",
    "{suspend, [1]}",
    "{suspend, [{m, 0}]}",
    "{suspend, [{m, x}]}",
    "{suspend, [{m, 1, 2}]}",
    "{resume, [{m, 1}]}",
    "{stop, m}",
    "{start, [1]}",
    "{code_change, [m]}",
    "{code_change, sideways, [{m, []}]}",
    "{code_change, up, [m]}",
    "{sync_nodes, x, y}",
    "{sync_nodes, x, [1]}",
    "{sync_nodes, x, {m, f, y}}",
];

fn in_an_appup(set: &mut Set, dice: &mut Dice) {
    if set.appups.is_empty() {
        return in_a_release(set, dice);
    }
    let at = dice.below(set.appups.len());
    let appup = &mut set.appups[at];
    let texts = [
        "",
        "%% nothing\n",
        "{\"1\", []}.",
        "{\"1\", x, y}.",
        "x.",
        "{\"1\", [], []}. {\"2\", [], []}.",
        "{\"1\",\n [}.",
        "{\"1\", [], []}",
    ];
    match dice.below(4) {
        0 => set.broken.push((appup.file(), None)),
        1 => set
            .broken
            .push((appup.file(), Some(dice.pick(&texts).to_string()))),
        2 => appup.up.truncate(dice.below(appup.up.len() + 1)),
        _ => appup.down.truncate(dice.below(appup.down.len() + 1)),
    }
}

fn in_an_application(set: &mut Set, dice: &mut Dice) {
    if set.apps.is_empty() {
        return in_a_release(set, dice);
    }
    let app = set.apps[dice.below(set.apps.len())].clone();
    let text = app.text();
    let wrong = match dice.below(3) {
        0 => Some(
            dice.pick(&[
                "",
                "x.",
                "{application, zz, []}.",
                "{application, a, x}.",
                "{application, \"a\", []}.",
                "{application, a, [}.",
            ])
            .to_string(),
        ),
        1 => without_a_key(dice, &text),
        _ => Some(with_a_wrong_key(dice, &app)),
    };
    let wrong = if dice.one_in(8) { None } else { wrong };
    let file = match dice.below(6) {
        // This file is found first, but is useless.
        0 => PathBuf::from(format!("lib/{0}-0/ebin/{0}.app", app.name)),
        _ => app.file(),
    };
    set.broken.push((file, wrong));
}

fn without_a_key(dice: &mut Dice, text: &str) -> Option<String> {
    let key = dice.pick(&[
        "description",
        "vsn",
        "modules",
        "registered",
        "applications",
    ]);
    let (before, rest) = text.split_once(&format!("{{{key}, "))?;
    let (_, after) = rest.split_once('}')?;
    Some(format!("{before}unknown{after}"))
}

/// Of two equal keys the first counts, so the wrong one comes first.
fn with_a_wrong_key(dice: &mut Dice, app: &App) -> String {
    let wrong = [
        "{description, 1}",
        "{vsn, one}",
        "{vsn, \"9.9\"}",
        "{modules, x}",
        "{modules, [\"a1\"]}",
        "{modules, [{a1, 1}]}",
        "{registered, x}",
        "{registered, [1]}",
        "{applications, x}",
        "{applications, [\"kernel\"]}",
        "{included_applications, x}",
        "{included_applications, [zz]}",
        "{optional_applications, x}",
        "{mod, x}",
        "{mod, {\"m\", []}}",
        "{mod, []}",
        "{env, x}",
        "{env, [x]}",
        "{env, [{\"k\", v}]}",
        "{start_phases, x}",
        "{start_phases, [{p, []}]}",
        "{start_phases, [p]}",
        "{id, 1}",
        "{maxT, 0}",
        "{maxT, infinity}",
        "{maxP, x}",
        "{maxP, 5}",
        "{unknown, x}",
        "x",
        "{runtime_dependencies, x}",
    ];
    app.text()
        .replacen('[', &format!("[{}, ", dice.pick(&wrong)), 1)
}

fn in_a_release(set: &mut Set, dice: &mut Dice) {
    let at = dice.below(set.releases.len());
    let release = &mut set.releases[at];
    let entries = &mut release.entries;
    let entry = dice.below(entries.len());
    let texts = [
        "",
        "x.",
        "{release, x}.",
        "{release, {rel, \"1\"}, {erts, \"1\"}, []}.",
        "{release, {\"rel\", 1}, {erts, \"1\"}, []}.",
        "{release, {\"rel\", \"1\"}, {erts, 1}, []}.",
        "{release, {\"rel\", \"1\"}, {erts, \"1\"}, x}.",
        "{release, {\"rel\", \"1\"}, {erts, \"1\"}, []}.",
        "{release, {\"rel\", \"1\"},\n {erts, }}.",
    ];
    match dice.below(7) {
        0 => set.broken.push((rel_file(at), None)),
        1 => set
            .broken
            .push((rel_file(at), Some(dice.pick(&texts).to_string()))),
        2 => drop(entries.remove(entry)),
        3 => {
            entries[entry].rest = dice
                .pick(&[
                    ", load",
                    ", temporary",
                    ", x",
                    ", [zz]",
                    ", load, x",
                    ", load, [], x",
                    ", \"x\"",
                    ", [kernel]",
                    ", 1",
                ])
                .to_string()
        }
        4 => entries[entry].name = dice.pick(&["zz", "\"a\"", "a", "b"]).to_string(),
        5 => entries[entry].vsn = dice.pick(&["9.9", "", "1"]).to_string(),
        _ => {
            let twice = entries[entry].clone();
            entries.push(twice);
        }
    }
}

/// Adds names that two applications claim, and requirements that cannot be met.
fn between_applications(set: &mut Set, dice: &mut Dice) {
    let names: Vec<String> = set.apps.iter().map(|app| app.name.to_string()).collect();
    if names.is_empty() {
        return in_a_release(set, dice);
    }
    let changes = 1 + dice.below(3);
    for _ in 0..changes {
        let app = dice.below(set.apps.len());
        let other = names[dice.below(names.len())].clone();
        let app = &mut set.apps[app];
        // OTP reports an application that is listed twice as missing, and accepts one that requires itself. With one
        // that includes itself, directly or through another, OTP does not terminate.
        let is_new = other.as_str() < app.name && !app.applications.contains(&other);
        match dice.below(7) {
            0 => app.modules.push(format!("{other}1")),
            1 => app.registered.push(format!("{other}_server")),
            2 if other != app.name && !app.applications.contains(&other) => {
                app.applications.push(other);
            }
            3 => app.applications.push("zz".to_string()),
            4 if is_new => app
                .more
                .push_str(&format!(", {{included_applications, [{other}]}}")),
            5 => app.modules.push(app.modules[0].clone()),
            _ => app.applications.retain(|name| name != "kernel"),
        }
    }
}
