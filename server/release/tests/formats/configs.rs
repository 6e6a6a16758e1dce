//! Random `sys.config` files and the files that they name.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pq_release::sys_config;
use pq_term::{Atom, Term};

use super::dice::Dice;
use super::otp::{in_memory, written};

/// A directory: names of files and their texts.
pub(crate) struct Config(Vec<(&'static str, String)>);

const APPS: &[&str] = &["a", "b", "c"];
const KEYS: &[&str] = &["k", "j", "x"];
const FILES: &[&str] = &[
    "site.config",
    "sub/more.config",
    "sub/site.config",
    "odd.conf.config",
];
const NAMES: &[&str] = &[
    "\"site\"",
    "\"site.config\"",
    "\"sub/more\"",
    "\"sub/more.config\"",
    "\"./sub/site\"",
    "\"sub/../site\"",
    "\"odd.conf\"",
    "(\"site\")",
];

/// Terms that are not elements of a list of settings.
const WRONG: &[&str] = &[
    "\"missing\"",
    "a",
    "{a}",
    "{a, b}",
    "{\"a\", []}",
    "{a, [k]}",
    "{a, [{\"k\", 1}]}",
    "{a, [{k, 1}, {k, 2}]}",
    "1",
    "[]",
    "{a, [], []}",
    "{a, \"text\"}",
    "<<\"site\">>",
    "{a, [{k, 1, 2}]}",
];

/// Texts after the list.
const ENDS: &[&str] = &[
    ".", ".\n", ".\n% end", ".", ".", " .\n", "", ". a.", ".\n[].",
];

pub(crate) fn configs(dice: &mut Dice, count: usize) -> Vec<Config> {
    (0..count).map(|_| config(dice)).collect()
}

fn config(dice: &mut Dice) -> Config {
    let mut files = vec![("sys.config", list(dice, 3))];
    for file in FILES {
        if !dice.one_in(8) {
            files.push((file, list(dice, 0)));
        }
    }
    Config(files)
}

/// A list of settings, with up to `names_max` names of files.
fn list(dice: &mut Dice, names_max: usize) -> String {
    let few = dice.below(3);
    let mut items: Vec<String> = (0..few).map(|_| application(dice)).collect();
    let few = dice.below(names_max + 1);
    items.extend((0..few).map(|_| dice.pick(NAMES).to_string()));
    if dice.one_in(30) {
        items.push(dice.pick(WRONG).to_string());
    }
    if names_max == 0 && dice.one_in(40) {
        items.push(dice.pick(NAMES).to_string());
    }
    dice.shuffle(&mut items);
    let end = if dice.one_in(6) {
        dice.pick(ENDS)
    } else {
        ".\n"
    };
    format!("[{}]{end}", items.join(",\n "))
}

fn application(dice: &mut Dice) -> String {
    let mut keys: Vec<&str> = dice.some(KEYS, KEYS.len());
    if dice.one_in(40) {
        keys.push("k");
    }
    let pair = |key: &str| format!("{{{key}, {}}}", dice.below(1_000));
    let pairs: Vec<String> = keys.into_iter().map(pair).collect();
    format!("{{{}, [{}]}}", dice.pick(APPS), pairs.join(", "))
}

impl Config {
    pub(crate) fn lay_out(&self, folder: &Path) {
        for (name, text) in &self.0 {
            let file = folder.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
    }

    fn ours(&self) -> String {
        let folder = in_memory();
        self.lay_out(folder.path());
        let Ok(settings) = sys_config::read(folder.path()) else {
            return "refused".to_string();
        };
        let mut apps: BTreeMap<String, Vec<Term>> = BTreeMap::new();
        let atom = |text: &str| Term::Atom(Atom::new(text).unwrap());
        for ((app, key), value) in settings {
            let pair = Term::tuple([atom(&key), value]);
            apps.entry(app).or_default().push(pair);
        }
        let apps = apps.into_iter();
        let apps = apps.map(|(app, pairs)| Term::tuple([atom(&app), Term::list(pairs)]));
        format!("ok {}", written(&apps.collect::<Term>()))
    }
}

/// The differences between our answers and OTP's, as a few lines each.
pub(crate) fn differences(configs: &[Config], answers: &[String]) -> Vec<String> {
    let mut read = 0;
    let mut differences = Vec::new();
    for (config, answer) in configs.iter().zip(answers) {
        let ours = config.ours();
        read += usize::from(answer != "refused");
        if ours != *answer {
            let files = config.0.iter();
            let files = files.map(|(name, text)| format!("--- {name}\n{text}"));
            let files = files.collect::<String>();
            differences.push(format!("{files}\n  ours: {ours}\n OTP's: {answer}\n"));
        }
    }
    println!("{read} of {} sys.configs are read", configs.len());
    assert!(read * 3 >= configs.len(), "too few are read");
    differences
}
