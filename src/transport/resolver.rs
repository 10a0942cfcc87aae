//! Names through `getaddrinfo`, so that the host's name-service configuration counts.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::Shared;

use super::connect::without_brackets;
use crate::process::PerProcess;

/// A child that `fork` makes does not have the threads of its parent's lookups.
static UNDER_WAY: PerProcess<AtomicUsize> = PerProcess::new();

/// Lookups whose thread has not come back yet; `getaddrinfo` cannot be interrupted.
pub(crate) fn lookups_under_way() -> usize {
    UNDER_WAY.get().map_or(0, |count| count.load(Ordering::Acquire))
}

/// Says that it was the name, whatever error types lie around it.
#[derive(Debug)]
pub(crate) struct LookupFailed {
    name: String,
    error: Arc<io::Error>,
}

impl LookupFailed {
    pub(super) fn io(&self) -> &io::Error {
        &self.error
    }
}

impl fmt::Display for LookupFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.error)
    }
}

impl std::error::Error for LookupFailed {}

struct UnderWay(&'static AtomicUsize);

impl UnderWay {
    fn begin() -> Option<Self> {
        let count = UNDER_WAY.get()?;
        count.fetch_add(1, Ordering::AcqRel);
        Some(Self(count))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

type Found = Result<Vec<SocketAddr>, Arc<io::Error>>;
type Lookup = Shared<Pin<Box<dyn Future<Output = Found> + Send>>>;

/// Lookups under way, by name. Who wants a name that hangs waits for the thread that has it: it does not take another.
static LOOKUPS: PerProcess<Mutex<HashMap<String, Lookup>>> = PerProcess::new();

/// Forgets a lookup when its thread comes back, or never starts.
struct Listed(String);

impl Drop for Listed {
    fn drop(&mut self) {
        let lookup = lookups().and_then(|mut lookups| lookups.remove(&self.0));
        // It may be the last to hold the task that it is a part of.
        drop(lookup);
    }
}

fn lookups() -> Option<MutexGuard<'static, HashMap<String, Lookup>>> {
    Some(LOOKUPS.get()?.lock().unwrap_or_else(PoisonError::into_inner))
}

fn begin(name: String, look_up: impl FnOnce(&str) -> io::Result<Vec<SocketAddr>> + Send + 'static) -> Lookup {
    // The runtime panics when the host has no thread left for a lookup; that is an error of the lookup.
    let listed = Listed(name);
    let lookup = AssertUnwindSafe(async move {
        tokio::task::spawn_blocking(move || {
            // Here and not before: where no thread could be started, the lookup waits for one that may never come.
            let _under_way = UnderWay::begin();
            look_up(&listed.0)
        })
        .await
    })
    .catch_unwind();
    let lookup: Pin<Box<dyn Future<Output = Found> + Send>> = Box::pin(async move {
        match lookup.await {
            Ok(Ok(found)) => found,
            Ok(Err(_)) => Err(io::Error::other("the lookup was interrupted")),
            Err(_) => Err(io::Error::other("no thread can be started for the lookup")),
        }
        .map_err(Arc::new)
    });
    lookup.shared()
}

/// The lookup of a name: the one under way, if there is one.
fn join(name: &str, look_up: impl FnOnce(&str) -> io::Result<Vec<SocketAddr>> + Send + 'static) -> Lookup {
    let Some(mut lookups) = lookups() else { return begin(name.to_owned(), look_up) };
    if let Some(lookup) = lookups.get(name) {
        return lookup.clone();
    }
    let lookup = begin(name.to_owned(), look_up);
    lookups.insert(name.to_owned(), lookup.clone());
    lookup
}

/// The addresses of a host, which may be an address itself, with brackets if it is one of IPv6.
pub(super) async fn addresses(host: &str, port: u16) -> Result<Vec<SocketAddr>, LookupFailed> {
    if let Ok(address) = without_brackets(host).parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let lookup = join(host, |name| (name, 0).to_socket_addrs().map(Iterator::collect));
    let mut found = lookup.await.map_err(|error| LookupFailed { name: host.to_owned(), error })?;
    for address in &mut found {
        address.set_port(port);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Red when nobody joins a lookup: 2 threads look the name up. Red when a lookup stays listed: what it found is found again.
    #[tokio::test]
    async fn one_thread_looks_a_name_up_for_all_who_want_it() {
        let (go, may_go) = mpsc::channel::<()>();
        let begun = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&begun);
        let first = tokio::spawn(join("hangs.test", move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            may_go.recv().map_err(io::Error::other)?;
            Ok(vec![SocketAddr::from(([127, 0, 0, 1], 1))])
        }));
        while begun.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        // Nobody waits any more, and yet the thread is not free.
        first.abort();
        let count = Arc::clone(&begun);
        let second = tokio::spawn(join("hangs.test", move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            Ok(vec![])
        }));
        let other = join("other.test", |_| Err(io::Error::other("there is none"))).await;
        assert!(other.is_err(), "a name that hangs holds up no other");
        go.send(()).expect("a lookup");
        let found = second.await.expect("a task").expect("an address");
        assert_eq!((begun.load(Ordering::SeqCst), found.len()), (1, 1), "threads that look it up, and addresses");
        let again = join("hangs.test", |_| Ok(vec![])).await.expect("an answer");
        assert!(again.is_empty(), "what was found is not kept");
    }
}
