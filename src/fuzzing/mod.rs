//! Fuzz targets: functions that panic if the library breaks one of its guarantees for some input.
//!
//! The programs in `fuzz/` call them with generated inputs, the tests below with the inputs in `fuzz/corpus`. Not part
//! of release builds.
#![allow(clippy::missing_panics_doc, reason = "a panic is a failed check")]

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

    /// Prints each file first, so that a failure follows the name of its file.
    fn replay(target: &str, target_fn: fn(&[u8])) {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let files = corpus.read_dir().expect("a corpus").map(|entry| entry.expect("an entry").path());
        let replayed = files.map(|file| {
            println!("{}", file.display());
            target_fn(&std::fs::read(&file).expect("an input"));
        });
        assert!(replayed.count() > 0, "{target} has no corpus");
    }

    macro_rules! corpus_tests {
        ($($target:ident)*) => {
            $(#[test]
            fn $target() {
                replay(stringify!($target), super::$target);
            })*
        };
    }

    corpus_tests!(cursor params query records redaction retry_after token);
}
