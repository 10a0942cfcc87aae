//! Sequences of C calls; see `fuzz/calls`.
#![no_main]

#[path = "../calls/mod.rs"]
mod calls;

libfuzzer_sys::fuzz_target!(|input: &[u8]| calls::calls(input));
