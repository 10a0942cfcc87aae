//! Shared by the torture programs: calls as a C program makes them, a byte-scripted server, process figures, and reporting.
//!
//! Each program in `src/bin` is one row of tests; `tests/torture/rows.txt` lists them with the others.
#![allow(clippy::missing_panics_doc, reason = "a test panics if it cannot continue")]

pub mod calls;
pub mod heap;
pub mod process;
pub mod random;
pub mod report;
pub mod wire;
