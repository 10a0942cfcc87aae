//! Redaction of what a server echoes; what is claimed is in `src/fuzzing/redaction.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| kaleidoscope::fuzzing::redaction(input));
