//! Decodes the fuzzer's input into choices, texts, handles and options of a call.

use std::ffi::CString;

use kaleidoscope::ffi::call_options::kal_call_options;
use kaleidoscope::ffi::events_query::kal_events_query;
use kaleidoscope::ffi::types::kal_cancel;

use super::memory::pointer;
use super::{Kind, Sequence, TIMEOUT_MS};

impl Sequence<'_> {
    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.input.split_first() else { return 0 };
        self.input = rest;
        *first
    }

    /// A text up to a NUL, or none.
    pub(super) fn text(&mut self) -> Option<CString> {
        let length = usize::from(self.byte());
        if length == 0xff {
            return None;
        }
        let (text, rest) = self.input.split_at(length.min(self.input.len()));
        self.input = rest;
        CString::new(text.split(|byte| *byte == 0).next().unwrap_or_default()).ok()
    }

    /// Any handle. Most are live and of the wanted kind, because calls with others fail early.
    pub(super) fn handle(&mut self, wanted: Kind) -> u64 {
        let choice = usize::from(self.byte());
        let right: Vec<u64> = self.handles.iter().copied().filter(|id| self.live.get(id) == Some(&wanted)).collect();
        match (choice % 8, self.handles.len()) {
            (0..5, _) if !right.is_empty() => right[choice / 8 % right.len()],
            (_, 0) => u64::from(self.byte()),
            (5 | 6, len) => self.handles[choice / 8 % len],
            (7, len) => {
                let forgery = (0..8).fold(0, |bits, _| bits << 8 | u64::from(self.byte()));
                self.handles[choice / 8 % len] ^ forgery
            }
            _ => 0,
        }
    }

    /// Options, and whether their cancel handle is live or unset.
    pub(super) fn options(&mut self) -> (Option<kal_call_options>, bool) {
        let choice = self.byte();
        if choice % 4 < 2 {
            return (None, true);
        }
        let cancel = if choice % 4 == 3 { self.handle(Kind::Cancel) } else { 0 };
        let options = kal_call_options {
            struct_size: if choice == 0xff { 1 } else { size_of::<kal_call_options>() },
            timeout_ms: if choice & 0x80 == 0 { TIMEOUT_MS } else { u32::from(choice & 0x7f) },
            cache: i32::from(choice >> 2 & 3),
            cancel: kal_cancel { id: cancel },
        };
        // Other errors are reported before the handle is checked.
        let good = cancel == 0 || self.is(cancel, Kind::Cancel) || choice == 0xff || options.cache > 2;
        (Some(options), good)
    }

    pub(super) fn query(&mut self) -> (kal_events_query, Option<CString>) {
        let choice = self.byte();
        let text = if choice % 4 == 0 { self.text() } else { None };
        // SAFETY: zeros are valid in every field.
        let mut query: kal_events_query = unsafe { std::mem::zeroed() };
        query.struct_size = size_of::<kal_events_query>();
        query.page_size = i32::from(choice >> 2 & 0x1f);
        match choice >> 6 {
            1 => query.resource_type = pointer(text.as_ref()),
            2 => query.after_date = pointer(text.as_ref()),
            3 => query.page = 1,
            _ => {}
        }
        (query, text)
    }
}
