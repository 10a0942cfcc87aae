//! Redaction of echoed secrets; see `src/fuzzing/redaction.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| kaleidoscope::fuzzing::redaction(input));
