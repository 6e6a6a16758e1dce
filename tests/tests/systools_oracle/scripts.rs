//! Random appups: every form of every instruction, in any valid order.

use std::collections::{BTreeMap, BTreeSet};

use pq_tests::systools::order::Side;

use super::dice::Dice;
use super::releases::{App, Appup, Set, Way};

/// The change of a module in an upgrade.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    Update,
    Load,
    Add,
    Delete,
}

/// A script before the possible dependencies of its modules are known.
struct Draft {
    modules: Vec<(String, Change)>,
    /// Instructions on which no module can depend.
    others: Vec<String>,
    /// Modules whose instructions come from one about a whole application.
    implied: Vec<String>,
}

/// One upgrade or downgrade: an application, and a version of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    name: &'static str,
    base: &'static str,
}

/// The appups of a set that has none yet.
pub(crate) fn appups(dice: &mut Dice, set: &Set) -> Vec<Appup> {
    let mut up = ways(dice, set, Side::Up);
    let mut down = ways(dice, set, Side::Down);
    let mut names: Vec<&'static str> = up.keys().map(|key| key.name).collect();
    names.dedup();
    let appup = |name: &&'static str| {
        let new = set.new_release().vsn_of(name).unwrap_or_default();
        let vsn = set.app(name, new).vsn;
        let mut of = |ways: &mut BTreeMap<Key, Way>| {
            let keys: Vec<Key> = ways
                .keys()
                .filter(|key| key.name == *name)
                .copied()
                .collect();
            let taken = keys.iter().filter_map(|key| ways.remove(key)).collect();
            in_any_order(dice, taken, set.app(name, new))
        };
        let (up, down) = (of(&mut up), of(&mut down));
        let stated = if dice.one_in(20) { "other" } else { vsn }.to_string();
        Appup {
            name,
            vsn,
            stated,
            up,
            down,
        }
    };
    names.iter().map(appup).collect()
}

/// The scripts of every changed application for each of its other versions.
fn ways(dice: &mut Dice, set: &Set, side: Side) -> BTreeMap<Key, Way> {
    let mut drafts = BTreeMap::new();
    for base in &set.releases[1..] {
        for entry in &base.entries {
            let Some(new) = set
                .new_release()
                .vsn_of(&entry.name)
                .filter(|new| *new != entry.vsn)
            else {
                continue;
            };
            let (new, old) = (set.app(&entry.name, new), set.app(&entry.name, &entry.vsn));
            let (target, source) = match side {
                Side::Up => (new, old),
                Side::Down => (old, new),
            };
            let key = Key {
                name: old.name,
                base: old.vsn,
            };
            let bystanders = bystanders(set);
            drafts
                .entry(key)
                .or_insert_with(|| draft(dice, (target, source), &bystanders));
        }
    }
    let everybody = everybody(set, side, &drafts);
    let way = |(key, draft): (Key, Draft)| {
        let own: Vec<String> = draft
            .modules
            .iter()
            .map(|(module, _)| module.clone())
            .collect();
        let known = [&own[..], &own[..], &everybody[..]].concat();
        let way = Way {
            pattern: format!("\"{}\"", key.base),
            base: Some(key.base),
            steps: draft.write(dice, &known),
        };
        (key, way)
    };
    drafts.into_iter().map(way).collect()
}

/// With one other release, the applications that are the same in both. With several, an instruction about them would be
/// right for only a part of them.
fn bystanders(set: &Set) -> Vec<App> {
    let [new, base] = &set.releases[..] else {
        return Vec::new();
    };
    let is_same = |app: &&App| {
        [new, base]
            .iter()
            .all(|release| release.vsn_of(app.name) == Some(app.vsn))
    };
    set.apps.iter().filter(is_same).cloned().collect()
}

/// With one other release, all modules that have an instruction: any module may depend on them.
fn everybody(set: &Set, side: Side, drafts: &BTreeMap<Key, Draft>) -> Vec<String> {
    let [new, base] = &set.releases[..] else {
        return Vec::new();
    };
    let (target, source) = match side {
        Side::Up => (new, base),
        Side::Down => (base, new),
    };
    let is_new =
        |app: &&App| target.vsn_of(app.name) == Some(app.vsn) && source.vsn_of(app.name).is_none();
    let added = set
        .apps
        .iter()
        .filter(is_new)
        .flat_map(|app| app.modules.clone());
    let named = |draft: &Draft| -> Vec<String> {
        let modules = draft.modules.iter().map(|(module, _)| module.clone());
        modules.chain(draft.implied.clone()).collect()
    };
    drafts.values().flat_map(named).chain(added).collect()
}

fn draft(dice: &mut Dice, (target, source): (&App, &App), bystanders: &[App]) -> Draft {
    let mut draft = Draft {
        modules: Vec::new(),
        others: others(dice, target),
        implied: Vec::new(),
    };
    if dice.one_in(8) {
        draft
            .others
            .push(format!("{{restart_application, {}}}", target.name));
        draft.implied.clone_from(&target.modules);
        return draft;
    }
    for module in &target.modules {
        let change = [Change::Update, Change::Update, Change::Load, Change::Add][dice.below(4)];
        if !dice.one_in(4) {
            draft.modules.push((module.clone(), change));
        }
    }
    let gone = source
        .modules
        .iter()
        .filter(|module| !target.modules.contains(module));
    draft
        .modules
        .extend(gone.map(|module| (module.clone(), Change::Delete)));
    if dice.one_in(10) {
        draft
            .modules
            .push((format!("ghost_of_{}", target.name), Change::Delete));
    }
    dice.shuffle(&mut draft.modules);
    if let (true, Some(other)) = (dice.one_in(6), bystanders.first()) {
        let start = dice.pick(&[
            "restart_application, {}",
            "add_application, {}",
            "add_application, {}, temporary",
            "add_application, {}, none",
        ]);
        draft
            .others
            .push(format!("{{{}}}", start.replace("{}", other.name)));
        draft.implied.clone_from(&other.modules);
    }
    draft
}

/// Calls, restarts, and low-level instructions about separate modules.
fn others(dice: &mut Dice, target: &App) -> Vec<String> {
    let (name, vsn) = (target.name, target.vsn);
    let low = format!("low_{name}");
    let mut others: Vec<String> = (0..dice.below(3))
        .map(|number| format!("{{apply, {{{name}, f, [{number}, \"x\"]}}}}"))
        .collect();
    let texts: &[&str] = match dice.below(30) {
        0 | 1 => &[
            "{load_object_code, {NAME, \"VSN\", [LOW]}}",
            "{suspend, [{LOW, 5000}]}",
            "{load, {LOW, soft_purge, brutal_purge}}",
            "{code_change, up, [{LOW, []}]}",
            "{resume, [LOW]}",
        ],
        2 | 3 => &[
            "{suspend, [LOW, low]}",
            "{code_change, [{LOW, {x, y}}]}",
            "{resume, [low, LOW]}",
        ],
        4 => &["{stop, [LOW]}", "{start, [LOW]}"],
        5 => &[
            "{remove, {LOW, brutal_purge, soft_purge}}",
            "{purge, [LOW]}",
        ],
        6 => &[
            "{sync_nodes, LOW, [n1, n2]}",
            "{sync_nodes, LOW, {m, f, []}}",
        ],
        7 => &["restart_emulator"],
        8 => &["restart_new_emulator"],
        9 => &[
            "restart_emulator",
            "restart_emulator",
            "restart_new_emulator",
        ],
        10 => &[
            "{load_object_code, {NAME, \"VSN\", [LOW, low]}}",
            "{load_object_code, {NAME, \"VSN\", [low]}}",
        ],
        11 => &["[{apply, {m, f, []}}, {purge, [LOW]}]", "[]"],
        _ => &[],
    };
    let filled = |text: &&str| {
        text.replace("NAME", name)
            .replace("VSN", vsn)
            .replace("LOW", &low)
    };
    others.extend(texts.iter().map(filled));
    others
}

impl Draft {
    fn write(self, dice: &mut Dice, known: &[String]) -> Vec<String> {
        let mut steps: Vec<String> = self
            .modules
            .iter()
            .map(|(module, change)| step(dice, module, *change, known))
            .collect();
        for other in self.others {
            steps.insert(dice.below(steps.len() + 1), other);
        }
        if dice.one_in(6) {
            let mut before = vec![
                "{apply, {m, check, []}}".to_string(),
                "point_of_no_return".to_string(),
            ];
            before.drain(..dice.below(2));
            steps.splice(0..0, before);
        }
        steps
    }
}

/// One instruction; sometimes in its long form, and in a list of its own.
fn step(dice: &mut Dice, module: &str, change: Change, known: &[String]) -> String {
    let deps = if dice.one_in(2) {
        dice.some(known, 3)
    } else {
        Vec::new()
    };
    // A module that is listed twice is one dependency.
    let deps: Vec<String> = deps
        .into_iter()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let deps = (!deps.is_empty()).then(|| deps.join(", "));
    let is_nested = dice.one_in(10);
    let forms: &[&str] = match (change, &deps, is_nested) {
        (Change::Update, _, true) => &UPDATES_IN_FULL,
        (Change::Update, None, _) => &UPDATES,
        (Change::Update, Some(_), _) => &UPDATES_WITH_DEPS,
        (Change::Load, _, true) => &["{load_module, M, PURGE, PURGE, [DEPS]}"],
        (Change::Load, None, _) => &[
            "{load_module, M}",
            "{load_module, M, []}",
            "{load_module, M, PURGE, PURGE, []}",
        ],
        (Change::Load, Some(_), _) => &[
            "{load_module, M, [DEPS]}",
            "{load_module, M, PURGE, PURGE, [DEPS]}",
        ],
        (Change::Add, None, _) => &["{add_module, M}", "{add_module, M, []}"],
        (Change::Add, Some(_), _) => &["{add_module, M, [DEPS]}"],
        (Change::Delete, None, _) => &["{delete_module, M}", "{delete_module, M, []}"],
        (Change::Delete, Some(_), _) => &["{delete_module, M, [DEPS]}"],
    };
    let mut text = dice.pick(forms).to_string();
    while text.contains("PURGE") {
        text = text.replacen("PURGE", dice.pick(&["soft_purge", "brutal_purge"]), 1);
    }
    let filled = text
        .replace("CHANGE", dice.pick(&CHANGES))
        .replace("TIMEOUT", dice.pick(&["default", "infinity", "1", "60000"]))
        .replace("STYLE", dice.pick(&["static", "dynamic"]))
        .replace("DEPS", deps.as_deref().unwrap_or_default())
        .replace('M', module);
    if is_nested {
        format!("[{filled}]")
    } else {
        filled
    }
}

const CHANGES: [&str; 5] = [
    "soft",
    "{advanced, []}",
    "{advanced, [extra, 1]}",
    "{advanced, {a, \"b\", <<\"c\">>}}",
    "{advanced, x}",
];

const UPDATES_IN_FULL: [&str; 3] = [
    "{update, M, CHANGE, PURGE, PURGE, [DEPS]}",
    "{update, M, TIMEOUT, CHANGE, PURGE, PURGE, [DEPS]}",
    "{update, M, STYLE, TIMEOUT, CHANGE, PURGE, PURGE, [DEPS]}",
];

const UPDATES: [&str; 8] = [
    "{update, M}",
    "{update, M, CHANGE}",
    "{update, M, supervisor}",
    "{update, M, []}",
    "{update, M, CHANGE, []}",
    "{update, M, CHANGE, PURGE, PURGE, []}",
    "{update, M, TIMEOUT, CHANGE, PURGE, PURGE, []}",
    "{update, M, STYLE, TIMEOUT, CHANGE, PURGE, PURGE, []}",
];

const UPDATES_WITH_DEPS: [&str; 5] = [
    "{update, M, [DEPS]}",
    "{update, M, CHANGE, [DEPS]}",
    "{update, M, CHANGE, PURGE, PURGE, [DEPS]}",
    "{update, M, TIMEOUT, CHANGE, PURGE, PURGE, [DEPS]}",
    "{update, M, STYLE, TIMEOUT, CHANGE, PURGE, PURGE, [DEPS]}",
];

/// The scripts of one side in random order, of which a part is found by patterns, with scripts for other versions in
/// between.
fn in_any_order(dice: &mut Dice, mut ways: Vec<Way>, new: &App) -> Vec<Way> {
    dice.shuffle(&mut ways);
    for way in &mut ways {
        let vsn = way.base.unwrap_or_default();
        if dice.one_in(4) {
            let quoted = vsn.replace('.', "\\\\.");
            way.pattern = format!(
                "<<\"{}\">>",
                dice.pick(&[
                    vsn,
                    &quoted,
                    &format!("{quoted}$"),
                    &format!("({quoted}|zz)")
                ])
            );
        }
    }
    if let (true, Some(last)) = (dice.one_in(8), ways.last_mut()) {
        last.pattern = "<<\".*\">>".to_string();
    }
    if dice.one_in(4) {
        let load = new
            .modules
            .first()
            .map(|module| format!("{{load_module, {module}}}"));
        let stranger = Way {
            pattern: dice.pick(&STRANGERS).to_string(),
            base: None,
            steps: load
                .into_iter()
                .chain([mark_of_stranger(new.name)])
                .collect(),
        };
        ways.insert(dice.below(ways.len() + 1), stranger);
    }
    ways
}

/// The instruction that shows in a relup that the script for a foreign version was used.
pub(crate) fn mark_of_stranger(name: &str) -> String {
    format!("{{apply,{{stranger,{name},[]}}}}")
}

/// Versions that no release has, and patterns that may match one.
const STRANGERS: [&str; 24] = [
    "\"0.zz\"",
    "<<\"zz.*\">>",
    "<<\"1\">>",
    "<<\"^1\">>",
    "<<\"[0-9]\">>",
    "<<\"[0-9]+\">>",
    "<<\"\\\\d+\\\\.\\\\d+\">>",
    "<<\"1\\\\.[01]+\">>",
    "<<\"1(\\\\.\\\\d+)*\">>",
    "<<\"1(\\\\.\\\\d+){3}\">>",
    "<<\"[^R].*\">>",
    "<<\"R\\\\d|2\">>",
    "<<\"(1|2)\">>",
    "<<\"1.0.*\">>",
    "<<\"1\\\\.0-rc\\\\d?\">>",
    "<<\".\">>",
    "<<\"..?\">>",
    "<<\"\">>",
    "<<\"(?:1\\\\.)+\\\\w*\">>",
    "<<\"([0-9]{1,}[.]?)+\">>",
    "<<\"1\\\\.1|1\\\\.10\">>",
    "<<\"\\\\w+\">>",
    "<<\".*?0\">>",
    "<<\"1\\\\.\\\\S{1,2}\">>",
];
