//! The committed header is the one that the build makes of the docs in `src/ffi`.

use std::fs;
use std::path::Path;

#[test]
fn the_committed_header_is_the_generated_one() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/kaleidoscope.h");
    let committed = fs::read_to_string(committed).expect("include/kaleidoscope.h");
    let generated = fs::read_to_string(env!("KAL_GENERATED_HEADER")).expect("the generated header");
    let lines = committed.lines().zip(generated.lines()).enumerate();
    for (number, (committed, generated)) in lines {
        assert_eq!(committed, generated, "line {} of include/kaleidoscope.h: run `make header`", number + 1);
    }
    assert_eq!(committed.len(), generated.len(), "include/kaleidoscope.h has another end: run `make header`");
}
