//! The answer of a call: records, the rows that the call selected, and their JSON; or JSON without records.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use crate::json::JsonText;
use crate::records::Table;
use crate::service::Shape;

/// The answer of a call. Immutable: a cached one is shared by its readers.
pub struct Answer(Arc<Parts>);

struct Parts {
    content: Content,
    attachment: OnceLock<Box<dyn Any + Send + Sync>>,
}

enum Content {
    Records(Records),
    Json(JsonText),
}

struct Records {
    shape: Shape,
    table: Arc<Table>,
    /// The selected rows, in the server's order. None: all rows.
    selected: Option<Box<[u32]>>,
    filtered_json: OnceLock<Box<[u8]>>,
}

impl Answer {
    pub(crate) fn new(shape: Shape, table: Table) -> Self {
        Self::with_rows(shape, Arc::new(table), None)
    }

    /// An answer that is JSON without records.
    pub(crate) fn from_json(text: JsonText) -> Self {
        Self::of(Content::Json(text))
    }

    fn with_rows(shape: Shape, table: Arc<Table>, selected: Option<Box<[u32]>>) -> Self {
        Self::of(Content::Records(Records { shape, table, selected, filtered_json: OnceLock::new() }))
    }

    fn of(content: Content) -> Self {
        Self(Arc::new(Parts { content, attachment: OnceLock::new() }))
    }

    /// The same answer behind a reference count of its own, for readers that would contend for one count.
    pub(crate) fn with_own_count(&self) -> Arc<Self> {
        Arc::new(Self(Arc::clone(&self.0)))
    }

    fn records(&self) -> Option<&Records> {
        match &self.0.content {
            Content::Records(records) => Some(records),
            Content::Json(_) => None,
        }
    }

    /// An answer with only the rows that `keep` selects. Shares the records. None without records.
    #[must_use]
    pub(crate) fn filtered(&self, keep: impl Fn(&Table, usize) -> bool) -> Option<Self> {
        let Records { shape, table, .. } = self.records()?;
        let selected = self.rows().filter(|row| keep(table, *row)).filter_map(|row| u32::try_from(row).ok());
        Some(Self::with_rows(*shape, Arc::clone(table), Some(selected.collect())))
    }

    /// The type of the records. None without records.
    pub fn shape(&self) -> Option<Shape> {
        self.records().map(|records| records.shape)
    }

    /// All records, including those that the call did not select. None without records.
    pub fn table(&self) -> Option<&Arc<Table>> {
        self.records().map(|records| &records.table)
    }

    /// The selected rows of [`Answer::table`].
    pub fn rows(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        let records = self.records();
        let selected = records.and_then(|records| records.selected.as_ref());
        let len = match selected {
            Some(selected) => selected.len(),
            None => records.map_or(0, |records| records.table.len()),
        };
        (0..len).map(move |index| match selected {
            Some(selected) => selected.get(index).map_or(0, |row| *row as usize),
            None => index,
        })
    }

    /// The JSON text as the server sent it. For a filtered answer, an array of the selected elements as sent.
    pub fn json(&self) -> &[u8] {
        let text = self.json_with_nul();
        text.strip_suffix(&[0]).unwrap_or(text)
    }

    /// As [`Answer::json`], including a terminating NUL.
    pub fn json_with_nul(&self) -> &[u8] {
        let records = match &self.0.content {
            Content::Json(text) => return text.with_nul(),
            Content::Records(records) => records,
        };
        if records.selected.is_none() {
            return records.table.json_with_nul();
        }
        records.filtered_json.get_or_init(|| {
            let mut text = vec![b'['];
            for (index, row) in self.rows().enumerate() {
                if index > 0 {
                    text.push(b',');
                }
                records.table.copy_element_json(row, &mut text);
            }
            text.extend_from_slice(b"]\0");
            text.into_boxed_slice()
        })
    }

    /// A value that `make` creates from this answer on first use; dropped with it. The C boundary stores its structs here, so that
    /// a cached answer is converted only once.
    pub(crate) fn attachment<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Option<&T> {
        self.0.attachment.get_or_init(|| Box::new(make())).downcast_ref()
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer")
            .field("shape", &self.shape())
            .field("records", &self.rows().len())
            .finish_non_exhaustive()
    }
}
