//! The JSON parameters of `kal_call`; see `src/fuzzing/params.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| kaleidoscope::fuzzing::params(input));
