//! Figures of this process, from `/proc`.

use std::fs;
use std::time::Duration;

fn status(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Resident memory in KiB.
pub fn resident_kib() -> u64 {
    status("VmRSS")
}

/// Peak resident memory since the last [`reset_peak`], in KiB.
pub fn peak_kib() -> u64 {
    status("VmHWM")
}

/// Resets the peak.
///
/// # Errors
///
/// Where the kernel does not allow it.
pub fn reset_peak() -> std::io::Result<()> {
    fs::write("/proc/self/clear_refs", "5")
}

/// The number of open descriptors, without the one used to count them.
pub fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count().saturating_sub(1))
}

/// The number of threads.
pub fn threads() -> u64 {
    status("Threads")
}

/// A thread of this process.
#[derive(Clone, Copy)]
pub struct Thread(u32);

impl Thread {
    /// The first one of this name.
    pub fn named(name: &str) -> Option<Self> {
        let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        threads.filter_map(|thread| thread.file_name().to_str()?.parse().ok()).map(Self).find(|thread| {
            fs::read_to_string(format!("/proc/self/task/{}/comm", thread.0)).is_ok_and(|comm| comm.trim_end() == name)
        })
    }

    /// The calling one; `None` if the kernel does not say which it is.
    pub fn current() -> Option<Self> {
        let link = fs::read_link("/proc/thread-self").ok()?;
        link.file_name()?.to_str()?.parse().ok().map(Self)
    }

    /// Its processor time; `None` if the kernel does not report it.
    pub fn processor_time(self) -> Option<Duration> {
        let text = fs::read_to_string(format!("/proc/self/task/{}/schedstat", self.0)).ok()?;
        Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
    }
}

/// The targets of the open descriptors.
pub fn open_files() -> Vec<String> {
    let entries = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    entries.filter_map(|entry| Some(fs::read_link(entry.path()).ok()?.display().to_string())).collect()
}
