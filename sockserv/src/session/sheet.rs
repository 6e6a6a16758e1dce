//! Computes the changes between two sheets of an avatar, as messages of GMCP.
//!
//! ```text
//!   a sheet ─► compared with the one before ─► Char.Status       the changed keys; "" for a removed key
//!                                              Char.Items.…      Add, Remove, Update, or List when that is no longer
//!                                              any other         the whole body, when any part of it has changed
//! ```
//! Messages and bodies are those of Iron Realms Entertainment (mudstandards.org/gmcp). Pure; `describe` decides when to ask
//! for a sheet.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::settings::game::Sheet;
use crate::wire::gmcp::Message;

/// The maximum length of a body, in bytes: a quarter of a client's outbox. The bag of an avatar of level 30 has about
/// 11 000. Longer bodies are left out.
const BODY_MAX: usize = crate::wire::outbox::OUTBOX_MAX / 4;

/// The state of a client's program: the last sent bodies.
#[derive(Default, Debug)]
pub(crate) struct Known {
    wish: Option<u32>,
    bodies: BTreeMap<String, Value>,
}

impl Known {
    /// The messages that bring the program to this sheet. `wish` is `Gmcp::wants_avatar`: when it has changed, all bodies are
    /// sent.
    pub(crate) fn update(&mut self, wish: u32, sheet: Sheet) -> Vec<Message> {
        if self.wish.replace(wish) != Some(wish) {
            self.bodies.clear();
        }
        let before = std::mem::take(&mut self.bodies);
        let mut messages = Vec::new();
        for (name, body) in sheet {
            if body.to_string().len() <= BODY_MAX {
                messages.extend(change(&name, before.get(&name), &body));
                self.bodies.insert(name, body);
            }
        }
        let gone = before.iter();
        let gone = gone.filter(|(name, _)| !self.bodies.contains_key(*name));
        messages.extend(gone.flat_map(|(name, body)| withdrawal(name, body)));
        messages
    }
}

/// The messages that change the body `before` of the program to `body`.
fn change(name: &str, before: Option<&Value>, body: &Value) -> Vec<Message> {
    let changed = match before {
        Some(before) if before == body => Some(Vec::new()),
        Some(before) if name == "Char.Status" => keys_changed(name, before, body),
        Some(before) if name == "Char.Items.List" => items_changed(before, body),
        _ => None,
    };
    changed.unwrap_or_else(|| Message::new(name, body).into_iter().collect())
}

/// The messages after a body has disappeared. A gauge may stay as it is; a name, a status and a bag are emptied.
fn withdrawal(name: &str, before: &Value) -> Vec<Message> {
    match name {
        "Char.Name" => {
            let keys = before.as_object().into_iter().flat_map(Map::keys);
            let blank: Map<String, Value> = keys.map(|key| (key.clone(), "".into())).collect();
            Message::new(name, &blank.into()).into_iter().collect()
        }
        "Char.Status" => change(name, Some(before), &json!({})),
        "Char.Items.List" => {
            let empty = json!({"location": before["location"], "items": []});
            change(name, Some(before), &empty)
        }
        _ => Vec::new(),
    }
}

/// A message with the keys that are new or have another value. A removed key gets an empty value, so that programs that
/// merge the keys, such as Mudlet, show nothing there.
fn keys_changed(name: &str, before: &Value, body: &Value) -> Option<Vec<Message>> {
    let (before, body) = (before.as_object()?, body.as_object()?);
    let is_news = |(key, value): &(&String, &Value)| before.get(*key) != Some(*value);
    let news = body.iter().filter(is_news);
    let gone = before.keys().filter(|key| !body.contains_key(*key));
    let gone = gone.map(|key| (key.clone(), Value::from("")));
    let news = news.map(|(key, value)| (key.clone(), value.clone()));
    let changed: Map<String, Value> = news.chain(gone).collect();
    Some(
        Message::new(name, &Value::Object(changed))
            .into_iter()
            .collect(),
    )
}

/// Messages for added, removed and changed items, by the items' numbers; `None` when the whole list is not longer.
fn items_changed(before: &Value, body: &Value) -> Option<Vec<Message>> {
    if before["location"] != body["location"] {
        return None;
    }
    let (before, after) = (by_id(before)?, by_id(body)?);
    let removed = before.iter().filter(|(id, _)| !after.contains_key(*id));
    let removed = removed.map(|(_, item)| ("Char.Items.Remove", *item));
    let other = after.iter().filter_map(|(id, item)| match before.get(id) {
        None => Some(("Char.Items.Add", *item)),
        Some(same) if same == item => None,
        Some(_) => Some(("Char.Items.Update", *item)),
    });
    let changes: Vec<_> = removed.chain(other).collect();
    let message = |(name, item): (&str, &Value)| {
        Message::new(name, &json!({"location": body["location"], "item": item}))
    };
    (changes.len() < after.len()).then(|| changes.into_iter().filter_map(message).collect())
}

/// The items by their numbers; `None` when an item has no number, or two have the same.
fn by_id(list: &Value) -> Option<BTreeMap<&str, &Value>> {
    let items = list["items"].as_array()?;
    let by_id = items.iter().map(|item| Some((item["id"].as_str()?, item)));
    let by_id: BTreeMap<&str, &Value> = by_id.collect::<Option<_>>()?;
    (by_id.len() == items.len()).then_some(by_id)
}

#[cfg(test)]
mod tests;
