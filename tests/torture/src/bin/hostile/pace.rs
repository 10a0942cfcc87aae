//! How fast this machine is at the moment.

use std::time::Duration;

use kal_torture::process::Thread;

/// The processor time of the work where the bounds hold: 32 to 45 ms were measured on two busy cores of a virtual machine.
const USUAL: Duration = Duration::from_millis(30);
/// A thread that is blocked for a second is noticed on any machine.
const MOST: f64 = 4.0;

/// How much longer the work takes now: 1 if it is no longer. Shared cores and caches slow the library's thread down as much.
pub(crate) fn slowdown() -> f64 {
    let now = || Thread::current().and_then(Thread::processor_time);
    let before = now();
    work();
    let took = now().zip(before).map_or(USUAL, |(now, before)| now.saturating_sub(before));
    (took.as_secs_f64() / USUAL.as_secs_f64()).clamp(1.0, MOST)
}

/// What the library's thread does most: it looks at bytes, allocates and frees.
fn work() {
    let text = format!("[{}]", vec![r#"{"id":"0a1b","name":"Søren","more":[1,2.5,null,"\u00e9"]}"#; 100].join(","));
    for _ in 0..400 {
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        std::hint::black_box(value);
    }
}
