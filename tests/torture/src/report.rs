//! How a row of tests reports: a line for each claim as it goes, and one line of JSON at the end.

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
    /// What the command line asks for: `--short`, which is also the default, or `--long`.
    pub fn from_args() -> Self {
        if std::env::args().any(|argument| argument == "--long") { Self::Long } else { Self::Short }
    }

    /// One value or the other.
    pub fn pick<T>(self, short: T, long: T) -> T {
        if self == Self::Short { short } else { long }
    }
}

/// How many failures of one claim are shown; the sums count them all.
const SHOWN: usize = 8;

/// A row of tests under way.
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

    /// A claim that was tried `tried` times, and how it failed, if it did.
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

    /// Claims that were reported elsewhere.
    pub fn add(&self, tried: u64, failed: u64) {
        let mut sums = self.sums.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        sums.0 += tried;
        sums.1 += failed;
    }

    /// A claim that is true or not; `seen` says what was seen.
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
