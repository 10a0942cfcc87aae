//! JSON to records; what is claimed is in `src/fuzzing/records.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| kaleidoscope::fuzzing::records(text));
