//! Random scripts for the yard: the script of an author with parts removed, duplicated, moved or replaced.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::Rng;

/// The releases of the yard: without the application, with its first version, with its second.
pub(crate) const RELEASES: [&str; 3] = ["0.0.0", "1.0.0", "2.0.0"];

const FIRST: [&str; 6] = [
    "yard",
    "yard_sup",
    "yard_pens",
    "yard_gate",
    "yard_pen",
    "yard_tools",
];
const SECOND: [&str; 2] = ["yard_dog", "yard_bell"];

/// Instructions that are inserted at random places, where they may be right or wrong.
const POOL: [&str; 40] = [
    "{apply,{io,format,[\"hello\"]}}",
    "{apply,{yard_tools,weigh,[1]}}",
    "{apply,{yard_tools,weigh,[many]}}",
    "{apply,{yard_tools,wiegh,[1]}}",
    "{apply,{yard_tools,count,[]}}",
    "{apply,{yard_bell,ring,[]}}",
    "{apply,{yard_bell,module_info,[]}}",
    "{apply,{supervisor,start_child,[yard_sup,#{id=>second,start=>{yard_pen,start_link,[2]}}]}}",
    "{apply,{supervisor,start_child,[yard_sup,{third,{yard_pen,start_link,[3]},temporary,100,worker,[yard_pen]}]}}",
    "{apply,{supervisor,start_child,[yard_sup,#{id=>second,start=>{yard_pen,start_link,[many]}}]}}",
    "{apply,{supervisor,start_child,[yard_sup,#{id=>tools,start=>{yard_tools,start_link,[]}}]}}",
    "{apply,{supervisor,start_child,[yard_sup,#{id=>gate,start=>{yard_pen,start_link,[2]}}]}}",
    "{apply,{supervisor,start_child,[yard_sup,#{id=>again,start=>{yard_gate,start_link,[]}}]}}",
    "{apply,{supervisor,start_child,[yard_sup,#{id=>guard,start=>{yard_dog,start_link,[]}}]}}",
    "{apply,{supervisor,start_child,[yard_pens,[7]]}}",
    "{apply,{supervisor,start_child,[yard_gate,#{id=>a,start=>{yard_pen,start_link,[2]}}]}}",
    "{apply,{supervisor,start_child,[yard_sup,pen]}}",
    "{apply,{supervisor,restart_child,[yard_sup,dog]}}",
    "{apply,{supervisor,restart_child,[yard_sup,gate]}}",
    "{apply,{supervisor,terminate_child,[yard_sup,gate]}}",
    "{apply,{supervisor,terminate_child,[yard_sup,dog]}}",
    "{apply,{supervisor,delete_child,[yard_sup,dog]}}",
    "{apply,{supervisor,delete_child,[yard_sup,second]}}",
    "{apply,{supervisor,terminate_child,[yard_pens,pen]}}",
    "{apply,{supervisor,count_children,[yard_sup]}}",
    "{apply,{supervisor,which_children,[barn_sup]}}",
    "{apply,{application,stop,[yard]}}",
    "{apply,{application,start,[yard,permanent]}}",
    "{apply,{application,ensure_started,[yard]}}",
    "{apply,{application,ensure_all_started,[yard,permanent]}}",
    "{apply,{application,unload,[yard]}}",
    "{apply,{application,set_env,[yard,pens,3]}}",
    "{apply,{application,start,[barn]}}",
    "{apply,{sys,suspend,[yard_gate]}}",
    "{apply,{sys,resume,[yard_gate]}}",
    "{stop,[yard_gate]}",
    "{start,[yard_gate]}",
    "{remove,{yard_tools,brutal_purge,brutal_purge}}",
    "{purge,[yard_tools]}",
    "{remove,{yard_pen,brutal_purge,brutal_purge}}",
];

fn load(module: &str) -> String {
    format!("{{load,{{{module},brutal_purge,brutal_purge}}}}")
}

fn remove(module: &str) -> [String; 2] {
    [
        format!("{{remove,{{{module},brutal_purge,brutal_purge}}}}"),
        format!("{{purge,[{module}]}}"),
    ]
}

fn all_of(release: &str) -> Vec<&'static str> {
    match release {
        "0.0.0" => Vec::new(),
        "1.0.0" => FIRST.to_vec(),
        _ => [&FIRST[..], &SECOND].concat(),
    }
}

/// The instructions that systools makes from `{update, yard_sup, supervisor}`.
fn update(mode: &str) -> Vec<String> {
    vec![
        "{suspend,[yard_sup]}".to_string(),
        load("yard_sup"),
        format!("{{code_change,{mode},[{{yard_sup,[]}}]}}"),
        "{resume,[yard_sup]}".to_string(),
    ]
}

/// The script that an author would write.
pub(crate) fn good(from: &str, to: &str) -> Vec<String> {
    let call = |text: &str| format!("{{apply,{text}}}");
    let mut script: Vec<String> = Vec::new();
    match (from, to) {
        ("0.0.0", _) => {
            script.extend(all_of(to).into_iter().map(load));
            script.push(call("{application,start,[yard,permanent]}"));
        }
        (_, "0.0.0") => {
            script.push(call("{application,stop,[yard]}"));
            script.extend(all_of(from).into_iter().flat_map(remove));
            script.push(call("{application,unload,[yard]}"));
        }
        ("1.0.0", _) => {
            script.extend(["yard_tools", "yard_bell", "yard_dog"].map(load));
            script.extend(update("up"));
            script.push(call("{supervisor,restart_child,[yard_sup,dog]}"));
        }
        _ => {
            script.push(call("{supervisor,terminate_child,[yard_sup,dog]}"));
            script.push(call("{supervisor,delete_child,[yard_sup,dog]}"));
            script.extend(update("down"));
            script.extend(["yard_dog", "yard_bell"].into_iter().flat_map(remove));
            script.push(load("yard_tools"));
        }
    }
    script
}

pub(crate) fn below(dice: &mut Xoshiro256PlusPlus, end: usize) -> usize {
    (dice.next_u64() % end.max(1) as u64) as usize
}

/// The script of an author with random changes, or without.
pub(crate) fn draw(dice: &mut Xoshiro256PlusPlus, from: &str, to: &str) -> Vec<String> {
    let mut script = good(from, to);
    for _ in 0..below(dice, 4) {
        match below(dice, 6) {
            0 if !script.is_empty() => {
                let at = below(dice, script.len());
                script.remove(at);
            }
            1 if script.len() > 1 => {
                let at = below(dice, script.len() - 1);
                script.swap(at, at + 1);
            }
            _ => {
                let at = below(dice, script.len() + 1);
                script.insert(at, POOL[below(dice, POOL.len())].to_string());
            }
        }
    }
    script
}

/// The text of a relup with this single upgrade.
pub(crate) fn relup(from: &str, to: &str, script: &[String]) -> String {
    let read = match all_of(to) {
        modules if modules.is_empty() => String::new(),
        modules => format!(
            "{{load_object_code,{{yard,\"{to}\",[{}]}}}},",
            modules.join(",")
        ),
    };
    let steps = [&["point_of_no_return".to_string()], script]
        .concat()
        .join(",");
    format!("{{\"{to}\",[{{\"{from}\",[],[{read}{steps}]}}],[]}}.")
}
