//! The error for an answer that cannot be decoded.

use std::fmt;

/// Why an answer cannot be decoded, and the start of its body as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DecodeError {
    /// The record and field, such as `members[17].email`. Empty outside of records.
    pub(crate) path: String,
    /// What is wrong, such as `expected a string, found a number`. For a truncated body: `unexpected end of input`.
    pub(crate) reason: String,
    /// Whether the answer is too large rather than malformed.
    pub(crate) is_too_large: bool,
    /// Offset in the body, in bytes.
    pub(crate) offset: usize,
    /// The first [`super::decode::MAX_ERROR_BODY`] bytes of the body as received.
    pub(crate) body: Vec<u8>,
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
