//! Rendered response bodies, and the bounded cache of event pages.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::de::IgnoredAny;

/// A body, its gzip form, which is compressed on first use, and the number of its items.
#[derive(Debug)]
pub(crate) struct Rendered {
    plain: Bytes,
    gzip: OnceLock<Bytes>,
    items: OnceLock<Option<usize>>,
}

impl Rendered {
    pub(crate) fn new(plain: impl Into<Bytes>) -> Arc<Self> {
        Arc::new(Self { plain: plain.into(), gzip: OnceLock::new(), items: OnceLock::new() })
    }

    pub(crate) fn plain(&self) -> Bytes {
        self.plain.clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.plain.len()
    }

    pub(crate) fn gzip(&self) -> Bytes {
        self.gzip.get_or_init(|| compress(&self.plain)).clone()
    }

    /// The number of items of a JSON list, counted on first use.
    pub(crate) fn items(&self) -> Option<usize> {
        let count = || serde_json::from_slice::<Vec<IgnoredAny>>(&self.plain).ok().map(|items| items.len());
        *self.items.get_or_init(count)
    }

    fn weight(&self) -> usize {
        self.plain.len() + self.gzip.get().map_or(0, Bytes::len)
    }
}

// The fastest level: the first request of a page waits for it, and the ratio does not matter.
fn compress(plain: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(plain).and_then(|()| encoder.finish());
    // Writing to a Vec cannot fail.
    written.unwrap_or_default().into()
}

/// Pages of events by query; cleared when it exceeds its size limit or the events change.
#[derive(Debug, Default)]
pub(crate) struct PageCache {
    pages: HashMap<String, Arc<Rendered>>,
    weight: usize,
}

const MAX_WEIGHT: usize = 64 << 20;

impl PageCache {
    pub(crate) fn get(&self, query: &str) -> Option<Arc<Rendered>> {
        self.pages.get(query).cloned()
    }

    pub(crate) fn insert(&mut self, query: &str, page: Arc<Rendered>) {
        // The gzip form is added later and is less than half the size of the plain one.
        let weight = page.weight() * 3 / 2 + query.len();
        if self.weight + weight > MAX_WEIGHT {
            self.clear();
        }
        self.weight += weight;
        if let Some(earlier) = self.pages.insert(query.to_owned(), page) {
            self.weight -= (earlier.weight() * 3 / 2 + query.len()).min(self.weight);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.pages.clear();
        self.weight = 0;
    }
}
