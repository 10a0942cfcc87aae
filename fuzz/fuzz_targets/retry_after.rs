//! `Retry-After`; see `src/fuzzing/retry_after.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|value: &[u8]| kaleidoscope::fuzzing::retry_after(value));
