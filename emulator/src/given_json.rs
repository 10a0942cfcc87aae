//! JSON that is kept as it was written.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// Any JSON, as it was written: the order of keys, the digits of numbers, the escapes of strings. Two are equal if their texts are.
///
/// ```
/// let given: kal_emulator::GivenJson = serde_json::from_str("[1.10]")?;
/// assert_eq!(given.text(), "[1.10]");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GivenJson(Box<RawValue>);

impl GivenJson {
    /// The text.
    pub fn text(&self) -> &str {
        self.0.get()
    }
}

impl From<Value> for GivenJson {
    fn from(value: Value) -> Self {
        // Cannot fail for a `Value`.
        Self(serde_json::value::to_raw_value(&value).unwrap_or_default())
    }
}

impl PartialEq for GivenJson {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for GivenJson {}
