//! The sequences of C calls that a fuzzer found worth keeping. A program of its own: they free what they can guess.
#![allow(unsafe_code, reason = "the C boundary is called as C does")]

#[path = "../fuzz/calls/mod.rs"]
mod calls;

#[test]
fn every_kept_sequence_passes() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/calls");
    let files = corpus.read_dir().expect("a corpus").map(|entry| entry.expect("an entry").path());
    let replayed = files.map(|file| {
        // A failed one tells the file last.
        println!("{}", file.display());
        calls::calls(&std::fs::read(&file).expect("an input"));
    });
    assert!(replayed.count() > 0, "there is no corpus");
}
