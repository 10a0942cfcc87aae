//! A decoding fault, before [`super::Decoder`] turns it into an error.

use std::borrow::Cow;
use std::ops::{Deref, DerefMut};

/// The reason of every fault caused by a truncated body.
pub(super) const UNEXPECTED_END: &str = "unexpected end of input";

/// Which size limit was exceeded.
pub(super) enum TooLarge {
    /// The memory limit for records.
    Records,
    /// [`MAX_RECORD_BYTES`].
    Record,
}

/// The maximum length of a record. A record is decoded in one go, which blocks the I/O thread.
pub(super) const MAX_RECORD_BYTES: usize = 8 << 20;

/// What is wrong, and where. Boxed so that a `Result` fits in registers.
#[derive(Debug)]
pub(super) struct Fault(Box<Details>);

#[derive(Debug)]
pub(super) struct Details {
    /// The offset of the offending value or byte.
    pub(super) at: usize,
    /// Every byte before this offset is valid JSON. Never less than `at`.
    pub(super) validated: usize,
    /// What was expected and what was found instead.
    pub(super) reason: Cow<'static, str>,
    /// The column, if the fault is in a known field.
    pub(super) column: Option<usize>,
    /// The element, if that field is a list.
    pub(super) item: Option<usize>,
    /// Whether the answer is too large rather than malformed.
    pub(super) is_too_large: bool,
}

/// The offset after what was read, or a fault.
pub(super) type ParseResult = Result<usize, Fault>;

impl Fault {
    pub(super) fn new(at: usize, reason: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Details {
            at,
            validated: at,
            reason: reason.into(),
            column: None,
            item: None,
            is_too_large: false,
        }))
    }

    /// The byte at `at` is not allowed there, or the body ends there.
    #[cold]
    pub(super) fn syntax(body: &[u8], at: usize, reason: &'static str) -> Self {
        if at >= body.len() { Self::new(body.len(), UNEXPECTED_END) } else { Self::new(at, reason) }
    }

    /// The well-formed value from `at` to `end` is of the wrong type.
    #[cold]
    pub(super) fn mismatch(body: &[u8], at: usize, end: usize, expected: &str) -> Self {
        let found = match body.get(at) {
            Some(b'"') => "a string",
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            _ => "a number",
        };
        let reason = match body.get(at) {
            Some(b'n') | None => format!("expected {expected}, found {found}"),
            Some(_) => {
                format!("expected {expected}, found {found}: {}", quoted(body.get(at..end).unwrap_or_default()))
            }
        };
        Self::new(at, reason).validated_to(end)
    }

    /// A size limit is exceeded.
    #[cold]
    pub(super) fn too_large(at: usize, why: &TooLarge) -> Self {
        let reason: Cow<'static, str> = match why {
            TooLarge::Records => "the records take more memory than max_response_bytes allows".into(),
            TooLarge::Record => format!("the record is longer than {} MiB", MAX_RECORD_BYTES >> 20).into(),
        };
        let mut fault = Self::new(at, reason);
        fault.is_too_large = true;
        fault
    }

    /// Whether the only fault is that the body ends too early.
    pub(super) fn is_truncated(&self) -> bool {
        self.reason == UNEXPECTED_END
    }

    pub(super) fn validated_to(mut self, end: usize) -> Self {
        self.validated = end;
        self
    }

    #[cold]
    pub(super) fn in_column(mut self, column: usize) -> Self {
        self.column = Some(column);
        self
    }

    #[cold]
    pub(super) fn in_optional_column(mut self, column: Option<u8>) -> Self {
        self.column = column.map(usize::from);
        self
    }
}

impl Deref for Fault {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl DerefMut for Fault {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}

/// The start of a value as received, for a message.
fn quoted(value: &[u8]) -> String {
    const MAX_QUOTED: usize = 40;
    let shown = value.get(..MAX_QUOTED).unwrap_or(value);
    let text = String::from_utf8_lossy(shown);
    let more = if shown.len() < value.len() { "…" } else { "" };
    // A character cut at the limit decodes to a replacement character.
    format!("{}{more}", text.trim_end_matches(char::REPLACEMENT_CHARACTER).replace(char::is_control, " "))
}
