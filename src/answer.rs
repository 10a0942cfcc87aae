//! What a call gives: records, the JSON text they came in, and which of them the call asked for.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use crate::records::Table;
use crate::service::Shape;

/// The outcome of a call. Immutable; a cached one is shared by everyone who reads it.
pub struct Answer {
    shape: Shape,
    table: Arc<Table>,
    /// Which rows, in the server's order; none: all of them.
    selected: Option<Box<[u32]>>,
    filtered_json: OnceLock<Box<[u8]>>,
    attachment: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl Answer {
    pub(crate) fn whole(shape: Shape, table: Table) -> Self {
        Self::of(shape, Arc::new(table), None)
    }

    fn of(shape: Shape, table: Arc<Table>, selected: Option<Box<[u32]>>) -> Self {
        Self { shape, table, selected, filtered_json: OnceLock::new(), attachment: OnceLock::new() }
    }

    /// The rows of this answer that `keep` wants; the records are shared, not copied.
    #[must_use]
    pub(crate) fn filtered(&self, keep: impl Fn(&Table, usize) -> bool) -> Self {
        let selected = self.rows().filter(|row| keep(&self.table, *row)).filter_map(|row| u32::try_from(row).ok());
        Self::of(self.shape, Arc::clone(&self.table), Some(selected.collect()))
    }

    /// What kind of records these are.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The records, those that the call did not ask for included.
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// The rows of [`Answer::table`] that the call asked for.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        let len = self.selected.as_ref().map_or(self.table.len(), |selected| selected.len());
        (0..len).map(|index| match &self.selected {
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
        if self.selected.is_none() {
            return self.table.json_with_nul();
        }
        self.filtered_json.get_or_init(|| {
            let mut text = vec![b'['];
            for (index, row) in self.rows().enumerate() {
                if index > 0 {
                    text.push(b',');
                }
                self.table.copy_element_json(row, &mut text);
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
            .field("shape", &self.shape)
            .field("records", &self.rows().len())
            .finish_non_exhaustive()
    }
}
