//! JSON to records; see `src/fuzzing/records.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| kaleidoscope::fuzzing::records(text));
