//! The answer of the token endpoint; what is claimed is in `src/fuzzing/token.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| kaleidoscope::fuzzing::token(body));
