//! Replays the fuzzer's corpus of C call sequences. In a separate program, as they free guessed handles.
#![allow(unsafe_code, reason = "the C boundary is called as C does")]

#[path = "../fuzz/calls/mod.rs"]
mod calls;

#[test]
fn every_corpus_sequence_passes() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/calls");
    let files = corpus.read_dir().expect("a corpus").map(|entry| entry.expect("an entry").path());
    let replayed = files.map(|file| {
        // If one fails, its file is the last line printed.
        println!("{}", file.display());
        calls::calls(&std::fs::read(&file).expect("an input"));
    });
    assert!(replayed.count() > 0, "there is no corpus");
}
