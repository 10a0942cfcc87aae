//! Cursors; see `src/fuzzing/cursor.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| kaleidoscope::fuzzing::cursor(text));
