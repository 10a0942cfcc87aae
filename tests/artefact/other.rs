//! Another Rust library linked into the same program: it has its own copy of the standard library.
#[unsafe(no_mangle)]
pub extern "C" fn other_answer() -> i32 {
    let caught = std::panic::catch_unwind(|| std::env::args().map(|word| word.parse::<i32>().unwrap()).sum::<i32>());
    if caught.is_err() { 42 } else { 0 }
}
