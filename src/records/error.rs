//! Why an answer could not be decoded.

use std::fmt;

use super::fault::ENDS_EARLY;

/// Why an answer could not be decoded, and the answer itself as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The record and field, such as `members[17].email`; empty where the fault lies outside the records.
    pub path: String,
    /// What is wrong, such as `a string was expected, found a number`.
    pub reason: String,
    /// Where in the body, in bytes.
    pub offset: usize,
    /// The body as it was received.
    pub body: Vec<u8>,
}

impl DecodeError {
    /// Whether the body is the beginning of something that could have gone on well: an answer that was cut off.
    pub fn ends_early(&self) -> bool {
        self.reason == ENDS_EARLY
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{} (at byte {})", self.reason, self.offset)
    }
}

impl std::error::Error for DecodeError {}
