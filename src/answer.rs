//! What a call gives: records, the JSON text they came in, and which of them the call asked for; or JSON text alone.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use crate::json::JsonText;
use crate::records::Table;
use crate::service::Shape;

/// The outcome of a call. Immutable; a cached one is shared by everyone who reads it.
pub struct Answer {
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
    /// Which rows, in the server's order; none: all of them.
    selected: Option<Box<[u32]>>,
    filtered_json: OnceLock<Box<[u8]>>,
}

impl Answer {
    pub(crate) fn whole(shape: Shape, table: Table) -> Self {
        Self::of(shape, Arc::new(table), None)
    }

    /// One that is read as JSON alone.
    pub(crate) fn of_json(text: JsonText) -> Self {
        Self { content: Content::Json(text), attachment: OnceLock::new() }
    }

    fn of(shape: Shape, table: Arc<Table>, selected: Option<Box<[u32]>>) -> Self {
        let records = Records { shape, table, selected, filtered_json: OnceLock::new() };
        Self { content: Content::Records(records), attachment: OnceLock::new() }
    }

    fn records(&self) -> Option<&Records> {
        match &self.content {
            Content::Records(records) => Some(records),
            Content::Json(_) => None,
        }
    }

    /// The rows of this answer that `keep` wants, the records shared, not copied; none when it holds no records.
    #[must_use]
    pub(crate) fn filtered(&self, keep: impl Fn(&Table, usize) -> bool) -> Option<Self> {
        let Records { shape, table, .. } = self.records()?;
        let selected = self.rows().filter(|row| keep(table, *row)).filter_map(|row| u32::try_from(row).ok());
        Some(Self::of(*shape, Arc::clone(table), Some(selected.collect())))
    }

    /// What kind of records these are; none: there is JSON alone.
    pub fn shape(&self) -> Option<Shape> {
        self.records().map(|records| records.shape)
    }

    /// The records, those that the call did not ask for included; none: there is JSON alone.
    pub fn table(&self) -> Option<&Arc<Table>> {
        self.records().map(|records| &records.table)
    }

    /// The rows of [`Answer::table`] that the call asked for.
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

    /// The JSON text: as the server sent it for a whole answer, element by element as sent for a filtered one.
    pub fn json(&self) -> &[u8] {
        let text = self.json_with_nul();
        text.strip_suffix(&[0]).unwrap_or(text)
    }

    /// The same with a NUL behind it.
    pub fn json_with_nul(&self) -> &[u8] {
        let records = match &self.content {
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

    /// Something that is made of this answer once and lives as long: the boundary keeps its C structs here, so that a cached
    /// answer is converted once for all who read it.
    pub(crate) fn attachment<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Option<&T> {
        self.attachment.get_or_init(|| Box::new(make())).downcast_ref()
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
