//! The query builder; see `src/fuzzing/query.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| kaleidoscope::fuzzing::query(input));
