//! A fault while it travels from where it was found to [`super::Decoder`].

use std::borrow::Cow;
use std::ops::{Deref, DerefMut};

/// The reason of every fault that consists in the text being over too soon.
pub(super) const ENDS_EARLY: &str = "the text ends early";

/// Why a fault is that of an answer which is too large, whatever is wrong with it otherwise.
pub(super) enum TooLarge {
    /// The records need more memory than they may.
    Records,
    /// One record is longer than [`MAX_RECORD_BYTES`].
    Record,
}

/// The longest text of one record. A record is read in one piece, and nobody else is served while that lasts.
pub(super) const MAX_RECORD_BYTES: usize = 8 << 20;

/// What went wrong and where. One pointer in size, so that the good case of a result stays small enough for registers.
#[derive(Debug)]
pub(super) struct Fault(Box<Details>);

/// What a [`Fault`] points to.
#[derive(Debug)]
pub(super) struct Details {
    /// The offset of the value or byte at fault.
    pub(super) at: usize,
    /// Every byte before this one has been read and found to be JSON; it is never less than `at`.
    pub(super) seen: usize,
    /// What was expected and what was found.
    pub(super) reason: Cow<'static, str>,
    /// The column, if the fault lies in a known field.
    pub(super) column: Option<usize>,
    /// The element, if that field is a list.
    pub(super) item: Option<usize>,
    /// Whether the answer is too large rather than wrong.
    pub(super) is_too_large: bool,
}

/// A position after what was read, or what was wrong with it.
pub(super) type Step = Result<usize, Fault>;

impl Fault {
    pub(super) fn new(at: usize, reason: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Details { at, seen: at, reason: reason.into(), column: None, item: None, is_too_large: false }))
    }

    /// The byte at `at` is not what the grammar wants there, or there is none.
    #[cold]
    pub(super) fn syntax(body: &[u8], at: usize, reason: &'static str) -> Self {
        if at >= body.len() { Self::new(body.len(), ENDS_EARLY) } else { Self::new(at, reason) }
    }

    /// The well-formed value at `at`, which goes on to `end`, is not of a kind that is wanted there.
    #[cold]
    pub(super) fn mismatch(body: &[u8], at: usize, end: usize, expected: &str) -> Self {
        let found = match body.get(at) {
            Some(b'"') => "a string",
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            _ => "a number",
        };
        let reason = match body.get(at) {
            Some(b'n') | None => format!("{expected} was expected, found {found}"),
            Some(_) => {
                format!("{expected} was expected, found {found}: {}", quoted(body.get(at..end).unwrap_or_default()))
            }
        };
        Self::new(at, reason).seen_to(end)
    }

    /// The answer takes more memory than it may.
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

    /// Whether nothing is wrong with the text but that it is over.
    pub(super) fn is_early_end(&self) -> bool {
        self.reason == ENDS_EARLY
    }

    pub(super) fn seen_to(mut self, end: usize) -> Self {
        self.seen = end;
        self
    }

    #[cold]
    pub(super) fn in_column(mut self, column: usize) -> Self {
        self.column = Some(column);
        self
    }

    #[cold]
    pub(super) fn in_column_of(mut self, column: Option<u8>) -> Self {
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

/// The beginning of a value as it was sent, for a message.
fn quoted(value: &[u8]) -> String {
    /// Enough to recognise it.
    const LONGEST: usize = 40;
    let shown = value.get(..LONGEST).unwrap_or(value);
    let text = String::from_utf8_lossy(shown);
    let more = if shown.len() < value.len() { "…" } else { "" };
    // What was cut within a character ends with a replacement.
    format!("{}{more}", text.trim_end_matches(char::REPLACEMENT_CHARACTER).replace(char::is_control, " "))
}
