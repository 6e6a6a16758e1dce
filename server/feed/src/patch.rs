//! JSON merge patches (RFC 7396): the difference of two objects, and its application.
//!
//! An object in the patch changes the members that it names; `null` removes a member; anything else replaces it. So an object
//! that takes part in a patch must not have members that are `null` ([`without_nulls`]).

use serde_json::{Map, Value};

/// The value without members that are `null`; lists are not entered, because a patch replaces them as a whole.
pub fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                members
                    .map(|(key, value)| (key, without_nulls(value)))
                    .collect(),
            )
        }
        other => other,
    }
}

/// The patch that makes `new` of `old`; `None` when both are equal.
pub fn diff(old: &Value, new: &Value) -> Option<Value> {
    if old == new {
        return None;
    }
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        return Some(new.clone());
    };
    let mut patch = Map::new();
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in new {
        let change = match old.get(key) {
            Some(before) => diff(before, value),
            None => Some(value.clone()),
        };
        if let Some(change) = change {
            patch.insert(key.clone(), change);
        }
    }
    Some(Value::Object(patch))
}

/// Changes a value as the patch says.
pub fn apply(to: &mut Value, patch: Value) {
    let Value::Object(changes) = patch else {
        *to = patch;
        return;
    };
    if !to.is_object() {
        *to = Value::Object(Map::new());
    }
    if let Value::Object(members) = to {
        for (key, change) in changes {
            match change {
                Value::Null => drop(members.remove(&key)),
                change => apply(members.entry(key).or_insert(Value::Null), change),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_names_what_differs_and_makes_the_new_of_the_old() {
        let old = json!({"a": 1, "b": {"c": 2, "d": [1, 2]}, "gone": {"x": 1}, "kind": {"x": 1}});
        let new = json!({"a": 1, "b": {"c": 3, "d": [1, 2]}, "born": {"y": 2}, "kind": 4});
        let patch = diff(&old, &new).unwrap();
        assert_eq!(
            patch,
            json!({"b": {"c": 3}, "gone": null, "born": {"y": 2}, "kind": 4})
        );
        let mut patched = old.clone();
        apply(&mut patched, patch);
        assert_eq!(patched, new);
        assert_eq!(diff(&new, &patched), None);
    }

    /// The examples of RFC 7396, appendix A, that concern objects.
    #[test]
    fn patches_are_those_of_the_standard() {
        for (mut target, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (
                json!({"e": null}),
                json!({"a": 1}),
                json!({"e": null, "a": 1}),
            ),
            (
                json!([1, 2]),
                json!({"a": "b", "c": null}),
                json!({"a": "b"}),
            ),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
        ] {
            apply(&mut target, patch);
            assert_eq!(target, result);
        }
        assert_eq!(
            without_nulls(json!({"a": null, "b": {"c": null}, "d": [null]})),
            json!({"b": {}, "d": [null]})
        );
    }
}
