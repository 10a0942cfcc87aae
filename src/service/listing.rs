//! The table of operations as JSON, for callers that discover the methods at run time.

use serde_json::{Value, json};

use super::operations;

pub(crate) fn listing() -> Value {
    operations()
        .map(|operation| {
            let params: Vec<_> = operation
                .params
                .iter()
                .map(|param| json!({"name": param.name, "type": param.kind.name(), "required": param.required}))
                .collect();
            json!({
                "name": operation.name,
                "params": params,
                "cached": operation.is_cached(),
                // null: JSON without records.
                "gives": operation.shape().map(super::Shape::record_name),
            })
        })
        .collect()
}
