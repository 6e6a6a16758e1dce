//! The table, the manifest and the `.app` file agree.

use expect_test::expect;

use super::node::{NEW, OLD, modules};

/// The value of a key in `processquest.app`.
fn of_app(key: &str) -> String {
    let app = pq_term::read_one(include_str!("../../processquest.app")).unwrap();
    let keys = app.as_tuple().unwrap()[2].as_list().unwrap();
    let mut pairs = keys.iter().map(|pair| pair.as_tuple().unwrap());
    pairs.find(|pair| pair[0].is_atom(key)).unwrap()[1].to_string()
}

#[test]
fn the_app_file_lists_every_module_of_the_library() {
    let modules = modules(NEW);
    let names: Vec<&str> = modules.iter().map(|module| module.name()).collect();
    assert_eq!(of_app("modules"), format!("[{}]", names.join(",")));
    assert_eq!(of_app("vsn"), "\"1.1.0\"");
    assert_eq!(of_app("mod"), "{processquest,[]}");
    assert_eq!(of_app("registered"), "[pq_supersup]");
    assert_eq!(of_app("applications"), "[stdlib,kernel,regis,crypto]");
}

#[test]
fn a_module_that_did_not_change_keeps_its_version() {
    let old = modules(OLD);
    let known = |name: &str| old.iter().any(|module| module.name() == name);
    let lines: Vec<String> = modules(NEW)
        .iter()
        .map(|module| match known(module.name()) {
            true => format!("{} {}", module.name(), module.vsn()),
            false => format!("{} {}, new", module.name(), module.vsn()),
        })
        .collect();
    expect![[r#"
        processquest 1.0.0
        pq_supersup 1.0.0
        pq_sup 1.0.0
        pq_events 1.1.0
        pq_player 1.1.0
        pq_enemy 1.1.0
        pq_market 1.0.0
        pq_stats 1.0.0
        pq_quest 1.1.0, new"#]]
    .assert_eq(&lines.join("\n"));
}

#[test]
fn the_appup_says_what_becomes_of_each_module_that_changed() {
    let appup = pq_term::read_one(include_str!("../../processquest.appup")).unwrap();
    expect![[r#"{"1.1.0",[{"1.0.0",[{add_module,pq_quest},{load_module,pq_enemy},{load_module,pq_events},{update,pq_player,{advanced,[]},[pq_quest,pq_events]}]}],[{"1.0.0",[{update,pq_player,{advanced,[]}},{delete_module,pq_quest},{load_module,pq_enemy},{load_module,pq_events}]}]}"#]].assert_eq(&appup.to_string());
}
