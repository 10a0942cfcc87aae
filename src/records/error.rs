//! Why an answer could not be decoded.

use std::fmt;

/// Why an answer could not be decoded, and the answer's beginning as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DecodeError {
    /// The record and field, such as `members[17].email`; empty where the fault lies outside the records.
    pub(crate) path: String,
    /// What is wrong, such as `a string was expected, found a number`. Where the body is the beginning of something that
    /// could have gone on well, it is `the text ends early`.
    pub(crate) reason: String,
    /// Whether the answer is too large rather than wrong.
    pub(crate) is_too_large: bool,
    /// Where in the body, in bytes.
    pub(crate) offset: usize,
    /// The first [`super::decode::MAX_SHOWN`] bytes of the body, as they were received.
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
