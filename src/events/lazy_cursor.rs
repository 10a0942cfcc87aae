//! A cursor whose text is made when it is asked for: most cursors are not.

use std::sync::OnceLock;

use super::cursor::Cursor;

/// The cursor after a result.
#[derive(Debug)]
pub(super) struct LazyCursor {
    cursor: Cursor,
    fingerprint: Box<str>,
    text: OnceLock<Box<[u8]>>,
}

impl LazyCursor {
    /// `fingerprint` is that of the query.
    pub(super) fn new(cursor: Cursor, fingerprint: &str) -> Self {
        Self { cursor, fingerprint: fingerprint.into(), text: OnceLock::new() }
    }

    /// Its text, NUL-terminated. It does not move.
    pub(super) fn text(&self) -> &[u8] {
        self.text.get_or_init(|| {
            let mut text = self.cursor.clone().into_text(&self.fingerprint).into_bytes();
            text.push(0);
            text.into()
        })
    }

    /// Whether its text is that of another cursor of the same stream.
    pub(super) fn has_text_of(&self, other: &Self) -> bool {
        self.cursor == other.cursor
    }
}
