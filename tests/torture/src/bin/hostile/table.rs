//! `--table`: the resident memory that one call takes and its time, for each kind, as a table.
//!
//! The servers run in a process of their own (`--serve`), so that none of their memory is in it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use kal_torture::calls::name;
use kal_torture::process;

use crate::kinds::Kind;
use crate::{At, Setting, host, places, url_of};

/// The timeout of a call whose peer never ends it.
pub(crate) const PATIENCE_MS: u32 = 1000;

/// Serves all kinds until standard input ends: prints the path of the CA file and two ports for each kind.
pub(crate) fn serve(setting: &Setting, kinds: Vec<Kind>) {
    println!("{}", setting.ca_path);
    let servers: Vec<_> = kinds.into_iter().map(|kind| setting.servers(&Arc::new(kind))).collect();
    for (plain, tls) in &servers {
        println!("{} {}", plain.port(), tls.port());
    }
    let _ = std::io::stdin().read(&mut [0]);
}

/// The servers' process, which ends with this one.
struct Servers {
    child: Child,
    ca_path: String,
    ports: Vec<(u16, u16)>,
}

impl Servers {
    fn start(count: usize) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut command = Command::new(program);
        command.args(std::env::args().skip(1)).arg("--serve").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a process");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map(|line| line.expect("a line"));
        let ca_path = lines.next().expect("a path");
        let port = |text: Option<&str>| text.and_then(|text| text.parse().ok()).expect("a port");
        let mut pair = |line: String| (port(line.split(' ').next()), port(line.split(' ').nth(1)));
        let ports = lines.take(count).map(&mut pair).collect();
        Self { child, ca_path, ports }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Makes one call for each kind, at the API and at the token endpoint, and prints what it took. Returns the failures.
pub(crate) fn print(mut setting: Setting, kinds: &[Kind]) -> Vec<String> {
    let servers = Servers::start(kinds.len());
    setting.ca_path.clone_from(&servers.ca_path);
    println!("| the answer | of | outcome | time, ms | memory, KiB | `max_response_bytes`, KiB |");
    println!("|---|---|---|--:|--:|--:|");
    let mut failures = Vec::new();
    for (kind, ports) in kinds.iter().zip(&servers.ports) {
        let mut tried = None;
        for (at, over) in places(kind) {
            // Over TCP, if it is not only over TLS.
            if tried.replace(at) == Some(at) {
                continue;
            }
            let base_url = format!("{}{}", url_of(kind, over, 0, *ports), at.base());
            host::trim();
            let before = process::resident_kib();
            process::reset_peak().expect("a kernel that resets the peak");
            let calls = Mutex::default();
            let failure = setting.call_repeatedly(kind, &base_url, at, kind.methods[0], Instant::now(), &calls);
            let calls = calls.into_inner().unwrap_or_else(PoisonError::into_inner);
            let (status, took) = calls.first().copied().unwrap_or_default();
            let of = if at == At::Api { "the API" } else { "the token endpoint" };
            let memory = process::peak_kib().saturating_sub(before);
            let (outcome, took) = (name(status), took.as_millis());
            println!("| {} | {of} | `{outcome}` | {took} | {memory} | {} |", kind.name, kind.cap >> 10);
            failures.extend(failure.map(|why| format!("{}: {why}", kind.name)));
        }
    }
    failures
}
