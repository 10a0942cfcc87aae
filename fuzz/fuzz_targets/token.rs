//! Responses of the token endpoint; see `src/fuzzing/token.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| kaleidoscope::fuzzing::token(body));
