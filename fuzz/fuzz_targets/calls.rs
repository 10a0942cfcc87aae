//! Sequences of C calls; what is claimed is in `fuzz/calls`.
#![no_main]

#[path = "../calls/mod.rs"]
mod calls;

libfuzzer_sys::fuzz_target!(|input: &[u8]| calls::calls(input));
