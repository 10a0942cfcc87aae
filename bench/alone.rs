//! Measurements that are not possible from C: the decoder alone, and the reference for a cached read.
//!
//! `bench-alone decode FILE COUNT` decodes the members in a file, `bench-alone lock COUNT` takes a lock and clones an `Arc`.
//! The decoder is the library's own source.

#![forbid(unsafe_code)]

#[allow(dead_code, unused_imports, unreachable_pub)]
#[path = "../src/records/mod.rs"]
mod records;

/// What the decoder needs of it: nothing here is large.
mod platform {
    pub(crate) fn prefer_huge_pages<T>(_allocated: &Vec<T>) {}
}

use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["decode", file, count] => decode(file, count.parse().unwrap_or(1)),
        ["lock", count] => lock(count.parse().unwrap_or(1)),
        _ => {
            eprintln!("usage: bench-alone decode FILE COUNT | lock COUNT");
            std::process::exit(2);
        }
    }
}

/// CPU time of this process.
fn cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

/// Each round decodes a copy, which is made before the timer starts.
fn decode(file: &str, count: usize) {
    let body = std::fs::read(file).unwrap_or_default();
    let (mut count_read, mut letters) = (0, 0);
    let mut times: Vec<u128> = (0..count.max(1))
        .map(|_| {
            let mut copy = Vec::with_capacity(body.len() + 16);
            copy.extend_from_slice(&body);
            let begin = cpu();
            let table = records::Decoder::new(&records::MEMBERS, records::Root::List, usize::MAX).finish(copy, None);
            let took = cpu().saturating_sub(begin).as_nanos();
            let table = table.expect("the file holds a list of members");
            count_read = table.len();
            letters = letters_of(&table);
            took
        })
        .collect();
    times.sort_unstable();
    println!(
        "{{\"p50_ns\": {}, \"bytes\": {}, \"records\": {count_read}, \"letters\": {letters}}}",
        times[times.len() / 2],
        body.len()
    );
}

/// The length of all texts, which must be that of the peer.
fn letters_of(table: &records::Table) -> usize {
    let columns = table.schema().fields.len();
    (0..table.len()).flat_map(|row| (0..columns).filter_map(move |column| table.text(row, column))).map(str::len).sum()
}

fn lock(count: u32) {
    let kept = Mutex::new(Arc::new(1_u64));
    let begin = cpu();
    for _ in 0..count {
        let clone = Arc::clone(&black_box(&kept).lock().unwrap_or_else(PoisonError::into_inner));
        black_box(&clone);
    }
    println!("{{\"mean_ns\": {:.2}}}", cpu().saturating_sub(begin).as_secs_f64() * 1e9 / f64::from(count));
}
