//! Tests of the messages for sheets that follow one another.

use proptest::prelude::*;

use super::*;

/// A message as text: its name and its body.
fn text(message: &Message) -> String {
    let wire = message.wire();
    String::from_utf8_lossy(&wire[3..wire.len() - 2]).into_owned()
}

fn sheet(bodies: &[(&str, Value)]) -> Sheet {
    let own = |(name, body): &(&str, Value)| (name.to_string(), body.clone());
    bodies.iter().map(own).collect()
}

/// The messages for each sheet, for a program with subscriptions to everything from the first sheet on.
fn sent(sheets: &[Sheet]) -> Vec<Vec<String>> {
    let mut told = Known::default();
    let update = |sheet: &Sheet| told.update(0, sheet.clone()).iter().map(text).collect();
    sheets.iter().map(update).collect()
}

fn bag(items: &[(&str, &str)]) -> Sheet {
    let item = |(id, name): &(&str, &str)| json!({"id": id, "name": name});
    let items: Vec<Value> = items.iter().map(item).collect();
    sheet(&[(
        "Char.Items.List",
        json!({"location": "inv", "items": items}),
    )])
}

#[test]
fn what_does_not_change_is_sent_once() {
    let both = sheet(&[
        ("Char.Name", json!({"name": "Ann"})),
        ("Char.Vitals", json!({"xp": 1})),
    ]);
    let later = sheet(&[
        ("Char.Name", json!({"name": "Ann"})),
        ("Char.Vitals", json!({"xp": 2})),
    ]);
    let expected: [&[&str]; 3] = [
        &[r#"Char.Name {"name":"Ann"}"#, r#"Char.Vitals {"xp":1}"#],
        &[],
        &[r#"Char.Vitals {"xp":2}"#],
    ];
    assert_eq!(sent(&[both.clone(), both, later]), expected);
}

#[test]
fn of_a_status_only_the_keys_that_changed_are_sent_and_those_that_are_gone_become_empty() {
    let status = |body: Value| sheet(&[("Char.Status", body)]);
    let sheets = [
        status(json!({"gold": 1, "level": 1})),
        status(json!({"gold": 2, "level": 1, "quest": "a nut", "kills": 3})),
        status(json!({"gold": 2, "level": 1})),
        status(json!({"gold": 2, "level": 1})),
        sheet(&[]),
        status(json!({"gold": 2})),
    ];
    let expected: [&[&str]; 6] = [
        &[r#"Char.Status {"gold":1,"level":1}"#],
        &[r#"Char.Status {"gold":2,"kills":3,"quest":"a nut"}"#],
        &[r#"Char.Status {"kills":"","quest":""}"#],
        &[],
        &[r#"Char.Status {"gold":"","level":""}"#],
        &[r#"Char.Status {"gold":2}"#],
    ];
    assert_eq!(sent(&sheets), expected);
}

#[test]
fn a_thing_that_is_picked_up_sold_or_changed_is_told_alone() {
    let sheets = [
        bag(&[("1", "tin"), ("2", "Pelt")]),
        bag(&[("1", "tin"), ("2", "Pelt"), ("3", "Egg")]),
        bag(&[("1", "iron"), ("2", "Pelt"), ("3", "Egg")]),
        bag(&[("1", "iron"), ("2", "Pelt")]),
        bag(&[("1", "wood")]),
        sheet(&[]),
        bag(&[]),
    ];
    let expected: [&[&str]; 7] = [
        &[
            r#"Char.Items.List {"items":[{"id":"1","name":"tin"},{"id":"2","name":"Pelt"}],"location":"inv"}"#,
        ],
        &[r#"Char.Items.Add {"item":{"id":"3","name":"Egg"},"location":"inv"}"#],
        &[r#"Char.Items.Update {"item":{"id":"1","name":"iron"},"location":"inv"}"#],
        &[r#"Char.Items.Remove {"item":{"id":"3","name":"Egg"},"location":"inv"}"#],
        &[r#"Char.Items.List {"items":[{"id":"1","name":"wood"}],"location":"inv"}"#],
        &[r#"Char.Items.List {"items":[],"location":"inv"}"#],
        &[r#"Char.Items.List {"items":[],"location":"inv"}"#],
    ];
    assert_eq!(sent(&sheets), expected);
}

#[test]
fn who_asks_again_is_told_everything_again() {
    let mut told = Known::default();
    let name = sheet(&[("Char.Name", json!({"name": "Ann"}))]);
    let counts = [0, 0, 1, 1].map(|wish| told.update(wish, name.clone()).len());
    assert_eq!(counts, [1, 0, 1, 0]);
}

#[test]
fn what_is_odd_is_sent_as_it_is_or_not_at_all() {
    let status = |body: Value| sheet(&[("Char.Status", body)]);
    let items = |body: Value| sheet(&[("Char.Items.List", body)]);
    let sheets = [
        sheet(&[("no name", json!({})), ("Char.Status", json!([1]))]),
        status(json!({"gold": 1})),
        items(json!({"items": 1})),
        items(json!({"items": [{"id": "1"}, {"id": "1"}, {"id": 2}]})),
        status(json!({"story": "x".repeat(BODY_MAX)})),
    ];
    let expected: [&[&str]; 5] = [
        &["Char.Status [1]"],
        &[r#"Char.Status {"gold":1}"#],
        &[
            r#"Char.Items.List {"items":1}"#,
            r#"Char.Status {"gold":""}"#,
        ],
        &[r#"Char.Items.List {"items":[{"id":"1"},{"id":"1"},{"id":2}]}"#],
        &[],
    ];
    let mut sent = sent(&sheets);
    // Withdrawals come behind the changes.
    sent[2].sort();
    sent[4].retain(|text| !text.contains("Char.Items.List"));
    assert_eq!(sent, expected);
}

proptest! {
    #[test]
    fn a_program_that_follows_the_messages_knows_the_bag(bags in proptest::collection::vec(proptest::collection::btree_map(0..8_u8, 0..3_u8, 0..8), 1..10)) {
        let (mut told, mut known) = (Known::default(), BTreeMap::new());
        for carried in bags {
            let items: Vec<(String, String)> = carried.iter().map(|(id, name)| (id.to_string(), name.to_string())).collect();
            let items: Vec<(&str, &str)> = items.iter().map(|(id, name)| (&**id, &**name)).collect();
            for message in told.update(0, bag(&items)) {
                let text = text(&message);
                let (name, body) = text.split_once(' ').unwrap();
                let body: Value = serde_json::from_str(body).unwrap();
                let id = |item: &Value| item["id"].as_str().unwrap().to_string();
                match name {
                    "Char.Items.List" => {
                        let items = body["items"].as_array().unwrap();
                        known = items.iter().map(|item| (id(item), item.clone())).collect();
                    }
                    "Char.Items.Add" => assert!(known.insert(id(&body["item"]), body["item"].clone()).is_none()),
                    "Char.Items.Update" => assert!(known.insert(id(&body["item"]), body["item"].clone()).is_some()),
                    "Char.Items.Remove" => assert_eq!(known.remove(&id(&body["item"])).as_ref(), Some(&body["item"])),
                    other => panic!("{other}"),
                }
            }
            let is: Vec<(&str, &str)> = known.iter().map(|(id, item)| (&**id, item["name"].as_str().unwrap())).collect();
            prop_assert_eq!(is, items);
        }
    }
}

#[test]
fn an_avatar_that_is_gone_leaves_no_name_behind() {
    let avatar = sheet(&[
        ("Char.Name", json!({"fullname": "Ann", "name": "Ann"})),
        ("Char.Vitals", json!({"xp": 1})),
    ]);
    let sent = sent(&[avatar.clone(), sheet(&[]), sheet(&[]), avatar]);
    assert_eq!(sent[1], [r#"Char.Name {"fullname":"","name":""}"#]);
    assert_eq!((sent[2].len(), sent[3].len()), (0, 2));
}
