//! What the torture programs share: calls as a C program makes them, a server scripted by the byte, figures of the process,
//! and how a row of tests reports.
//!
//! Each program in `src/bin` is one row of tests; `tests/torture/rows.txt` lists them with the others.
#![allow(clippy::missing_panics_doc, reason = "a test panics where it cannot go on")]

pub mod calls;
pub mod heap;
pub mod process;
pub mod random;
pub mod report;
pub mod wire;
