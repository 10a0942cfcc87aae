//! Reporting of a row of tests: a line for each claim, and one line of JSON at the end.

use std::process::exit;
use std::sync::Mutex;
use std::time::Instant;

/// How much of a row is run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For `make test`.
    Short,
    /// For `make torture`.
    Long,
}

impl Form {
    /// The form that the command line selects: `--short`, the default, or `--long`.
    pub fn from_args() -> Self {
        if std::env::args().any(|argument| argument == "--long") { Self::Long } else { Self::Short }
    }

    /// Selects a value by form.
    pub fn pick<T>(self, short: T, long: T) -> T {
        if self == Self::Short { short } else { long }
    }
}

/// The number of failures of a claim that are printed; all are counted.
const SHOWN: usize = 8;

/// A running row of tests.
pub struct Row {
    name: &'static str,
    began: Instant,
    sums: Mutex<(u64, u64)>,
}

impl Row {
    /// Begins a row.
    pub fn begin(name: &'static str) -> Self {
        Self { name, began: Instant::now(), sums: Mutex::new((0, 0)) }
    }

    /// Reports a claim that was tried `tried` times, and its failures.
    pub fn claim(&self, text: &str, tried: u64, failures: &[String]) {
        let word = if failures.is_empty() { "ok" } else { "not ok" };
        let tried = tried.max(failures.len() as u64);
        println!("{word} - {}: {text} ({tried} tried, {} failed)", self.name, failures.len());
        for failure in failures.iter().take(SHOWN) {
            println!("#   {failure}");
        }
        if failures.len() > SHOWN {
            println!("#   and {} more", failures.len() - SHOWN);
        }
        self.add(tried, failures.len() as u64);
    }

    /// Adds claims that were reported elsewhere.
    pub fn add(&self, tried: u64, failed: u64) {
        let mut sums = self.sums.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        sums.0 += tried;
        sums.1 += failed;
    }

    /// Reports a single check; `seen` is the observed value.
    pub fn check(&self, text: &str, holds: bool, seen: &str) {
        let failures = if holds { vec![] } else { vec![seen.to_owned()] };
        self.claim(&format!("{text} [{seen}]"), 1, &failures);
    }

    /// Ends the row and the program.
    pub fn end(&self, detail: &str) -> ! {
        let (tried, failed) = *self.sums.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let detail = format!("{detail}; {} s", self.began.elapsed().as_secs());
        println!("{}", serde_json::json!({"name": self.name, "tried": tried, "failed": failed, "detail": detail}));
        exit(i32::from(failed > 0 || tried == 0))
    }
}
