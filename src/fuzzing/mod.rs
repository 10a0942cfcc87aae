//! What the fuzzers claim: one function a target, which panics when the library breaks one of its promises on some input.
//!
//! The programs in `fuzz/` call them with inputs of their own making, the tests below with those that are kept in
//! `fuzz/corpus`. Nothing of this is in a library that is built for use.
#![allow(clippy::missing_panics_doc, reason = "a panic is how they say no")]

mod cursor;
mod params;
mod query;
pub(crate) mod records;
mod redaction;
mod retry_after;
mod spelling;
mod token;

pub use cursor::cursor;
pub use params::params;
pub use query::query;
pub use records::records;
pub use redaction::redaction;
pub use retry_after::retry_after;
pub use token::token;

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// A failed one tells the file last.
    fn replay(target: &str, claim: fn(&[u8])) {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let files = corpus.read_dir().expect("a corpus").map(|entry| entry.expect("an entry").path());
        let replayed = files.map(|file| {
            println!("{}", file.display());
            claim(&std::fs::read(&file).expect("an input"));
        });
        assert!(replayed.count() > 0, "{target} has no corpus");
    }

    macro_rules! every_kept_input_passes {
        ($($target:ident)*) => {
            $(#[test]
            fn $target() {
                replay(stringify!($target), super::$target);
            })*
        };
    }

    every_kept_input_passes!(cursor params query records redaction retry_after token);
}
