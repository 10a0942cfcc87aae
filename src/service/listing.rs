//! The table of methods as JSON, for callers that discover what there is.

use serde_json::{Value, json};

use super::methods;

pub(crate) fn listing() -> Value {
    methods()
        .map(|method| {
            let params: Vec<_> = method
                .params
                .iter()
                .map(|param| json!({"name": param.name, "type": param.kind.name(), "required": param.required}))
                .collect();
            json!({
                "name": method.name,
                "params": params,
                "cached": method.is_cached(),
                "gives": method.shape.record_name(),
            })
        })
        .collect()
}
