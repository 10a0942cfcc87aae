//! Groups without the members that are gone.

use std::collections::HashSet;

use serde_json::value::RawValue;

use crate::json_object::{Object, read_open_object};

/// The list of groups, without the ids in `user_ids` that no member has; all else stays as it is written. None: there are no such ids.
pub(crate) fn without_absent(groups: &str, members: &HashSet<String>) -> Option<String> {
    // Of groups that were not checked, what is no group stays.
    let list: Vec<&RawValue> = serde_json::from_str(groups).ok()?;
    let mut rest = String::with_capacity(groups.len());
    let mut copied = 0;
    for ids in list.into_iter().filter_map(user_ids) {
        let all: Vec<&RawValue> = serde_json::from_str(ids.get()).unwrap_or_default();
        let kept: Vec<_> = all.iter().filter(|id| !is_absent(id, members)).map(|id| id.get()).collect();
        if kept.len() == all.len() {
            continue;
        }
        // It is a part of the text.
        let start = ids.get().as_ptr().addr() - groups.as_ptr().addr();
        rest.push_str(&groups[copied..start]);
        rest.push('[');
        rest.push_str(&kept.join(","));
        rest.push(']');
        copied = start + ids.get().len();
    }
    if copied == 0 {
        return None;
    }
    rest.push_str(&groups[copied..]);
    Some(rest)
}

fn user_ids(group: &RawValue) -> Option<&RawValue> {
    let Object(fields) = read_open_object(group, "").ok()?;
    fields.into_iter().find(|(name, _)| name == "user_ids").map(|(_, ids)| ids)
}

fn is_absent(id: &RawValue, members: &HashSet<String>) -> bool {
    serde_json::from_str::<String>(id.get()).is_ok_and(|id| !members.contains(&id))
}
